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
# The agent ships what was tested here, as wheels for AgentCore Runtime's machines (arm64). uv keeps to the versions it
# finds in its output, unless they cannot be: the ADOT distro pins its own OpenTelemetry and a few packages around it.
draft=$(mktemp)
trap 'rm -f "$draft"' EXIT
cp requirements/project.txt "$draft"
compile requirements/agent.in "$draft" --override requirements/agent-overrides.txt \
    --python-platform aarch64-manylinux2014 --python-version 3.13 --only-binary :all:
cat "$draft" > requirements/agent.txt
# The component package is installed by itself where a program of another language takes the folder: as tested here too.
awk -F '==| ' 'NR == FNR { if (/^[a-z0-9._-]+==/) locked[$1] = $2; next }
    $1 in locked { print $1 "==" locked[$1]; next } { print }' requirements/project.txt components/requirements.txt > "$draft"
cat "$draft" > components/requirements.txt
