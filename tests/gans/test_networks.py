import jax
import jax.numpy as jnp
import numpy as np
import pytest

from raregan.config import NetworkConfig
from raregan.encoding.layout import Layout, Span
from raregan.gans.networks import Heads, build_discriminator, build_generator
from tests.gans.test_heads import LAYOUTS, gated_by_hand, hard_by_hand, random_logits


def layout(width=29):
    return Layout(tuple(Span(f"c{i}", "value", i, 1, "linear") for i in range(width)))


def test_the_generator_is_the_missions():
    generator = build_generator(layout(), NetworkConfig(), seed=0)
    kinds = [type(layer).__name__ for layer in generator.layers[1:]]
    assert kinds == ["Dense", "BatchNormalization"] * 3 + ["Dense"]
    dense = [layer for layer in generator.layers if type(layer).__name__ == "Dense"]
    assert [layer.kernel.shape for layer in dense] == [(29, 32), (32, 64), (64, 128), (128, 29)]
    assert [layer.activation.__name__ for layer in dense] == ["relu"] * 3 + ["linear"]


def test_the_discriminator_is_the_missions():
    discriminator = build_discriminator(layout(), NetworkConfig(), seed=0)
    hidden, (last,) = discriminator.layers[1:-1], discriminator.layers[-1:]
    assert [type(layer).__name__ for layer in hidden] == ["Dense", "ReLU"] * 5
    dense = [*hidden[::2], last]
    shapes = [(29, 128), (128, 64), (64, 32), (32, 32), (32, 16), (16, 1)]
    assert [layer.kernel.shape for layer in dense] == shapes
    assert {layer.activation.__name__ for layer in dense} == {"linear"}
    assert {layer.negative_slope for layer in hidden[1::2]} == {0}
    assert discriminator.non_trainable_variables == []


def test_the_latent_dim_is_free_and_defaults_to_the_number_of_features():
    assert build_generator(layout(7), NetworkConfig(), seed=0).input_shape == (None, 7)
    generator = build_generator(layout(7), NetworkConfig(latent_dim=3), seed=0)
    assert (generator.input_shape, generator.output_shape) == ((None, 3), (None, 7))


@pytest.mark.parametrize("build", [build_generator, build_discriminator])
def test_hidden_layers_have_hes_variance(build):
    """He et al. 2015, eq. 10: variance 2 / fan_in. Pooled over seeds for a tight figure."""
    ratios = []
    for seed in range(8):
        for layer in build(layout(), NetworkConfig(), seed=seed).layers[1:-1]:
            if type(layer).__name__ == "Dense":
                kernel = np.asarray(layer.kernel.value)
                ratios.append(kernel.var() * kernel.shape[0] / 2)
                assert (np.asarray(layer.bias.value) == 0).all()
    assert np.mean(ratios) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("build", [build_generator, build_discriminator])
def test_the_seed_fixes_the_weights_and_no_two_layers_share_one(build):
    first, again, other = (
        [np.asarray(w.value) for w in build(layout(), NetworkConfig(), seed=seed).weights]
        for seed in (1, 1, 2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])
    square = build(layout(64), NetworkConfig(64, (64, 64), (64, 64)), seed=3)
    kernels = [
        np.asarray(layer.kernel.value) for layer in square.layers if hasattr(layer, "kernel")
    ]
    assert not np.array_equal(kernels[0], kernels[1])


each_layout = pytest.mark.parametrize("mixed", LAYOUTS, ids=["mixed", "pattern"])


def gradient(function):
    return jax.jit(jax.grad(function))


@each_layout
def test_heads_make_what_sampling_makes_and_nothing_where_a_gate_says_so(mixed):
    logits = random_logits(mixed, 500)
    expected = np.array([gated_by_hand(hard_by_hand(row, mixed), mixed) for row in logits])
    rows = np.asarray(jax.jit(Heads(mixed).call)(logits))
    np.testing.assert_allclose(rows, expected, atol=1e-6)
    gated = (np.round(rows) @ mixed.gate_matrix()) > 0
    assert gated.any(axis=0).sum() > 3
    assert np.abs(rows[gated]).max() < 1e-6


@each_layout
def test_heads_have_the_gradient_of_softmax_and_sigmoid(mixed):
    """Without gates; each softmax has its own sum, whatever the widths beside it."""
    free = Layout(mixed.spans)
    logits = random_logits(free, 20)
    weights = np.random.default_rng(1).normal(size=free.width).astype(np.float32)
    heads = Heads(free).call
    found = gradient(lambda x: (heads(x) * weights).sum())(jnp.asarray(logits))
    expected = np.tile(weights, (20, 1)).astype(np.float64)
    for span in free.spans:
        x, w = logits[:, span.slice].astype(np.float64), weights[span.slice].astype(np.float64)
        if span.activation == "sigmoid":
            soft = 1 / (1 + np.exp(-x))
            expected[:, span.slice] = w * soft * (1 - soft)
        elif span.activation == "softmax":
            soft = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
            expected[:, span.slice] = soft * (w - (soft * w).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@each_layout
def test_a_gated_value_has_no_gradient_of_its_own(mixed):
    logits = random_logits(mixed, 300)
    linear = [span.start for span in mixed.spans if span.activation == "linear"]
    hard = np.array([hard_by_hand(row, mixed) for row in logits])
    is_gated = (hard @ mixed.gate_matrix())[:, linear] > 0
    heads = Heads(mixed).call
    found = gradient(lambda x: heads(x)[:, np.array(linear)].sum())(jnp.asarray(logits))
    own = np.asarray(found)[:, linear]
    assert 0 < is_gated.sum() < is_gated.size
    np.testing.assert_allclose(own[is_gated], 0, atol=1e-6)
    np.testing.assert_allclose(own[~is_gated], 1, atol=1e-6)


@each_layout
def test_gradients_are_finite_for_any_logits(mixed):
    logits = jnp.asarray(random_logits(mixed, 50) * 1e4)
    heads = Heads(mixed).call
    found = gradient(lambda x: (heads(x) ** 2).sum())(logits)
    assert np.isfinite(found).all()


@each_layout
def test_a_mixed_generator_ends_with_heads(mixed):
    generator = build_generator(mixed, NetworkConfig(), seed=0)
    assert type(generator.layers[-1]).__name__ == "Heads"
    assert generator.output_shape == (None, mixed.width)
    plain = build_generator(layout(), NetworkConfig(), seed=0)
    assert "Heads" not in {type(layer).__name__ for layer in plain.layers}
