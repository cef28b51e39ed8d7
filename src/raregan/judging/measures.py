"""The words of each figure: what it is called, what it shows and what it does not, who wrote it up.

The order of `MEASURES` is the order in which figures are shown.
"""

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple

Group = Literal["fidelity", "privacy", "utility"]
Direction = Literal["higher", "lower", "target", "baseline"]

GROUPS: Mapping[Group, str] = {
    "fidelity": "Fidelity: do synthetic rows look like real ones?",
    "privacy": "Privacy: do they give away who was learned from?",
    "utility": "Utility: do they teach what real rows teach?",
}

GROSS = 0.25
"""A difference from real rows that no reader should miss: for an AUC, 0.75 in place of 0.5, where
three of four rows are told right. Where chance could hide as much, there are too few rows to tell:
an AUC of 0.5 has a standard error of sqrt((m + n + 1) / (12 m n)) (Hanley and McNeil, "The meaning
and use of the area under a receiver operating characteristic (ROC) curve", Radiology 143, 1982), so
15 rows against 15 leave 0.2 open on either side, out of fold 0.3."""

GROSS_SHARE = 0.1
"""The same of a share of rows that are given away: one of ten. Measured on fresh
rows of the simulator as synthetic ones: with 123 held-out rows chance could hide it in 1 of 100
such figures, with 60 in 7, with 250 in none."""

ALARM = "that nothing was copied: it is an alarm, and no guarantee"
_LEAKS_ELSEWHERE = "that rows are safe: other attacks may succeed where this one fails"


class Wording(NamedTuple):
    """The words of one figure.

    Attributes
    ----------
    group
        Where it is shown.
    label
        What it is called.
    definition
        What is computed.
    shows, shows_not
        What follows "It shows" and "it does not show".
    source
        Where it was published.
    direction
        Which values are good: higher or lower ones, those close to `best` (``"target"``), or those
        of the baseline, smaller ones being the bad ones (``"baseline"``).
    best, worst
        The value of a perfect generator and the one furthest from it; None where there is none: as
        good as the baseline, or without bound.
    spec
        How a value is formatted.
    gross
        The difference from the baseline that no reader should miss; see `gross_beside`.
    """

    group: Group
    label: str
    definition: str
    shows: str
    shows_not: str
    source: str
    direction: Direction
    best: float | None
    worst: float | None
    spec: str = ".3f"
    gross: float = GROSS

    @property
    def is_good_high(self) -> bool:
        """Whether values below the baseline are the bad ones."""
        return self.direction in ("higher", "baseline")

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the largest possible value."""
        if self.best is None or self.worst is None:
            return (-math.inf if self.spec == ".4f" else 0.0), math.inf
        ends = self.best, self.worst
        return (0.0 if self.best > 0 else min(ends)), max(ends)

    def gross_beside(self, baseline: float) -> float:
        """Return the difference from a baseline that is gross: 0 where none is.

        A figure that is bad at 0 cannot fall by more than its baseline, so half of that is gross
        even where it is less than `gross`; of a figure without a best value half is all that can be
        said. What can grow without bound has no gross difference.
        """
        if self.worst is None:
            return 0.0
        if self.worst == 0:
            return baseline / 2 if self.best is None else min(self.gross, baseline / 2)
        return self.gross


def _found_at_one_percent(attacker: str, by: str) -> Wording:
    """Return the words of what an attacker finds who is rarely wrong."""
    return Wording(
        "privacy",
        f"members found by {attacker}, 1 % false alarms",
        f"Share of members that the attacker by {by} finds while taking 1 % of non-members for "
        "members.",
        "above what guessing finds, that some members are given away for sure",
        "much with few held-out rows, as it hangs on one or two of them: guessing then finds more "
        "than 1 % too, and with fewer than 300 the interval is too narrow",
        "Carlini et al. 2022",
        "lower",
        0.01,
        1.0,
        ".1%",
        GROSS_SHARE,
    )


MEASURES: Mapping[str, Wording] = {
    "column_shape": Wording(
        "fidelity",
        "shape of columns",
        "1 less the Kolmogorov-Smirnov statistic of numbers, the total variation distance of "
        "categories; mean over columns.",
        "whether each column by itself is distributed as the real one",
        "how columns go together",
        "Massey 1951 (KS); as KSComplement and TVComplement in SDMetrics",
        "higher",
        1.0,
        0.0,
    ),
    "wasserstein": Wording(
        "fidelity",
        "Wasserstein distance of columns",
        "How far numbers must be moved to become the real ones, in spreads of the column (its "
        "interquartile range over 1.349); mean over columns of numbers.",
        "how far off numbers are, far-out ones included",
        "which part of a column is off",
        "Kantorovich 1942; Ramdas et al. 2017",
        "lower",
        0.0,
        None,
    ),
    "range_coverage": Wording(
        "fidelity",
        "range covered",
        "Part of the real range that synthetic numbers reach; mean over columns of numbers.",
        "whether extremes are reached",
        "whether the range in between is filled, or overstepped",
        "as RangeCoverage in SDMetrics",
        "higher",
        1.0,
        0.0,
    ),
    "level_coverage": Wording(
        "fidelity",
        "levels covered",
        "Share of the real levels that synthetic rows have; mean over categories.",
        "whether rare levels are made at all",
        "how often they are made",
        "as CategoryCoverage in SDMetrics",
        "higher",
        1.0,
        0.0,
    ),
    "missing_difference": Wording(
        "fidelity",
        "missing difference",
        "Largest difference of the shares of missing cells of any column.",
        "whether cells are missing as often as in real rows",
        "whether they are missing in the right rows",
        "1 less MissingValueSimilarity of SDMetrics, at the worst column",
        "lower",
        0.0,
        1.0,
    ),
    "pearson_difference": Wording(
        "fidelity",
        "correlation difference (Pearson)",
        "Mean absolute difference of Pearson's correlation over pairs of numbers.",
        "whether numbers rise and fall together as in real rows",
        "dependence that is no straight line",
        "Pearson 1895",
        "lower",
        0.0,
        2.0,
    ),
    "spearman_difference": Wording(
        "fidelity",
        "correlation difference (Spearman)",
        "Mean absolute difference of Spearman's rank correlation over pairs of numbers.",
        "whether numbers rise and fall together as in real rows, whatever their tails",
        "dependence that rises and falls",
        "Spearman 1904",
        "lower",
        0.0,
        2.0,
    ),
    "ratio_difference": Wording(
        "fidelity",
        "correlation ratio difference",
        "Mean absolute difference of the correlation ratio over pairs of a number and a category "
        "(with two levels: of the point-biserial correlation).",
        "whether levels go with high or low numbers as in real rows",
        "levels that change only the spread of a number",
        "Kelley 1935",
        "lower",
        0.0,
        2.0,
    ),
    "cramers_difference": Wording(
        "fidelity",
        "Cramér's V difference",
        "Mean absolute difference of Cramér's V, corrected for chance, over pairs of categories.",
        "whether levels occur together as in real rows",
        "which levels do",
        "Cramér 1946; Bergsma 2013",
        "lower",
        0.0,
        2.0,
    ),
    "c2st_forest": Wording(
        "fidelity",
        "told apart by a forest (AUC)",
        "A random forest learns to tell synthetic from real rows, and is scored on rows that it "
        "did not learn from: 0.5 is guessing, 1.0 is always right.",
        "any difference that a forest can find, of several columns together too",
        "why; nor is below 0.5 a merit: against rows that were learned from, copying is rewarded",
        "Lopez-Paz and Oquab 2017",
        "target",
        0.5,
        1.0,
    ),
    "c2st_linear": Wording(
        "fidelity",
        "told apart by a linear model (AUC)",
        "Logistic regression of numbers, their squares and levels learns to tell synthetic from "
        "real rows, and is scored on rows that it did not learn from: 0.5 is guessing.",
        "which columns give synthetic rows away",
        "what is wrong in pairs of columns",
        "Lopez-Paz and Oquab 2017",
        "target",
        0.5,
        1.0,
    ),
    "mmd": Wording(
        "fidelity",
        "maximum mean discrepancy",
        "Unbiased squared discrepancy with a Gaussian kernel as wide as the median distance.",
        "how far apart two clouds of rows are as wholes: about 0 for the same, of either sign",
        "small groups of odd rows",
        "Gretton et al. 2012",
        "lower",
        0.0,
        None,
        ".4f",
    ),
    "precision": Wording(
        "fidelity",
        "precision",
        "Share of synthetic rows within reach of a real row (its fifth neighbour).",
        "whether synthetic rows are where real rows are",
        "whether they are everywhere where real rows are",
        "Kynkäänniemi et al. 2019",
        "higher",
        1.0,
        0.0,
    ),
    "recall": Wording(
        "fidelity",
        "recall",
        "Share of real rows within reach of a synthetic row (its fifth neighbour).",
        "whether all kinds of real rows are made",
        "whether they are made as often, and it flatters synthetic rows that are far apart",
        "Kynkäänniemi et al. 2019",
        "higher",
        1.0,
        0.0,
    ),
    "density": Wording(
        "fidelity",
        "density",
        "In how many real rows' reach a synthetic row is, over 5; mean.",
        "whether synthetic rows are where real rows are dense: about 1 for real rows",
        "a merit where it is higher than real rows reach: rows then crowd in the middle",
        "Naeem et al. 2020",
        "higher",
        None,
        0.0,
    ),
    "coverage": Wording(
        "fidelity",
        "coverage",
        "Share of real rows that have a synthetic row within their own reach.",
        "whether all kinds of real rows are made, steadier than recall",
        "whether they are made as often",
        "Naeem et al. 2020",
        "higher",
        1.0,
        0.0,
    ),
    "exact_copies": Wording(
        "privacy",
        "exact copies",
        "Synthetic rows that equal a real row in every column.",
        "rows that were handed out as they are",
        "a leak by itself where columns have few levels: `raregan split` holds no copies out, so "
        "even fresh rows would alarm",
        "1 less NewRowSynthesis of SDMetrics, without its tolerance",
        "lower",
        0.0,
        1.0,
        ".2%",
        GROSS_SHARE,
    ),
    "near_copies": Wording(
        "privacy",
        "near copies",
        "Synthetic rows nearer to a real row than 5 % of the held-out rows are.",
        "rows that are closer to a real row than real rows are to each other",
        ALARM,
        "Zhao et al. 2021 (dcr)",
        "lower",
        None,
        1.0,
        ".2%",
        GROSS_SHARE,
    ),
    "dcr": Wording(
        "privacy",
        "distance to the closest record",
        "Median distance of synthetic rows to the nearest real row.",
        "that synthetic rows crowd around real ones, where it is smaller than for held-out rows",
        ALARM,
        "Zhao et al. 2021 (dcr); Ganev and De Cristofaro 2023 on its limits",
        "baseline",
        None,
        0.0,
    ),
    "nndr": Wording(
        "privacy",
        "nearest over second nearest distance",
        "Median ratio of the distances to the nearest and the second nearest real row.",
        "that rows cling to one real row each, where it is smaller than for held-out rows",
        ALARM,
        "Lowe 2004; Zhao et al. 2021",
        "baseline",
        None,
        0.0,
    ),
    "closer": Wording(
        "privacy",
        "closer to a learned row",
        "Share of synthetic rows nearer to a real row than to a held-out one, of as many each.",
        "above a half, that rows lie closer to what was learned from than chance explains",
        ALARM,
        "Platzer and Reutterer 2021",
        "lower",
        0.5,
        1.0,
    ),
    "membership_nearest": Wording(
        "privacy",
        "membership inference, nearest (AUC)",
        "An attacker takes rows for members where a synthetic row is near; members are real rows, "
        "non-members held-out rows. 0.5 is guessing.",
        "above 0.5, that whoever has a row can tell better than by guessing if it was learned from",
        _LEAKS_ELSEWHERE,
        "Chen et al. 2020",
        "lower",
        0.5,
        1.0,
    ),
    "membership_nearest_tpr": _found_at_one_percent("nearest", "nearest rows"),
    "membership_ratio": Wording(
        "privacy",
        "membership inference, density ratio (AUC)",
        "An attacker takes rows for members where synthetic rows are denser than other real rows; "
        "members are real rows, non-members held-out rows. 0.5 is guessing.",
        "above 0.5, that whoever has a row and knows others can tell if it was learned from",
        _LEAKS_ELSEWHERE,
        "van Breugel et al. 2023 (DOMIAS)",
        "lower",
        0.5,
        1.0,
    ),
    "membership_ratio_tpr": _found_at_one_percent("ratio", "density ratio"),
    "singling_out": Wording(
        "privacy",
        "singling-out risk",
        "How much more often a condition on three cells, made from a synthetic row, holds for "
        "exactly one real row than for exactly one held-out row, as a share of what was left.",
        "above 0, that synthetic rows point at single rows that were learned from",
        _LEAKS_ELSEWHERE,
        "after Giomi et al. 2023",
        "lower",
        0.0,
        1.0,
    ),
    "attribute_inference": Wording(
        "privacy",
        "attribute inference risk",
        "How much more often the nearest synthetic row tells the one unknown cell of a real row "
        "than of a held-out row, as a share of what was left; mean over columns.",
        "above 0, that whoever knows the rest of a row learns a cell from the synthetic rows",
        _LEAKS_ELSEWHERE,
        "after Giomi et al. 2023",
        "lower",
        0.0,
        1.0,
    ),
    "tstr_ap": Wording(
        "utility",
        "detector taught by synthetic rows (AP)",
        "Average precision on held-out rows of a detector that learned the rare class from "
        "synthetic rows; the baseline learned it from as many real ones.",
        "how much of what a detector needs is in the synthetic rows",
        "whether adding them to the real rows helps: measure that with your own detector; and the "
        "value depends on the share of rare rows tested on",
        "Esteban et al. 2017",
        "higher",
        1.0,
        0.0,
    ),
    "tstr_auc": Wording(
        "utility",
        "detector taught by synthetic rows (ROC AUC)",
        "Area under the ROC curve, on held-out rows, of a detector taught by synthetic rows: 0.5 "
        "is guessing; the baseline learned from as many real rare rows.",
        "how much of what a detector needs is in the synthetic rows, however rare the class is",
        "how precise the first alarms are",
        "Esteban et al. 2017",
        "higher",
        1.0,
        0.0,
    ),
}
