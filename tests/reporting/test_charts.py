import numpy as np
import pytest

from raregan.reporting import charts, distributions, views
from raregan.reporting.charts import Charts, neighbour_titles
from tests.reporting.test_report import HISTORY, rows


@pytest.fixture(scope="module")
def drawn():
    return Charts(rows(40, seed=1), rows(1500, seed=2), rows(30, seed=3), HISTORY, 0)


def test_the_plane_draws_as_many_rows_of_either_side(drawn):
    plane = drawn.to_dict()["plane"]
    assert {len(plane[side][axis]) for side in ("real", "synthetic") for axis in "xy"} == {40}
    assert drawn.words["plane-synthetic"].endswith("synthetic: 40 of 1,500 rows")


def test_the_scatter_is_bounded(monkeypatch):
    monkeypatch.setattr(views, "MAX_POINTS", 25)
    real = rows(100, seed=1)
    shown = Charts(real, real, None, None, 0)
    assert len(shown.to_dict()["plane"]["real"]["x"]) == 25
    assert shown.words["plane-real"].endswith("real: 25 of 100 rows")


def test_neighbours_and_distances_have_points_of_every_side(drawn):
    told = drawn.to_dict()
    assert {name: len(side["x"]) for name, side in told["neighbours"].items()} == {
        "real": 40,
        "holdout": 30,
        "synthetic": 40,
    }
    assert neighbour_titles(drawn.clouds.neighbours) == {
        "real": "real: 40 rows",
        "synthetic": "synthetic: 40 of 1,500 rows",
        "holdout": "held-out: 30 rows",
    }
    assert told["distances"]["synthetic"]["y"][-1] == 1
    half = drawn.clouds.distances.holdout
    middle = half.distances[np.searchsorted(half.shares, 0.5)]
    assert f"half of the held-out rows within {middle:.3g}" in drawn.words["distances"]


def test_without_held_out_rows_both_sides_are_drawn_together_and_no_distances():
    shown = Charts(rows(40, seed=1), rows(50, seed=2), None, None, 0)
    assert shown.to_dict()["distances"] is None
    assert list(neighbour_titles(shown.clouds.neighbours)) == ["real", "synthetic", "both"]
    assert "distances" not in shown.words


def test_the_heatmaps_hold_the_correlations_and_nothing_where_a_column_is_constant(drawn):
    maps = drawn.to_dict()["correlations"]
    real = np.array(maps["real"]["values"])
    expected = np.corrcoef(rows(40, seed=1).to_numpy()[:, :3].T)
    np.testing.assert_allclose(real[:3, :3], expected, atol=6e-4)
    assert np.isnan(real[3]).all()
    assert maps["real"]["limit"] == 1
    difference = np.array(maps["difference"]["values"])
    assert maps["difference"]["limit"] >= np.nanmax(np.abs(difference)) - 6e-4
    mean = np.abs(expected[np.triu_indices(3, k=1)]).mean()
    assert drawn.words["correlation-real"].endswith(f"mean absolute value {mean:.3f}")


def test_of_many_columns_those_are_drawn_that_differ_most(monkeypatch):
    real = rows(60, seed=1)
    made = real.with_columns(a=-real["a"] + 5)
    for name in ("MOST_DRAWN", "MOST_CORRELATED"):
        monkeypatch.setattr(charts, name, 2)
    shown = Charts(real, made, None, None, 0)
    assert shown.n_columns == 4
    assert shown.columns[0].name == "a"
    assert "a" in shown.correlation.names
    assert shown.correlation.real.shape == (2, 2)
    whole = views.correlation_view(real, made)
    places = [whole.names.index(name) for name in shown.correlation.names]
    np.testing.assert_array_equal(shown.correlation.real, whole.real[np.ix_(places, places)])


def test_the_histograms_are_those_of_the_figures_the_worst_first(drawn):
    told = drawn.to_dict()
    shown = distributions.column_views(rows(40, seed=1), rows(1500, seed=2))
    for column, view in zip(told["columns"], shown, strict=True):
        np.testing.assert_allclose(column["edges"], view.edges)
        np.testing.assert_allclose(column["real"], view.real, atol=1e-5)
        np.testing.assert_allclose(column["synthetic"], view.synthetic, atol=1e-5)
        assert f"KS {view.distance:.2f}" in column["title"]
    assert told["first"] == int(np.argmax([view.distance for view in shown]))


def test_losses_and_evidence_of_a_history(drawn):
    history = drawn.to_dict()["history"]
    assert history["epoch"] == [1, 2, 3]
    np.testing.assert_equal(
        history["losses"], {"discriminator": [0.5, np.nan, 0.25], "generator": [1, 2, 4]}
    )
    assert history["evidence"] == {"epoch": [1, 3], "told apart": [0.9, 0.7]}
    assert drawn.words["losses"].endswith("discriminator 0.25, generator 4")
