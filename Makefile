# Cangdan. `make up` needs Python 3.11 to 3.13, make and git; `make test` also Node 20 or newer, Go 1.24 and gcc.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile --require-hashes
UV_VERSION := 0.13.9

.PHONY: help env runtime up down status test deep network qbft lint format node-tools apt-tools lock clean

help:
	@echo "make up      start everything and load two scenarios; make down stops it, its state stays"
	@echo "make test    lint and the tests (25 minutes); make deep runs the full sizes"
	@echo "make network the tests on four real signers of geth alone (4 minutes)"
	@echo "make qbft    the tests on live QBFT validators of the executable that CANGDAN_QBFT_BINARY names (4 minutes)"
	@echo "make lint    style, types, imports, sizes"
	@echo "make env     the development environment in $(VENV)"
	@echo "make lock    write the lock files anew after a change in pyproject.toml"

up: runtime
	@$(BIN)/cangdan up

down: runtime
	@$(BIN)/cangdan down

status: runtime
	@$(BIN)/cangdan status

runtime: $(VENV)/.runtime

env: $(VENV)/.dev

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "Cangdan needs Python 3.11, 3.12 or 3.13; say which with make PYTHON=python3.12"; exit 1; }
	@echo "Making $(VENV) (a minute or two, once) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock requirements-build.lock pyproject.toml | $(BIN)/python
	@$(PIP) -r requirements-build.lock
	@$(PIP) --no-build-isolation -r requirements.lock
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	@$(PIP) --no-build-isolation -r requirements-dev.lock
	@touch $@

test: env node-tools apt-tools
	@$(BIN)/python tools/run_suites.py

deep: env node-tools apt-tools
	@$(BIN)/python tools/run_suites.py --deep

network: env node-tools apt-tools
	@$(BIN)/python tools/run_suites.py --only network

qbft: env node-tools apt-tools
	@$(BIN)/python tools/run_suites.py --only qbft

lint: env
	@$(BIN)/python tools/run_suites.py --only lint

format: env
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

node-tools: node_modules/.package-lock.json

node_modules/.package-lock.json: package.json package-lock.json
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# A browser with Chinese letters for the console tests, a PostgreSQL for the index, a C compiler for the power cuts:
# Debian's packages, as root only.
apt-tools:
	@sh tools/apt_tools.sh

lock: | $(BIN)/python
	@$(PYTHON) -m venv .tools/uv && .tools/uv/bin/pip install --quiet uv==$(UV_VERSION)
	@UV=.tools/uv/bin/uv sh tools/lock.sh

clean:
	rm -rf $(VENV) node_modules .tools build
