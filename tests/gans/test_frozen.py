import keras
import numpy as np
import pytest
from keras import layers

from raregan.config import NetworkConfig
from raregan.errors import ModelFileError
from raregan.gans.frozen import FrozenGenerator, freeze
from raregan.gans.networks import build_generator
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
    np.testing.assert_allclose(freeze(generator)(latent) / scale, expected / scale, atol=1e-5)


def test_arrays_come_back():
    frozen = freeze(lived_in(build_generator(layout(5), NetworkConfig(), seed=0)))
    again = FrozenGenerator.from_arrays(frozen.to_arrays())
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
    frozen = freeze(build_generator(layout(5), NetworkConfig(), seed=0))
    arrays = {name: array.copy() for name, array in frozen.to_arrays().items()}
    change(arrays)
    with pytest.raises(ModelFileError, match=match):
        FrozenGenerator.from_arrays(arrays)


def test_a_layer_that_cannot_be_folded_is_refused():
    inputs = keras.Input((3,))
    odd = keras.Model(inputs, layers.Dense(3)(layers.LayerNormalization()(inputs)))
    with pytest.raises(TypeError, match="LayerNormalization"):
        freeze(odd)
    tanh = keras.Model(inputs, layers.Dense(3, activation="tanh")(inputs))
    with pytest.raises(TypeError, match="tanh"):
        freeze(tanh)
