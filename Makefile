# Osteon: every verb does the set-up it needs. `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
PACK   := fhir_server/definitions/data/hl7.fhir.r4.core-4.0.1.pack
TESTS  ?= tests
SECONDS := 60
ROUNDS := 10
SOAK   ?= 600 60
INGEST := mllp_frames hl7v2 hl7v2_mending hl7v2_mapping
TARGET := fhirpath json_source xml_source profile validator $(INGEST)

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev serve test check format explore bench conformance fuzz fuzz-ingest fuzz-rest soak-rest docs lock clean

help: ## List the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1	\2/' | expand -t 22

$(VENV)/runtime.stamp: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Osteon needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@echo "Setting up the virtual environment in $(VENV) (a minute, once)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --no-compile --require-hashes --requirement requirements.lock
	@$(PIP) install --no-compile --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock $(VENV)/runtime.stamp
	@echo "Adding the tools of developers"
	@$(PIP) install --no-compile --require-hashes --requirement requirements-dev.lock
	@touch $@

$(PACK): $(VENV)/runtime.stamp fhir_server/definitions/fetch.py fhir_server/definitions/pack.py
	@$(BIN)/python -m fhir_server.definitions.fetch
	@touch $@

setup: $(VENV)/runtime.stamp $(PACK) ## Virtual environment from the lock file, FHIR definitions
setup-dev: setup $(VENV)/dev.stamp ## The same, with the tools of developers

# The launcher has the server end in order when make itself is killed.
serve: setup ## Start FHIR, the start page and MLLP on loopback; Ctrl-C ends them
	@exec $(BIN)/python -I -S fhir_server/child_process.py --parent $$PPID --signal 15 -- $(BIN)/osteon serve

# UTF-8 whatever the locale: tests read files and the lines of commands.
test: setup-dev check ## Every check and test; TESTS=tests/platform for some of them
	PYTHONUTF8=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist worksteal $(TESTS)

check: setup-dev ## Format, lint, types, import layers
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

explore: setup-dev ## The property tests with cases drawn anew, ROUNDS times (10); what fails prints its seed
	@for round in $$(seq $(ROUNDS)); do \
	  PYTHONUTF8=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 -m hypothesis --hypothesis-profile explore $(TESTS) || exit 1; \
	done

format: setup-dev ## Format the code and mend what lint can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(VENV)/bench.stamp: requirements-bench.lock $(VENV)/dev.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-bench.lock
	@touch $@

bench: setup-dev $(VENV)/bench.stamp ## Benchmarks, each beside its floor or rival
	$(BIN)/python -m benchmarks

conformance: setup-dev ## Run the public suites and write docs/conformance.json and .md
	$(BIN)/python -m tests.validation.conformance_report

$(VENV)/fuzz.stamp: requirements-fuzz.lock $(VENV)/dev.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-fuzz.lock
	@touch $@

# What atheris finds new goes to .fuzz/; an input that breaks a target is kept there as crash-….
fuzz: setup-dev $(VENV)/fuzz.stamp ## Fuzz each target for SECONDS (60); TARGET=validator for one of them
	@for target in $(TARGET); do \
	  mkdir -p .fuzz/$$target && echo "fuzz $$target" && \
	  $(BIN)/python -m tests.fuzz.fuzz_$$target -max_total_time=$(SECONDS) -verbosity=0 -timeout=60 \
	    -artifact_prefix=.fuzz/ .fuzz/$$target tests/fuzz/corpus/$$target || exit 1; \
	done

fuzz-ingest: TARGET := $(INGEST)
fuzz-ingest: SECONDS := 900
fuzz-ingest: fuzz ## Fuzz framing, lexer, mending and mapping of HL7 v2 for SECONDS each (900: an hour in all)

fuzz-rest: setup-dev $(VENV)/fuzz.stamp ## Fuzz the REST interface for SECONDS (60): random requests, schemathesis
	$(BIN)/python -m tests.fuzz.rest $(SECONDS)

soak-rest: setup-dev ## Cross transactions for SECONDS (60), page under writes, kill the server 50 times
	$(BIN)/python -m tests.soak $(SECONDS)

soak: setup-dev ## 24 centres that send badly while all is killed again and again; SOAK="seconds kill-every"
	$(BIN)/python -m tests.ingest.soak $(SOAK)

docs: setup-dev ## Generate the reference pages from the code
	$(BIN)/python -m fhir_server.cli.reference docs
	$(BIN)/python -m fhir_server.bridges.page docs

lock: ## Resolve the dependencies again and pin them with their hashes (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml build-requirements.in --output-file requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --constraint requirements.lock --group dev --output-file requirements-dev.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --constraint requirements-dev.lock benchmarks/requirements.in --output-file requirements-bench.lock
	uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --constraint requirements-dev.lock tests/fuzz/requirements.in --output-file requirements-fuzz.lock

clean: ## Remove what set-up made (never var/, the data)
	rm -rf $(VENV) $(PACK) .mypy_cache .ruff_cache .import_linter_cache .hypothesis
