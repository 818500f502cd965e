"""A gateway behind a gateway: the outer one's role signs, and the inner one decides on it."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.local.serve.outbound.test_servers_in_runtime import call, last_line, text
from tests.server_export import (
    OTHER,
    SIGNED,
    add_target,
    allow,
    export,
    grant,
    mcp_server,
    tool,
)
from toolgate.local.serve.server import Serving, serve

PROJECT = Path(__file__).parents[1] / "project"
INNER = f"https://{OTHER}.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp"
INVOKE = "bedrock-agentcore:InvokeGateway"
OTHER_ARN = f"arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/{OTHER}"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:math"


def behind(*, permitted: bool = True) -> dict[str, Any]:
    """The gateway `other` behind the gateway `tools`."""
    made = export()
    add_target(made, "inner", mcp_server(INNER, [tool("math___add_numbers", a="number", b="number")]), SIGNED)
    grant(made, "other-role", "functions", [allow("lambda:InvokeFunction", FUNCTION)])
    if permitted:
        grant(made, "tools-role", "inner", [allow(INVOKE, OTHER_ARN)])
    return made


@pytest.fixture
def served(tmp_path: Path) -> Callable[[Mapping[str, Any]], Any]:
    return lambda deployment: serve(deployment, root=PROJECT, logs=tmp_path)


def lines(serving: Serving) -> Iterator[dict[str, Any]]:
    for line in serving.access_log.read_text().splitlines():
        yield json.loads(line)


def test_a_call_goes_through_both_and_each_logs_its_own_caller(served: Callable[..., Any]) -> None:
    with served(behind()) as serving:
        result = call(serving, "inner___math___add_numbers", {"a": 100, "b": 12})
        assert (result.isError, json.loads(text(result))) == (False, {"result": 112})
        called = [it for it in lines(serving) if it["method"] == "tools/call"]
        assert [(it["tool"], it["principal"].split("/")[1]) for it in called] == [
            ("math___add_numbers", "tools-role"),
            ("inner___math___add_numbers", "assistant-role"),
        ]
        assert [it.tool for it in serving.calls] == ["math___add_numbers", "inner___math___add_numbers"]


def test_without_the_right_the_outer_role_is_refused_at_the_door(served: Callable[..., Any]) -> None:
    with served(behind(permitted=False)) as serving:
        result = call(serving, "inner___math___add_numbers", {"a": 1, "b": 2})
        assert result.isError
        assert "arn:" not in text(result)
        [decided] = last_line(serving)["decided_by"]
        assert (decided["action"], decided["principal"].rpartition("/")[2]) == (INVOKE, "tools-role")
        assert not serving.calls
