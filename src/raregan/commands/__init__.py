"""The verbs of the command line: each is one library call, and print."""
