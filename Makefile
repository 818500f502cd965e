PYTHON ?= python3
STACK ?= dev
BASE ?= main
# More options for `pulumi preview` and `pulumi up`, such as ARGS=--diff.
ARGS ?=
PY := .venv/bin/python
# Whoever uses this project has tools of their own: `make check` looks at those.
TOOLS := lambdas/*/*,interceptors/*/*
# An Output in an f-string would put a warning's text into a document: make it an error instead.
export PULUMI_ERROR_OUTPUT_STRING := 1
export STACK BASE
# What a stack is to be against a rule, it says in a file of its own.
RULES := --policy-pack policy $(addprefix --policy-pack-config ,$(wildcard policy/$(STACK).json))
# It makes and asks things in an account: the stack's name is never taken from anywhere else.
export TEST_AWS_USAGE := test-aws: which stack on AWS? Write its name: make test-aws STACK=dev

.PHONY: help setup demo demo-agents demo-gateways demo-jwt check test clients test-aws lint format bench record site lock bundle package preview up destroy local-preview local-up local-destroy review clean

help:            ## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  \1\t\2/p' Makefile | expand -t 18

setup:           ## prepare .venv (returns at once when nothing changed)
	@$(PYTHON) scripts/setup.py

demo: setup      ## the whole thing on this machine: plan, rules, access, answers, refusals
	@.venv/bin/toolgate demo

demo-agents: setup ## two agents behind one gateway, each with exactly its own tools
	@.venv/bin/toolgate demo --stack agents

demo-gateways: setup ## two agents with a gateway each, told apart by IAM alone
	@.venv/bin/toolgate demo --stack gateways

demo-jwt: setup  ## two agents behind one gateway that takes tokens, and what it refuses
	@.venv/bin/toolgate demo --stack jwt

# Without bytecode of what is ours each of the processes that the tests start would compile it anew.
test: setup      ## all that proves components, pack and local deployment; no network, no AWS account, no Pulumi CLI
	@$(PY) -m ruff check --extend-exclude '$(TOOLS)' . && $(PY) -m ruff format --check --quiet --extend-exclude '$(TOOLS)' .
	@$(PY) -m mypy && env -u PYTHONDONTWRITEBYTECODE $(PY) -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile

clients: setup   ## the foreign clients of tests/clients into .clients (700 MB); where they are, `make test` runs them too
	@$(PY) scripts/clients.py

test-aws:        ## the same promises, and open questions, asked of a stack on AWS: make test-aws STACK=dev
	@$(if $(and $(findstring command line,$(origin STACK)),$(STACK)),:,echo "$$TEST_AWS_USAGE" >&2; exit 2)
	@$(MAKE) --no-print-directory setup
	@$(PY) -m pytest tests/aws --stack "$$STACK"

check: setup     ## what your program, agent, tools and stacks must pass; under a minute
	@.venv/bin/toolgate check

lint: setup      ## ruff and mypy only
	@$(PY) -m ruff check . && $(PY) -m ruff format --check --quiet . && $(PY) -m mypy

format: setup    ## let ruff write what it can
	@$(PY) -m ruff check --fix --quiet . ; $(PY) -m ruff format --quiet .

bench: setup     ## the figures of docs/performance.md (about a quarter of an hour; the agent's zip: python -m bench.bundle)
	@for part in agent policy access scan local gateway tools plan intercept redact console; do env -u PYTHONDONTWRITEBYTECODE $(PY) -m bench.$$part || exit 1; done

record: setup    ## write the demos' output into docs/demo.md, after a change of what they show
	@$(PY) -m scripts.record

site: setup      ## docs/ as a site into dist/site, with search and a page for each rule; broken links end it
	@$(PY) -m scripts.docs_site

preview: setup   ## pulumi preview of STACK on AWS, with the policy pack
	@pulumi preview --stack $(STACK) $(RULES) $(ARGS)

up: setup        ## pulumi up of STACK on AWS, with the policy pack
	@pulumi up --stack $(STACK) $(RULES) $(ARGS)

destroy: setup   ## pulumi destroy of STACK on AWS
	@pulumi destroy --stack $(STACK)

local-preview: setup ## the same program under a real pulumi, with the stand-in for AWS
	@local/pulumi.sh preview

local-up: setup  ## the same, applied
	@local/pulumi.sh up --yes --skip-preview

local-destroy: setup ## the same, taken down
	@local/pulumi.sh destroy --yes

review: setup    ## what the working tree changes against BASE: the comment on a pull request
	@.venv/bin/toolgate review --base "$$BASE"

bundle: setup    ## build the agent's zip for AgentCore Runtime; last line: path, bytes, sha256 as JSON
	@.venv/bin/toolgate bundle

package: setup   ## build the wheel into dist/, without network
	@$(PY) -m hatchling build --target wheel --directory dist

lock: setup      ## write the lock files anew from requirements/*.in
	@scripts/lock.sh

clean:           ## remove what commands made (not .venv, .clients and .site)
	@rm -rf dist .local .cache .hypothesis
