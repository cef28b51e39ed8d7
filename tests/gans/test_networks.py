import numpy as np
import pytest

from raregan.config import NetworkConfig
from raregan.encoding.layout import Layout, Span
from raregan.gans.networks import build_discriminator, build_generator


def layout(width=29):
    return Layout(tuple(Span(f"c{i}", i, 1, "numeric", "linear") for i in range(width)))


def test_the_generator_is_the_missions():
    generator = build_generator(layout(), NetworkConfig(), seed=0)
    kinds = [type(layer).__name__ for layer in generator.layers[1:]]
    assert kinds == ["Dense", "BatchNormalization"] * 3 + ["Dense"]
    dense = [layer for layer in generator.layers if type(layer).__name__ == "Dense"]
    assert [layer.kernel.shape for layer in dense] == [(29, 32), (32, 64), (64, 128), (128, 29)]
    assert [layer.activation.__name__ for layer in dense] == ["relu"] * 3 + ["linear"]


def test_the_discriminator_is_the_missions():
    discriminator = build_discriminator(layout(), NetworkConfig(), seed=0)
    dense = discriminator.layers[1:]
    assert {type(layer).__name__ for layer in dense} == {"Dense"}
    shapes = [(29, 128), (128, 64), (64, 32), (32, 32), (32, 16), (16, 1)]
    assert [layer.kernel.shape for layer in dense] == shapes
    assert [layer.activation.__name__ for layer in dense] == ["relu"] * 5 + ["linear"]
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
