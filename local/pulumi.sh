#!/bin/sh
# A real `pulumi` on this machine: the program deployed to the stand-in for AWS, its state under .local/.
#   local/pulumi.sh preview|up|refresh|destroy|... [ARGUMENTS]      the stack is $STACK, or dev
set -eu
fail() {
    echo "error: $1" >&2
    exit 2
}
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
command -v pulumi >/dev/null ||
    fail "no \`pulumi\` on PATH; install its CLI (https://www.pulumi.com/docs/install/), or use \`make demo\`, which needs none"
[ -x "$root/.venv/bin/python" ] || fail "no .venv; run \`make setup\` first"
[ $# -gt 0 ] || fail "no command; write for example \`local/pulumi.sh preview\`"

# Pulumi writes a salt into the stack's file: it gets copies, and the settings stay in one place. What a stack on AWS
# encrypts its secrets with stays out of them: no key of an account is asked for here.
export TOOLGATE_LOCAL="${TOOLGATE_LOCAL:-$root/.local}"
mkdir -p "$TOOLGATE_LOCAL/state" "$root/.local/stacks"
for file in "$root"/Pulumi.*.yaml; do
    sed -E '/^(secretsprovider|encryptedkey|encryptionsalt):/d' "$file" > "$root/.local/stacks/${file##*/}"
done

export PULUMI_BACKEND_URL="file://$TOOLGATE_LOCAL/state" PULUMI_CONFIG_PASSPHRASE=
export PULUMI_SKIP_UPDATE_CHECK=1 PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=1 PULUMI_DISABLE_REGISTRY_RESOLVE=1
export PULUMI_ERROR_OUTPUT_STRING=1
# The program, the pack and the engine call each other on this machine, and gRPC in Python takes proxies for that, too.
export no_proxy="127.0.0.1,localhost,${no_proxy:-${NO_PROXY:-}}"
export NO_PROXY="$no_proxy"
# When a Cedar policy fails, the program's error hook looks for what it left as the AWS provider would: with the caller's
# own credentials, at AWS. What is deployed here is not there. So that question ends at a closed port of this machine,
# and no file or variable of the caller's has a say in it.
for name in $(env | sed -n 's/^\(AWS_[A-Za-z0-9_]*\)=.*/\1/p'); do
    case "$name" in AWS_REGION | AWS_DEFAULT_REGION) ;; *) unset "$name" ;; esac
done
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_ENDPOINT_URL=http://127.0.0.1:9
pulumi --cwd "$root/local" stack select --create "${STACK:-dev}" >/dev/null
command=$1
shift
case "$command" in
    # The path is absolute because the program's folder is not this one.
    preview | up)
        if [ -f "$root/policy/${STACK:-dev}.json" ]; then
            set -- --policy-pack-config "$root/policy/${STACK:-dev}.json" "$@"
        fi
        set -- --policy-pack "$root/policy" "$@"
        ;;
esac
exec pulumi --cwd "$root/local" "$command" "$@"
