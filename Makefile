# study: install, a short study, its table.  test, test-slow, check: what CI runs.
# Everything is installed into .venv, and again only when pyproject.toml or
# constraints.txt has changed. PYTHON=... picks the interpreter it is made from.

.DEFAULT_GOAL := help
.PHONY: help study test test-slow check benchmarks clean

PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$name && break; done)

BIN := .venv/bin
INSTALLED := .venv/.installed
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
PYTEST := $(ONE_THREAD) $(BIN)/python -m pytest -n 2

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 18

study: $(INSTALLED)  ## a short study on the bundled wisdm51, its table, how to open the dashboard
	@$(BIN)/python -m study.run --preset quick --n-trials 8

test: $(INSTALLED)  ## the test suite, without what takes minutes
	$(PYTEST)

test-slow: $(INSTALLED)  ## the tests that take minutes
	$(PYTEST) -m slow

check: $(INSTALLED)  ## format, lint, types, import contracts
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

benchmarks: $(INSTALLED)  ## side-by-side measurements into benchmarks/results.json (an hour, on an idle machine)
	$(BIN)/python -m benchmarks --format json --output benchmarks/results.json

clean:  ## remove the environment and all caches; studies stay
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build *.egg-info
	find model study storage benchmarks tests -name __pycache__ -type d -prune -exec rm -rf {} +

# torch comes first and alone, so that a progress bar shows the one large download.
# Without --no-compile, half of the time goes into byte code that is never used.
$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "expected Python 3.11 or newer on the PATH, found none; name one with make PYTHON=..." >&2; exit 2; }
	@"$(PYTHON)" -c 'import sys; v = sys.version.split()[0]; sys.exit(f"expected Python 3.11 or newer, found {v}; name another with make PYTHON=..." if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || "$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install --no-compile --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[dev]'
	@touch $@
