"""The embedded table, made once for the tests of the simulator."""

import numpy as np
import pytest

from raregan.config import SIMULATED_FRAUDS, SIMULATED_ROWS
from raregan.data import traffic
from raregan.data.simulate import make_card_fraud


@pytest.fixture(scope="session")
def raw():
    return make_card_fraud(features="raw")


@pytest.fixture(scope="session")
def kind():
    """Of each row of both tables: 0, or the number of the kind of fraud."""
    _, events = traffic.simulate(np.random.default_rng(0), SIMULATED_ROWS, SIMULATED_FRAUDS)
    return events.kind
