import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from raregan.reporting.views import principal_plane
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
