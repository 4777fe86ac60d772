# Osteon: every verb does the set-up it needs. `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PACK   := fhir_server/definitions/data/hl7.fhir.r4.core-4.0.1.pack

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev serve test check format bench docs lock clean

help: ## List the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1	\2/' | expand -t 22

$(VENV)/runtime.stamp: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Osteon needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock $(VENV)/runtime.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock
	@touch $@

$(PACK): $(VENV)/runtime.stamp fhir_server/definitions/fetch.py fhir_server/definitions/pack.py
	$(BIN)/python -m fhir_server.definitions.fetch

setup: $(VENV)/runtime.stamp $(PACK) ## Virtual environment from the lock file, FHIR definitions
setup-dev: setup $(VENV)/dev.stamp ## The same, with the tools of developers

serve: setup ## Start FHIR, the start page and MLLP on loopback
	@$(BIN)/osteon serve

test: setup-dev check ## Every check and test
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: setup-dev ## Format, lint, types, import layers
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: setup-dev ## Format the code and mend what lint can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup-dev ## Benchmarks, each beside its floor or rival
	$(BIN)/python -m benchmarks

docs: setup-dev ## Generate the reference pages from the code
	$(BIN)/python -m fhir_server.cli.reference docs

lock: ## Resolve the dependencies again and pin them with their hashes (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml build-requirements.in --output-file requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --constraint requirements.lock --group dev --output-file requirements-dev.lock

clean: ## Remove what set-up made (never var/, the data)
	rm -rf $(VENV) $(PACK) .mypy_cache .ruff_cache
