"""How it is learned: batches, the pure step, the loop and its checkpoints."""
