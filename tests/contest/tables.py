"""Tables on which the answer is known."""

import numpy as np
import polars as pl


def shuffled(seed, n=600, n_rare=60, d=4):
    """Rare rows are drawn from the same distribution as the others: nothing can help."""
    rng = np.random.default_rng([8, seed])
    rare = rng.permutation(np.arange(n) < n_rare).astype(np.int8)
    return named(rng.normal(size=(n, d))).with_columns(Class=pl.Series(rare))


def on_a_line(seed, n=10_000, n_rare=1_000, noise=0.03):
    """Rare rows lie near a line through a cube that is full of others.

    Of 20 of them a classifier by neighbours sees points, and SMOTE draws the line.
    """
    rng = np.random.default_rng([7, seed])
    rare = np.arange(n + n_rare) < n_rare
    rows = rng.uniform(-1, 1, size=(n + n_rare, 3))
    along = rng.uniform(-0.8, 0.8, n_rare)[:, None] * np.array([1, -1, 1])
    rows[rare] = along + noise * rng.normal(size=(n_rare, 3))
    return named(rows).with_columns(Class=pl.Series(rare.astype(np.int8)))


def tight_in_some(seed, n=5_000, n_rare=200, d=60, n_tight=5):
    """Rare rows lie close together in a few columns, and far out either way in the others.

    Others are standard normal. A line that tells 20 rare rows apart leans on their chance places in
    the wide columns. SMOTE stays between them, and so changes no line; rows that reach as far as
    the rare ones do, and are as tight where they are, turn it to the columns that tell.
    """
    rng = np.random.default_rng([6, seed])
    rare = rng.permutation(np.arange(n + n_rare) < n_rare)
    tight = np.arange(d) < n_tight
    rows = rng.normal(size=(n + n_rare, d))
    rows[rare] = rows[rare] * np.where(tight, 0.3, 2.0) + 1.3 * tight
    return named(rows).with_columns(Class=pl.Series(rare.astype(np.int8)))


def apart(seed=0, n=400, n_rare=60, d=4, shift=1.5):
    """Two normal distributions, some way apart."""
    rng = np.random.default_rng([9, seed])
    rare = rng.permutation(np.arange(n) < n_rare)
    return named(rng.normal(size=(n, d)) + shift * rare[:, None]).with_columns(
        Class=pl.Series(rare.astype(np.int8))
    )


def named(rows):
    return pl.DataFrame(rows, schema=[f"x{i}" for i in range(rows.shape[1])])
