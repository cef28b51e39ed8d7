"""Resume to the bit: the state of a run in one sealed file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from raregan.archive import MALFORMED, from_json, read_archive, to_json, write_archive
from raregan.config import Config
from raregan.errors import ModelFileError
from raregan.training.evidence import Score
from raregan.training.loop import History, RunState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FORMAT_VERSION = 2
"""1 was that of two players without evidence; nothing was released with it."""

_LOSSES = "losses."  # before the player's name


def save_checkpoint(
    path: str | Path,
    state: RunState,
    history: History,
    *,
    config: Config,
    lesson: Mapping[str, Any],
) -> None:
    """Write the state of a run atomically.

    Parameters
    ----------
    path : str or Path
    state, history : RunState, History
        What :func:`load_checkpoint` gives back, to the bit.
    config : Config
        The run's options.
    lesson : mapping
        What the run learns from, JSON-safe: fingerprint of the table, target, rare value.
    """
    arrays = {**_named(state), **{f"{_LOSSES}{k}": v for k, v in history.losses.items()}}
    scores = [score._asdict() for score in history.scores]
    run = {"config": config.to_dict(), "lesson": dict(lesson), "scores": scores}
    write_archive(
        path,
        kind="checkpoint",
        version=FORMAT_VERSION,
        members={"run.json": to_json(run), "state.safetensors": save_tensors(arrays)},
    )


def load_checkpoint(
    path: str | Path, start: RunState, *, config: Config, lesson: Mapping[str, Any]
) -> tuple[RunState, History]:
    """Return the state and the history that :func:`save_checkpoint` wrote.

    Parameters
    ----------
    path : str or Path
    start : RunState
        The run's initial state: its shapes are what the file must hold.
    config : Config
        Options of the run that goes on; only `max_minutes`, `learning_rate` and, where the rate
        is not annealed over them, `epochs` may differ from those of the checkpoint.
    lesson : mapping
        As of :func:`save_checkpoint`.

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, belongs to another table or other options, or holds more
        epochs than are asked for.
    """
    path = Path(path)
    if not path.exists():
        raise ModelFileError(f"there is no checkpoint {path} to resume; train without --resume")
    members = read_archive(path, kind="checkpoint", version=FORMAT_VERSION)
    try:
        run = from_json(members["run.json"])
        saved = Config.from_dict(run["config"])
        same_lesson = run["lesson"] == dict(lesson)
        arrays = load_tensors(members["state.safetensors"])
        scores = tuple(Score(**score) for score in run["scores"])
    except (SafetensorError, *MALFORMED) as error:
        raise ModelFileError(f"{path} is damaged: {error}") from error
    if not same_lesson:
        raise ModelFileError(
            f"{path} was made from another table, target or rare value, or with other columns; "
            "train without --resume, or with the data as it was"
        )
    _check_same_run(path, saved, config)
    try:
        state = _rebuild(start, arrays)
        losses = {name: arrays[f"{_LOSSES}{name}"] for name in start.main.players}
        history = History(losses, scores)
    except (KeyError, ValueError) as error:
        raise ModelFileError(f"{path} does not fit these networks: {error}") from error
    if history.epochs > config.training.epochs:
        raise ModelFileError(
            f"{path} has {history.epochs:,} epochs done, more than the {config.training.epochs:,} "
            "asked for; ask for as many or more, or train without --resume"
        )
    if int(state.main.epoch) != history.epochs:
        raise ModelFileError(f"{path} is damaged: its state and its history disagree")
    return state, history


def _named(state: RunState) -> dict[str, NDArray[np.generic]]:
    return {
        _dotted(path): np.asarray(leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(state)
    }


def _rebuild(start: RunState, arrays: dict[str, NDArray[np.generic]]) -> RunState:
    for name, expected in _named(start).items():
        found = arrays[name]
        if (found.shape, found.dtype) != (expected.shape, expected.dtype):
            raise ValueError(f"{name} is {found.dtype}{list(found.shape)}")
    rebuilt: RunState = jax.tree_util.tree_map_with_path(
        lambda path, _leaf: jnp.asarray(arrays[_dotted(path)]), start
    )
    return rebuilt


def _dotted(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".")


def _check_same_run(path: Path, saved: Config, config: Config) -> None:
    free = {"epochs", "max_minutes", "learning_rate"}
    if config.training.anneal:
        free.remove("epochs")  # the learning rate of every step depends on them
    comparable = replace(
        saved,
        training=replace(saved.training, **{name: getattr(config.training, name) for name in free}),
    )
    if comparable == config:
        return
    before, now = _flat(comparable), _flat(config)
    changed = [name for name in now if before[name] != now[name]]
    if changed == ["epochs"]:
        raise ModelFileError(
            f"{path} is of a run of {before['epochs']:,} epochs, and this one would have "
            f"{now['epochs']:,}: its learning rate falls over all of them; resume with "
            f"--epochs {before['epochs']}, or train without --resume"
        )
    texts = [f"{name} was {before[name]}, and is {now[name]}" for name in changed]
    raise ModelFileError(
        f"{path} was made with other options ({'; '.join(texts)}): "
        "resume with the same ones, or train without --resume"
    )


def _flat(config: Config) -> dict[str, object]:
    values = config.to_dict()
    return {
        "variant": values["variant"],
        "seed": values["seed"],
        **values["network"],
        **values["training"],
    }
