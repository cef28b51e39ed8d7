"""Penalties of critics whose gradient is known, and of one whose gradient is not by differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from raregan.gans.penalties import gradient_penalty, zero_centred_penalty

B, D = 8, 3
RNG = np.random.default_rng(0)
REAL, FAKE = RNG.normal(size=(2, B, D)).astype(np.float32)
KEY = jax.random.key(0)

slopes = arrays(np.float32, D, elements=st.floats(-5, 5, width=32))


def linear(slope):
    return lambda rows: rows @ jnp.asarray(slope)


def quadratic(rows):
    """Half the squared length: the gradient is the row itself."""
    return (rows**2).sum(axis=1) / 2


@given(slopes)
@settings(max_examples=50, deadline=None)  # the first one compiles
def test_a_linear_critic_has_its_slope_everywhere(slope):
    norm = np.sqrt((slope.astype(float) ** 2).sum())
    far = float(gradient_penalty(linear(slope), REAL, FAKE, KEY))
    assert far == pytest.approx((norm - 1) ** 2, rel=1e-4, abs=1e-5)
    centred = float(zero_centred_penalty(linear(slope), REAL))
    assert centred == pytest.approx(norm**2, rel=1e-4, abs=1e-6)


def test_a_quadratic_critic_has_the_row_as_its_slope():
    norms = np.linalg.norm(REAL.astype(float), axis=1)
    assert float(zero_centred_penalty(quadratic, REAL)) == pytest.approx(
        (norms**2).mean(), rel=1e-5
    )
    at_rows = gradient_penalty(quadratic, REAL, REAL, KEY)  # nothing between a row and itself
    assert float(at_rows) == pytest.approx(((norms - 1) ** 2).mean(), rel=1e-4)


def test_the_point_between_real_and_fake_is_uniform():
    """Between 0 and 1 the slope of the quadratic critic is the place itself."""
    n = 20_000
    real, fake = np.zeros((n, 1), np.float32), np.ones((n, 1), np.float32)
    for ends in ((real, fake), (fake, real)):
        found = float(gradient_penalty(quadratic, *ends, KEY))
        assert found == pytest.approx(1 / 3, abs=0.01)  # mean of (u - 1)^2
    cubic = gradient_penalty(lambda rows: (rows**3).sum(axis=1) / 3, real, fake, KEY)
    assert float(cubic) == pytest.approx(1 - 2 / 3 + 1 / 5, abs=0.015)  # mean of (u^2 - 1)^2


@pytest.mark.parametrize("pac", [1, 2])
def test_a_pack_has_one_point_and_one_norm(pac):
    """The norm is (1 - share) times the root of all numbers of a pack: one share for them all."""
    n = 20_000
    real, fake = np.zeros((n, D), np.float32), np.ones((n, D), np.float32)

    def packed(rows):
        return (rows.reshape(-1, pac * D) ** 2).sum(axis=1) / 2

    root = np.sqrt(pac * D)
    found = float(gradient_penalty(packed, real, fake, KEY))
    assert found == pytest.approx(root**2 / 3 - root + 1, abs=0.02)  # mean of (root u - 1)^2


def test_the_norm_is_that_over_the_pack():
    slope = np.array([[3, 0, 0], [0, 4, 0]], np.float32)  # of the first row, then of the second

    def packed(rows):
        return (rows.reshape(-1, 2, D) * slope).sum(axis=(1, 2))

    assert float(gradient_penalty(packed, REAL, FAKE, KEY)) == pytest.approx(16, rel=1e-4)
    assert float(zero_centred_penalty(packed, REAL)) == pytest.approx(25, rel=1e-5)


def test_the_key_fixes_the_points():
    first, again, other = (
        float(gradient_penalty(quadratic, REAL, FAKE, jax.random.key(seed))) for seed in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.parametrize("pac", [1, 2])
def test_slopes_are_those_of_finite_differences(pac):
    rng = np.random.default_rng(pac)
    hidden, out = rng.normal(size=(pac * D, 6)), rng.normal(size=6)

    def score(rows, numpy=np):
        return numpy.tanh(rows.reshape(-1, pac * D) @ hidden) @ out

    packs = REAL.astype(float).reshape(-1, pac * D)
    steps = 1e-5 * np.eye(pac * D)
    slopes = np.array([(score(packs + h) - score(packs - h)) / 2e-5 for h in steps])
    norms = np.sqrt((slopes**2).sum(axis=0))
    assert norms.std() > 0.1

    def critic(rows):
        return score(rows, jnp)

    centred = float(zero_centred_penalty(critic, REAL))
    assert centred == pytest.approx((norms**2).mean(), rel=1e-3)
    distance = float(gradient_penalty(critic, REAL, REAL, KEY))
    assert distance == pytest.approx(((norms - 1) ** 2).mean(), rel=1e-3)


def penalties_of(slope):
    """Both, as functions of the weights of a linear critic."""
    return (
        gradient_penalty(linear(slope), REAL, FAKE, KEY),
        zero_centred_penalty(linear(slope), REAL),
    )


def test_they_pull_the_slope_to_1_or_to_0():
    slope = np.array([2.0, -1, 2], np.float32)  # of norm 3
    to_one, to_zero = jax.jacrev(penalties_of)(jnp.asarray(slope))
    np.testing.assert_allclose(to_one, 2 * (3 - 1) * slope / 3, rtol=1e-4)
    np.testing.assert_allclose(to_zero, 2 * slope, rtol=1e-4)


def test_a_critic_without_a_slope_has_a_finite_gradient():
    values, gradients = penalties_of(jnp.zeros(D)), jax.jacrev(penalties_of)(jnp.zeros(D))
    assert float(values[0]) == pytest.approx(1, abs=1e-5)
    assert float(values[1]) == 0
    assert all(np.isfinite(gradient).all() for gradient in gradients)
