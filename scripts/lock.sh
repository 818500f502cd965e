#!/bin/sh
# Lock files carry hashes and no registry addresses, so they mean the same on every machine.
set -eu
cd "$(dirname "$0")/.."
compile() {
    in=$1; out=$2; shift 2
    .uv/bin/uv pip compile --quiet "$in" -o "$out" --generate-hashes --no-emit-index-url --no-header "$@"
}
compile requirements/uv.in requirements/uv.txt --universal --python-version 3.11
compile requirements/project.in requirements/project.txt --universal --python-version 3.13 \
    --override requirements/overrides.txt
# The agent ships what was tested here, as wheels for AgentCore Runtime's machines (arm64).
compile requirements/agent.in requirements/agent.txt --constraint requirements/project.txt \
    --python-platform aarch64-manylinux2014 --python-version 3.13 --only-binary :all:
