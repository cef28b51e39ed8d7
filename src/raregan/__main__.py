"""`python -m raregan` is the command line."""

import sys

from raregan.cli import main

if __name__ == "__main__":
    sys.exit(main())
