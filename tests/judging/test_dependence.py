import numpy as np
import polars as pl
import pytest
from scipy.stats import pearsonr, pointbiserialr, spearmanr
from scipy.stats.contingency import association

from raregan.judging.association import cramers_v
from raregan.judging.columns import pair_columns
from raregan.judging.dependence import list_pairs, pair_figures


def table(n, seed):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=n)
    return pl.DataFrame(
        {
            "a": a,
            "b": np.round(np.exp(a + rng.normal(size=n))),
            "two": np.where(a + rng.normal(size=n) > 0, "y", "n"),
            "three": rng.choice(["u", "v", "w"], n),
            "four": rng.choice(["p", "q", "r", "s"], n),
        }
    )


@pytest.fixture
def tables():
    return table(60, 1), table(90, 2)


def test_pearson_and_spearman_are_scipys(tables):
    figures = pair_figures(pair_columns(*tables))
    for name, measure in (("pearson_difference", pearsonr), ("spearman_difference", spearmanr)):
        real, made = (measure(side["a"], side["b"]).statistic for side in tables)
        assert figures[name] == pytest.approx(abs(real - made))


def test_a_number_and_two_levels_are_point_biserial(tables):
    chosen = [side.select("a", "two") for side in tables]
    figures = pair_figures(pair_columns(*chosen))
    real, made = (abs(pointbiserialr(side["two"] == "y", side["a"]).statistic) for side in tables)
    assert figures["ratio_difference"] == pytest.approx(abs(real - made))
    assert np.isnan(figures["pearson_difference"])
    assert np.isnan(figures["cramers_difference"])


def test_two_categories_have_cramers_v_near_scipys_without_its_correction(tables):
    chosen = [side.select("three", "four") for side in tables]
    figures = pair_figures(pair_columns(*chosen))
    codes = [
        [side[name].cast(pl.Enum(sorted(side[name].unique()))).to_physical().to_numpy().astype(int)
         for name in side.columns]
        for side in chosen
    ]  # fmt: skip
    real, made = (cramers_v(*side) for side in codes)
    assert figures["cramers_difference"] == pytest.approx(abs(real - made))
    strong = codes[0][0], codes[0][0]
    theirs = association(np.histogram2d(*strong, bins=3)[0].astype(int), method="cramer")
    assert cramers_v(*strong) == pytest.approx(theirs, abs=1e-9)


def test_all_pairs_are_counted_and_those_that_differ_most_come_first(tables):
    pairs = pair_columns(*tables)
    every, n = list_pairs(pairs, 100)
    assert n == len(every) == 10
    gaps = [abs(pair.synthetic - pair.real) for pair in every]
    assert gaps == sorted(gaps, reverse=True)
    few, n = list_pairs(pairs, 3)
    assert (few, n) == (every[:3], 10)
    kinds = {frozenset((pair.first, pair.second)): pair.measure for pair in every}
    assert kinds[frozenset("ab")] == "Pearson"
    assert kinds[frozenset(("a", "three"))] == "correlation ratio"
    assert kinds[frozenset(("four", "three"))] == "Cramér's V"
    told = every[0].to_dict()
    assert told["difference"] == told["synthetic"] - told["real"]


def test_a_pair_that_collapsed_pays_and_one_without_dependence_in_either_is_left_out():
    real = pl.DataFrame({"a": [1.0, 2, 3], "b": [1.0, 2, 3], "k": [5, 5, 5]})
    made = real.with_columns(b=pl.lit(2.0))
    figures = pair_figures(pair_columns(real, made))
    assert figures["pearson_difference"] == figures["spearman_difference"] == pytest.approx(1)
    listed, n = list_pairs(pair_columns(real, made), 9)
    assert n == 1
    assert listed[0].real == pytest.approx(1)
    assert listed[0].synthetic == 0
