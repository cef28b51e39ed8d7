"""raregan learns the rare class of an imbalanced table with GANs and samples new rows of it."""

__version__ = "0.1.0"
