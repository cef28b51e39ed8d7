"""Quick start: train a flow, or with `--variant gan` the reference GAN.

All options of `raregan train` work here.
"""

import sys

from raregan.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]], script="python train_gan.py"))
