import keras
import numpy as np
import pytest
from keras import layers

from raregan.config import NetworkConfig
from raregan.errors import ModelFileError
from raregan.gans.frozen import FrozenGenerator, freeze_dense
from raregan.gans.heads import harden
from raregan.gans.networks import build_generator
from tests.gans.test_heads import LAYOUTS, gated_by_hand
from tests.gans.test_networks import layout


def lived_in(generator, seed=0):
    """Give every weight a value that training might: moving averages far from 0 and 1."""
    rng = np.random.default_rng(seed)
    for layer in generator.layers:
        if type(layer).__name__ == "BatchNormalization":
            size = layer.gamma.shape[0]
            layer.set_weights(
                [
                    rng.normal(1, 0.5, size),
                    rng.normal(0, 1, size),
                    rng.normal(0.5, 1, size),
                    rng.uniform(0.05, 4, size),
                ]
            )
        elif type(layer).__name__ == "Dense":
            layer.bias.assign(rng.normal(0, 1, layer.bias.shape))
    return generator


@pytest.mark.parametrize("seed", range(3))
def test_numpy_and_keras_agree_in_inference_mode(seed):
    generator = lived_in(build_generator(layout(), NetworkConfig(), seed=seed), seed)
    latent = np.random.default_rng(seed).normal(size=(512, 29)).astype(np.float32)
    expected = np.asarray(generator(latent, training=False))
    assert np.std(expected) > 1
    scale = np.abs(expected).max()
    frozen = freeze_dense(generator, layout())
    np.testing.assert_allclose(frozen(latent) / scale, expected / scale, atol=1e-5)


@pytest.mark.parametrize("mixed", LAYOUTS, ids=["mixed", "pattern"])
def test_numpy_and_keras_agree_on_heads_too(mixed):
    generator = lived_in(build_generator(mixed, NetworkConfig(latent_dim=9), seed=1), 1)
    frozen = freeze_dense(generator, mixed)
    latent = np.random.default_rng(2).normal(size=(512, 9)).astype(np.float32)
    expected = np.asarray(generator(latent, training=False))
    rows = np.array([gated_by_hand(row, mixed) for row in frozen(latent)])
    differs = np.abs(rows - expected) > 1e-4 * max(1, np.abs(expected).max())
    assert differs.any(axis=1).mean() < 0.01  # logits so close to 0 or each other that they swap
    assert len(np.unique(rows[:, [s.start for s in mixed.spans if s.activation != "linear"]])) == 2


def test_logits_are_what_heads_are_given():
    mixed = LAYOUTS[0]
    frozen = freeze_dense(
        lived_in(build_generator(mixed, NetworkConfig(latent_dim=9), seed=1)), mixed
    )
    latent = np.ones((3, 9), np.float32)
    logits = frozen.logits(latent)
    assert np.array_equal(harden(logits.copy(), mixed), frozen(latent))
    plain = freeze_dense(build_generator(layout(5), NetworkConfig(), seed=0), layout(5))
    assert np.array_equal(plain.logits(latent[:, :5]), plain(latent[:, :5]))


def test_arrays_come_back():
    frozen = freeze_dense(lived_in(build_generator(layout(5), NetworkConfig(), seed=0)), layout(5))
    again = FrozenGenerator.from_arrays(frozen.to_arrays(), layout(5))
    latent = np.ones((3, 5), np.float32)
    assert np.array_equal(frozen(latent), again(latent))
    assert (again.latent_dim, again.width) == (5, 5)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda a: a.pop("bias_0"), "lack"),
        (lambda a: a.clear(), "do not fit"),
        (lambda a: a.update(kernel_1=np.ones((3, 3), np.float32)), "do not fit"),
        (lambda a: a["kernel_0"].__setitem__((0, 0), np.nan), "NaN or infinity in kernel_0"),
        (lambda a: a["bias_3"].__setitem__(0, np.inf), "NaN or infinity in bias_3"),
    ],
)
def test_wrong_arrays_are_refused(change, match):
    frozen = freeze_dense(build_generator(layout(5), NetworkConfig(), seed=0), layout(5))
    arrays = {name: array.copy() for name, array in frozen.to_arrays().items()}
    change(arrays)
    with pytest.raises(ModelFileError, match=match):
        FrozenGenerator.from_arrays(arrays, layout(5))


def test_weights_of_another_layout_are_refused():
    frozen = freeze_dense(build_generator(layout(5), NetworkConfig(), seed=0), layout(5))
    with pytest.raises(ModelFileError, match="makes 5 numbers a row and the encoder takes 6"):
        FrozenGenerator.from_arrays(frozen.to_arrays(), layout(6))


def test_a_layer_that_cannot_be_folded_is_refused():
    inputs = keras.Input((3,))
    odd = keras.Model(inputs, layers.Dense(3)(layers.LayerNormalization()(inputs)))
    with pytest.raises(TypeError, match="LayerNormalization"):
        freeze_dense(odd, layout(3))
    tanh = keras.Model(inputs, layers.Dense(3, activation="tanh")(inputs))
    with pytest.raises(TypeError, match="tanh"):
        freeze_dense(tanh, layout(3))
