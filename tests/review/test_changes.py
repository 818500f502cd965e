import json
from collections.abc import Callable
from typing import Any

import pytest

from toolgate.access.deployment.stack_export import ARCHIVE, ASSET, SECRET, SIGNATURE
from toolgate.review.changes import changes
from toolgate.review.properties import leaves

ROLE = "aws:iam/role:Role"
GATEWAY = "aws:bedrock/agentcoreGateway:AgentcoreGateway"


def secret(text: str) -> dict[str, str]:
    return {SIGNATURE: SECRET, "plaintext": json.dumps(text)}


def asset(digest: str) -> dict[str, str]:
    return {SIGNATURE: ASSET, "path": "tools.py", "hash": digest}


@pytest.fixture
def compared(
    resource: Callable[..., dict[str, Any]], deployment: Callable[..., dict[str, Any]]
) -> Callable[..., list[tuple[str | None, ...]]]:
    """Compares one resource's inputs: path, text before, text after."""

    def compare(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str | None, ...]]:
        found = changes(deployment(resource(ROLE, "r", before)), deployment(resource(ROLE, "r", after)))
        return [
            ("".join(leaf.path), *(side.text if side else None for side in (leaf.before, leaf.after)))
            for change in found.changed
            for leaf in change.leaves
        ]

    return compare


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": "1"}, [("a", "1", '"1"')]),
        ({"a": {"b": "x", "c": "y"}}, {"a": {"b": "z", "c": "y"}}, [("a.b", '"x"', '"z"')]),
        ({"a": {"b c": 1}}, {"a": {"b c": 2}}, [('a["b c"]', "1", "2")]),
        ({"a": ["x"]}, {"a": ["x", "y"]}, [("a", '["x"]', '["x", "y"]')]),
        ({}, {"a": 1}, [("a", None, "1")]),
        ({"a": 1}, {}, [("a", "1", None)]),
        ({"a": {}}, {"a": {"b": 1}}, [("a.b", None, "1"), ("a", "{}", None)]),
        ({}, {"a": {"b": 1, "c": 2}}, [("a", None, "{...}")]),
        # An item is known by its name, so that one put before it does not move it.
        (
            {"t": [{"name": "x", "d": 1}]},
            {"t": [{"name": "new", "d": 0}, {"name": "x", "d": 2}]},
            [("t[x].d", "1", "2"), ("t[new]", None, "{...}")],
        ),
        ({"t": [{"d": 1}, {"d": 1}]}, {"t": [{"d": 1}, {"d": 2}]}, [("t[1].d", "1", "2")]),
        (
            {"t": [{"name": "x", "d": 1}] * 2},
            {"t": [{"name": "x", "d": 2}] * 2},
            [("t[0].d", "1", "2"), ("t[1].d", "1", "2")],
        ),
        # JSON in a text is read; an IAM document is shown elsewhere, and its order of keys is none of its meaning.
        ({"j": '{"a": 1, "b": 2}'}, {"j": '{"b": 3, "a": 1}'}, [("j.b", "2", "3")]),
        ({"j": '{"Statement": [], "Id": "a"}'}, {"j": '{"Id": "a", "Statement": []}'}, []),
        ({"j": '{"Statement": []}'}, {"j": '{"Statement": [{}]}'}, [("j", "[statements]", "[statements]")]),
        ({"j": "{no json"}, {"j": "{no"}, [("j", '"{no json"', '"{no"')]),
        ({"s": secret("old")}, {"s": secret("new")}, [("s", "[secret]", "[secret]")]),
        ({"s": secret("same")}, {"s": secret("same")}, []),
        (
            {"c": {SIGNATURE: ARCHIVE, "hash": "1", "assets": {"a.py": asset("1"), "b.py": asset("2")}}},
            {"c": {SIGNATURE: ARCHIVE, "hash": "2", "assets": {"a.py": asset("1"), "b.py": asset("3")}}},
            [('c["b.py"]', "[contents]", "[contents]")],
        ),
        (
            {"c": {SIGNATURE: ARCHIVE, "path": "x", "hash": "1"}},
            {"c": {SIGNATURE: ARCHIVE, "path": "y", "hash": "1"}},
            [],
        ),
    ],
)
def test_what_changes_of_a_resource(
    compared: Callable[..., Any], before: dict[str, Any], after: dict[str, Any], expected: list[Any]
) -> None:
    assert compared(before, after) == expected


def test_a_secret_is_never_shown() -> None:
    properties = {"a": secret("hunter2"), "b": [{"name": "n", "v": secret("hunter2")}]}
    assert "hunter2" not in repr([leaf.text for leaf in leaves(properties).values()])


def test_what_comes_and_goes(resource: Callable[..., Any], deployment: Callable[..., Any]) -> None:
    kept, gone, new = resource(ROLE, "kept"), resource(ROLE, "gone"), resource(GATEWAY, "new")
    component = resource("toolgate:index:ToolGateway", "c", custom=False)
    found = changes(deployment(kept, gone), deployment(component, kept, new))
    assert found.added == ("aws:bedrock:AgentcoreGateway new",)
    assert found.removed == ("aws:iam:Role gone",)
    assert found.changed == ()


@pytest.mark.parametrize(("name", "replaced"), [("authorizerType", True), ("description", False)])
def test_a_change_that_aws_makes_on_a_new_resource_only(
    name: str, replaced: bool, resource: Callable[..., Any], deployment: Callable[..., Any]
) -> None:
    sides = [deployment(resource(GATEWAY, "g", {name: value})) for value in ("a", "b")]
    [change] = changes(*sides).changed
    assert change.replaced is replaced


@pytest.mark.parametrize(
    ("asked", "replaced"),
    [
        (["protocolConfiguration.mcp.searchType"], False),
        (["protocolConfiguration.mcp.supportedVersions"], True),
        (["protocolConfiguration"], True),
        ([], False),
    ],
)
def test_a_change_that_the_program_wants_on_a_new_resource_only(
    asked: list[str], replaced: bool, resource: Callable[..., Any], deployment: Callable[..., Any]
) -> None:
    before, after = (
        resource(GATEWAY, "g", {"protocolConfiguration": {"mcp": {"supportedVersions": versions}}})
        for versions in (["2025-06-18"], ["2025-06-18", "2025-11-25"])
    )
    [change] = changes(deployment(before), deployment(after | {"replaceOnChanges": asked})).changed
    assert change.replaced is replaced


def test_protection_taken_off_is_a_change(resource: Callable[..., Any], deployment: Callable[..., Any]) -> None:
    [change] = changes(deployment(resource(ROLE, "r", protect=True)), deployment(resource(ROLE, "r"))).changed
    assert [(leaf.path, leaf.before and leaf.before.text, leaf.after) for leaf in change.leaves] == [
        (("(protect)",), "true", None)
    ]
