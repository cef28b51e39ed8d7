"""Membership inference: whether an attacker can tell from synthetic rows who was learned from.

Members are the real rows that the generator learned from, non-members held-out rows of the same
source, which it never saw. Two attackers score each row; higher should be a member.

- *nearest*: minus the distance to the nearest synthetic row [1]_.
- *ratio*: the logarithm of the density of synthetic rows over that of other real rows, estimated by
  nearest neighbours: log distance to the nearest reference row less that to the nearest synthetic
  one [2]_, [3]_. References are held-out rows that are no targets: half of them, then the other
  half. It weighs how crowded a row's
  place is.

Both know no more than rows. They fail where the generator leaks in other ways: an AUC of 0.5 is no
proof.

References
----------
.. [1] Chen et al., "GAN-Leaks", CCS 2020, section 4.
.. [2] van Breugel et al., "Membership inference attacks against synthetic data through overfitting
   detection" (DOMIAS), AISTATS 2023, equation 3.
.. [3] Wang, Kulkarni and Verdú, "Divergence estimation for multidimensional densities via
   k-nearest-neighbor distances", IEEE Transactions on Information Theory 55, 2009.
"""

import numpy as np

from raregan.judging.columns import Matrix, Vector
from raregan.judging.curves import true_positive_rate
from raregan.judging.intervals import (
    RESAMPLES,
    Estimate,
    Places,
    around,
    auc,
    auc_estimate,
    bootstrap,
    degrees_of_freedom,
    jackknife,
    percentiles,
    share_interval,
)
from raregan.judging.neighbours import distances_between, nearest

_TINY = 1e-9  # distance of a copy, in spreads: its logarithm must exist


def attack_by_distance(
    members: Matrix, others: Matrix, synthetic: Matrix, rng: np.random.Generator
) -> dict[str, Estimate]:
    """Return what the attacker *nearest* reaches.

    Parameters
    ----------
    members, others, synthetic
        Points (n, p), (m, p) and (s, p): n and m at least 2, s at least 1.
    rng
        Draws the bootstrap.
    """
    scores = [-nearest(synthetic, side, 1)[:, 0] for side in (members, others)]
    return {
        "membership_nearest": auc_estimate(*scores),
        "membership_nearest_tpr": _rate(scores[0], scores[1], rng),
    }


def attack_by_ratio(
    members: Matrix, others: Matrix, synthetic: Matrix, rng: np.random.Generator
) -> dict[str, Estimate]:
    """Return what the attacker *ratio* reaches; parameters as of `attack_by_distance`."""
    half_of = [rng.permutation(np.arange(len(side)) % 2) for side in (members, others)]
    to_made = [_logs(nearest(synthetic, side, 1)[:, 0]) for side in (members, others)]
    to_others = [distances_between(side, others) for side in (members, others)]

    def score(kept: tuple[Places, Places]) -> list[tuple[Vector, Vector]]:
        """Return the scores of members and others in either half, of the rows that are kept."""
        scored = []
        for half in (0, 1):
            references = kept[1][half_of[1][kept[1]] != half]
            targets = [rows[of[rows] == half] for rows, of in zip(kept, half_of, strict=True)]
            of_members, of_others = (
                _logs(distances[np.ix_(rows, references)].min(axis=1)) - made[rows]
                for rows, distances, made in zip(targets, to_others, to_made, strict=True)
            )
            scored.append((of_members, of_others))
        return scored

    def mean_auc(*kept: Places) -> Vector:
        return np.array([np.mean([auc(*sides)[0] for sides in score((kept[0], kept[1]))])])

    n, m = len(members), len(others)
    everyone = np.arange(n), np.arange(m)
    value = float(mean_auc(*everyone)[0])
    # The halves are each other's references: a jackknife counts how they hang together.
    error = float(jackknife(mean_auc, n, m, rng)[0])
    of_members, of_others = (np.concatenate(side) for side in zip(*score(everyone), strict=True))
    interval = around(value, error, low=0, high=1, df=degrees_of_freedom(n, m))
    return {
        "membership_ratio": Estimate(
            value, interval if error else share_interval(round(value * m), m)
        ),
        "membership_ratio_tpr": _rate(of_members, of_others, rng),
    }


def guessed_rate(n: int, m: int, rng: np.random.Generator) -> Estimate:
    """Return what a guesser finds of n members at 1 % false alarms, told by m non-members.

    Scores that know nothing are in any order with the same probability, so that their rate depends
    on n and m alone: it is drawn, `RESAMPLES` times. With few non-members it is above 1 %, and
    varies, as it hangs on the first of them.
    """
    scores = rng.random((RESAMPLES, n + m))
    rates = [true_positive_rate(row[:n], row[n:]) for row in scores]
    return Estimate(float(np.mean(rates)), percentiles(rates))


def _rate(members: Vector, others: Vector, rng: np.random.Generator) -> Estimate:
    value = true_positive_rate(members, others)
    return Estimate(value, bootstrap(true_positive_rate, members, others, rng))


def _logs(distances: Vector) -> Vector:
    logs: Vector = np.log(distances + _TINY)
    return logs
