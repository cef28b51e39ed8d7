import keras
import numpy as np
import pytest
from keras import layers
from scipy.stats import norm

from raregan.config import NetworkConfig
from raregan.errors import ModelFileError
from raregan.gans.conditions import Told, answers, ask_vectors
from raregan.gans.frozen import AskedGenerator, FrozenGenerator, freeze_dense
from raregan.gans.heads import harden, is_discrete
from raregan.gans.networks import build_generator
from raregan.training.evidence import draw_rows
from tests.gans.test_conditions import LAYOUT
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


# --- asked for categories -------------------------------------------------------------------------

SHARES = np.array([3.0, 1.0, 0.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0])
"""Of the asks of `LAYOUT`: one of them is never made."""


def asked_generator():
    network = NetworkConfig(generator_widths=(16,), latent_dim=6)
    n_places = ask_vectors(LAYOUT).shape[1]
    model = build_generator(LAYOUT, network, seed=0, n_conditions=2 + n_places)
    return model, freeze_dense(model, LAYOUT, Told(np.array([0, 1], np.float32), SHARES))


def test_it_makes_what_the_network_makes_of_class_and_ask():
    model, frozen = asked_generator()
    latent = np.random.default_rng(0).normal(size=(400, 7)).astype(np.float32)
    bounds = norm.ppf(np.cumsum(SHARES / SHARES.sum())[:-1])
    number = np.searchsorted(bounds, latent[:, -1])
    told = np.concatenate([np.tile([0.0, 1.0], (400, 1)), ask_vectors(LAYOUT)[number]], axis=1)
    made = model(np.concatenate([latent[:, :-1], told], axis=1).astype(np.float32))
    hard = frozen(latent)
    discrete = is_discrete(LAYOUT)
    gated = hard @ LAYOUT.gate_matrix() > 0
    np.testing.assert_allclose(hard[:, ~discrete], np.asarray(made)[:, ~discrete], atol=1e-5)
    same = np.isclose(hard, np.asarray(made), atol=1e-5) | gated
    assert same.all()
    shares = np.bincount(number, minlength=9) / 400
    np.testing.assert_allclose(shares, SHARES / SHARES.sum(), atol=0.08)
    assert shares[2] == 0


@pytest.mark.parametrize("number", range(9))
def test_what_is_asked_for_is_in_every_row(number):
    _, frozen = asked_generator()
    latent = np.random.default_rng(1).normal(size=(300, 7)).astype(np.float32)
    rows = draw_rows(frozen.asked(number), 300, np.random.default_rng(1))
    assert answers(rows, LAYOUT)[:, number].all()
    assert not answers(frozen(latent), LAYOUT)[:, number].all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("offsets", np.zeros((8, 16), np.float32)),
        ("offsets", np.full((9, 16), np.nan, np.float32)),
        ("bounds", np.zeros(9, np.float32)),
        ("bounds", np.arange(8, 0, -1, dtype=np.float32)),
        ("bounds", None),
    ],
)
def test_damaged_asks_are_refused(name, value):
    _, frozen = asked_generator()
    arrays = {**frozen.to_arrays(), name: value}
    with pytest.raises(ModelFileError, match="damaged"):
        AskedGenerator.from_arrays({k: v for k, v in arrays.items() if v is not None}, LAYOUT)
