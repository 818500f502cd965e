"""DynamoDB tables.

Source of the rules: DynamoDB API reference, CreateTable, and developer guide, "Quotas in Amazon DynamoDB".
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from toolgate.local.cloud.api_requests import Member, Table, key_value_list
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import Failure
from toolgate.local.cloud.resource_type import ApiRequest, Existing, Made, Making, Record, ResourceType
from toolgate.local.cloud.types.key_use import key_in_region
from toolgate.local.cloud.values import Properties, is_known

TABLE = "aws:dynamodb/table:Table"
GLOBAL_INDEXES, LOCAL_INDEXES = 20, 5

_INVALID = "ValidationException: One or more parameter values were invalid:"


def _hash(name: Any) -> list[dict[str, Any]]:
    return [{"AttributeName": name, "KeyType": "HASH"}]


def _range(name: Any) -> list[dict[str, Any]]:
    return [{"AttributeName": name, "KeyType": "RANGE"}]


_KEYS: Table = {"hashKey": Member("KeySchema", _hash), "rangeKey": Member("KeySchema", _range)}
_CAPACITY: Table = {
    "readCapacity": "ProvisionedThroughput.ReadCapacityUnits",
    "writeCapacity": "ProvisionedThroughput.WriteCapacityUnits",
}
_PROJECTION: Table = {"projectionType": "Projection.ProjectionType", "nonKeyAttributes": "Projection.NonKeyAttributes"}
_GLOBAL_INDEX: Table = {"name": "IndexName", **_KEYS, **_PROJECTION, **_CAPACITY}
_LOCAL_INDEX: Table = {"name": "IndexName", "rangeKey": Member("KeySchema", _range), **_PROJECTION}


def _complete(request: dict[str, Any]) -> dict[str, Any]:
    """What the provider adds and leaves out (hashicorp/terraform-provider-aws, internal/service/dynamodb)."""
    made = dict(request)
    if isinstance(made.get("LocalSecondaryIndexes"), list):
        hashed = [key for key in made.get("KeySchema", ()) if key["KeyType"] == "HASH"]
        made["LocalSecondaryIndexes"] = [_with_hash(index, hashed) for index in made["LocalSecondaryIndexes"]]
    if made.get("BillingMode") == "PAY_PER_REQUEST":
        made.pop("ProvisionedThroughput", None)
        if isinstance(made.get("GlobalSecondaryIndexes"), list):
            made["GlobalSecondaryIndexes"] = [_on_demand(index) for index in made["GlobalSecondaryIndexes"]]
    encryption = made.get("SSESpecification")
    if isinstance(encryption, dict) and encryption.get("Enabled") is True:
        made["SSESpecification"] = {**encryption, "SSEType": "KMS"}
    return made


def _with_hash(index: Any, hashed: list[dict[str, Any]]) -> Any:
    return {**index, "KeySchema": [*hashed, *index.get("KeySchema", ())]} if isinstance(index, Mapping) else index


def _on_demand(index: Any) -> Any:
    if not isinstance(index, Mapping):
        return index
    return {name: value for name, value in index.items() if name != "ProvisionedThroughput"}


def _make(inputs: Properties, making: Making) -> Made:
    arn = making.env.arn("dynamodb", f"table/{inputs['name']}")
    label = f"2026-01-01T00:00:00.{making.characters(3, '0123456789')}" if inputs.get("streamEnabled") else ""
    outputs = {"arn": arn, "streamLabel": label, "streamArn": f"{arn}/stream/{label}" if label else ""}
    return Made(inputs["name"], outputs)


def _name(inputs: Properties) -> Iterator[Failure]:
    name = inputs.get("name")
    if isinstance(name, str) and not re.fullmatch(r"[a-zA-Z0-9_.-]{3,255}", name):
        yield Failure("name", f"ValidationException: table name '{name}' must be 3 to 255 of a-z, A-Z, 0-9, '_-.'")


def _keys(inputs: Properties) -> Iterator[Failure]:
    """Exactly the attributes of keys are defined, each once."""
    parts = [inputs.get(name) or [] for name in ("globalSecondaryIndexes", "localSecondaryIndexes", "attributes")]
    if not is_known([*parts, inputs.get("hashKey"), inputs.get("rangeKey")]):
        return
    if inputs.get("hashKey") is None:
        yield Failure("hashKey", f"{_INVALID} the KeySchema has no HASH key")
        return
    globals_, locals_, attributes = parts
    used = {it.get(key) for it in (inputs, *globals_, *locals_) for key in ("hashKey", "rangeKey")} - {None}
    defined = {it.get("name") for it in attributes}
    if missing := used - defined:
        text = f"{_INVALID} Some index key attributes are not defined in AttributeDefinitions."
        yield Failure("attributes", f"{text} Keys: [{_listed(missing)}], AttributeDefinitions: [{_listed(defined)}]")
    elif defined - used:
        text = f"{_INVALID} Some AttributeDefinitions are not used."
        yield Failure("attributes", f"{text} AttributeDefinitions: [{_listed(defined)}], keys used: [{_listed(used)}]")


def _listed(names: set[Any]) -> str:
    return ", ".join(sorted(map(str, names)))


def _indexes(inputs: Properties) -> Iterator[Failure]:
    for name, most in (("globalSecondaryIndexes", GLOBAL_INDEXES), ("localSecondaryIndexes", LOCAL_INDEXES)):
        indexes = inputs.get(name)
        if not isinstance(indexes, list) or not is_known(indexes):
            continue
        if len(indexes) > most:
            yield Failure(name, f"LimitExceededException: {len(indexes)} indexes, more than {most}")
        for index in indexes:
            if index.get("projectionType") == "INCLUDE" and not index.get("nonKeyAttributes"):
                text = "ProjectionType is INCLUDE, but NonKeyAttributes is not specified"
                yield Failure(name, f"{_INVALID} {text}")
    if inputs.get("localSecondaryIndexes") and inputs.get("rangeKey") is None:
        text = "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"
        yield Failure("localSecondaryIndexes", f"{_INVALID} {text}")


def _capacity(inputs: Properties) -> Iterator[Failure]:
    mode = inputs.get("billingMode", "PROVISIONED")
    if mode != "PROVISIONED":
        return
    for name in ("readCapacity", "writeCapacity"):
        if not inputs.get(name):
            text = "No provisioned throughput specified for the table"
            yield Failure(name, f"{_INVALID} {text}; give it, or billingMode PAY_PER_REQUEST")


def _stream(inputs: Properties) -> Iterator[Failure]:
    if inputs.get("streamEnabled") is True and inputs.get("streamViewType") is None:
        yield Failure("streamViewType", f"{_INVALID} StreamViewType is required when StreamEnabled is true")


def _key(inputs: Properties, made: Made, env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    yield from key_in_region("kmsKeyArn")(inputs.get("serverSideEncryption") or {}, made, env, existing)


def _protected(table: Record, _existing: Existing) -> Iterator[str]:
    if table.inputs.get("deletionProtectionEnabled"):
        text = "Resource cannot be deleted as it is currently protected against deletion."
        yield f"ValidationException: {text} Disable deletion protection first."


TABLE_TYPE = ResourceType(
    type=TABLE,
    requests=(
        ApiRequest(
            "dynamodb",
            "CreateTable",
            {
                "name": "TableName",
                **_KEYS,
                "attributes": Member("AttributeDefinitions", {"name": "AttributeName", "type": "AttributeType"}),
                "billingMode": "BillingMode",
                **_CAPACITY,
                "globalSecondaryIndexes": Member("GlobalSecondaryIndexes", _GLOBAL_INDEX),
                "localSecondaryIndexes": Member("LocalSecondaryIndexes", _LOCAL_INDEX),
                "streamEnabled": "StreamSpecification.StreamEnabled",
                "streamViewType": "StreamSpecification.StreamViewType",
                "serverSideEncryption": Member(
                    "SSESpecification", {"enabled": "Enabled", "kmsKeyArn": "KMSMasterKeyId"}
                ),
                "tableClass": "TableClass",
                "deletionProtectionEnabled": "DeletionProtectionEnabled",
                "tags": Member("Tags", key_value_list),
            },
            complete=_complete,
        ),
        ApiRequest(
            "dynamodb",
            "UpdateTimeToLive",
            {
                "name": "TableName",
                "ttl": Member("TimeToLiveSpecification", {"attributeName": "AttributeName", "enabled": "Enabled"}),
            },
            when="ttl",
        ),
        ApiRequest(
            "dynamodb",
            "UpdateContinuousBackups",
            {
                "name": "TableName",
                "pointInTimeRecovery": Member(
                    "PointInTimeRecoverySpecification",
                    {"enabled": "PointInTimeRecoveryEnabled", "recoveryPeriodInDays": "RecoveryPeriodInDays"},
                ),
            },
            when="pointInTimeRecovery",
        ),
    ),
    make=_make,
    computed=("arn", "streamArn", "streamLabel"),
    replaces=frozenset({"name", "hashKey", "rangeKey", "localSecondaryIndexes"}),
    auto_name="name",
    defaults={"billingMode": "PROVISIONED", "tableClass": "STANDARD"},
    reported=lambda _inputs: {
        "pointInTimeRecovery": {"enabled": False, "recoveryPeriodInDays": 0},
        "readCapacity": 0,
        "streamViewType": "",
        "ttl": {"attributeName": "", "enabled": False},
        "writeCapacity": 0,
    },
    unordered=frozenset({"attributes", "globalSecondaryIndexes", "localSecondaryIndexes", "nonKeyAttributes"}),
    refreshed=frozenset({"streamArn", "streamLabel"}),
    rules=(_name, _keys, _indexes, _capacity, _stream),
    needs=(_key,),
    unique=("name",),
    conflict="ResourceInUseException: Table already exists: {name}",
    in_use=_protected,
)
