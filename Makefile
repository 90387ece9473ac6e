PYTHON ?= python3
VENV := .venv

.PHONY: env node-tools

env: $(VENV)/.stamp-dev

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.stamp-dev: requirements-dev.lock requirements-build.lock pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install -q --require-hashes -r requirements-build.lock
	$(VENV)/bin/python -m pip install -q --no-build-isolation --require-hashes -r requirements-dev.lock
	$(VENV)/bin/python -m pip install -q --no-build-isolation --no-deps -e .
	touch $@

node-tools: node_modules/.package-lock.json

node_modules/.package-lock.json: package.json package-lock.json
	npm ci
	touch $@
