import numpy as np
import polars as pl
import pytest
from scipy.stats import ks_2samp

from raregan.contest.contestants import CONTESTANTS
from raregan.contest.samplers import (
    UnsuitedError,
    adasyn,
    borderline_smote,
    copies,
    copula,
    learn_variant,
    smote,
)
from raregan.data.kinds import infer_columns

RNG = np.random.default_rng(0)


def numbers(n, shift=0.0):
    rows = RNG.normal(size=(n, 3)) + shift
    frame = pl.DataFrame(rows, schema=["a", "b", "c"])
    return frame.with_columns(n=pl.Series(RNG.poisson(3, n).astype(float)))


RARE, OTHERS = numbers(40, 1.0), numbers(300)
MIXED, MIXED_OTHERS = (
    frame.with_columns(
        kind=pl.Series(RNG.choice(["x", "y", "z"], frame.height)),
        a=pl.when(pl.col("b") > 1).then(None).otherwise(pl.col("a")),
    )
    for frame in (RARE, OTHERS)
)
DRAWS = [one for one in CONTESTANTS.values() if one.draw is not None]


@pytest.mark.parametrize("one", DRAWS, ids=lambda one: one.name)
def test_every_sampler_gives_rows_like_the_rare_ones(one):
    made = one.draw(RARE, OTHERS, 200, 0)
    assert 150 <= made.height <= 200  # ADASYN rounds row by row
    assert made.schema == RARE.schema
    assert (made["n"] == made["n"].round()).all()
    assert made.null_count().sum_horizontal().item() == 0
    assert made.equals(one.draw(RARE, OTHERS, 200, 0))
    assert not made.equals(one.draw(RARE, OTHERS, 200, 1))
    assert abs(made["a"].mean() - RARE["a"].mean()) < 0.6


@pytest.mark.parametrize("draw", [copies, smote, copula])
def test_mixed_columns_and_gaps(draw):
    made = draw(MIXED, MIXED_OTHERS, 100, 0)
    assert made.height == 100
    assert made.schema == MIXED.schema
    assert set(made["kind"]) <= {"x", "y", "z"}
    assert (made["a"].null_count() > 0) == (draw is not smote)


def test_the_first_rows_are_a_fair_draw_too():
    made = adasyn(RARE, OTHERS, 400, 0)
    assert ks_2samp(made["a"].head(100), made["a"].tail(100)).pvalue > 0.01


def test_copies_are_taken_evenly():
    counts = copies(RARE, OTHERS, 100, 0).group_by("a").len()["len"]
    assert (len(counts), counts.min(), counts.max()) == (40, 2, 3)


def test_smote_draws_between_neighbours():
    two = RARE.head(2)
    made = smote(two, OTHERS, 50, 0).drop("n").to_numpy()
    ends = two.drop("n").to_numpy()
    along = (made - ends[0]) @ (ends[1] - ends[0]) / np.sum((ends[1] - ends[0]) ** 2)
    assert made == pytest.approx(ends[0] + along[:, None] * (ends[1] - ends[0]))
    assert (along >= 0).all()
    assert (along <= 1).all()


def test_categories_alone():
    rare, others = MIXED.select("kind", k2="kind"), MIXED_OTHERS.select("kind", k2="kind")
    assert set(smote(rare, others, 30, 0)["kind"]) <= {"x", "y", "z"}


def test_the_copula_keeps_marginals_and_correlations():
    rng = np.random.default_rng(1)
    a = rng.normal(size=400)
    rare = pl.DataFrame({"a": np.exp(a), "b": a + 0.3 * rng.normal(size=400)})
    made = copula(rare, rare, 4_000, 0)
    assert ks_2samp(made["a"], rare["a"]).pvalue > 0.01
    assert made["a"].min() >= rare["a"].min()
    found, real = (frame.select(pl.corr("a", "b", method="spearman")) for frame in (made, rare))
    assert abs(found.item() - real.item()) < 0.05


@pytest.mark.parametrize(
    ("draw", "rare", "match"),
    [
        (adasyn, MIXED, "numbers alone"),
        (borderline_smote, MIXED, "numbers alone"),
        (smote, RARE.head(1), "no neighbour"),
        (borderline_smote, numbers(20, 50.0), "no rare row stands where"),
        (adasyn, numbers(20, 50.0), "."),
    ],
)
def test_what_cannot_be_done_is_said(draw, rare, match):
    others = MIXED_OTHERS if "kind" in rare.columns else OTHERS
    with pytest.raises(UnsuitedError, match=match):
        draw(rare, others, 20, 0)


def test_a_variant_is_learned_from_rows_as_they_are(mixed):
    features = mixed.drop("Class", "case")
    rare, others = (features.filter(mixed["Class"] == value) for value in (1, 0))
    options = {"epochs": 1, "evidence": False, "solver_steps": 2}
    columns = infer_columns(features, features, {"count": "integer"})
    asked = {"columns": columns, "options": options}
    made = learn_variant("flow", rare, others, 30, 5, **asked)
    assert made.schema == features.schema
    assert made.height == 30
    assert made.equals(learn_variant("flow", rare, others, 30, 5, **asked))


def test_too_few_rows_for_a_variant_are_said():
    with pytest.raises(UnsuitedError, match="at least 10 are needed"):
        learn_variant(
            "flow", RARE.head(9), OTHERS, 30, 5, columns=infer_columns(RARE, RARE, {}), options={}
        )


def test_dates_of_a_training_side_are_read_as_those_of_the_table():
    """No day of this side is past the 12th: by itself it would be read the other way round."""
    rng = np.random.default_rng(4)
    days = [f"{month:02}/{day:02}/2024" for month, day in rng.integers(1, 13, size=(80, 2))]
    table = pl.DataFrame({"day": [*days, "12/31/2024"], "x": rng.normal(size=81)})
    columns = infer_columns(table, table, {})
    assert columns[0].format == "%m/%d/%Y"
    options = {"epochs": 1, "evidence": False, "solver_steps": 2}
    rare = table.head(20).with_columns(day=pl.Series([f"{m:02}/05/2024" for m in [1, 2] * 10]))
    made = learn_variant("flow", rare, table[20:80], 50, 5, columns=columns, options=options)
    months = made["day"].str.to_date("%m/%d/%Y").dt.month()
    assert months.is_in([1, 2]).all()
