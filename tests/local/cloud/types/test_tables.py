from collections.abc import Callable
from typing import Any

import pytest

from tests.local.cloud.conftest import GOOD, TABLE
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError
from toolgate.local.cloud.types.tables import TABLE_TYPE
from toolgate.local.cloud.values import UNKNOWN

Check = Callable[..., list[str]]
INDEX = GOOD[TABLE]["globalSecondaryIndexes"][0]
ATTRIBUTES = GOOD[TABLE]["attributes"]


def test_the_request_has_keys_in_dynamodbs_order_and_no_throughput_on_demand() -> None:
    inputs = {**dict(reversed(GOOD[TABLE].items())), "readCapacity": 5}
    request = TABLE_TYPE.requests[0].made_of(inputs)
    assert request is not None
    key = [{"AttributeName": "customer", "KeyType": "HASH"}, {"AttributeName": "placed", "KeyType": "RANGE"}]
    assert request["KeySchema"] == key
    [local] = request["LocalSecondaryIndexes"]
    assert local["KeySchema"] == [key[0], {"AttributeName": "state", "KeyType": "RANGE"}]
    assert "ProvisionedThroughput" not in request


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": "no"}, "table name 'no'"),
        ({"attributes": ATTRIBUTES[:2]}, "not defined in AttributeDefinitions. Keys: [state]"),
        ({"attributes": [*ATTRIBUTES, {"name": "more", "type": "S"}]}, "Some AttributeDefinitions are not used"),
        ({"attributes": [*ATTRIBUTES[:2], {"name": "state", "type": "text"}]}, "enum value set: [S, N, B]"),
        ({"billingMode": None}, "No provisioned throughput specified"),
        ({"billingMode": "PROVISIONED", "readCapacity": 1}, "ProvisionedThroughput.WriteCapacityUnits"),
        ({"globalSecondaryIndexes": [{**INDEX, "projectionType": "INCLUDE"}]}, "NonKeyAttributes is not specified"),
        ({"globalSecondaryIndexes": [INDEX] * 21}, "21 indexes, more than 20"),
        ({"rangeKey": None, "globalSecondaryIndexes": []}, "does not have a range key"),
        ({"streamEnabled": True}, "StreamViewType is required"),
        ({"hashKey": None}, "has no HASH key"),
        ({"restoreSourceName": "x"}, "does not reproduce restoreSourceName"),
        ({"globalSecondaryIndexes": [{**INDEX, "warmThroughput": {}}]}, "globalSecondaryIndexes.warmThroughput"),
    ],
)
def test_tables_that_are_refused(changes: dict[str, Any], reason: str, check: Check) -> None:
    assert any(reason in it for it in check(TABLE, **changes))


def test_what_is_not_known_is_not_judged(check: Check) -> None:
    assert check(TABLE, attributes=UNKNOWN) == []
    assert check(TABLE, hashKey=UNKNOWN) == []


def test_a_stream_has_an_arn_and_a_protected_table_stays(plane: ControlPlane) -> None:
    streaming = GOOD[TABLE] | {"streamEnabled": True, "streamViewType": "NEW_IMAGE", "deletionProtectionEnabled": True}
    made = plane.create(TABLE, streaming)
    assert made.outputs["arn"] == "arn:aws:dynamodb:us-east-1:123456789012:table/orders"
    assert made.outputs["streamArn"] == f"{made.outputs['arn']}/stream/{made.outputs['streamLabel']}"
    with pytest.raises(RefusalError, match="ResourceInUseException: Table already exists: orders"):
        plane.create(TABLE, streaming)
    with pytest.raises(RefusalError, match="protected against deletion"):
        plane.delete(TABLE, "orders")
    plane.update(TABLE, "orders", GOOD[TABLE])
    plane.delete(TABLE, "orders")


def test_a_key_is_of_the_same_region(plane: ControlPlane) -> None:
    key = {"enabled": True, "kmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/x"}
    with pytest.raises(RefusalError, match="not in the Region us-east-1"):
        plane.create(TABLE, GOOD[TABLE] | {"serverSideEncryption": key})
