"""Networks without a run around them: JAX is set up as a run would, and compiles once a machine."""

from raregan.training.backend import prepare_backend

prepare_backend()  # before any module of tests makes an array
