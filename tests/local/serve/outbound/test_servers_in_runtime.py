"""MCP servers in AgentCore Runtime behind a gateway: real processes, the real door, real clients."""

import asyncio
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError
from mcp.types import CallToolResult, TextContent

from tests.local.serve.gateway.test_mcp_gateway import _with_session
from tests.server_export import (
    COUNTING,
    ENDPOINT_ARN,
    FAILURES,
    HOSTILE,
    INVOKE,
    ORDERS,
    OTHER,
    ROLES,
    RUNTIME_ARN,
    TOOLS,
    tool,
    with_server,
)
from toolgate.console.reasons import reason
from toolgate.local.serve import access_log
from toolgate.local.serve.outbound import far_side
from toolgate.local.serve.server import Serving

ROOT = Path(__file__).parents[4]
ASSISTANT = f"{ROLES}agents/assistant-role"
TOOL_LIST = [
    tool("add", a="integer", b="integer"),
    *(tool(it) for it in ("picture", "fail", "environment")),
    tool("echo", value="object"),
]


def call(serving: Serving, name: str, arguments: Mapping[str, Any] | None = None) -> CallToolResult:
    """Call a tool by MCP's SDK, as the agent's role."""
    own, url = serving.session(ASSISTANT), serving.gateway_url(TOOLS)
    return _with_session(url, own, lambda session: session.call_tool(name, dict(arguments or {})))


def invoke(serving: Serving, role: str | None, message: Mapping[str, Any]) -> Any:
    """InvokeAgentRuntime by boto3, as a role or as the operator."""
    variables = serving.session(role).environment() if role else serving.environment
    client = boto3.client(
        "bedrock-agentcore",
        endpoint_url=serving.url,
        region_name="us-east-1",
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=variables["AWS_SESSION_TOKEN"],
    )
    return client.invoke_agent_runtime(
        agentRuntimeArn=RUNTIME_ARN,
        payload=json.dumps(message).encode(),
        contentType="application/json",
        accept="application/json, text/event-stream",
        mcpProtocolVersion="2025-06-18",
    )


PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def text(result: CallToolResult) -> str:
    [content] = result.content
    assert isinstance(content, TextContent)
    return content.text


def last_line(serving: Serving) -> dict[str, Any]:
    lines = [json.loads(it) for it in serving.access_log.read_text().splitlines()]
    return dict([it for it in lines if it["method"] == "tools/call"][-1])


@pytest.fixture(scope="module")
def orders(served: Callable[..., Any]) -> Iterator[Serving]:
    with served(with_server(ORDERS, TOOL_LIST)) as serving:
        yield serving


def test_a_tool_is_called_by_its_own_name_with_the_arguments_as_they_are(orders: Serving) -> None:
    before = len(orders.calls)
    result = call(orders, "orders___add", {"a": 100, "b": 12})
    assert (result.isError, text(result), result.structuredContent) == (False, "112", {"result": 112})
    [record] = orders.calls[before:]
    assert (record.tool, record.arguments, record.failed) == ("orders___add", {"a": 100, "b": 12}, False)


@pytest.mark.parametrize("value", [{}, {"x": [1, 2.5, None, {"y": "ü\u2028\x00"}]}, {"name": "add", "arguments": {}}])
def test_what_goes_in_comes_out(orders: Serving, value: dict[str, Any]) -> None:
    assert json.loads(text(call(orders, "orders___echo", {"value": value}))) == value


def test_an_image_and_a_tools_own_error_pass(orders: Serving) -> None:
    [picture] = call(orders, "orders___picture").content
    assert (picture.type, getattr(picture, "mimeType", None)) == ("image", "image/png")
    failed = call(orders, "orders___fail")
    assert failed.isError
    assert "no such order" in text(failed)
    assert last_line(orders)["status"] == "tool_error"


def test_the_log_says_who_called_what_and_where_the_server_writes(orders: Serving) -> None:
    call(orders, "orders___add", {"a": 1, "b": 2})
    line = last_line(orders)
    assert (line["target"], line["status"], line["decision"], line["log"]) == ("orders", "ok", "allowed", "orders.log")
    assert orders.servers == {"orders": RUNTIME_ARN}
    assert "ListToolsRequest" not in orders.target_logs["orders"].read_text()  # the list is the deployment's
    assert "CallToolRequest" in orders.target_logs["orders"].read_text()


def test_the_server_is_no_agent(orders: Serving) -> None:
    assert orders.agents == {}
    assert "orders" not in orders.callers


def test_the_tools_are_listed_as_the_deployment_has_them(orders: Serving) -> None:
    own, url = orders.session(ASSISTANT), orders.gateway_url(TOOLS)
    listed = _with_session(url, own, lambda session: session.list_tools()).tools
    names = [it.name for it in listed if it.name.startswith("orders___")]
    assert names == [f"orders___{it['name']}" for it in TOOL_LIST]


def test_the_process_has_its_roles_credentials_and_nothing_of_mine(orders: Serving) -> None:
    environment = json.loads(text(call(orders, "orders___environment")))
    assert environment["PORT"] == "8000"
    assert environment["AWS_ENDPOINT_URL"] == orders.url
    assert environment["AWS_CONFIG_FILE"] == os.devnull


@pytest.mark.parametrize("role", [None, f"{ROLES}admin", ASSISTANT, f"{ROLES}other-role", f"{ROLES}orders-role"])
def test_nobody_but_the_gateways_role_reaches_the_server(orders: Serving, role: str | None) -> None:
    """The operator's and the admin's own policies would let them; the Deny is the resource policy's."""
    with pytest.raises(ClientError) as caught:
        invoke(orders, role, PING)
    error = caught.value.response["Error"]
    assert error["Code"] == "AccessDeniedException"
    if role in {None, f"{ROLES}admin"}:
        assert error["Message"].endswith(f"on resource: {RUNTIME_ARN} with an explicit deny in a resource-based policy")


def test_nor_does_who_does_not_sign(orders: Serving) -> None:
    url = f"{orders.url}/runtimes/{RUNTIME_ARN.replace(':', '%3A').replace('/', '%2F')}/invocations"
    answer = httpx.post(url, json=PING)
    assert (answer.status_code, answer.json()) == (403, {"message": "Missing Authentication Token"})


def test_the_gateways_role_itself_is_let_in(orders: Serving) -> None:
    answer = invoke(orders, f"{ROLES}tools-role", PING)
    assert answer["statusCode"] == 200
    assert json.loads(answer["response"].read().split(b"data: ")[1]) == {"jsonrpc": "2.0", "id": 1, "result": {}}
    assert len(answer["mcpSessionId"]) >= 32


def test_without_the_deny_an_admin_gets_in(served: Callable[..., Any]) -> None:
    with served(with_server(ORDERS, TOOL_LIST, private=False)) as serving:
        assert invoke(serving, f"{ROLES}admin", PING)["statusCode"] == 200
        assert invoke(serving, None, PING)["statusCode"] == 200
        with pytest.raises(ClientError, match="because no identity-based policy allows"):
            invoke(serving, ASSISTANT, PING)


@pytest.mark.parametrize(
    ("deployment", "why"),
    [
        (with_server(ORDERS, TOOL_LIST, permitted=()), "because no identity-based policy allows"),
        (with_server(ORDERS, TOOL_LIST, gateways=["tools"], permitted=["other"]), "no identity-based policy"),
    ],
)
def test_a_gateway_whose_role_lacks_the_right_gets_no_answer(
    served: Callable[..., Any], deployment: Mapping[str, Any], why: str
) -> None:
    with served(deployment) as serving:
        result = call(serving, "orders___add", {"a": 1, "b": 2})
        assert result.isError
        assert "arn:" not in text(result)
        assert "target orders" in text(result)
        line = last_line(serving)
        [decided] = line["decided_by"]
        assert (line["decision"], decided["by"], decided["action"]) == ("denied", "iam", INVOKE)
        assert decided["principal"] == f"{ROLES}tools-role"
        assert why in decided["reason"]
        assert not serving.calls
        told = reason(serving.deployment, line, None)
        assert told
        assert told["text"].startswith("orders___add cannot be called: the gateway's role tools-role is refused at")
        assert told["change"] == f"Allow the role {INVOKE} there"


def test_a_role_that_the_resource_policy_does_not_spare_is_refused_too(served: Callable[..., Any]) -> None:
    deployment = with_server(ORDERS, TOOL_LIST)
    for resource in deployment["deployment"]["resources"]:
        if resource["type"].endswith("AgentcoreResourcePolicy"):
            changed = resource["outputs"]["policy"].replace("role/tools-role", "role/somebody-else")
            resource["inputs"] = resource["outputs"] = {**resource["outputs"], "policy": changed}
    with served(deployment) as serving:
        assert call(serving, "orders___add", {"a": 1, "b": 2}).isError
        [decided] = last_line(serving)["decided_by"]
        assert "with an explicit deny in a resource-based policy" in decided["reason"]


SHIPPED = """
from mcp.server.fastmcp import FastMCP
from mcp.server.fastmcp.exceptions import ToolError

orders = FastMCP("orders")

@orders.tool()
def add(a: int, b: int) -> int:
    return a + b

@orders.tool()
def fail() -> str:
    raise ToolError("no such order")

@orders.tool()
def crash() -> str:
    raise ValueError("secret-of-the-server")
"""


def test_a_server_by_the_shipped_entry_point(served: Callable[..., Any]) -> None:
    files = {"main.py": (ROOT / "servers" / "serve.py").read_text(), "server.py": SHIPPED}
    with served(with_server(files, [tool(it) for it in ("add", "fail", "crash")])) as serving:
        assert text(call(serving, "orders___add", {"a": 1, "b": 2})) == "3"
        assert "no such order" in text(call(serving, "orders___fail"))
        crashed = call(serving, "orders___crash")
        assert crashed.isError
        assert "secret-of-the-server" not in text(crashed)
        assert "secret-of-the-server" in serving.target_logs["orders"].read_text()


@pytest.fixture(scope="module")
def hostile(served: Callable[..., Any]) -> Iterator[Serving]:
    with served(with_server(HOSTILE, [tool(it) for it in ("fine", *FAILURES)])) as serving:
        yield serving


@pytest.mark.parametrize("failure", FAILURES)
def test_a_server_that_fails_is_masked_and_the_next_call_works(
    hostile: Serving, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    if failure == "hang":
        monkeypatch.setattr(far_side, "LONGEST_SECONDS", 0.5)
    result = call(hostile, f"orders___{failure}")
    monkeypatch.undo()
    line = last_line(hostile)
    assert result.isError
    assert text(result) == f"Target orders could not carry out the call. Request id: {line['request_id']}"
    assert (line["status"], line["decision"]) == ("target_failed", "allowed")
    assert re.fullmatch(r"[A-Z][A-Za-z0-9]+", line["error_type"])
    told = hostile.target_logs["orders"].read_text()
    assert f"request {line['request_id']}: {line['error_type']}: " in told
    if failure in {"error"}:
        assert "secret-of-the-server" in told
    assert text(call(hostile, "orders___fine")) == "fine"


def test_a_call_without_sessions_is_a_session_of_its_own_and_one_in_a_session_goes_on(
    served: Callable[..., Any], rpc: Callable[..., httpx.Response]
) -> None:
    both: Sequence[str] = ("tools", "other")
    with served(with_server(COUNTING, [tool("count")], gateways=both, permitted=both)) as serving:
        assert [text(call(serving, "orders___count")) for _ in range(2)] == ["1", "1"]
        url, own = serving.gateway_url(OTHER), serving.session(f"{ROLES}other-gateway-role")
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}

        def counted(session: str) -> str:
            answer = rpc(url, own, "tools/call", {"name": "orders___count"}, mcp_session_id=session)
            return str(answer.json()["result"]["content"][0]["text"])

        one, two = (rpc(url, own, "initialize", hello).headers["mcp-session-id"] for _ in range(2))
        assert [counted(it) for it in (one, one, two, one)] == ["1", "2", "1", "3"]


def test_many_calls_at_once_are_each_answered_with_their_own(orders: Serving) -> None:
    own, url = orders.session(ASSISTANT), orders.gateway_url(TOOLS)

    async def all_of_them(session: Any) -> list[str]:
        results = await asyncio.gather(*(session.call_tool("orders___add", {"a": n, "b": 0}) for n in range(30)))
        return [text(it) for it in results]

    assert _with_session(url, own, all_of_them) == [str(n) for n in range(30)]


def test_a_server_that_is_not_in_the_deployment_is_listed_and_cannot_be_called(served: Callable[..., Any]) -> None:
    deployment = with_server(ORDERS, TOOL_LIST)
    kept = [it for it in deployment["deployment"]["resources"] if "Runtime" not in it["type"]]
    deployment["deployment"]["resources"] = [it for it in kept if not it["type"].endswith("ResourcePolicy")]
    with served(deployment) as serving:
        assert "toolgate up --target orders=URL" in text(call(serving, "orders___add", {"a": 1, "b": 2}))
        assert last_line(serving)["error_type"] == "NotHere"
        assert access_log.find(serving.access_log, last_line(serving)["request_id"])


def test_endpoint_and_runtime_are_both_decided(served: Callable[..., Any]) -> None:
    deployment = with_server(ORDERS, TOOL_LIST)
    for resource in deployment["deployment"]["resources"]:
        if resource["urn"].endswith("::tools-role-servers"):
            changed = resource["outputs"]["policy"].replace(f', "{ENDPOINT_ARN}"', "")
            assert changed != resource["outputs"]["policy"]
            resource["inputs"] = resource["outputs"] = {**resource["outputs"], "policy": changed}
    with served(deployment) as serving:
        assert call(serving, "orders___add", {"a": 1, "b": 2}).isError
        assert ENDPOINT_ARN in last_line(serving)["decided_by"][0]["reason"]
