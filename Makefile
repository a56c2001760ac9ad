# Everything a person or CI does here is one target. `make demo` and `make test` need only Python 3.11+ and make.

PYTHON ?= python3
# UV=... takes another uv, for example where Python comes without venv: make UV=uv test
UV ?= .venv-tools/bin/uv
UV_VERSION := 0.13.8
PYTEST_ARGS ?=
DEMO_ARGS ?=
BENCH_ARGS ?=
CRASH_ARGS ?=
PEERS := mlmd tfx mlflow validation
TFX := 1.21.0

BIN := .venv/bin
export UV_PYTHON_DOWNLOADS := never
# Tests start hundreds of processes: compiled once, a process starts in half the time or less.
unexport PYTHONDONTWRITEBYTECODE
# The lock is a constraint, so its hashes are checked, and only what the target needs is installed.
INSTALL := $(UV) pip install --quiet --python $(BIN)/python --constraint requirements.lock --editable
# Names no address itself, or it would find this file.
ADDRESSES := (pypi|pythonhosted|npmjs|yarnpkg|crates|anaconda|rubygems|maven|nodejs)[.](org|com|io)|(deb|security)[.]debian|proxy[.]golang

.DEFAULT_GOAL := help
.PHONY: help
help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: .venv/.ready-demo ## Run the main job on a year of New York flights (DEMO_ARGS="--months 3")
	$(BIN)/headwater demo $(DEMO_ARGS)

.PHONY: test
test: .venv/.ready-dev ## Run every test and docstring example (PYTEST_ARGS="-k lineage")
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --doctest-modules $(PYTEST_ARGS) tests src

.PHONY: lint
lint: .venv/.ready-dev addresses ## Check style, types, import layers and addresses
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

.PHONY: addresses
addresses: ## Check that no file names a package registry's host
	@git grep --untracked -nIE '$(ADDRESSES)'; status=$$?; \
	if [ $$status -eq 0 ]; then echo 'these lines name a package registry; name the package alone' >&2; exit 1; fi; \
	[ $$status -eq 1 ]

.PHONY: format
format: .venv/.ready-dev ## Rewrite the Python files in house layout
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

.PHONY: peers
peers: $(PEERS:%=.venv-peers/%/.ready) ## Install the original ML Metadata, TFX, MLflow and real data beside, for tests that compare

.PHONY: fuzz-mlmd
fuzz-mlmd: .venv/.ready-dev .venv-peers/mlmd/.ready ## Compare with the original ML Metadata at length (FUZZ=1500)
	HEADWATER_TEST_REQUIRE=mlmd HEADWATER_TEST_FUZZ_EXAMPLES=$(or $(FUZZ),1500) \
		$(BIN)/pytest -n 0 tests/compat/mlmd/test_differential.py

.PHONY: fuzz-mlflow
fuzz-mlflow: .venv/.ready-dev .venv-peers/mlflow/.ready ## Compare with MLflow's own server at length (FUZZ=500)
	HEADWATER_TEST_REQUIRE=mlflow HEADWATER_TEST_MLFLOW_EXAMPLES=$(or $(FUZZ),500) \
		$(BIN)/pytest -n 0 tests/compat/mlflow -k test_random_calls

.PHONY: docs
docs: .venv/.ready-dev ## Check that the docs are complete and their examples run
	$(BIN)/pytest -n 0 $(PYTEST_ARGS) tests/docs

.PHONY: openapi
openapi: .venv/.ready-dev ## Write the REST API's description to docs/openapi.json
	$(BIN)/python -m headwater.server.http.description docs/openapi.json

.PHONY: bench
bench: .venv/.ready-dev | $(filter .venv-tools/%,$(UV)) ## Measure every claim of docs/performance.md (BENCH_ARGS="series")
	UV=$(UV) $(BIN)/python -m benchmarks $(BENCH_ARGS)

.PHONY: soak
soak: .venv/.ready-dev ## Have 16 clients load a server for a minute, and four for an hour: its memory stays flat (SOAK=3600)
	HEADWATER_TEST_SOAK_S=60 $(BIN)/pytest -n 0 tests/server/http/test_many_clients.py
	$(BIN)/python -m tests.soak --seconds $(or $(SOAK),3600)

.PHONY: memory
memory: .venv/.ready-dev ## The same for five minutes with few requests, beside something else (SOAK=300)
	$(BIN)/python -m tests.soak --seconds $(or $(SOAK),300) --rate 50

.PHONY: crash
crash: .venv/.ready-dev ## Kill a mixed workload 500 times, and check after each (CRASH_ARGS="--store mysql")
	$(BIN)/python -m tests.crash $(CRASH_ARGS)

.PHONY: changelog
changelog: .venv/.ready-dev ## Show the next release's notes from changes/
	$(BIN)/towncrier build --draft

.PHONY: hooks
hooks: .venv/.ready-dev ## Run the quick checks before every commit
	$(BIN)/prek install

.PHONY: lock
lock: $(filter .venv-tools/%,$(UV)) ## Lock what pyproject.toml asks for (LOCK_ARGS=--upgrade for the newest)
	$(UV) pip compile pyproject.toml --quiet --no-config --universal --all-extras --group dev --generate-hashes \
		--custom-compile-command 'make lock' --output-file requirements.lock $(LOCK_ARGS)

.PHONY: setup
setup: .venv/.ready-dev ## Install everything the other targets need

.PHONY: clean
clean: ## Remove the environments and caches (stores and data stay)
	rm -rf .venv .venv-peers .venv-tools build dist .hypothesis .import_linter_cache .pytest_cache .ruff_cache
	find src tests -name __pycache__ -prune -exec rm -rf {} +

.venv-tools/bin/uv: Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'Python 3.11 or newer is needed: make PYTHON=python3.12 ...' >&2; exit 1; }
	$(PYTHON) -m venv .venv-tools
	.venv-tools/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

.venv-peers/%/.ready: tests/compat/%/requirements.txt | $(filter .venv-tools/%,$(UV))
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv-peers/$*
	$(UV) pip install --quiet --python .venv-peers/$*/bin/python --requirements $<
	@touch $@

# TFX on this project's packages: its record is kept by Headwater under ML Metadata's name.
.venv-peers/tfx/.ready: tests/compat/tfx/requirements.txt pyproject.toml shims/ml-metadata/pyproject.toml | $(filter .venv-tools/%,$(UV))
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv-peers/tfx
	$(UV) pip install --quiet --python .venv-peers/tfx/bin/python --requirements $< --editable '.[mlmd,mysql,postgresql]' --editable shims/ml-metadata
	$(UV) pip install --quiet --no-deps --python .venv-peers/tfx/bin/python tfx==$(TFX) ml-pipelines-sdk==$(TFX)
	@touch $@

# Only the files in these packages are read, so what the packages need is left out.
.venv-peers/validation/.ready: tests/validation/requirements.txt | $(filter .venv-tools/%,$(UV))
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv-peers/validation
	$(UV) pip install --quiet --no-deps --python .venv-peers/validation/bin/python --requirements $<
	@touch $@

.venv/bin/python: | $(filter .venv-tools/%,$(UV))
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv

.venv/.ready-demo: pyproject.toml requirements.lock | .venv/bin/python
	$(INSTALL) '.[demo]'
	@touch $@

.venv/.ready-dev: pyproject.toml requirements.lock | .venv/bin/python
	$(INSTALL) '.[dask,demo,grpc,mlflow,mlmd,mysql,postgresql,s3,schedule,server,signing,sklearn,spark,validation]' --group dev
	@touch $@ .venv/.ready-demo
