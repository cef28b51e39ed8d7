"""A trained flow that NumPy alone follows from noise to rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from raregan.config import MAX_SOLVER_STEPS
from raregan.errors import ModelFileError
from raregan.gans.conditions import TOLD_NOTHING
from raregan.gans.frozen import check_finite
from raregan.gans.heads import harden

if TYPE_CHECKING:
    from collections.abc import Mapping

    import keras
    from numpy.typing import NDArray

    from raregan.config import NetworkConfig
    from raregan.encoding.layout import Layout
    from raregan.gans.conditions import Told

    Float32 = NDArray[np.float32]

TIME_FEATURES = 32
"""Sines and cosines that tell the field what time it is."""

_FASTEST = 100.0  # of their angular speeds
_FARTHEST = np.float32(1e3)  # from the origin, and beyond any row: what leaves stays finite
_ROWS_AT_ONCE = 1024  # so that what a layer makes stays in the processor's cache


def time_speeds() -> NDArray[np.float32]:
    """Return the (TIME_FEATURES / 2,) angular speeds of the features of time, evenly in the log."""
    return np.geomspace(1.0, _FASTEST, TIME_FEATURES // 2).astype(np.float32)


@dataclass(frozen=True)
class FrozenFlow:
    """The field of a flow, and the solver that follows it: noise at time 0 becomes rows at time 1.

    The midpoint rule, two evaluations of the field a step.

    Parameters
    ----------
    weights : dict of str to float32 array
        Of the field, as :func:`raregan.gans.networks.build_field` names its layers.
    shift : (D,) float32
        Added to what comes out, by calibration.
    steps : int
        Of the solver.
    layout : Layout
        What the numbers of an encoded row are.
    """

    weights: Mapping[str, Float32]
    shift: Float32
    steps: int
    layout: Layout

    kind: ClassVar[str] = "flow"

    @property
    def latent_dim(self) -> int:
        """Length Z of a latent vector: that of a row."""
        return self.layout.width

    def __call__(self, latent: Float32) -> Float32:
        """Return the (n, D) float32 encoded rows of (n, D) float32 standard normal draws."""
        rows = self.logits(latent)
        return rows if self.layout.is_linear else harden(rows, self.layout)

    def logits(self, latent: Float32) -> Float32:
        """Return the (n, D) float32 ends of the paths that begin in `latent`."""
        rows = np.array(latent)
        with np.errstate(over="ignore"):  # of exp, whose inverse is then 0, as it should be
            for start in range(0, len(rows), _ROWS_AT_ONCE):
                part = rows[start : start + _ROWS_AT_ONCE]
                for i in range(self.steps):
                    middle = part + self._velocity(part, 2 * i) * np.float32(0.5 / self.steps)
                    part += self._velocity(middle, 2 * i + 1) * np.float32(1 / self.steps)
                    np.clip(part, -_FARTHEST, _FARTHEST, out=part)
        rows += self.shift
        return rows

    def shifted(self, shift: NDArray[np.float64]) -> Self:
        """Return the same with (D,) added to what comes out."""
        return replace(self, shift=(self.shift + shift).astype(np.float32))

    def asked(self, number: int) -> None:
        """Return None: it was never asked."""

    @cached_property
    def _times(self) -> Float32:
        """What each evaluation's time adds to the first layer, (2 steps, width)."""
        times = np.arange(2 * self.steps, dtype=np.float32)[:, None] / np.float32(2 * self.steps)
        angles = times * time_speeds()
        features = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
        made: Float32 = features @ self.weights["time.kernel"] + self.weights["row.bias"]
        return made

    def _velocity(self, rows: Float32, evaluation: int) -> Float32:
        """Evaluate the field at the time of an evaluation, for (m, D) rows."""
        weights = self.weights
        hidden = rows @ weights["row.kernel"]
        hidden += self._times[evaluation]
        for block in range(_count_blocks(weights)):
            inner = _silu(hidden) @ weights[f"inner_{block}.kernel"]
            inner += weights[f"inner_{block}.bias"]
            hidden += _silu(inner) @ weights[f"outer_{block}.kernel"]
            hidden += weights[f"outer_{block}.bias"]
        velocity: Float32 = _silu(hidden) @ weights["velocity.kernel"]
        velocity += weights["velocity.bias"]
        return velocity

    def to_arrays(self) -> dict[str, Float32]:
        """Return the weights by name, for a safetensors file."""
        return {**self.weights, "shift": self.shift, "steps": np.full(1, self.steps, np.float32)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], layout: Layout) -> Self:
        """Rebuild from :meth:`to_arrays`.

        Raises
        ------
        ModelFileError
            If the arrays are not those of a flow of such rows, or one holds NaN or infinity.
        """
        width, blocks = layout.width, _count_blocks(arrays)
        try:
            hidden = len(arrays["row.bias"])
            shapes = {
                "row.kernel": (width, hidden),
                "row.bias": (hidden,),
                "time.kernel": (TIME_FEATURES, hidden),
                "velocity.kernel": (hidden, width),
                "velocity.bias": (width,),
                "shift": (width,),
                "steps": (1,),
            }
            for name in (f"{part}_{block}" for block in range(blocks) for part in _BLOCK):
                shapes |= {f"{name}.kernel": (hidden, hidden), f"{name}.bias": (hidden,)}
            fits = all(arrays[name].shape == shape for name, shape in shapes.items())
        except (KeyError, TypeError) as error:
            raise ModelFileError(f"the flow's weights lack {error}") from error
        plain = all(array.dtype == np.float32 for array in arrays.values())
        if not (fits and plain and len(arrays) == len(shapes)):
            raise ModelFileError("the flow's weights have shapes that do not fit together")
        weights = dict(arrays)
        shift, steps = weights.pop("shift"), float(weights.pop("steps")[0])
        if not (1 <= steps <= MAX_SOLVER_STEPS and steps.is_integer()):
            raise ModelFileError(
                f"a solver has a whole number of steps, at most {MAX_SOLVER_STEPS:,}, not {steps:g}"
            )
        flow = cls(weights, shift, int(steps), layout)
        check_finite(flow)
        return flow


_BLOCK = ("inner", "outer")


def _count_blocks(weights: Mapping[str, Any]) -> int:
    return sum(name.startswith("inner_") and name.endswith(".kernel") for name in weights)


def _silu(hidden: Float32) -> Float32:
    """Return x * sigmoid(x)."""
    made = np.exp(-hidden)
    made += 1
    np.divide(hidden, made, out=made)
    return made


def freeze_flow(
    field: keras.Model, layout: Layout, network: NetworkConfig, told: Told = TOLD_NOTHING
) -> FrozenFlow:
    """Take the weights of a field out of Keras; what it is told goes into the first bias."""
    weights = {
        f"{layer.name}.{variable.name}": np.ascontiguousarray(variable.value, np.float32)
        for layer in field.layers
        for variable in layer.weights
    }
    kernel, n = weights["row.kernel"], layout.width
    weights["row.kernel"] = np.ascontiguousarray(kernel[:n])
    weights["row.bias"] = weights["row.bias"] + told.classes @ kernel[n:]
    return FrozenFlow(weights, np.zeros(n, np.float32), network.solver_steps, layout)
