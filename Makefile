# A machine with python3 (3.11 or newer, with venv and pip) can do everything here; nothing outside the checkout changes
# but pip's cache and, for `make demo`, the config directory ~/.picloud3.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
# Two test files at a time: each waits for processes most of the time.
PARALLEL := -n 2 --dist loadfile
JOB_API := tests/contracts/test_job_api*.py tests/contracts/test_files_api.py
# See tests/scenarios/README.md.
ON_BOTH_ENGINES := $(patsubst %,tests/scenarios/test_%.py,sessions again fair_share)
# What takes long and seldom breaks: other projects' suites, whole browsers, the command line at its edges.
SLOW := tests/conformance tests/contracts/test_cloudpickle_suite.py $(patsubst %,tests/end_to_end/test_%.py,\
	dashboard_windows dashboard_widths dashboard_accessibility interpreters notebook \
	dashboard_maps_browser dashboard_pages_browser joblib cli_completion cli_hardships cli_setup cli_options cli_waiting)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
READY := $(VENV)/.ready
DEMO_READY := $(VENV)/.ready-demo

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all chaos quick check fix docs bench screenshots clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv and install picloud and the tools of its developers into it
	@echo "$(VENV) is ready; try: make demo"

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "picloud needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The marker is newer than pyproject.toml as long as what is installed is what pyproject.toml asks for.
$(READY): pyproject.toml | $(BIN)/python
	$(PIP) --editable '.[dev]'
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest $(VENV)/suites \
		cloudpickle==2.2.1  # its tests, run against our pickler
	@touch $@

$(DEMO_READY): pyproject.toml | $(BIN)/python
	$(PIP) --editable '.[demo]'
	@touch $@

demo: $(DEMO_READY) ## find faces in a hundred photographs, on a server that starts by itself
	$(BIN)/python examples/faces/find_faces.py

test: $(READY) ## tests: SQLite, local workers, and the contract suite of each adapter
	$(BIN)/python -m pytest $(PARALLEL) $(SLOW:%=--ignore=%)

test-all: test ## also what takes long, and the same with PostgreSQL, object stores and Ray clusters in all combinations
	$(BIN)/python -m pytest $(PARALLEL) -q $(SLOW)
	PICLOUD_TEST_STORE=postgres $(BIN)/python -m pytest $(PARALLEL) -q tests/scenarios $(JOB_API)
	PICLOUD_TEST_ALL=1 $(BIN)/python -m pytest $(PARALLEL) -q -k 'ray or object or cluster' tests/contracts tests/scenarios \
		tests/end_to_end/test_cluster_server.py
	PICLOUD_TEST_STORE=postgres PICLOUD_TEST_ALL=1 $(BIN)/python -m pytest $(PARALLEL) -q -k ray $(JOB_API) \
		$(ON_BOTH_ENGINES)

chaos: $(READY) ## a Ray cluster of which everything fails in turn while a map runs: figures
	PICLOUD_TEST_ALL=1 $(BIN)/python -m pytest -q -s tests/scenarios/test_ray_nodes.py

quick: $(READY) ## the tests that take milliseconds
	$(BIN)/python -m pytest tests/architecture tests/unit tests/contracts -m 'not slow' -q

check: $(READY) ## what CI runs before the tests: format, lint, import contracts, types, examples, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/architecture tests/end_to_end/test_examples.py tests/end_to_end/test_pages.py

fix: $(READY) ## format the code and repair what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(READY) ## check that the links of docs/ lead somewhere, the reference lists every public name, and the pages run
	$(BIN)/python -m pytest -q tests/architecture/test_docs.py tests/architecture/test_public_names.py \
		tests/end_to_end/test_pages.py

bench: $(READY) ## measure against the standard library's pools; writes benchmarks/results/*.json and a table
	$(BIN)/python -m benchmarks

screenshots: $(READY) ## take pictures of every page of the dashboard into docs/images
	$(BIN)/python -m scripts.screenshots

clean: ## remove .venv and everything that was generated
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist benchmarks/results
