"""A trained generator that NumPy alone evaluates: sampling needs neither Keras nor JAX."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np

from raregan.errors import ModelFileError
from raregan.gans.conditions import TOLD_NOTHING, ask_vectors, asks_of
from raregan.gans.heads import harden

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import keras
    from numpy.typing import NDArray

    from raregan.encoding.layout import Layout
    from raregan.gans.conditions import Told

    Float32 = NDArray[np.float32]


class Frozen(Protocol):
    """What sampling and model files ask of a trained network."""

    @property
    def kind(self) -> str:
        """By which a model file says what its weights are."""

    @property
    def layout(self) -> Layout:
        """What an encoded row holds."""

    @property
    def latent_dim(self) -> int:
        """Length Z of a latent vector."""

    def __call__(self, latent: Float32) -> Float32:
        """Return the (n, D) float32 encoded rows of (n, Z) float32 standard normal draws."""

    def logits(self, latent: Float32) -> Float32:
        """Return the (n, D) float32 numbers that the heads are to turn into encoded rows."""

    def shifted(self, shift: NDArray[np.float64]) -> Self:
        """Return the same with (D,) added to its logits."""

    def asked(self, number: int) -> Frozen | None:
        """Return what makes only rows that meet an ask; None where it was never asked.

        Parameters
        ----------
        number : int
            Among those of :func:`raregan.gans.conditions.asks_of`.
        """

    def to_arrays(self) -> dict[str, Float32]:
        """Return the weights by name, for a safetensors file."""


@dataclass(frozen=True)
class Corrected:
    """A generator after whose heads something is done to its numbers.

    Parameters
    ----------
    generator : Frozen
        What draws.
    """

    generator: Frozen

    @property
    def kind(self) -> str:
        """That of what draws."""
        return self.generator.kind

    @property
    def layout(self) -> Layout:
        """What an encoded row holds."""
        return self.generator.layout

    @property
    def latent_dim(self) -> int:
        """Length Z of a latent vector."""
        return self.generator.latent_dim

    def logits(self, latent: Float32) -> Float32:
        """Return what `generator` does."""
        return self.generator.logits(latent)

    def shifted(self, shift: NDArray[np.float64]) -> Self:
        """Return the same with (D,) added to the logits."""
        return replace(self, generator=self.generator.shifted(shift))

    def asked(self, number: int) -> Self | None:
        """Return the same after what makes only rows that meet an ask."""
        generator = self.generator.asked(number)
        return None if generator is None else replace(self, generator=generator)


@dataclass(frozen=True)
class FrozenGenerator:
    """A stack of dense layers with ReLU between them, then heads; normalisation is folded in.

    Parameters
    ----------
    kernels : tuple of (fan_in, fan_out) float32
        One a layer, C-contiguous.
    biases : tuple of (fan_out,) float32
        One a layer.
    layout : Layout
        What the last layer's numbers are.
    """

    kernels: tuple[Float32, ...]
    biases: tuple[Float32, ...]
    layout: Layout

    kind: ClassVar[str] = "dense"

    @property
    def latent_dim(self) -> int:
        """Length Z of a latent vector."""
        return int(self.kernels[0].shape[0])

    @property
    def width(self) -> int:
        """Length D of an encoded row."""
        return int(self.kernels[-1].shape[1])

    def __call__(self, latent: Float32) -> Float32:
        """Return the (n, D) float32 encoded rows of (n, Z) float32 latent vectors."""
        rows = self.logits(latent)
        return rows if self.layout.is_linear else harden(rows, self.layout)

    def logits(self, latent: Float32, offsets: Float32 | None = None) -> Float32:
        """Return the (n, D) float32 numbers that the heads are to turn into encoded rows.

        `offsets`, (n, width) float32, are added to what the first layer makes.
        """
        rows = latent
        for kernel, bias in zip(self.kernels[:-1], self.biases[:-1], strict=True):
            rows = rows @ kernel
            rows += bias
            if offsets is not None:
                rows += offsets
                offsets = None
            np.maximum(rows, 0, out=rows)
        rows = rows @ self.kernels[-1]
        rows += self.biases[-1]
        return rows

    def shifted(self, shift: NDArray[np.float64]) -> Self:
        """Return the same with (D,) added to the last biases."""
        moved = (self.biases[-1] + shift).astype(np.float32)
        return replace(self, biases=(*self.biases[:-1], moved))

    def asked(self, number: int) -> None:
        """Return None: it was never asked."""

    def to_arrays(self) -> dict[str, Float32]:
        """Return the weights by name, for a safetensors file."""
        arrays = {}
        for i, (kernel, bias) in enumerate(zip(self.kernels, self.biases, strict=True)):
            arrays[f"kernel_{i}"], arrays[f"bias_{i}"] = kernel, bias
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], layout: Layout) -> Self:
        """Rebuild from :meth:`to_arrays`.

        Raises
        ------
        ModelFileError
            If the arrays are not those of a generator of such rows, or one holds NaN or infinity.
        """
        count = len(arrays) // 2
        try:
            kernels = tuple(arrays[f"kernel_{i}"] for i in range(count))
            biases = tuple(arrays[f"bias_{i}"] for i in range(count))
        except KeyError as error:
            raise ModelFileError(f"the generator's weights lack {error}") from error
        pairs = list(zip(kernels, biases, strict=True))
        links = zip(biases, kernels[1:], strict=False)
        plain = all(k.ndim == 2 and k.dtype == np.float32 == b.dtype for k, b in pairs)  # noqa: PLR2004
        fits = plain and all(k.shape[1:] == b.shape for k, b in pairs)
        chained = fits and all(before.shape == after.shape[:1] for before, after in links)
        if not pairs or not chained:
            raise ModelFileError("the generator's weights have shapes that do not fit together")
        generator = cls(kernels, biases, layout)
        if generator.width != layout.width:
            raise ModelFileError(
                f"the generator makes {generator.width} numbers a row and the encoder takes "
                f"{layout.width}"
            )
        check_finite(generator)
        return generator


@dataclass(frozen=True)
class AskedGenerator:
    """Dense layers that are asked for one category of each row, as often as real rows have it.

    What is asked is a vector that the first layer adds. Beyond the latent vector of `generator`
    there is one number, also standard normal, that says which: so rows follow from normal draws, as
    those of any generator do.

    Parameters
    ----------
    generator : FrozenGenerator
        With what holds for every ask.
    offsets : (M, width) float32
        What the first layer adds for each of the asks.
    bounds : (M,) float32
        The largest number of each ask's interval, never falling; those of the last one are none.
    """

    generator: FrozenGenerator
    offsets: Float32
    bounds: Float32

    kind: ClassVar[str] = "asked"

    @property
    def layout(self) -> Layout:
        """What an encoded row holds."""
        return self.generator.layout

    @property
    def latent_dim(self) -> int:
        """Length Z of a latent vector, the number that chooses the ask among them."""
        return self.generator.latent_dim + 1

    def __call__(self, latent: Float32) -> Float32:
        """Return the (n, D) float32 encoded rows of (n, Z) float32 standard normal draws."""
        return harden(self.logits(latent), self.layout)

    def logits(self, latent: Float32) -> Float32:
        """Return the (n, D) float32 numbers that the heads are to turn into encoded rows."""
        number = np.searchsorted(self.bounds[:-1], latent[:, -1])
        return self.generator.logits(latent[:, :-1], self.offsets[number])

    def shifted(self, shift: NDArray[np.float64]) -> Self:
        """Return the same with (D,) added to the logits."""
        return replace(self, generator=self.generator.shifted(shift))

    def asked(self, number: int) -> Self:
        """Return what is asked for one thing only, and whose head is made to give it."""
        ask = asks_of(self.layout)[number]
        forced = np.zeros(self.layout.width)
        forced[self.layout.gate_matrix()[:, ask.place] > 0] = -_FORCE  # a cell that is not missing
        forced[ask.place] = _FORCE * ask.sign
        bounds = np.full_like(self.bounds, np.inf)
        bounds[:number] = -np.inf
        return replace(self, generator=self.generator.shifted(forced), bounds=bounds)

    def to_arrays(self) -> dict[str, Float32]:
        """Return the weights by name, for a safetensors file."""
        return {**self.generator.to_arrays(), "offsets": self.offsets, "bounds": self.bounds[:-1]}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], layout: Layout) -> Self:
        """Rebuild from :meth:`to_arrays`.

        Raises
        ------
        ModelFileError
            If the arrays are not those of such a generator, or one holds NaN or infinity.
        """
        rest = {name: array for name, array in arrays.items() if name not in ("offsets", "bounds")}
        generator, n = FrozenGenerator.from_arrays(rest, layout), len(asks_of(layout))
        if not n or len(generator.biases) < 2:  # noqa: PLR2004
            raise ModelFileError("the generator is damaged: nothing can be asked of it; train anew")
        offsets = find_array(arrays, "offsets", (n, len(generator.biases[0])))
        bounds = find_array(arrays, "bounds", (n - 1,))
        if (np.diff(bounds) < 0).any():
            raise ModelFileError("the generator is damaged in bounds; train anew")
        return cls(generator, offsets, np.append(bounds, np.float32(np.inf)))


_FORCE = 1e9  # beyond any logit, and what calibration may have added to it

_LARGEST = 9.0  # standard normal number: none is drawn beyond it


def check_finite(generator: Frozen) -> None:
    """Raise `ModelFileError` if a weight is NaN or infinite."""
    for name, array in generator.to_arrays().items():
        if not np.isfinite(array).all():
            raise ModelFileError(f"the generator's weights hold NaN or infinity in {name}")


def find_array(
    arrays: Mapping[str, NDArray[Any]], name: str, shape: tuple[int, ...] | None = None
) -> Float32:
    """Return an array by its name.

    Raises
    ------
    ModelFileError
        If it is not there, of another shape (any will do for None), not float32 or not finite.
    """
    array = arrays.get(name)
    shaped = array is not None and (shape is None or array.shape == shape)
    if array is None or not (shaped and array.dtype == np.float32 and np.isfinite(array).all()):
        raise ModelFileError(f"the generator is damaged in {name}; train anew")
    return array


def freeze_dense(
    generator: keras.Model, layout: Layout, told: Told = TOLD_NOTHING
) -> FrozenGenerator | AskedGenerator:
    """Fold a Keras generator in inference mode into dense layers (float64, then float32).

    The class that it is told goes into the first bias. Where something is asked, it is an
    `AskedGenerator`.

    A batch normalisation after an activation is an affine map ``scale * x + shift`` of the next
    layer's input, with ``scale = gamma / sqrt(moving_variance + epsilon)`` (Ioffe & Szegedy 2015,
    algorithm 2): it goes into that layer's kernel and bias.

    Raises
    ------
    TypeError
        If the model holds a layer that this cannot fold.
    """
    kernels: list[NDArray[np.float64]] = []
    biases: list[NDArray[np.float64]] = []
    scale, shift = np.ones(1), np.zeros(1)  # the affine map waiting for the next dense layer
    for layer in generator.layers:
        kind = type(layer).__name__
        if kind == "Dense":
            kernel, bias = _weights(layer)
            biases.append(bias + np.broadcast_to(shift, kernel.shape[:1]) @ kernel)
            kernels.append(kernel * np.broadcast_to(scale, kernel.shape[:1])[:, None])
            scale, shift = np.ones(1), np.zeros(1)
            _check_activation(layer, last=layer.name == "row")
        elif kind == "BatchNormalization":
            scale, shift = _affine(layer)
        elif kind not in ("InputLayer", "Heads"):
            raise TypeError(f"cannot fold a layer of type {kind} into a frozen generator")
    n_places = ask_vectors(layout).shape[1] if len(told.shares) else 0
    n_latent = len(kernels[0]) - len(told.classes) - n_places
    first, classes, places = np.split(kernels[0], [n_latent, n_latent + len(told.classes)])
    kernels[0], biases[0] = first, biases[0] + told.classes @ classes
    frozen = FrozenGenerator(_float32(kernels), _float32(biases), layout)
    if not len(told.shares):
        return frozen
    (offsets,) = _float32([ask_vectors(layout) @ places])
    return AskedGenerator(frozen, offsets, _bounds(told.shares))


def _bounds(shares: NDArray[np.float64]) -> Float32:
    """Return where the standard normal is cut into parts of these shares."""
    inner = np.cumsum(shares / shares.sum())[:-1]
    cuts = [
        NormalDist().inv_cdf(p) if 0 < p < 1 else math.copysign(_LARGEST, p - 0.5) for p in inner
    ]
    return np.array([*cuts, np.inf], np.float32)


def _affine(layer: keras.layers.BatchNormalization) -> tuple[NDArray[Any], NDArray[Any]]:
    gamma, beta, mean, variance = _weights(layer)
    scale = gamma / np.sqrt(variance + layer.epsilon)
    return scale, beta - mean * scale


def _weights(layer: keras.Layer) -> list[NDArray[np.float64]]:
    return [np.asarray(variable.value, np.float64) for variable in layer.weights]


def _check_activation(layer: keras.layers.Dense, *, last: bool) -> None:
    expected = "linear" if last else "relu"
    if layer.activation.__name__ != expected:
        raise TypeError(f"cannot freeze activation {layer.activation.__name__}, only {expected}")


def _float32(arrays: Sequence[NDArray[np.float64]]) -> tuple[Float32, ...]:
    return tuple(np.ascontiguousarray(array, np.float32) for array in arrays)
