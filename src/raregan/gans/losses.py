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


def wasserstein_discriminator_loss(real_scores: Array, fake_scores: Array) -> Array:
    """Negative estimate of the Wasserstein distance (Arjovsky et al. 2017, algorithm 1).

    Parameters
    ----------
    real_scores, fake_scores : (B,) float32
        The critic's scores; no probabilities.

    Returns
    -------
    () float32
        Mean over fake rows minus mean over real rows.
    """
    return fake_scores.mean() - real_scores.mean()


def wasserstein_generator_loss(fake_scores: Array) -> Array:
    """Fall as the fakes score higher (Arjovsky et al. 2017, algorithm 1).

    Parameters
    ----------
    fake_scores : (B,) float32
        The critic's scores.

    Returns
    -------
    () float32
        Their mean, negative.
    """
    return -fake_scores.mean()


def relativistic_discriminator_loss(real_scores: Array, fake_scores: Array) -> Array:
    """Ask that a real row score higher than the fake it is paired with (Jolicoeur-Martineau 2019).

    The pairing loss of R3GAN (Huang et al. 2024, eq. 2): it looks at differences within pairs,
    so that no real row can be forgotten, as in a collapse.

    Parameters
    ----------
    real_scores, fake_scores : (B,) float32
        Logits, paired by their place.

    Returns
    -------
    () float32
        Mean of ``softplus(fake - real)``; ln 2 when the discriminator knows nothing.
    """
    return jax.nn.softplus(fake_scores - real_scores).mean()


def relativistic_generator_loss(real_scores: Array, fake_scores: Array) -> Array:
    """Ask that a fake score higher than the real row it is paired with: the mirror image.

    Parameters
    ----------
    real_scores, fake_scores : (B,) float32
        Logits, paired by their place.

    Returns
    -------
    () float32
        Mean of ``softplus(real - fake)``.
    """
    return relativistic_discriminator_loss(fake_scores, real_scores)
