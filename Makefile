# `make demo` and `make test` set up everything they need, from Python 3.11+ and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
STAMP := $(VENV)/.installed
export PATH := $(BIN):$(PATH)
# A killed dvc can leave .dvc/tmp/rwlock empty, and then no dvc command works (docs/pipeline.md).
HEAL := $(BIN)/python -m sr_bench.heal .dvc/tmp

.PHONY: help demo test repro lint bench wheel clean

help:  ## Show what can be made.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and "error: $(PYTHON) is Python %d.%d, sr-bench needs 3.11 or newer; pass PYTHON=python3.12, say" % v[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[run,test]'
	@touch $@

demo: $(STAMP)  ## Run the whole pipeline on images that installed packages carry: no download.
	@$(HEAL)
	cd demo && dvc repro --quiet
	@cd demo && sr-bench report --tables

repro: $(STAMP)  ## dvc repro: fetch, upscale, score and report the real thing.
	@$(HEAL)
	dvc repro

test: $(STAMP)  ## Lint, type-check and test.
	ruff check .
	ruff format --check .
	mypy
	pytest

bench: $(STAMP)  ## Measure speed against other packages (installs them into the environment).
	$(BIN)/python -m pip install --quiet --constraint constraints.txt \
		--requirement benchmarks/requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation \
		--requirement benchmarks/requirements-no-deps.txt
	mkdir -p build
	pytest benchmarks --benchmark-only --benchmark-json build/benchmarks.json
	$(BIN)/python -m benchmarks.ratios build/benchmarks.json

wheel: $(STAMP)  ## Build the wheel into dist/.
	rm -rf build/lib build/bdist.*
	$(BIN)/python -m build --wheel

clean:  ## Remove the environment and everything that can be made again.
	rm -rf $(VENV) build dist demo/build demo/data demo/reports
