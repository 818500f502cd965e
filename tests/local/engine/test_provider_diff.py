from typing import Any

import pytest
from pulumi.runtime.proto.provider_pb2 import PropertyDiff

from toolgate.access.deployment.stack_export import ASSET, SECRET, SIGNATURE
from toolgate.local.engine.provider_diff import difference
from toolgate.policy.language.unknown import UNKNOWN_TEXT


def kinds(old: dict[str, Any], new: dict[str, Any], *replaces: str) -> dict[str, str]:
    found = difference(old, new, frozenset(replaces))
    return {path: PropertyDiff.Kind.Name(diff.kind) for path, diff in found.items()}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": 2}, {"a": "UPDATE"}),
        ({}, {"a": 2}, {"a": "ADD"}),
        ({"a": 1}, {}, {"a": "DELETE"}),
        ({"a": None}, {}, {}),
        ({"t": {"x": 1, "y": 2}}, {"t": {"x": 1, "y": 3, "z z": 4}}, {"t.y": "UPDATE", 't["z z"]': "ADD"}),
        ({"l": [1, 2, 3]}, {"l": [1, 9]}, {"l[1]": "UPDATE", "l[2]": "DELETE"}),
        ({"l": [{"d": "old"}]}, {"l": [{"d": "new"}]}, {"l[0].d": "UPDATE"}),
        ({"a": {"b": 1}}, {"a": [1]}, {"a": "UPDATE"}),
        ({"a": UNKNOWN_TEXT}, {"a": UNKNOWN_TEXT}, {"a": "UPDATE"}),
        ({"a": "x"}, {"a": {SIGNATURE: SECRET, "value": "x"}}, {}),
        ({"a": {SIGNATURE: SECRET, "value": "x"}}, {"a": {SIGNATURE: SECRET, "value": "y"}}, {"a": "UPDATE"}),
        ({"a": {SIGNATURE: ASSET, "path": "1", "hash": "h"}}, {"a": {SIGNATURE: ASSET, "path": "2", "hash": "h"}}, {}),
        (
            {"a": {SIGNATURE: ASSET, "path": "1", "hash": "h"}},
            {"a": {SIGNATURE: ASSET, "path": "1", "hash": "i"}},
            {"a": "UPDATE"},
        ),
    ],
)
def test_leaves_that_differ(old: dict[str, Any], new: dict[str, Any], expected: dict[str, str]) -> None:
    assert kinds(old, new) == expected


def test_some_inputs_replace_the_resource() -> None:
    assert kinds({"name": "a", "x": 1}, {"name": "b", "y": 1}, "name", "y") == {
        "name": "UPDATE_REPLACE",
        "x": "DELETE",
        "y": "ADD_REPLACE",
    }
