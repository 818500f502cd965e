PYTHON ?= python3
PY := .venv/bin/python
export PULUMI_ERROR_OUTPUT_STRING := 1

.PHONY: help setup demo test lint format lock bundle
help:            ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/ ·/' | column -t -s '·'

setup:           ## prepare .venv (returns at once when nothing changed)
	@$(PYTHON) scripts/setup.py

demo: setup      ## the whole thing on this machine: plan, rules, access, answers, refusals
	@$(PY) -m local demo

test: setup      ## lint, types, unit, policy and end-to-end tests; no network, no AWS account, no Pulumi CLI
	@$(PY) -m ruff check . && $(PY) -m ruff format --check --quiet . && $(PY) -m mypy && $(PY) -m pytest

lint: setup      ## ruff and mypy only
	@$(PY) -m ruff check . && $(PY) -m ruff format --check --quiet . && $(PY) -m mypy

format: setup    ## let ruff write what it can
	@$(PY) -m ruff check --fix --quiet . ; $(PY) -m ruff format --quiet .

bundle: setup    ## build the agent's zip for AgentCore Runtime; last line: path, bytes, sha256 as JSON
	@$(PY) -m components.bundle

lock: setup      ## write the lock files anew from requirements/*.in
	@scripts/lock.sh
