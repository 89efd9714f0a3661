# detente: the commands a reader types. Each sets up what it needs in .venv.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
AS_OF  ?=
# make brief LANGUAGE=ru; an environment's LANGUAGE is the locale's and is not meant
SPEAK  := $(if $(filter command,$(word 1,$(origin LANGUAGE))),--lang $(LANGUAGE))

.DEFAULT_GOAL := help
.PHONY: help brief test lint check bench soak page serve docs clean

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(VENV)/.run: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "detente needs Python 3.11 or newer: make PYTHON=python3.12"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV) (once, about a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@$(BIN)/detente brief >/dev/null  # compiles the numeric kernels once
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@echo "adding the test tools to $(VENV) (once, a few minutes) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

brief: $(VENV)/.run  ## the state of arms control today: a page in out/brief, a short text here
	@$(BIN)/detente brief $(if $(AS_OF),--as-of $(AS_OF)) $(SPEAK) -o out/brief

lint: $(VENV)/.dev  ## ruff, mypy strict, import-linter
	@$(BIN)/ruff check src tests bench
	@$(BIN)/ruff format --check src tests bench
	@$(BIN)/mypy
	@$(BIN)/lint-imports

test: lint  ## lint, types, floors and all tests
	@$(BIN)/python -m pytest -q -n 2 -m "not soak"

soak: $(VENV)/.dev  ## everything again with new random examples, and the long runs (an hour or more)
	@DETENTE_SEARCH=1 $(BIN)/python -m pytest -q -m "soak or not soak"

bench: $(VENV)/.dev  ## the benchmarks, each as a ratio to a yardstick in the same run
	@$(BIN)/python -m bench

$(VENV)/.serve: requirements/serve.txt $(VENV)/.run
	@echo "adding the server and Node to $(VENV) (once, about a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/serve.txt
	@touch $@

page: $(VENV)/.serve  ## build the workbench's page with Node from a wheel, where its sources have changed
	@$(BIN)/python tools/page.py

serve: page  ## the workbench in a browser: law, numbers, signals, claims, proposals
	@$(BIN)/detente serve

docs:  ## the documentation as a site in out/docs
	@test -x .venv-docs/bin/zensical || { $(PYTHON) -m venv .venv-docs && .venv-docs/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/docs.txt; }
	@.venv-docs/bin/zensical build --clean
	@echo "open out/docs/index.html"

clean:  ## remove what the commands above made
	rm -rf $(VENV) .venv-docs out build dist web/node_modules src/detente/web/static .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
