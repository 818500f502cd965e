from typing import Any

import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import tool_grants
from toolgate.components.grants.tool_grants import Authorization

AVAILABLE = {"math": ["add", "multiply"], "people": ["greet"]}
ALL = ["math___add", "math___multiply", "people___greet"]


def resolve(*asked: str, authorization: Authorization = Authorization.TOOL) -> list[str]:
    return tool_grants.resolve(AVAILABLE, asked, authorization, "here")


def test_full_names_in_order() -> None:
    assert tool_grants.full_names(AVAILABLE, "here") == ALL


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["math"], ALL[:2]),
        (["people___greet", "math___add", "math___add"], [ALL[0], ALL[2]]),
        (["math", "math___add"], ALL[:2]),
        (["people", "math"], ALL),
        ([], []),
    ],
)
def test_targets_and_tools_are_resolved_each_once(asked: list[str], expected: list[str]) -> None:
    assert resolve(*asked) == expected


@pytest.mark.parametrize(
    "asked", ["add", "mat", "math___", "math___subtract", "math__add", "*", "", "x_amz_bedrock_agentcore_search"]
)
def test_an_unknown_name_lists_what_there_is(asked: str) -> None:
    with pytest.raises(UsageError) as raised:
        resolve(asked)
    assert f"here: {asked!r} is neither a target nor a tool." in str(raised.value)
    assert f"Targets: math, people. Tools: {', '.join(ALL)}." in str(raised.value)


def test_what_authorization_cannot_withhold_is_not_promised() -> None:
    gateway = Authorization.GATEWAY
    assert resolve("math", "people", authorization=gateway) == ALL
    assert resolve(authorization=gateway) == []
    with pytest.raises(UsageError, match="leaving out people___greet would not hold"):
        resolve("math", authorization=gateway)


@pytest.mark.parametrize(
    ("available", "message"),
    [
        ({}, "has no target"),
        ({"math": []}, "target 'math' has no tool"),
        ({"a": ["add"], "b": ["add"]}, "targets 'a' and 'b' both have the tool 'add'"),
        ({"a": ["add", "add"]}, "target 'a' has the tool 'add' twice"),
        ({"my_math": ["add"]}, "target name 'my_math' is refused"),
        ({"math": ["a" * 58]}, "has 65 characters; at most 64"),
    ],
)
def test_what_no_gateway_may_have(available: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        tool_grants.full_names(available, "here")
