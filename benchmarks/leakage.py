"""What oversampling before the split does to a score: one table from one run.

    python benchmarks/leakage.py --figure docs/leakage.png     some 10 minutes on 2 cores

Two tables: the embedded simulated one, and, where `RAREGAN_DATA` names a folder that holds it,
``creditcard`` without its column Time and without its copies. Rare rows are oversampled to `RATIO`
rare rows per other row. "Split first" makes copies or synthetic rows of the training part's rare
rows alone; "split last" makes them of the whole table and splits the result, so that copies of a
row, or rows drawn between it and its neighbours, stand on both sides.

A test part of the second kind also holds more rare rows, and average precision grows with their
share. So positives are weighted to the original share wherever average precision is taken; what is
left of the difference is the leak. "Recall" is the share of rare rows found where 1 % of the others
are flagged. Every figure is a mean over the seeds, and in brackets the range.

The second part needs no oversampling: one in `COPIED` rare rows is recorded twice, and the table is
split by rows, as usual, or by `raregan.data.split.split_rows`.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from imblearn.over_sampling import SMOTE, RandomOverSampler
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from raregan import make_card_fraud
from raregan.data.split import TEST_SHARE, split_rows
from raregan.reporting.figures import BLUE, ORANGE, save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from sklearn.base import ClassifierMixin

RATIO, COPIED, TARGET = 0.1, 5, "Class"
SCORES = ("average precision", "AUC", "recall")
Parts = list[np.ndarray]  # rows to train with, to test with, and their labels in this order
Figures = dict[tuple[str, ...], list[tuple[float, ...]]]


def tables() -> dict[str, pl.DataFrame]:
    found = {"simulated": make_card_fraud()}
    folder = os.environ.get("RAREGAN_DATA")
    if folder and (path := Path(folder) / "creditcard.parquet").exists():
        found["creditcard"] = pl.read_parquet(path).drop("Time").unique(maintain_order=True)
    return found


def classifiers(seed: int) -> dict:
    return {
        "boosted trees": HistGradientBoostingClassifier(random_state=seed),
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000)),
    }


def oversampler(name: str, seed: int) -> RandomOverSampler | SMOTE:
    kind = {"random copies": RandomOverSampler, "SMOTE": SMOTE}[name]
    return kind(sampling_strategy=RATIO, random_state=seed)


def split(rows: np.ndarray, labels: np.ndarray, seed: int) -> Parts:
    return train_test_split(rows, labels, test_size=TEST_SHARE, stratify=labels, random_state=seed)


def arrays(frame: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return frame.drop(TARGET).to_numpy(), frame[TARGET].to_numpy()


def score(model: ClassifierMixin, parts: Parts, share: float) -> tuple[float, ...]:
    train, test, train_labels, labels = parts
    scores = model.fit(train, train_labels).predict_proba(test)[:, 1]
    others, rare = (labels == 0).sum(), (labels == 1).sum()
    weight = np.where(labels == 1, share / (1 - share) * others / rare, 1.0)
    fpr, recall, _ = roc_curve(labels, scores)
    return (
        average_precision_score(labels, scores, sample_weight=weight),
        roc_auc_score(labels, scores),
        recall[np.searchsorted(fpr, 0.01, side="right") - 1],
    )


def orders(name: str, frame: pl.DataFrame, seed: int, figures: Figures) -> None:
    """Score both orders of oversampling and splitting, and no oversampling."""
    rows, labels = arrays(frame)
    train, test, train_labels, test_labels = split(rows, labels, seed)
    parts = {("none", "split first"): [train, test, train_labels, test_labels]}
    for method in ("random copies", "SMOTE"):
        more, more_labels = oversampler(method, seed).fit_resample(train, train_labels)
        parts[method, "split first"] = [more, test, more_labels, test_labels]
        whole = oversampler(method, seed).fit_resample(rows, labels)
        parts[method, "split last"] = split(*whole, seed)
    for (method, order), these in parts.items():
        for model, fitted in classifiers(seed).items():
            figures[name, model, method, order].append(score(fitted, these, labels.mean()))


def copies(name: str, frame: pl.DataFrame, seed: int, figures: Figures) -> None:
    """Score a table with rows that are there twice, with copies on both sides and on one."""
    rare = frame.filter(pl.col(TARGET) == 1)
    twice = rare.sample(fraction=1 / COPIED, seed=seed)
    frame = pl.concat([frame, twice])
    rows, labels = arrays(frame)
    test = split_rows(frame, target=TARGET, random_state=seed)
    parts = {
        "split by rows": split(rows, labels, seed),
        "copies on one side": [rows[~test], rows[test], labels[~test], labels[test]],
    }
    for order, these in parts.items():
        for model, fitted in classifiers(seed).items():
            method = f"1 in {COPIED} rare rows twice"
            figures[name, model, method, order].append(score(fitted, these, labels.mean()))


def show(figures: Figures) -> None:
    print(f"| table | classifier | rare rows | order | {' | '.join(SCORES)} |")
    print("|---" * (4 + len(SCORES)) + "|")
    for key, runs in sorted(figures.items(), key=lambda item: item[0][:2], reverse=True):
        columns = zip(*runs, strict=True)
        cells = [f"{np.mean(v):.3f} ({min(v):.2f} to {max(v):.2f})" for v in columns]
        print(f"| {' | '.join([*key, *cells])} |")


def draw(figures: Figures) -> Figure:
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(key[0] for key in figures))
    models = list(dict.fromkeys(key[1] for key in figures))
    methods = ("none", "random copies", "SMOTE")
    figure = Figure(figsize=(4.6 * len(names) + 1, 6.6), layout="constrained")
    panels = figure.subplots(len(models), len(names), sharey=True, squeeze=False)
    for (row, column), panel in np.ndenumerate(panels):
        name, model = names[column], models[row]
        for order, colour, shift in (("split first", BLUE, -0.2), ("split last", ORANGE, 0.2)):
            for place, method in enumerate(methods):
                runs = figures.get((name, model, method, order))
                if not runs:
                    continue
                at = place + (shift if method != "none" else 0)
                values = [run[0] for run in runs]
                mean = np.mean(values)
                panel.bar(at, mean, 0.36, color=colour, label=order if place == 1 else None)
                panel.plot([at, at], [min(values), max(values)], color="black", linewidth=1)
                panel.text(at, max(values) + 0.015, f"{mean:.2f}", ha="center", fontsize=9)
        panel.set_xticks(range(len(methods)), ("no oversampling", *methods[1:]))
        panel.set_title(f"{name}: {model}", fontsize=10.5)
        panel.set(ylim=(0, 1.12), yticks=np.arange(0, 1.01, 0.25))
        panel.grid(axis="y", alpha=0.25, linewidth=0.5)
        panel.set_axisbelow(True)
    for panel in panels[:, 0]:
        panel.set_ylabel("average precision")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    n_seeds = len(next(iter(figures.values())))
    figure.suptitle(
        "Oversampling before the split: the score that comes out\n"
        f"mean of {n_seeds} splits, lines their range; average precision at the original share",
        fontsize=11,
    )
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--figure", type=Path, help="where to draw the first part, as PNG")
    options = parser.parse_args()
    first: Figures = defaultdict(list)
    second: Figures = defaultdict(list)
    for name, frame in tables().items():
        for seed in range(options.seeds):
            orders(name, frame, seed, first)
            copies(name, frame, seed, second)
    show(first)
    print()
    show(second)
    if options.figure:
        save_figure(draw(first), options.figure)


if __name__ == "__main__":
    main()
