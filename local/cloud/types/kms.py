"""KMS keys and their aliases."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from toolgate.local.cloud.api_requests import Member
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import Failure
from toolgate.local.cloud.resource_type import ApiRequest, Existing, Made, Making, Record, ResourceType
from toolgate.local.cloud.types.key_use import KEY, key_lets
from toolgate.local.cloud.types.permissions import Asked, Caller
from toolgate.local.cloud.types.policy_documents import key_policy
from toolgate.local.cloud.values import UNKNOWN, Properties

ALIAS = "aws:kms/alias:Alias"
WINDOW = range(7, 31)
"""Days (KMS API reference, ScheduleKeyDeletion, PendingWindowInDays; the model has wider bounds)."""

_HEX = "0123456789abcdef"


def _tags(tags: Any) -> list[dict[str, Any]]:
    return [{"TagKey": key, "TagValue": value} for key, value in tags.items()]


def _make_key(inputs: Properties, making: Making) -> Made:
    digits = making.characters(32, _HEX)
    key_id = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    computed = {"arn": making.env.arn("kms", f"key/{key_id}"), "keyId": key_id}
    return Made(key_id, computed)


def _window(inputs: Properties) -> Iterator[Failure]:
    days = inputs.get("deletionWindowInDays")
    if days is not None and days is not UNKNOWN and days not in WINDOW:
        text = f"ValidationException: {days} is not a number of days from {WINDOW[0]} to {WINDOW[-1]}"
        yield Failure("deletionWindowInDays", text)


def _not_locked_out(inputs: Properties, made: Made, env: CloudEnvironment, _existing: Existing) -> Iterator[str]:
    """Whoever makes a key must still be able to change its policy (KMS developer guide, "Default key policy")."""
    key = Record(KEY, made.id, inputs, made.outputs)
    maker = Caller(env.global_arn("iam", "user/deployer"))
    if not key_lets(key, maker, Asked("kms:PutKeyPolicy", made.outputs["arn"], env)):
        text = "The new key policy will not allow you to update the key policy in the future."
        yield f"MalformedPolicyDocumentException: {text}"


KEY_TYPE = ResourceType(
    type=KEY,
    requests=(
        ApiRequest(
            "kms",
            "CreateKey",
            {"description": "Description", "policy": "Policy", "keyUsage": "KeyUsage", "tags": Member("Tags", _tags)},
        ),
    ),
    # EnableKeyRotation and ScheduleKeyDeletion, which take the key's id.
    kept=frozenset({"enableKeyRotation", "deletionWindowInDays"}),
    make=_make_key,
    computed=("arn", "keyId"),
    replaces=frozenset({"keyUsage"}),
    defaults={
        "bypassPolicyLockoutSafetyCheck": False,
        "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "enableKeyRotation": False,
        "isEnabled": True,
        "keyUsage": "ENCRYPT_DECRYPT",
    },
    fixed=frozenset({"bypassPolicyLockoutSafetyCheck", "customerMasterKeySpec", "isEnabled"}),
    reported=lambda inputs: {
        "description": "",
        "multiRegion": False,
        **({"rotationPeriodInDays": 365} if inputs.get("enableKeyRotation") else {}),
    },
    documents=frozenset({"policy"}),
    rules=(partial(key_policy, "policy"), _window),
    needs=(_not_locked_out,),
)


def _make_alias(inputs: Properties, making: Making) -> Made:
    wanted = inputs["targetKeyId"]
    key = wanted if wanted.startswith("arn:") else making.env.arn("kms", f"key/{wanted}")
    return Made(inputs["name"], {"arn": making.env.arn("kms", inputs["name"]), "targetKeyArn": key})


def _alias_name(inputs: Properties) -> Iterator[Failure]:
    """KMS API reference, CreateAlias, AliasName."""
    name = inputs.get("name")
    if isinstance(name, str) and not name.startswith("alias/"):
        yield Failure("name", "ValidationException: Alias must start with the prefix 'alias/'")
    elif isinstance(name, str) and name.startswith("alias/aws/"):
        yield Failure("name", "NotAuthorizedException: the prefix 'alias/aws/' is reserved for AWS")


def _key_exists(inputs: Properties, _made: Made, env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    wanted = inputs["targetKeyId"]
    if not any(wanted in (key.id, key.outputs["arn"]) for key in existing(KEY)):
        arn = wanted if wanted.startswith("arn:") else env.arn("kms", f"key/{wanted}")
        yield f"NotFoundException: Key '{arn}' does not exist"


ALIAS_TYPE = ResourceType(
    type=ALIAS,
    requests=(ApiRequest("kms", "CreateAlias", {"name": "AliasName", "targetKeyId": "TargetKeyId"}),),
    make=_make_alias,
    computed=("arn", "targetKeyArn"),
    refreshed=frozenset({"targetKeyArn"}),
    replaces=frozenset({"name"}),
    auto_name="name",
    rules=(_alias_name,),
    needs=(_key_exists,),
    unique=("name",),
    conflict="AlreadyExistsException: An alias with the name {name} already exists",
)
