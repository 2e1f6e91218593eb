# One command per task. `make` alone lists them.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The first Python here that will do; without one, python3, which is told why it will not.
ifndef PYTHON
PYTHON := $(shell for each in python3 python3.13 python3.12 python3.11; do \
  $$each tools/set_up.py --check >/dev/null 2>&1 && command -v $$each && exit; done; echo python3)
endif
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: help setup demo lab notebooks docs quick coverage format test lint types unit audit bench soak data pictures gallery lock clean

help: ## List the tasks
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-10s %s\n", $$1, $$2}'

demo: grading setup ## Make a sample class, grade it, and show its feedback and leaderboard
	@$(BIN)/autograder demo

lab: setup ## Open the notebooks in JupyterLab
	@$(BIN)/jupyter lab notebooks

docs: setup ## Build the documentation's site into site/; a broken link fails
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "site/ is built. To read it: .venv/bin/mkdocs serve, then open http://127.0.0.1:8000"

quick: grading setup ## What to run before a commit, under four minutes: lint, format, types, and the tests that are not slow
	@$(MAKE) --no-print-directory lint types
	@$(BIN)/python -m pytest -n 2 --dist loadfile -q -m "not slow and not soak" --at-most 5

coverage: grading setup ## Measure which lines the quick tests reach
	@$(BIN)/python -m coverage run -m pytest -q -m "not slow and not soak"
	@$(BIN)/python -m coverage report

format: setup ## Write the code as the formatter wants it
	@$(BIN)/ruff format .

test: tests-need setup ## Lint, types, tests and the audit
	@$(MAKE) --no-print-directory lint types unit audit

notebooks: setup ## Derive every notebook from solutions/
	@$(BIN)/autograder build

audit: grading setup ## Grade the tests: misconceptions caught, alternatives accepted, nothing leaked, a mutant of each exercise killed
	@$(BIN)/autograder audit --all --sample 1

bench: grading setup ## Time this grader and nbgrader's own on the same class
	@$(BIN)/autograder bench

lint: setup ## Lint, and check that the formatter would change nothing
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted. Run: make format"; exit 1; }

types: setup ## Check the types, those of the tests too
	@$(BIN)/mypy

unit: setup ## The tests alone
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 40 --durations-min 10

soak: grading tests-need setup ## The full counts: 200 kills, 1,000 damaged notebooks, 100,000 boards, a long fuzz (an hour and a half)
	@$(BIN)/python -m pytest -m soak

data: setup ## Build data/ again from its sources, which are downloaded
	@$(BIN)/python data/build.py

pictures: grading tests-need setup ## Make the pictures in docs/images again, from the sample class
	@$(BIN)/python tools/pictures.py

gallery: setup ## Make the figures in docs/gallery again, from the solved notebooks (some minutes)
	@$(BIN)/python tools/gallery.py

lock: setup ## Write requirements.lock from what .venv holds now
	@$(BIN)/python tools/lock.py

setup: suitable $(INSTALLED) ## Make .venv with the locked versions; does nothing when they are there

clean: ## Remove .venv and the tools' caches
	@rm -rf site .venv .mypy_cache .pytest_cache .ruff_cache *.egg-info

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) tools/set_up.py
	@touch $@

.PHONY: suitable grading tests-need
suitable:
	@command -v $(PYTHON) >/dev/null || { echo "There is no Python here: run \`sudo apt-get install python3 python3-venv\`, or ask an administrator to run it."; exit 1; }
	@$(PYTHON) tools/set_up.py --check

grading: suitable
	@$(PYTHON) tools/system_packages.py grading

tests-need: suitable
	@$(PYTHON) tools/system_packages.py tests
