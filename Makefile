# Each target does its own set-up in .venv. `make conformance` and `make test` are all that is needed to begin with.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: conformance test lint bench sample clean

conformance: $(READY)
	$(BIN)/tcpprobe run lab:linux --tcp-known linux $(ARGS)

test: lint
	$(BIN)/python -m pytest tests

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python -m benchmarks

sample: $(READY)
	$(BIN)/python docs/screenshots.py

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dist

$(READY): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@
