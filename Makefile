# Everything a person needs, in a bare Debian 12 with python3.11, python3-venv, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UI := contact_center/agent_ui
export PATH := $(CURDIR)/$(BIN):$(PATH)
export CONTACT_CENTER_DATA_DIR ?= data

.PHONY: help run demo prove test lint chaos fuzz bench screenshots console contract clean

help: ## Show this list.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

run: $(VENV)/run.stamp $(UI)/dist/index.html ## Run the server on http://127.0.0.1:8080 (HOST and PORT change it).
	@$(BIN)/contact-center serve

demo: $(VENV)/run.stamp $(UI)/dist/index.html ## Run the server with a living story: a shop, its past, customers who keep writing.
	@$(BIN)/contact-center demo

test: $(VENV)/dev.stamp $(UI)/dist/index.html ## Install what the tests need and run everything.
	@sh tests/install-peers.sh
	$(BIN)/ruff check contact_center tests bench
	$(BIN)/ruff format --check -q contact_center tests bench
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache > .lint-imports.log || { cat .lint-imports.log; exit 1; }
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

prove: $(VENV)/dev.stamp $(UI)/dist/index.html ## Prove the four promises, and print a table of what was proven.
	@sh tests/install-peers.sh
	@$(BIN)/python -m tests.prove

chaos: $(VENV)/dev.stamp $(UI)/dist/index.html ## Try every fault of docs/faults.md. ARGS="--seed 3 'cut at COMMIT'" for one, --long for all.
	@sh tests/install-peers.sh strace faketime
	$(BIN)/python -m tests.chaos $(ARGS)
	@[ -n "$(ARGS)" ] || $(BIN)/python -m pytest -m long

fuzz: $(VENV)/dev.stamp ## Hostile input by the ten thousand for every reader, then the whole API. ARGS="--seed 7 --count 1000" for other or less.
	$(BIN)/python -m tests.fuzz $(ARGS)

bench: $(VENV)/dev.stamp $(UI)/dist/index.html ## Measure, beside peers and raw limits. ARGS="--quick ingest" for less.
	$(BIN)/python -m bench $(ARGS)

screenshots: $(VENV)/dev.stamp $(UI)/dist/index.html ## Take the pictures of the README into docs/pictures.
	$(BIN)/python -m tests.pictures docs/pictures

console: $(UI)/dist/index.html ## Build the console.

contract: $(VENV)/dev.stamp ## Make the console's typed API anew from the code.
	$(BIN)/contact-center openapi | $(BIN)/python -m json.tool --no-ensure-ascii > $(UI)/src/contract/openapi.json
	cd $(UI) && npm run --silent contract

clean: ## Remove the environment and everything built; data stays.
	rm -rf $(VENV) $(UI)/dist $(UI)/node_modules

# The lock first, with every hash checked; then the project itself, which brings nothing along.
$(VENV)/run.stamp: requirements/run.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

$(UI)/node_modules/.stamp: $(UI)/package-lock.json $(VENV)/run.stamp
	cd $(UI) && npm ci --silent --no-audit --no-fund
	@touch $@

$(UI)/dist/index.html: $(UI)/node_modules/.stamp $(UI)/index.html $(UI)/docs.html $(UI)/vite.config.ts $(shell find $(UI)/src $(UI)/public -type f)
	cd $(UI) && npm run --silent build
