"""What a terminal adds: progress bars, and a Ctrl-C that asks instead of breaking."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import polars as pl

    from raregan.training.loop import History

EXIT_INTERRUPTED = 130


@contextlib.contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C or SIGTERM into a request to stop; a second Ctrl-C is immediate."""
    received: list[int] = []

    def handle(number: int, _frame: Any) -> None:
        if received and number == signal.SIGINT:
            raise KeyboardInterrupt
        received.append(number)

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def terminate_as_interrupt() -> Iterator[None]:
    """Let SIGTERM end a command as Ctrl-C does, so that it clears its temporary files away."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


@contextlib.contextmanager
def training_progress() -> Iterator[Callable[[History, int], None] | None]:
    """Show epoch, both losses and time left; nothing where standard error is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[losses]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("compiling", total=None, losses="")

        def progress(history: History, epochs: int) -> None:
            bar.update(
                task,
                description=f"epoch {history.epochs:,} of {epochs:,}",
                completed=history.epochs,
                total=epochs,
                losses=f"{_figures(history)}  time left",
            )

        yield progress


def _figures(history: History) -> str:
    """Write the newest losses, and the best score."""
    texts = [f"{name} {losses[-1]:.3f}" for name, losses in history.losses.items()]
    if history.best is not None:
        apart = history.best.told_apart
        texts.append(f"told apart {apart:.2f} at the best epoch, {history.best.epoch:,}")
    return "  ".join(texts)


@contextlib.contextmanager
def sampling_progress(
    total: int | None,
) -> Iterator[Callable[[Iterable[pl.DataFrame]], Iterable[pl.DataFrame]]]:
    """Give a function that passes frames on and counts their rows on a bar."""
    if not sys.stderr.isatty():
        yield lambda frames: frames
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("sampling", total=total)

        def watched(frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
            for frame in frames:
                yield frame
                bar.advance(task, frame.height)

        yield watched


@contextlib.contextmanager
def contest_progress() -> Iterator[Callable[[int, int], None] | None]:
    """Show how many parts of a contest are played and the time left; nothing without a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as TimeLeft

    columns = (TextColumn("playing"), BarColumn(), MofNCompleteColumn(), TimeLeft())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("playing", total=None)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield progress
