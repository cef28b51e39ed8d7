"""The reference GAN told of classes (Mirza & Osindero 2014): it learns every class of the table.

The generator is told which class to make, the discriminator which one it looks at, and a batch
holds as many rows of each. What the classes have in common is learned from all of them.
"""

from __future__ import annotations

from raregan.gans.variants import gan

VARIANT = gan.VARIANT._replace(
    name="cgan",
    summary="the reference GAN, told of classes: learns from all, and makes rows of any",
    learns_classes=True,
)
