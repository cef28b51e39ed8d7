"""Hypothesis without its deadline: the machines that run these tests are shared."""

from hypothesis import settings

settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")
