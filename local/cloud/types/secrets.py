"""Secrets of Secrets Manager and parameters of Systems Manager.

Source of the rules: Secrets Manager API reference, CreateSecret and PutSecretValue; Systems Manager API reference,
PutParameter.
"""

import base64
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from toolgate.local.cloud.api_requests import Member, key_value_list
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import Failure
from toolgate.local.cloud.resource_type import ALPHANUMERIC, ApiRequest, Existing, Made, Making, ResourceType
from toolgate.local.cloud.types.key_use import key_in_region
from toolgate.local.cloud.types.policy_documents import resource_policy
from toolgate.local.cloud.values import UNKNOWN, Properties

SECRET = "aws:secretsmanager/secret:Secret"  # noqa: S105  # a type
SECRET_VERSION = "aws:secretsmanager/secretVersion:SecretVersion"  # noqa: S105  # a type
PARAMETER = "aws:ssm/parameter:Parameter"
LEVELS = 15
CHARACTERS = {"Standard": 4096, "Advanced": 8192}

_HEX = "0123456789abcdef"


def _make_secret(inputs: Properties, making: Making) -> Made:
    arn = making.env.arn("secretsmanager", f"secret:{inputs['name']}-{making.characters(6, ALPHANUMERIC)}")
    return Made(arn, {"arn": arn})


def _secret_name(inputs: Properties) -> Iterator[Failure]:
    name = inputs.get("name")
    if isinstance(name, str) and not re.fullmatch(r"[a-zA-Z0-9/_+=.@-]+", name):
        text = (
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"
        )
        yield Failure("name", f"ValidationException: {text}")


def _window(inputs: Properties) -> Iterator[Failure]:
    days = inputs.get("recoveryWindowInDays")
    if days is not None and days is not UNKNOWN and days != 0 and days not in range(7, 31):
        text = "InvalidParameterException: The RecoveryWindowInDays value must be between 7 and 30 days"
        yield Failure("recoveryWindowInDays", f"{text}, or 0 to delete at once")


def _usable_key(name: str) -> Any:
    """The key may also be named by its id or an alias, which are of this Region."""

    def need(inputs: Properties, made: Made, env: CloudEnvironment, existing: Existing) -> Iterator[str]:
        if str(inputs.get(name) or "").startswith("arn:"):
            yield from key_in_region(name)(inputs, made, env, existing)

    return need


SECRET_TYPE = ResourceType(
    type=SECRET,
    requests=(
        ApiRequest(
            "secretsmanager",
            "CreateSecret",
            {
                "name": "Name",
                "description": "Description",
                "kmsKeyId": "KmsKeyId",
                "tags": Member("Tags", key_value_list),
            },
        ),
    ),
    # DeleteSecret takes the window, PutResourcePolicy the policy, both with the secret's ARN.
    kept=frozenset({"recoveryWindowInDays", "forceOverwriteReplicaSecret", "policy"}),
    make=_make_secret,
    computed=("arn",),
    replaces=frozenset({"name"}),
    auto_name="name",
    defaults={"recoveryWindowInDays": 30, "forceOverwriteReplicaSecret": False},
    rules=(_secret_name, _window, partial(resource_policy, "policy")),
    needs=(_usable_key("kmsKeyId"),),
    unique=("name",),
    conflict="ResourceExistsException: The operation failed because the secret {name} already exists.",
)


def _make_version(inputs: Properties, making: Making) -> Made:
    digits = making.characters(32, _HEX)
    version = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    arn = inputs["secretId"]
    outputs = {"arn": arn, "secretArn": arn, "versionId": version, "hasSecretStringWo": False}
    return Made(f"{arn}|{version}", outputs)


def _one_value(inputs: Properties) -> Iterator[Failure]:
    given = [name for name in ("secretString", "secretBinary") if inputs.get(name) is not None]
    if len(given) != 1:
        text = "You must provide either SecretString or SecretBinary, and not both."
        yield Failure("secretString", f"InvalidParameterException: {text}")


def _secret_exists(inputs: Properties, _made: Made, _env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    if not any(inputs["secretId"] == secret.id for secret in existing(SECRET)):
        yield "ResourceNotFoundException: Secrets Manager can't find the specified secret."


SECRET_VERSION_TYPE = ResourceType(
    type=SECRET_VERSION,
    requests=(
        ApiRequest(
            "secretsmanager",
            "PutSecretValue",
            {
                "secretId": "SecretId",
                "secretString": "SecretString",
                # The provider takes it in Base64.
                "secretBinary": Member("SecretBinary", partial(base64.b64decode, validate=True)),
                "versionStages": "VersionStages",
            },
        ),
    ),
    make=_make_version,
    computed=("arn", "secretArn", "versionId", "hasSecretStringWo"),
    replaces=frozenset({"secretId", "secretString", "secretBinary"}),
    secrets=frozenset({"secretString", "secretBinary"}),
    reported=lambda _inputs: {"versionStages": ["AWSCURRENT"]},
    unordered=frozenset({"versionStages"}),
    rules=(_one_value,),
    needs=(_secret_exists,),
)


def _make_parameter(inputs: Properties, making: Making) -> Made:
    name = inputs["name"]
    arn = making.env.arn("ssm", f"parameter/{name.removeprefix('/')}")
    return Made(name, {"arn": arn, "version": making.version, "hasValueWo": False})


def _parameter_name(inputs: Properties) -> Iterator[Failure]:
    name = inputs.get("name")
    if not isinstance(name, str):
        return
    if not re.fullmatch(r"[a-zA-Z0-9_./-]+", name):
        yield Failure("name", f"ValidationException: parameter name '{name}' may have letters, digits and _.-/ only")
    elif "/" in name and not name.startswith("/"):
        yield Failure("name", "ValidationException: Parameter name must be a fully qualified name: begin it with '/'")
    elif re.match(r"/?(aws|ssm)", name, re.IGNORECASE):
        yield Failure("name", f"ValidationException: parameter name '{name}' must not begin with 'aws' or 'ssm'")
    elif name.count("/") > LEVELS:
        yield Failure("name", f"HierarchyLevelLimitExceededException: more than {LEVELS} levels in '{name}'")


def _parameter_value(inputs: Properties) -> Iterator[Failure]:
    given = [inputs[name] for name in ("value", "insecureValue") if inputs.get(name) is not None]
    if len(given) != 1:
        yield Failure("value", "ValidationException: give one of value and insecureValue")
    elif isinstance(given[0], str) and len(given[0]) > (most := CHARACTERS.get(inputs.get("tier", "Standard"), 8192)):
        yield Failure("value", f"ValidationException: the value has more than {most} characters")
    kind = inputs.get("type")
    if kind == "SecureString" and inputs.get("insecureValue") is not None:
        yield Failure("insecureValue", "ValidationException: insecureValue cannot be of type SecureString: use value")
    if kind in {"String", "StringList"} and inputs.get("keyId") is not None:
        yield Failure("keyId", "ValidationException: KeyId is required for SecureString type parameter only.")


PARAMETER_TYPE = ResourceType(
    type=PARAMETER,
    requests=(
        ApiRequest(
            "ssm",
            "PutParameter",
            {
                "name": "Name",
                "type": "Type",
                "value": "Value",
                "insecureValue": "Value",
                "description": "Description",
                "keyId": "KeyId",
                "tier": "Tier",
                "dataType": "DataType",
                "allowedPattern": "AllowedPattern",
                "overwrite": "Overwrite",
                "tags": Member("Tags", key_value_list),
            },
        ),
    ),
    make=_make_parameter,
    computed=("arn", "version", "hasValueWo"),
    replaces=frozenset({"name", "dataType"}),
    secrets=frozenset({"value"}),
    auto_name="name",
    reported=lambda _inputs: {"tier": "Standard", "dataType": "text"},
    refreshed=frozenset({"version"}),
    rules=(_parameter_name, _parameter_value),
    needs=(_usable_key("keyId"),),
    unique=("name",),
    conflict="ParameterAlreadyExists: The parameter already exists. To overwrite this value, set the overwrite option"
    " in the request to true.",
)
