"""Trials without training: figures that follow from the settings."""

from raregan.tuning.trials import Figures, Trial


def make_trial(number, apart, *, variant="flow", copying=0.0, failure=None, **settings):
    """Return a trial of which only `told_apart` and `copying` are not 0."""
    figures = None if failure else Figures(apart, 0.0, 0.0, copying)
    return Trial(number, variant, settings, figures, failure, seconds=1.0)
