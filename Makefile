# make demo   the whole connector on this machine, once, with a table of what happened
# make up     the same stack until Ctrl-C
# make test   set-up and all tests          make lint   ruff, mypy, import-linter
# make test-fast   the tests that start no process and open no socket
# make coverage    branch coverage of shared/ by test-fast
# make infra-check   the Bicep compiler (BICEP, else `bicep` on PATH), checkov and azure-functions-doctor
# make infra-write   format the Bicep files and write the snapshots anew, by the compiler
# make bench  figures into build/bench.json

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
INFRA_VENV := .venv-infra
INFRA_READY := $(INFRA_VENV)/.ready
NODE_READY := local/node_modules/.ready
WORKERS ?= 2

.PHONY: setup demo up test test-fast coverage lint infra-check infra-write bench format clean

setup: $(READY) $(NODE_READY)

$(READY): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info[:2] >= (3, 13) else "Python 3.13 or newer is needed, this is " + sys.version.split()[0] + ". Install it, or call: make PYTHON=/path/to/python3.13")'
	@echo "Setting up Python packages in $(VENV) (about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(NODE_READY): local/package.json local/package-lock.json $(READY)
	@echo "Setting up Azurite and Shopify's schema in local/node_modules (about a minute)"
	@cd local && PATH="$(abspath $(BIN)):$$PATH" $(abspath $(BIN))/npm install --silent --ignore-scripts --no-audit --no-fund
	@touch $@

demo: setup
	@$(BIN)/python -m local.demo

up: setup
	@$(BIN)/python -m local.stack

# First the tests that start no process and open no socket, which are held to that only when they run by themselves. Of
# the others a file's tests stay in one process: what their fixtures start is started once, the world once a process.
test: test-fast
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m wire

test-fast: setup
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not wire"

coverage: setup
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not wire" --cov --cov-report=term

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

$(INFRA_READY): infra/requirements-check.txt
	@test -x $(INFRA_VENV)/bin/python || $(PYTHON) -m venv $(INFRA_VENV)
	@$(INFRA_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r infra/requirements-check.txt
	@touch $@

infra-check: $(INFRA_READY)
	@$(INFRA_VENV)/bin/python infra/check.py

infra-write:
	@$(PYTHON) infra/check.py --write

bench: setup
	@$(BIN)/python -m bench

format: setup
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(INFRA_VENV) local/node_modules build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
