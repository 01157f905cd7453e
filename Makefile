# `make` alone says what there is.  Needs Python 3.11 or later, its venv module, and make.

# The first of these that is new enough; set it yourself with: make PYTHON=/path/to/python3 demo
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)

VENV := .venv
BIN := $(VENV)/bin
# Hashes are checked and only wheels are taken: no compiler is needed, and nothing untested comes in.
INSTALL = $(BIN)/python -m pip --disable-pip-version-check install --no-input
LOCKED = $(INSTALL) --require-hashes --only-binary :all: -r

.DEFAULT_GOAL := help
.PHONY: help demo demo-web test chrony lint bench bench-authority bench-clocks campaign soak messages venv lock clean

help:  ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.project  ## a homeserver, a lab and the bot on this machine, and a prompt to try it
	@$(BIN)/nounou demo $(ARGS)

demo-web: $(VENV)/.project  ## the same with a web client for the browser (needs Node.js)
	@$(BIN)/nounou demo --web $(ARGS)

test: venv  ## everything, end to end on a real homeserver too; ends with what was skipped
	@echo "make: running every test (some minutes)"
	@$(BIN)/pytest -n 2 --dist loadfile -q -rs -m "not campaign and not soak" $(ARGS)
	@echo "make: not run here: the long tests, see make campaign and make soak"

chrony:  ## unpack Debian's chrony for the tests of clocks; nothing is installed or started
	@tools/chrony

lint: venv  ## format, style, types, layers, spelling, house rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/codespell
	@$(BIN)/pytest -q tests/test_house.py

bench: venv  ## measure the chat, see bench/README.md
	@$(BIN)/python -m bench $(ARGS)

bench-authority: venv  ## measure rights and the record, see bench/README.md (two minutes)
	@$(BIN)/python -m bench.authority $(ARGS)

bench-clocks: venv  ## measure how right clocks are read, see bench/README.md (twenty minutes)
	@$(BIN)/python -m bench.clocks $(ARGS)

campaign: venv  ## long tests with seeded faults; repeats exactly
	@$(BIN)/pytest -q -rs -m campaign $(ARGS) || { test $$? -eq 5 && echo "make: there is none yet"; }

soak: venv  ## 10,000 commands while the homeserver restarts (NOUNOU_SOAK_COMMANDS=1000: fewer)
	@$(BIN)/pytest -q -rs -m soak $(ARGS)

messages: venv  ## collect the sentences for translators into bot/locale/nounou.pot
	@$(BIN)/python tools/messages.py

venv: $(VENV)/.dev $(VENV)/.project  ## make .venv with everything for development

lock:  ## choose new versions and lock them (needs uv)
	@tools/lock --upgrade

clean:  ## remove the demo's state and every cache; what was installed stays
	rm -rf .lab build dist web/dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache
	find bot commands tests tools bench -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or later is needed, and none was found;" \
		"on Debian or Ubuntu: apt install python3 python3-venv" >&2; exit 1; }
	@echo "make: making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV) || { rm -f $@; echo "make: the venv module is needed;" \
		"on Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }

$(VENV)/.demo: requirements/demo.txt | $(BIN)/python
	@echo "make: installing what the demo needs (about 100 MB, once)"
	@$(LOCKED) requirements/demo.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt | $(VENV)/.demo
	@echo "make: installing what the tests need (once)"
	@$(LOCKED) requirements/dev.txt
	@touch $@

$(VENV)/.project: pyproject.toml $(VENV)/.demo
	@$(INSTALL) --quiet --no-deps --no-build-isolation -e .
	@touch $@
