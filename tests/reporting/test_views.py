import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from raregan.errors import UserError
from raregan.judging.columns import pair_columns
from raregan.reporting import views as module
from raregan.reporting.distributions import column_views
from raregan.reporting.views import (
    PLANE_LEVELS,
    correlation_view,
    plane_coordinates,
    plane_view,
    principal_plane,
)
from tests.judging.test_fidelity import mixed, mixed_pairs
from tests.reporting.test_figures import rows


def test_the_plane_is_the_pca_of_the_standardised_real_rows():
    values = rows(80, seed=1).to_numpy() * [1, 10, 100, 1000]
    plane = principal_plane(values)
    standardised = StandardScaler().fit_transform(values)
    reference = PCA(2).fit(standardised)
    assert plane.explained == pytest.approx(reference.explained_variance_ratio_)
    for ours, theirs in zip(
        plane.project(values).T, reference.transform(standardised).T, strict=True
    ):
        assert abs(np.corrcoef(ours, theirs)[0, 1]) == pytest.approx(1)
        assert ours.std() == pytest.approx(theirs.std())


def test_each_component_points_to_where_its_largest_loading_is_positive():
    values = rows(80, seed=1).to_numpy()
    for plane in (principal_plane(values), principal_plane(-values)):
        largest = np.abs(plane.components).argmax(axis=1)
        assert (plane.components[[0, 1], largest] > 0).all()


def test_a_plane_of_too_little_is_still_a_plane():
    flat = principal_plane(np.full((5, 3), 0.1))
    assert flat.explained == (0, 0)
    assert not flat.project(np.ones((2, 3))).any()
    assert principal_plane(np.array([[1.0], [2.0]])).explained == (1, 0)
    assert principal_plane(np.ones((1, 2))).explained == (0, 0)


def test_the_plane_of_a_mixed_table_is_that_of_factor_analysis_of_mixed_data():
    table = mixed(80, seed=1).select("level", "number")
    real, _, indicators = plane_coordinates(pair_columns(table, table))
    assert indicators.tolist() == [True, True, True, False]
    plane = principal_plane(real, indicators)
    shares = table["level"].value_counts(sort=True)["count"].to_numpy() / 80
    levels = table["level"].value_counts(sort=True)["level"]
    columns = [(table["level"] == level).to_numpy() for level in levels]
    number = table["number"].fill_nan(None)
    number = number.fill_null(number.mean()).to_numpy()
    by_hand = np.column_stack(
        [
            *(
                column / share**0.5 - share**0.5
                for column, share in zip(columns, shares, strict=True)
            ),
            (number - number.mean()) / number.std(),
        ]
    )
    reference = PCA(2).fit(by_hand)
    assert plane.explained == pytest.approx(reference.explained_variance_ratio_)
    ours, theirs = plane.project(real), reference.transform(by_hand)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-9)


def test_rare_levels_share_an_indicator_and_unseen_ones_have_none():
    real = pl.DataFrame({"a": [*"aaabbcdefghijkl"]})
    synthetic = pl.DataFrame({"a": [*"acdefghijkl", "new"]})
    values, others, indicators = plane_coordinates(pair_columns(real, synthetic))
    assert indicators.size == values.shape[1] == PLANE_LEVELS + 1
    assert values.sum(axis=0).tolist() == [3, 2, *[1] * 8, 2]
    assert others.sum(axis=1).tolist() == [1] * 11 + [0]
    assert others[:, PLANE_LEVELS].tolist() == [0] * 9 + [1, 1, 0]


def test_a_missing_number_lies_at_the_mean_of_the_real_ones():
    real = pl.DataFrame({"a": [1.0, None, 3.0, float("nan")]})
    synthetic = pl.DataFrame({"a": [None, float("inf"), 1.0]})
    values, others, _ = plane_coordinates(pair_columns(real, synthetic))
    assert values.tolist() == [[1], [2], [3], [2]]
    assert others.tolist() == [[2], [3], [1]]


@given(mixed_pairs())
@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])
def test_tables_of_any_kind_are_viewed_or_refused(tables):
    try:
        pairs = pair_columns(*tables)
    except UserError:
        return
    plane = plane_view(*tables)
    assert np.isfinite(plane.real).all()
    assert len(plane.real) == len(plane.synthetic)
    view = correlation_view(*tables)
    assert view.real.shape == (len(pairs), len(pairs))
    for column in column_views(*tables):
        assert np.isfinite(column.edges).all()
        assert (np.diff(column.edges) > 0).all()
        for side in (column.real, column.synthetic):
            assert side.shape == (len(column.edges) - 1,)
            assert 0 <= side.sum() <= 1 + 1e-9


def test_the_plane_of_a_large_table_is_that_of_rows_drawn_from_it(monkeypatch):
    real, made = mixed(3_000, seed=1), mixed(2_500, seed=2)
    whole = plane_view(real, made)
    monkeypatch.setattr(module, "FITTED", 1_000)
    drawn = plane_view(real, made)
    assert (drawn.n_real, drawn.n_synthetic) == (3_000, 2_500)
    assert len(drawn.real) == len(drawn.synthetic) == 1_000
    assert drawn.explained == pytest.approx(whole.explained, abs=0.02)
