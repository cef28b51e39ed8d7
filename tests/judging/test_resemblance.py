import numpy as np
import polars as pl
import pytest

from raregan.judging import c2st
from raregan.judging.measures import MEASURES
from raregan.judging.resemblance import judge_resemblance, run_trial
from raregan.judging.sides import bring_together, pair_up
from raregan.judging.spaces import Space
from raregan.judging.trials import Trial, plan_trials
from tests.judging.test_fidelity import mixed


@pytest.fixture(autouse=True)
def _quick(few_trees):
    return few_trees


def judged(real, made, held=None, seed=0):
    sides = bring_together(real, made, real.clear() if held is None else held, real.clear())
    space = Space.fit(sides.columns, sides.real)
    missing = [pair.missing for pair in pair_up(sides.columns, sides.real, sides.synthetic)]
    plan = plan_trials(sides, np.random.default_rng(seed))
    return judge_resemblance(plan, space, missing, seed)


@pytest.mark.parametrize("held", [None, mixed(60, seed=9)])
def test_every_figure_of_a_mixed_table_is_there_in_order_with_interval_and_baseline(held):
    figures, columns = judged(mixed(100, seed=1), mixed(90, seed=2), held)
    names = [name for name, words in MEASURES.items() if words.group == "fidelity"]
    assert [figure.name for figure in figures] == names
    for figure in figures:
        low, high = figure.words.bounds
        for value, interval in (
            (figure.value, figure.interval),
            (figure.baseline, figure.baseline_interval),
        ):
            assert low <= interval.low <= value <= interval.high <= high, figure.name
    assert [column.name for column in columns] == mixed(5, seed=1).columns
    shapes = next(figure for figure in figures if figure.name == "column_shape")
    assert shapes.value == pytest.approx(1 - np.mean([column.distance for column in columns]))
    assert shapes.baseline == pytest.approx(1 - np.mean([column.baseline for column in columns]))
    assert [column.measure for column in columns] == ["KS", "TV", "TV", "KS", "KS"]


def test_synthetic_rows_that_are_the_held_out_ones_get_exactly_their_figures_in_one_trial():
    sides = bring_together(*(mixed(n, seed=n) for n in (80, 50, 50, 9)))
    np.testing.assert_array_equal(sides.synthetic, sides.holdout)
    space = Space.fit(sides.columns, sides.real)
    first, second = (
        run_trial(Trial(sides.real, side), space, (0, 1))
        for side in (sides.synthetic, sides.holdout)
    )
    assert first.values == second.values
    assert first.errors == second.errors


def test_spoiled_rows_read_worse_and_the_column_is_named():
    real, made, held = (mixed(n, seed=n) for n in (200, 300, 120))
    spoiled = made.with_columns(number=pl.col("number") * 0.2 + 3)
    figures, columns = judged(real, spoiled, held)
    by_name = {figure.name: figure for figure in figures}
    for name in ("column_shape", "wasserstein", "c2st_forest", "c2st_linear", "mmd", "coverage"):
        assert by_name[name].reading == "worse than real rows", name
    assert by_name["c2st_linear"].details["columns"][0]["column"] == "number"
    assert max(columns, key=lambda column: column.distance).name == "number"


def test_gaps_that_no_real_row_has_read_worse():
    real, made, held = (
        pl.DataFrame(np.random.default_rng(n).normal(size=(n, 2)), schema=["number", "other"])
        for n in (200, 300, 120)
    )
    assert "missing_difference" not in {one.name for one in judged(real, made, held)[0]}
    gaps = made.with_columns(number=pl.when(pl.int_range(pl.len()) % 3 > 0).then("number"))
    figures = {one.name: one for one in judged(real, gaps, held)[0]}
    found = figures["missing_difference"]
    assert (found.baseline, found.reading) == (0.0, "worse than real rows")


def test_lost_dependence_reads_worse():
    rng = np.random.default_rng(0)

    def rows(n, tied):
        a = rng.normal(size=n)
        b = a if tied else rng.normal(size=n)
        return pl.DataFrame({"a": a, "b": b + 0.1 * rng.normal(size=n)})

    figures, _ = judged(rows(200, tied=True), rows(200, tied=False), rows(150, tied=True))
    by_name = {figure.name: figure for figure in figures}
    for name in ("pearson_difference", "spearman_difference", "c2st_forest"):
        assert by_name[name].reading == "worse than real rows", name
    assert by_name["column_shape"].reading == "as real rows"
    assert "level_coverage" not in by_name
    assert "cramers_difference" not in by_name


def test_the_forest_is_the_c2st_on_the_rows_of_the_trial():
    sides = bring_together(mixed(60, seed=1), mixed(40, seed=2), *[mixed(5, seed=3)] * 2)
    trial = Trial(sides.real, sides.synthetic)
    outcome = run_trial(trial, Space.fit(sides.columns, sides.real), (7, 0, 0))
    auc, _ = c2st.tell_apart(sides.real, sides.synthetic, [7, 0, 0, 0])
    assert outcome.values["c2st_forest"] == auc
