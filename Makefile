# Bare `make` prints this list. Every target does its own set-up first.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready
MEMBERS := $(patsubst %/pyproject.toml,%,$(wildcard contracts/pyproject.toml schemas/pyproject.toml services/*/pyproject.toml services/adapters/*/pyproject.toml deploy/*/pyproject.toml))
EXPORT := $(BIN)/uv export --quiet --all-packages --no-emit-workspace --no-emit-project --no-header --no-annotate --format requirements-txt

.PHONY: help
help: ## Print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

.PHONY: setup
setup: $(STAMP) ## Make .venv with everything in it, the rinnan command too
$(STAMP): requirements.lock $(addsuffix /pyproject.toml,$(MEMBERS))
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(addprefix -e ,$(MEMBERS))
	@touch $@

.PHONY: demo
demo: $(STAMP) ## Play every family through, from nothing to var/demo/summary.json
	$(BIN)/python -m rinnan_local.demo

.PHONY: up
up: $(STAMP) ## Start everything, print the addresses, end it all with Ctrl-C
	$(BIN)/python -m rinnan_local.up

.PHONY: check
check: $(STAMP) ## Format, lint, types, imports, contracts, counties and the fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/python -m rinnan_contracts check
	$(BIN)/python -m rinnan_profiles.check
	@mkdir -p var; $(BIN)/pyright >var/types.txt & types=$$!; \
	$(BIN)/pytest -n auto --dist loadfile -m "not stack and not slow" && tests=0 || tests=$$?; \
	wait $$types || { cat var/types.txt; exit 1; }; exit $$tests

.PHONY: test
test: check ## All that CI runs: the checks, then what needs real Kafka, PostgreSQL, Java or node
	$(BIN)/pytest -m "stack or slow"

.PHONY: laws
laws: $(STAMP) ## Try to break the ten laws on the whole running system
	$(BIN)/pytest tests/laws

.PHONY: chaos
chaos: $(STAMP) ## Kill every process once during fifty registrations, and count the effects
	$(BIN)/pytest tests/laws/test_03_never_lost_never_doubled.py

.PHONY: bench
bench: $(STAMP) ## Measure hop, small batches and whole registrations (20 min); writes var/bench/latest.json
	$(BIN)/python -m tests.load.bench

.PHONY: counties
counties: $(STAMP) ## Validate every county: unknown keys, missing languages, missing adapters
	$(BIN)/python -m rinnan_profiles.check

.PHONY: contracts
contracts: $(STAMP) ## Write the schemas, AsyncAPI and OpenAPI anew from the code
	$(BIN)/python -m rinnan_contracts write

.PHONY: fmt
fmt: $(STAMP) ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: lock
lock: $(STAMP) ## Choose the newest versions anew; write the lock of everything, and the image's
	$(BIN)/uv lock --quiet --upgrade
	$(EXPORT) --all-groups --all-extras --output-file requirements.lock
	$(EXPORT) --no-dev --group build --output-file deploy/images/requirements.lock

.PHONY: clean
clean: ## Remove what was made here, .venv aside: var and caches
	rm -rf var .pytest_cache .ruff_cache .hypothesis .import_linter_cache tests/contracts/*/node_modules tests/contracts/*/target
