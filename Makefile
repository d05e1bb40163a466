# make demo   the whole connector on this machine, once, with a table of what happened
# make up     the same stack until Ctrl-C; make up ARGS="--free-ports --without-host" passes options
# make setup  what the others need first: .venv and local/node_modules, by tools/setup.py
# make test   set-up and all tests          make lint   ruff, mypy, import-linter
# make test-fast   the tests that start no process and open no socket
# make coverage    branch coverage of shared/ by test-fast
# make mutants     whether tests notice when shared/ is changed: 100 changes, SEED=1 COUNT=100, under an hour
# make infra-check   the Bicep compiler (BICEP, else `bicep` on PATH), checkov and azure-functions-doctor
# make infra-write   format the Bicep files and write the snapshots anew, by the compiler
# make bench  figures into build/bench.json
# make peers  the app beside other libraries for the same, in an environment of its own
# make surge  10,000 webhooks over 64 connections and the orders that they leave: figures, and the picture docs/surge.svg
# make soak   half an hour of orders (MINUTES=30): memory, handles and connections each minute, and a verdict

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INFRA_VENV := .venv-infra
MUTANTS_VENV := .venv-mutants
PEERS_VENV := .venv-peers
# An environment is made and kept up to date by: $(SETUP) venv FOLDER REQUIREMENTS
SETUP := "$(PYTHON)" tools/setup.py
ARGS ?=
WORKERS ?= 2
SEED ?= 1
COUNT ?= 100
MINUTES ?= 30

.PHONY: setup demo up test test-fast coverage mutants lint infra-check infra-write bench peers surge soak format clean

# Paths are relative, and tools are called as modules: a checkout's own path may have spaces and quotes in it.
setup:
	@$(SETUP) venv $(VENV) requirements-dev.txt
	@$(SETUP) npm local $(VENV)

demo: setup
	@$(BIN)/python -m local.demo

up: setup
	@$(BIN)/python -m local.stack $(ARGS)

# First the tests that start no process and open no socket, which are held to that only when they run by themselves. Of
# the others a file's tests stay in one process: what their fixtures start is started once, the world once a process.
test: test-fast
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m wire

test-fast: setup
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not wire"

coverage: setup
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not wire" --cov --cov-report=term

mutants: setup
	@$(SETUP) venv $(MUTANTS_VENV) tools/mutants/requirements.txt
	@$(BIN)/python -m tools.mutants --seed $(SEED) --count $(COUNT) --jobs $(WORKERS) --cosmic-ray $(MUTANTS_VENV)/bin/cosmic-ray

lint: setup
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy
	@$(BIN)/python -c 'from importlinter.cli import lint_imports_command as lint; lint()'

infra-check:
	@$(SETUP) venv $(INFRA_VENV) infra/requirements-check.txt
	@$(INFRA_VENV)/bin/python infra/check.py

infra-write:
	@"$(PYTHON)" infra/check.py --write

bench: setup
	@$(BIN)/python -m bench

peers: setup
	@$(SETUP) venv $(PEERS_VENV) bench/peers-requirements.txt
	@$(PEERS_VENV)/bin/python -m bench.peers

surge: setup
	@$(BIN)/python -m bench.surge

soak: setup
	@$(BIN)/python -m bench.soak --minutes $(MINUTES)

format: setup
	@$(BIN)/python -m ruff check --fix .
	@$(BIN)/python -m ruff format .

clean:
	rm -rf $(VENV) $(INFRA_VENV) $(MUTANTS_VENV) $(PEERS_VENV) local/node_modules build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
