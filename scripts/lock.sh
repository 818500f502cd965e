#!/bin/sh
# Lock files carry hashes and no registry addresses, so they mean the same on every machine.
set -eu
cd "$(dirname "$0")/.."
compile() {
    in=$1; out=$2; shift 2
    .uv/bin/uv pip compile --quiet "$in" -o "$out" --python .venv/bin/python --generate-hashes --no-emit-index-url \
        --no-header "$@"
}
compile requirements/uv.in requirements/uv.txt --universal --python-version 3.11
compile requirements/project.in requirements/project.txt --universal --python-version 3.13 \
    --override requirements/overrides.txt
# MkDocs and its theme, in an environment of their own (`make site`).
compile requirements/site.in requirements/site.txt --universal --python-version 3.13 --no-annotate
# The agent ships what was tested here, as wheels for AgentCore Runtime's machines (arm64). uv keeps to the versions it
# finds in its output, unless they cannot be: the ADOT distro pins its own OpenTelemetry and a few packages around it.
# So does an MCP server without packages of its own, on whose lock a plan also reads it: for any machine.
compile requirements/server.in requirements/server.txt --universal --python-version 3.13 --only-binary :all: \
    --constraint requirements/project.txt --no-annotate
draft=$(mktemp)
trap 'rm -f "$draft"' EXIT
cp requirements/project.txt "$draft"
compile requirements/agent.in "$draft" --override requirements/agent-overrides.txt \
    --python-platform aarch64-manylinux2014 --python-version 3.13 --only-binary :all:
cat "$draft" > requirements/agent.txt
# The component package and the policy pack are installed by themselves where somebody takes the folder: as tested here
# too. With hashes pip takes nothing but what is listed, so all that they need is.
for folder in components policy; do
    compile $folder/requirements.in $folder/requirements.txt --universal --python-version 3.13 \
        --constraint requirements/project.txt --no-annotate
done
# What the tests let loose on the local deployment: toolgate needs none of it, and it does not go together (`make clients`).
for group in tests/clients/requirements/*.in; do
    compile "$group" "${group%.in}.txt" --universal --python-version 3.13 --no-annotate
done
# Where there is npm; elsewhere that lock stays as it is.
if command -v npm > /dev/null; then
    (cd tests/clients/node && npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved --no-audit \
        --no-fund --loglevel=error)
fi
