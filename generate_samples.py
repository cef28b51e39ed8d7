"""Quick start: write synthetic rows. All options of `raregan sample` work here."""

import sys

from raregan.cli import main

if __name__ == "__main__":
    sys.exit(main(["sample", *sys.argv[1:]], script="python generate_samples.py"))
