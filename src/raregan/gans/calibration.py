"""The shares of categories and missing cells that a trained generator draws, set right.

A few hundred rows do not teach a generator exact shares, and one that collapses draws some
categories never. What a head chooses depends on its biases: they are moved until the shares over
random latent vectors are those of the training rows. Which rows get a category still follows from
everything that the generator learned, as the order of the rows by their logits is kept.

For one yes or no the bias is a quantile of the logits. For one of many categories there is, where
logits vary, exactly one shift of the biases with given shares: the categories' cells are those of a
semi-discrete optimal transport (Aurenhammer, Hoffmann and Aronov 1998), found here by ascent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from raregan.gans.correlations import fit_correlations
from raregan.gans.margins import fit_margins

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from raregan.encoding.layout import Layout
    from raregan.gans.frozen import Frozen

    Float32 = NDArray[np.float32]
    Float64 = NDArray[np.float64]

CALIBRATION_ROWS = 16_384
"""Latent vectors drawn: a share of 50 % is then known to 0.4 points."""

MARGIN_ROWS = 4_096
"""Of them, those that curves and correlations of numbers are fitted to: more than rare rows are."""

ROUNDS = 200
"""Of the ascent; each is one argmax over all rows."""

UNUSUAL = 10.0
"""Times the size of most rows' largest logit: beyond it a row is left out of calibration."""

NEVER = 1e6
"""Beyond any logit."""

UNSEEN = 0.5
"""Rows that a category counts for which no training row has."""


def calibrate(
    generator: Frozen,
    rows: Float32,
    *,
    seed: int,
    n: int = CALIBRATION_ROWS,
    margins: bool = False,
    values: Float64 | None = None,
    shrink: bool = False,
    only_seen: bool = False,
) -> Frozen:
    """Return the generator with the biases of its heads moved.

    Parameters
    ----------
    generator : Frozen
        As it was trained.
    rows : (n, D) float32
        Encoded training rows.
    seed : int
        Fixes the latent vectors.
    n : int
        How many latent vectors.
    margins : bool
        Whether numbers are set right too; see :mod:`raregan.gans.correlations` and
        :mod:`raregan.gans.margins`.
    values : (n, D) float64, optional
        The training rows with numbers as the table has them, for `margins`.
    shrink : bool
        As of :func:`raregan.gans.correlations.fit_correlations`.
    only_seen : bool
        Whether a category that no training row has is never drawn.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0, 0)))
    latent = rng.standard_normal((n, generator.latent_dim), dtype=np.float32)
    logits = generator.logits(latent)
    usual = _is_usual(logits)
    latent, logits = latent[usual], logits[usual]
    if not generator.layout.is_linear:
        generator = generator.shifted(_head_shift(generator.layout, rows, logits, only_seen))
    if not margins:
        return generator
    latent = latent[:MARGIN_ROWS]
    correlated = fit_correlations(generator, rows, latent, values, shrink=shrink)
    return fit_margins(correlated, rows, latent)


def _is_usual(logits: Float32) -> NDArray[np.bool_]:
    """Say of (n, D) logits whether a row is of the size of the others.

    A field that learned from thousands of rows may carry one start in a thousand far away. Such
    rows come out at the end of the range; means and covariances would be of them alone.
    """
    size = np.abs(logits).max(axis=1)
    usual: NDArray[np.bool_] = size <= UNUSUAL * np.median(size)
    return usual


def _head_shift(layout: Layout, rows: Float32, logits: Float32, only_seen: bool) -> Float64:
    """Return (D,) to add to the logits: 0 where they are plain numbers."""
    exact = logits.astype(np.float64)
    gates, shift = layout.gate_matrix(), np.zeros(layout.width)
    hard = np.zeros((len(logits), layout.width), np.float32)
    for span in layout.spans:
        if span.activation == "linear":
            continue
        part = span.slice
        gating = gates[:, span.start]
        drawn, real = (matrix @ gating == 0 for matrix in (hard, rows))
        shift[part] = _shift(exact[drawn, part], rows[real, part], span.activation)
        if only_seen:
            shift[part][~rows[real, part].any(axis=0)] = -NEVER
        moved = exact[:, part] + shift[part]
        chosen = moved > 0
        if span.activation == "softmax":
            chosen = np.arange(span.width) == moved.argmax(axis=1)[:, None]
        hard[:, part] = chosen & drawn[:, None]
    return shift


def _shift(logits: Float64, real: Float32, activation: str) -> Float64:
    """Return (W,) to add to the biases, for (m, W) logits and (n, W) real 0s and 1s."""
    if not len(logits) or not len(real):
        return np.zeros(real.shape[1])
    if activation == "sigmoid":
        shares = real.mean(axis=0, dtype=np.float64)
        pairs = zip(logits.T, shares, strict=True)
        return np.array([_threshold(column, share) for column, share in pairs])
    counts = np.maximum(real.sum(axis=0, dtype=np.float64), UNSEEN)
    return _transport(logits, counts / counts.sum())


def _threshold(logits: Float64, share: float) -> float:
    """Return the shift with which this share of the logits is above 0."""
    ordered = np.sort(logits)
    n_above = round(share * len(ordered))
    low = ordered[-n_above - 1] if n_above < len(ordered) else ordered[0] - 1
    high = ordered[-n_above] if n_above else ordered[-1] + 1
    return float(-(low + high) / 2)


def _transport(logits: Float64, shares: Float64) -> Float64:
    """Return the shift with which each category is the largest in its share of the rows."""
    scale = float(np.abs(logits - logits.mean(axis=0)).mean()) + 1e-6
    shift, best, error = -logits.mean(axis=0), np.zeros(len(shares)), np.inf
    for step in np.geomspace(2 * scale, scale / 100, ROUNDS):
        chosen = (logits + shift).argmax(axis=1)
        drawn = np.bincount(chosen, minlength=len(shares)) / len(logits)
        if (now := float(np.abs(drawn - shares).sum())) < error:
            best, error = shift.copy(), now
        shift += step * (shares - drawn) / np.maximum(shares, drawn)
    return best
