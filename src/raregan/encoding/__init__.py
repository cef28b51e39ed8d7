"""A table becomes a float32 matrix, and a matrix becomes a table again."""
