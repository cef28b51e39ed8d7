"""A table comes in: where it is read, what its columns are, and the simulated one."""
