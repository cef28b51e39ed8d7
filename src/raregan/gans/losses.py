"""Adversarial losses, one function a side, on logits; each names its source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax

if TYPE_CHECKING:
    from jax import Array


def bce_discriminator_loss(real_scores: Array, fake_scores: Array) -> Array:
    """Binary cross-entropy with real = 1 and fake = 0 (Goodfellow et al. 2014, eq. 1).

    Parameters
    ----------
    real_scores, fake_scores : (B,) float32
        Logits; ``-log(sigmoid(s))`` is ``softplus(-s)``, finite for every finite score.

    Returns
    -------
    () float32
        The mean over real rows plus the mean over fake rows; 2 ln 2 = 1.386 when the
        discriminator knows nothing.
    """
    return jax.nn.softplus(-real_scores).mean() + jax.nn.softplus(fake_scores).mean()


def bce_generator_loss(fake_scores: Array) -> Array:
    """Non-saturating loss: the fakes should be called real (Goodfellow et al. 2014, section 3).

    Parameters
    ----------
    fake_scores : (B,) float32
        Logits.

    Returns
    -------
    () float32
        Mean of ``-log(sigmoid(s))``; ln 2 = 0.693 when the discriminator knows nothing.
    """
    return jax.nn.softplus(-fake_scores).mean()
