# Two commands do everything: `make demo` and `make test`. Each makes its own .venv; `make help` lists the rest.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types architecture docs wheel format clean

help: ## list the commands
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV) || { echo "cannot make a virtual environment: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[demo,test]' || \
		{ echo "installing failed; Annoy is compiled from source and needs: apt-get install g++ python3-dev"; exit 1; }
	@touch $@

demo: $(INSTALLED) ## find edited copies of real photographs and write a page to look at
	$(BIN)/python docs/demo.py --out demo-out

test: $(INSTALLED) ## run the tests, the documentation's examples among them
	$(BIN)/python -m pytest -q -n $(JOBS)

check: lint types architecture test ## everything that must be green before a change lands

lint: $(INSTALLED) ## style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED) ## static types
	$(BIN)/mypy

architecture: $(INSTALLED) ## who may import whom
	$(BIN)/lint-imports

docs: $(INSTALLED) ## the documentation as HTML in docs/_build
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	$(BIN)/sphinx-build -W -q -b html docs docs/_build

wheel: $(INSTALLED) ## the wheel in dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

format: $(INSTALLED) ## mend formatting
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove what the other commands made
	rm -rf $(VENV) build dist demo-out docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
