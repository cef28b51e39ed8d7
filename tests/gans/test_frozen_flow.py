"""The solver in NumPy against the Keras field, a loop of its own, and scipy's solver."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import expit

from raregan.config import NetworkConfig
from raregan.errors import ModelFileError
from raregan.gans.frozen_flow import TIME_FEATURES, FrozenFlow, freeze_flow
from raregan.gans.networks import build_field
from tests.gans.test_heads import LAYOUTS, hard_by_hand
from tests.gans.test_networks import layout

WIDTH = 5
NETWORK = NetworkConfig(field_width=16, field_blocks=2, solver_steps=4)
NOISE = np.random.default_rng(1).normal(size=(64, WIDTH)).astype(np.float32)


def lived_in_field(seed=0):
    """A field that is not at rest: no weight has the value it was begun with."""
    field = build_field(layout(WIDTH), NETWORK, seed=seed)
    rng = np.random.default_rng(seed)
    for variable in field.trainable_variables:
        variable.assign(rng.normal(0, 0.35, variable.shape))
    return field


FIELD = lived_in_field()
FLOW = freeze_flow(FIELD, layout(WIDTH), NETWORK)


def velocity(arrays, rows, time):
    """The field once more, in float64, as its description says."""
    angles = time * 100 ** (np.arange(TIME_FEATURES // 2) / (TIME_FEATURES // 2 - 1))
    features = np.concatenate([np.sin(angles), np.cos(angles)])
    hidden = rows @ arrays["row.kernel"] + arrays["row.bias"] + features @ arrays["time.kernel"]
    for block in range(2):
        inner = hidden * expit(hidden) @ arrays[f"inner_{block}.kernel"]
        inner = inner + arrays[f"inner_{block}.bias"]
        hidden = hidden + inner * expit(inner) @ arrays[f"outer_{block}.kernel"]
        hidden = hidden + arrays[f"outer_{block}.bias"]
    return hidden * expit(hidden) @ arrays["velocity.kernel"] + arrays["velocity.bias"]


def test_numpy_follows_the_field_of_keras_by_the_midpoint_rule():
    def field(rows, time):
        with_time = np.column_stack([rows, np.full(len(rows), time)]).astype(np.float32)
        return np.asarray(FIELD(with_time), float)

    rows, h = NOISE.astype(float), 1 / 4
    for i in range(4):
        slope = field(rows, i * h)
        rows = rows + h * field(rows + h / 2 * slope, i * h + h / 2)
    assert np.abs(rows - NOISE).mean() > 0.3  # it goes somewhere
    np.testing.assert_allclose(FLOW(NOISE), rows, rtol=1e-4, atol=1e-4)


def test_more_steps_come_nearer_to_the_path_by_the_square():
    start = NOISE[:8].astype(float)
    weights = {name: array.astype(float) for name, array in FLOW.weights.items()}
    ends = solve_ivp(
        lambda time, flat: velocity(weights, flat.reshape(start.shape), time).ravel(),
        (0, 1),
        start.ravel(),
        rtol=1e-9,
        atol=1e-9,
    ).y[:, -1]
    errors = [
        np.abs(replace(FLOW, steps=steps)(NOISE[:8]) - ends.reshape(start.shape)).max()
        for steps in (128, 256, 512)
    ]
    assert errors[2] < 2e-4
    assert 3 < errors[0] / errors[1] < 5.5
    assert 3 < errors[1] / errors[2] < 5.5


def test_it_begins_at_rest():
    field = build_field(layout(WIDTH), NETWORK, seed=3)
    assert np.array_equal(freeze_flow(field, layout(WIDTH), NETWORK)(NOISE), NOISE)


@pytest.mark.parametrize("steps", [1, 8])
def test_a_constant_field_moves_noise_by_exactly_that(steps):
    constant = np.array([1, -2, 0.5, 0, 64], np.float32)
    still = {name: np.zeros_like(array) for name, array in FLOW.weights.items()}
    flow = FrozenFlow(
        {**still, "velocity.bias": constant}, np.zeros(WIDTH, np.float32), steps, layout(WIDTH)
    )
    whole = np.round(NOISE * 16) / 16  # sums of eighths of these are exact
    assert np.array_equal(flow(whole), whole + constant)


def test_a_shift_is_added_once_and_shifts_add_up():
    by = np.arange(WIDTH, dtype=float)
    moved = FLOW.shifted(by).shifted(2 * by)
    assert moved.shift.dtype == np.float32
    np.testing.assert_allclose(moved(NOISE), FLOW(NOISE) + 3 * by, rtol=1e-5, atol=1e-5)
    assert not FLOW.shift.any()


def test_many_rows_are_as_few_and_noise_is_left_alone():
    noise = np.random.default_rng(2).normal(size=(2_500, WIDTH)).astype(np.float32)
    kept = noise.copy()
    made = FLOW(noise)
    assert np.array_equal(noise, kept)
    assert made.shape == noise.shape
    for part in (slice(0, 64), slice(1_000, 1_064), slice(2_436, 2_500)):
        np.testing.assert_allclose(made[part], FLOW(noise[part]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mixed", LAYOUTS, ids=["mixed", "pattern"])
def test_heads_follow_where_the_layout_has_them(mixed):
    field = build_field(mixed, NETWORK, seed=0)
    flow = freeze_flow(field, mixed, NETWORK)
    noise = np.random.default_rng(3).normal(size=(50, mixed.width)).astype(np.float32)
    assert np.array_equal(flow.logits(noise), noise)
    assert np.array_equal(flow(noise), np.array([hard_by_hand(row, mixed) for row in noise]))


def test_large_numbers_overflow_without_a_word():
    far = FLOW(np.full((2, WIDTH), -1e6, np.float32))
    assert np.isfinite(far).all()


# --- files ----------------------------------------------------------------------------------------


def test_arrays_come_back():
    flow = FLOW.shifted(np.ones(WIDTH))
    again = FrozenFlow.from_arrays(flow.to_arrays(), layout(WIDTH))
    assert all(array.dtype == np.float32 for array in flow.to_arrays().values())
    assert (again.steps, again.latent_dim, again.kind) == (4, WIDTH, "flow")
    assert np.array_equal(again(NOISE), flow(NOISE))


def test_the_solvers_steps_are_the_networks():
    assert freeze_flow(FIELD, layout(WIDTH), replace(NETWORK, solver_steps=7)).steps == 7


def steps_of(number):
    return lambda arrays: arrays.update(steps=np.full(1, number, np.float32))


DAMAGE = {
    "no row.bias": (lambda a: a.pop("row.bias"), "lack 'row.bias'"),
    "no time.kernel": (lambda a: a.pop("time.kernel"), "lack 'time.kernel'"),
    "no outer_1.bias": (lambda a: a.pop("outer_1.bias"), "lack 'outer_1.bias'"),
    "no shift": (lambda a: a.pop("shift"), "lack 'shift'"),
    "no steps": (lambda a: a.pop("steps"), "lack 'steps'"),
    "nothing": (lambda a: a.clear(), "lack"),
    "half a block": (lambda a: a.pop("inner_1.kernel"), "do not fit"),
    "one too many": (lambda a: a.update(more=np.ones(1, np.float32)), "do not fit"),
    "a block elsewhere": (lambda a: a.update({"inner_7.kernel": a.pop("inner_1.kernel")}), "lack"),
    "another shape": (lambda a: a.update({"inner_0.kernel": np.ones((3, 3), "f4")}), "do not fit"),
    "a flat kernel": (lambda a: a.update({"row.kernel": np.ones(16, "f4")}), "do not fit"),
    "a scalar": (lambda a: a.update({"row.bias": np.array(1, "f4")}), "lack"),
    "two numbers of steps": (lambda a: a.update(steps=np.ones(2, "f4")), "do not fit"),
    "float64": (lambda a: a.update(shift=np.zeros(WIDTH)), "do not fit"),
    "whole numbers": (lambda a: a.update(steps=np.ones(1, np.int64)), "do not fit"),
    "NaN": (lambda a: a["row.kernel"].__setitem__((0, 0), np.nan), "NaN or infinity in row.kernel"),
    "infinity": (lambda a: a["shift"].__setitem__(0, np.inf), "NaN or infinity in shift"),
    "0 steps": (steps_of(0), "whole number of steps, at most 1,000, not 0"),
    "-3 steps": (steps_of(-3), "whole number of steps, at most 1,000, not -3"),
    "2.5 steps": (steps_of(2.5), "whole number of steps, at most 1,000, not 2.5"),
    "NaN steps": (steps_of(np.nan), "whole number of steps, at most 1,000, not nan"),
    "endless steps": (steps_of(np.inf), "whole number of steps, at most 1,000, not inf"),
}


@pytest.mark.parametrize(("change", "match"), DAMAGE.values(), ids=DAMAGE)
def test_damaged_arrays_are_refused(change, match):
    arrays = {name: array.copy() for name, array in FLOW.to_arrays().items()}
    change(arrays)
    with pytest.raises(ModelFileError, match=match):
        FrozenFlow.from_arrays(arrays, layout(WIDTH))


@pytest.mark.parametrize("width", [WIDTH - 1, WIDTH + 1])
def test_weights_of_another_layout_are_refused(width):
    with pytest.raises(ModelFileError, match="do not fit"):
        FrozenFlow.from_arrays(FLOW.to_arrays(), layout(width))


def test_a_path_that_runs_away_stays_finite():
    wild = replace(FLOW, weights={name: 50 * array for name, array in FLOW.weights.items()})
    assert np.isfinite(wild(100 * NOISE)).all()
