# Two commands do everything: `make demo` and `make test`. Each makes its own .venv; `make help` lists the rest.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
DOCS_INSTALLED := $(VENV)/installed-docs
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
PYTHONS := 3.11 3.12 3.13 3.14
FILES ?= 1000
SEED ?= 1
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

.DEFAULT_GOAL := help
.PHONY: help demo test fuzz check lint types architecture docs figures reference matrix oldest newest wheel format clean

help: ## list the commands
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV) || { echo "cannot make a virtual environment: apt-get install python3-venv"; exit 1; }
	$(BIN)/python $(PIP_INSTALL) -c constraints.txt -e '.[demo,examples,test]' || \
		{ echo "installing failed; Annoy is compiled from source and needs: apt-get install g++ python3-dev"; exit 1; }
	@touch $@

demo: $(INSTALLED) ## find edited copies of real photographs and write a page to look at
	$(BIN)/python docs/demo.py --out demo-out

test: $(INSTALLED) ## run the tests, the documentation's examples among them
	$(BIN)/python -m pytest -q -n $(JOBS)

fuzz: $(INSTALLED) ## read files that were changed by chance; FILES=5000 SEED=2 for more and for others
	$(BIN)/python tests/fuzz_data_files.py --files $(FILES) --seed $(SEED)
	$(BIN)/python tests/fuzz_pictures.py --files $(FILES) --seed $(SEED)

check: lint types architecture docs test ## everything that must be green before a change lands

lint: $(INSTALLED) ## style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED) ## static types
	$(BIN)/mypy

architecture: $(INSTALLED) ## who may import whom
	$(BIN)/lint-imports

$(DOCS_INSTALLED): $(INSTALLED)
	$(BIN)/python $(PIP_INSTALL) -c constraints.txt -e '.[docs]'
	@touch $@

docs: $(DOCS_INSTALLED) ## the documentation as HTML in docs/_build
	$(BIN)/sphinx-build -W -q -b html docs docs/_build

figures: $(INSTALLED) ## bring the figures of all pages up to date with benchmarks/results
	$(BIN)/python benchmarks/figures.py

reference: $(INSTALLED) ## bring the pages of commands and edits up to date with the code
	$(BIN)/python docs/make_cli_reference.py
	$(BIN)/python docs/make_edits_page.py

matrix: oldest newest ## the tests with the oldest and with the newest dependencies

oldest: ## the tests with the lowest versions of dependencies that pyproject.toml allows
	$(PYTHON) -m venv $(VENV)-oldest
	sed -nE '/^dependencies/,/^]/s/^ *"(.*)>=([0-9.]+).*/\1==\2/p' pyproject.toml > $(VENV)-oldest/constraints.txt
	$(VENV)-oldest/bin/python $(PIP_INSTALL) -c $(VENV)-oldest/constraints.txt -e '.[test]'
	NUMBA_CACHE_DIR=$(CURDIR)/$(VENV)-oldest/numba $(VENV)-oldest/bin/python -m pytest -q -n $(JOBS)

newest: ## the tests with the newest dependencies, on each Python that there is
	@failed=; for version in $(PYTHONS); do \
		if python$$version -c '' 2>/dev/null; then $(MAKE) newest-$$version || failed="$$failed $$version"; \
		else echo "python$$version: not on this machine, left out"; fi; \
	done; test -z "$$failed" || { echo "failed on Python$$failed"; exit 1; }

newest-%:
	python$* -m venv $(VENV)-newest-$*
	$(VENV)-newest-$*/bin/python $(PIP_INSTALL) --upgrade -e '.[test]'
	NUMBA_CACHE_DIR=$(CURDIR)/$(VENV)-newest-$*/numba $(VENV)-newest-$*/bin/python -m pytest -q -n $(JOBS)

wheel: $(INSTALLED) ## the wheel in dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

format: $(INSTALLED) ## mend formatting
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove what the other commands made
	rm -rf $(VENV) $(VENV)-* build dist demo-out docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
