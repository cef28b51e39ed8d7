"""The estimator checks of scikit-learn and of imbalanced-learn: all of them, none left out.

scikit-learn itself skips one, as docs/oversampling.md says.
"""

import os
import subprocess
import sys

import pytest
from imblearn.utils import estimator_checks as imblearn_checks
from sklearn.utils import estimator_checks as sklearn_checks

from raregan.oversampler import GANOverSampler
from tests.conftest import QUICK

TINY = GANOverSampler(epochs=1, latent_dim=2, random_state=0, **QUICK)

CHECKS = [
    pytest.param(*values, id=f"{library.__name__.partition('.')[0]}-{values[1].func.__name__}")
    for library in (imblearn_checks, sklearn_checks)
    for values in library.estimator_checks_generator(TINY)
]


@pytest.mark.filterwarnings(
    "ignore::raregan.errors.RareGANWarning",  # their tables do hold copies of rows
    "ignore::sklearn.exceptions.SkipTestWarning",
)
@pytest.mark.parametrize(("estimator", "check"), CHECKS)
def test_estimator_check(estimator, check):
    check(estimator)


def test_every_parameter_is_validated():
    imblearn_checks.check_param_validation("GANOverSampler", TINY)


def test_the_check_that_scikit_learn_skips_passes_once_it_may_run():
    code = (
        "from sklearn.utils.estimator_checks import check_array_api_input as check\n"
        "from raregan.oversampler import GANOverSampler as Sampler\n"
        f"sampler = Sampler(epochs=1, latent_dim=2, random_state=0, **{QUICK})\n"
        "check('Sampler', sampler, array_namespace='numpy', expect_only_array_outputs=False)\n"
    )
    told = os.environ | {"SCIPY_ARRAY_API": "1"}
    subprocess.run([sys.executable, "-c", code], env=told, check=True, capture_output=True)
