"""What a generator's last numbers become, span by span: all it takes is the Layout.

In training a head is straight-through (Bengio, Leonard and Courville 2013, section 4; for
categories Jang, Gu and Poole 2017, section 2.2, without their Gumbel noise): the discriminator sees
the same 0s and 1s as in real rows and cannot tell fakes by their softness, and the gradient is that
of the softmax or sigmoid. Which category a row gets is decided by its latent vector alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from raregan.encoding.layout import Layout


def harden(rows: NDArray[np.float32], layout: Layout) -> NDArray[np.float32]:
    """Turn logits into 0s and 1s, in place, as :class:`raregan.gans.networks.Heads` does.

    Parts that hold nothing, as their cell is missing, keep what they have: no decoding reads them.

    Parameters
    ----------
    rows : (n, D) float32
        What the last linear layer made.
    layout : Layout
        What its spans are.
    """
    for span in layout.spans:
        part = rows[:, span.slice]
        if span.activation == "sigmoid":
            part[:] = part > 0
        elif span.activation == "softmax":
            chosen = part.argmax(axis=1)
            part[:] = 0
            part[np.arange(len(part)), chosen] = 1
    return rows


def softmax_places(layout: Layout) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Return where the numbers of each softmax span stand, as one table for a single gather.

    Returns
    -------
    places : (S, W) int32
        Row s holds the places of span s in an encoded row, filled up to the widest with its first.
    real : (S, W) bool
        False where a place is only filling.
    """
    spans = [span for span in layout.spans if span.activation == "softmax"]
    widest = max((span.width for span in spans), default=0)
    offsets = np.arange(widest)
    starts = np.array([[span.start] for span in spans], np.int32).reshape(-1, 1)
    widths = np.array([[span.width] for span in spans], np.int32).reshape(-1, 1)
    real = offsets < widths
    return np.where(real, starts + offsets, starts).astype(np.int32), real


def is_binary(layout: Layout) -> NDArray[np.bool_]:
    """Return (D,): whether a number of an encoded row is a yes or no of its own."""
    return _ends_with(layout, "sigmoid")


def is_discrete(layout: Layout) -> NDArray[np.bool_]:
    """Return (D,): whether a number of an encoded row is a 0 or 1."""
    return _ends_with(layout, "sigmoid", "softmax")


def gated(rows: NDArray[np.float32], layout: Layout) -> NDArray[np.bool_]:
    """Return (n, D): which numbers of encoded rows hold nothing, as a 1 elsewhere says."""
    said: NDArray[np.bool_] = (rows * is_discrete(layout)) @ layout.gate_matrix() > 0
    return said


def _ends_with(layout: Layout, *activations: str) -> NDArray[np.bool_]:
    flags = [np.full(span.width, span.activation in activations) for span in layout.spans]
    return np.concatenate(flags) if flags else np.zeros(0, np.bool_)
