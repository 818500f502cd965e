"""Whether what AWS encrypts with a customer managed key may use the key.

A key that another stack made, or somebody by hand, is not in the account that the stand-in knows: of such a key the
Region and the users' own policies are checked. Sources: AgentCore developer guide, "Encrypt your AgentCore gateway with
a customer-managed KMS key" and "Encrypt your AgentCore policy engine with a customer-managed KMS key"; CloudWatch Logs
user guide, "Encrypt log data in CloudWatch Logs using AWS Key Management Service".
"""

from collections.abc import Callable, Iterator
from typing import Any

from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.resource_type import Existing, Made, Record
from toolgate.local.cloud.types.permissions import Asked, Caller, lets, may, role_of
from toolgate.local.cloud.values import Properties
from toolgate.policy.language.request_facts import Fact

KEY = "aws:kms/key:Key"

type Need = Callable[[Properties, Made, CloudEnvironment, Existing], Iterator[str]]

_BY_ENGINE = "aws:bedrock-agentcore-policy:policy-engine-arn"
# The session in which AgentCore was seen to use a gateway's role for it.
_SESSION = "GenesisMCPTargetTargetEncryption"
_BY_ROLE = ("kms:DescribeKey", "kms:GenerateDataKey", "kms:Decrypt", "kms:CreateGrant")
_GRANT: dict[str, Fact] = {
    "kms:grantconstrainttype": "EncryptionContextSubset",
    "kms:grantoperations": ("Decrypt", "GenerateDataKey"),
}


def key_lets(key: Record, caller: Caller, asked: Asked) -> bool:
    """Whether the key's own policy lets a principal (or, through it, its account's IAM policies) do what is asked."""
    return lets(key.inputs.get("policy") or _default_policy(key), caller, asked)


def _default_policy(key: Record) -> dict[str, Any]:
    """What KMS gives a key that is made without a policy (KMS developer guide, "Default key policy")."""
    _, partition, _, _, account, _ = key.outputs["arn"].split(":")
    everybody = {"AWS": f"arn:{partition}:iam::{account}:root"}
    return {"Statement": [{"Effect": "Allow", "Principal": everybody, "Action": "kms:*", "Resource": "*"}]}


def key_in_region(name: str) -> Need:
    """The key that property `name` says must be in the Region of what it encrypts."""

    def need(inputs: Properties, _made: Made, env: CloudEnvironment, _existing: Existing) -> Iterator[str]:
        arn = inputs.get(name)
        if arn and arn.split(":")[3] != env.region:
            yield f"ValidationException: the KMS key {arn} is not in the Region {env.region}"

    return need


def gateway_uses_key(inputs: Properties, _made: Made, env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    """A gateway's role uses the gateway's key, by its own policies and by the key's."""
    arn = inputs.get("kmsKeyArn")
    role = role_of(inputs["roleArn"], existing)
    if not arn or role is None:
        return
    session = env.global_arn("sts", f"assumed-role/{role.id}/{_SESSION}")
    caller = Caller(role.outputs["arn"], session)
    key = _known(arn, existing)
    for action in _BY_ROLE:
        sort, asked = None, Asked(action, arn, env, _granting(action))
        if not may(role, asked, existing):
            sort = "identity"
        elif key and not key_lets(key, caller, asked):
            sort = "resource"
        if sort:
            yield (
                f"AccessDeniedException: User: {session} is not authorized to perform: {action} on resource: {arn} "
                f"because no {sort}-based policy allows the {action} action"
            )


def engine_gets_key(inputs: Properties, made: Made, env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    """Policy in AgentCore makes its grants in the name of whoever makes the engine; the key must let their account."""
    key = _known(inputs.get("encryptionKeyArn"), existing)
    if key is None:
        return
    keys: dict[str, Fact] = {
        "kms:viaservice": env.host("bedrock-agentcore"),
        f"kms:encryptioncontext:{_BY_ENGINE}": made.outputs["policyEngineArn"],
    }
    deployer = Caller(env.global_arn("iam", "user/deployer"))
    for action in _BY_ROLE:
        asked = Asked(action, key.outputs["arn"], env, keys | _granting(action))
        if not key_lets(key, deployer, asked):
            text = "Access denied for the specified KMS key. Verify the key policy grants the required permissions."
            yield f"AccessDeniedException: {text} ({action} on {key.outputs['arn']})"


def logs_use_key(inputs: Properties, made: Made, env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    """CloudWatch Logs uses a log group's key as a service, in the name of the group."""
    key = _known(inputs.get("kmsKeyId"), existing)
    if key is None:
        return
    service, group = env.host("logs"), made.outputs["arn"]
    keys: dict[str, Fact] = {"kms:encryptioncontext:aws:logs:arn": group}
    for action in ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"):
        if not key_lets(key, Caller(service=service), Asked(action, key.outputs["arn"], env, keys)):
            text = f"The specified KMS key does not exist or is not allowed to be used with Arn '{group}'"
            yield f"InvalidParameterException: {text}"


def _granting(action: str) -> dict[str, Fact]:
    return _GRANT if action == "kms:CreateGrant" else {}


def _known(arn: str | None, existing: Existing) -> Record | None:
    return next((key for key in existing(KEY) if arn and key.outputs["arn"] == arn), None)
