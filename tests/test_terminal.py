import contextlib
import os
import pty
import signal
import sys

import numpy as np
import polars as pl
import pytest

from raregan.terminal import (
    contest_progress,
    sampling_progress,
    stop_on_signal,
    training_progress,
)
from raregan.training.evidence import Score
from raregan.training.loop import History


@contextlib.contextmanager
def on_a_terminal():
    """Make standard error a terminal; the list that is yielded gets what was shown."""
    master, slave = pty.openpty()
    shown = []
    with os.fdopen(slave, "w") as stream, pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "120")
        patch.setenv("TERM", "xterm")
        patch.setattr(sys, "stderr", stream)
        yield shown
        stream.write("end")  # or reading an empty terminal would wait for ever
        stream.flush()
        text = ""
        while not text.endswith("end"):
            text += os.read(master, 100_000).decode(errors="ignore")
        shown.append(text)
    os.close(master)


def history(epochs):
    losses = {"discriminator": np.full(epochs, 1.25), "generator": np.full(epochs, 0.5)}
    return History(losses, (Score(300, 0.5, 0.1, 0.1, 0.05, 0.02, 1.0),))


def test_training_shows_epoch_losses_and_time():
    with on_a_terminal() as shown, training_progress() as progress:
        progress(history(1_500), 5_000)
    for part in ("epoch 1,500 of 5,000", "discriminator 1.250", "generator 0.500", "time left"):
        assert part in shown[0]


def test_sampling_counts_rows():
    frames = [pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": [3]})]
    with on_a_terminal() as shown, sampling_progress(6) as watched:
        assert [frame.height for frame in watched(frames)] == [2, 1]
    assert "sampling" in shown[0]


def test_a_contest_shows_its_parts_and_the_time_left():
    with on_a_terminal() as shown, contest_progress() as progress:
        progress(7, 20)
    assert "playing" in shown[0]
    assert "7/20" in shown[0]


def test_it_is_quiet_where_there_is_no_terminal(capfd):
    with training_progress() as progress:
        assert progress is None
    with contest_progress() as progress:
        assert progress is None
    with sampling_progress(1) as watched:
        assert watched([1]) == [1]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_a_second_ctrl_c_breaks(number):
    before = signal.getsignal(number)
    with stop_on_signal() as stop:
        assert not stop()
        signal.raise_signal(number)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(number) is before
