# Two commands matter: make demo, make test. Both need Python >= 3.11 and, once, a package registry.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test test-slow test-packages check wheel format clean

help:
	@echo 'make demo           train, sample and judge on the embedded simulated table (into out/)'
	@echo 'make test           all tests but the slow ones'
	@echo 'make test-slow      the slow ones'
	@echo 'make test-packages  tests of LightGBM, CatBoost, XGBoost, Dask and Ray, which it installs'
	@echo 'make check          format, lint, types, import directions'
	@echo 'make wheel          build a wheel and try it in an empty environment'
	@echo 'make format         mend format and what lint can mend'
	@echo 'make clean          remove what the above made'

demo: .venv/installed
	$(BIN)/raregan demo --output out

test: .venv/installed-test
	$(BIN)/python -m pytest -m 'not slow' -n 2 --dist worksteal

test-slow: .venv/installed-test
	$(BIN)/python -m pytest -m slow

# In an environment of its own: the other tests shall not depend on these packages.
test-packages: .venv-packages/installed
	.venv-packages/bin/python -c 'import catboost, distributed, lightgbm, ray, xgboost'
	.venv-packages/bin/python -m pytest tests/contest/test_learners.py tests/contest/test_schedule.py

check: .venv/installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_house.py

wheel: .venv/installed-test
	rm -rf dist
	$(BIN)/python -m build --wheel --no-isolation --outdir dist .
	$(BIN)/python -m pytest -q tests/test_wheel.py -m slow

format: .venv/installed-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv .venv-packages out dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Stamps: nothing is installed twice, and nothing asks for the network once installed.
.venv/installed: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else "raregan needs Python 3.11 to 3.13, this is %d.%d: make PYTHON=python3.12 ..." % v[:2])'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

.venv/installed-test: .venv/installed requirements-test.txt
	$(BIN)/python -m pip install --quiet --requirement requirements-test.txt
	touch $@

.venv-packages/installed: requirements-packages.txt requirements-test.txt requirements.txt pyproject.toml
	$(PYTHON) -m venv --clear .venv-packages
	.venv-packages/bin/python -m pip install --quiet --requirement requirements-packages.txt
	.venv-packages/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@
