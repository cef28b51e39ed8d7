"""Losses against their textbook formulas, written out with scipy's own functions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, log_expit

from raregan.gans.losses import (
    bce_discriminator_loss,
    bce_generator_loss,
    relativistic_discriminator_loss,
    relativistic_generator_loss,
    wasserstein_discriminator_loss,
    wasserstein_generator_loss,
)

scores = arrays(np.float32, 8, elements=st.floats(-15, 15, width=32))


@given(scores, scores)
def test_the_discriminator_loss_is_cross_entropy_with_real_one_and_fake_zero(real, fake):
    real64, fake64 = real.astype(float), fake.astype(float)
    expected = -np.log(expit(real64)).mean() - np.log(1 - expit(fake64)).mean()
    assert float(bce_discriminator_loss(real, fake)) == pytest.approx(expected, rel=1e-4, abs=1e-6)


@given(scores)
def test_the_generator_loss_is_the_non_saturating_one(fake):
    expected = -np.log(expit(fake.astype(float))).mean()
    assert float(bce_generator_loss(fake)) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_an_ignorant_discriminator_costs_ln_2_a_side():
    zero = jnp.zeros(4)
    assert float(bce_discriminator_loss(zero, zero)) == pytest.approx(2 * np.log(2))
    assert float(bce_generator_loss(zero)) == pytest.approx(np.log(2))


@pytest.mark.parametrize("score", [-1e30, -100.0, 100.0, 1e30])
def test_extreme_scores_stay_finite_with_finite_gradients(score):
    extreme = jnp.full(3, score)
    for loss in (lambda s: bce_discriminator_loss(s, s), bce_generator_loss):
        value, gradient = jax.value_and_grad(loss)(extreme)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()


def test_the_gradients_pull_the_right_way():
    real_pull, fake_pull = jax.grad(bce_discriminator_loss, argnums=(0, 1))(
        jnp.zeros(2), jnp.zeros(2)
    )
    assert (real_pull < 0).all()  # descent raises the scores of real rows
    assert (fake_pull > 0).all()  # and lowers those of fakes
    assert (jax.grad(bce_generator_loss)(jnp.zeros(2)) < 0).all()  # which the generator raises


@given(scores, scores)
def test_the_wasserstein_critic_loses_by_the_distance_of_the_means(real, fake):
    expected = fake.astype(float).mean() - real.astype(float).mean()
    found = float(wasserstein_discriminator_loss(jnp.asarray(real), jnp.asarray(fake)))
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)
    found = float(wasserstein_generator_loss(jnp.asarray(fake)))
    assert found == pytest.approx(-fake.astype(float).mean(), rel=1e-4, abs=1e-5)


@given(scores, scores)
def test_the_relativistic_losses_are_cross_entropy_of_who_of_a_pair_is_real(real, fake):
    lead = real.astype(float) - fake.astype(float)
    found = float(relativistic_discriminator_loss(real, fake))
    assert found == pytest.approx(-log_expit(lead).mean(), rel=1e-4, abs=1e-6)
    found = float(relativistic_generator_loss(real, fake))
    assert found == pytest.approx(-log_expit(-lead).mean(), rel=1e-4, abs=1e-6)


def test_relativistic_losses_are_of_pairs_and_of_nothing_but_their_difference():
    real, fake = jnp.array([3.0, -1, 0]), jnp.array([2.0, 2, -5])
    for loss in (relativistic_discriminator_loss, relativistic_generator_loss):
        moved = float(loss(real + 7, fake + 7))
        assert moved == pytest.approx(float(loss(real, fake)), rel=1e-5)
        assert float(loss(real, fake[::-1])) != pytest.approx(float(loss(real, fake)), rel=0.1)
        assert float(loss(real, real)) == pytest.approx(np.log(2))


def test_relativistic_losses_stay_finite_with_finite_gradients():
    far, near = jnp.full(3, 1e30), jnp.full(3, -1e30)
    for loss in (relativistic_discriminator_loss, relativistic_generator_loss):
        for pair in ((far, near), (near, far)):
            value, gradients = jax.value_and_grad(loss, argnums=(0, 1))(*pair)
            assert np.isfinite(value)
            assert np.isfinite(gradients).all()


def test_critics_and_generators_pull_in_opposite_ways():
    zero = jnp.zeros(2)
    for discriminator, generator in (
        (relativistic_discriminator_loss, relativistic_generator_loss),
        (wasserstein_discriminator_loss, lambda _, fake: wasserstein_generator_loss(fake)),
    ):
        real_pull, fake_pull = jax.grad(discriminator, argnums=(0, 1))(zero, zero)
        assert (real_pull < 0).all()
        assert (fake_pull > 0).all()
        assert np.array_equal(jax.grad(generator, argnums=1)(zero, zero), -fake_pull)
