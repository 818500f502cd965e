"""The contract of local/serve/gateway/localcore_seams.py: what localcore-gateway and FastMCP must have for it."""

import asyncio
import inspect
import json
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest
from localcore_gateway.config import GatewayConfig
from localcore_gateway.gateway import build_gateway
from localcore_gateway.lambda_emu.base import InvokeResult, LambdaInvoker
from localcore_gateway.targets.base import ToolOutcome
from localcore_gateway.targets.lambda_target import LambdaTarget
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import McpError
from mcp.types import CallToolRequest, ErrorData, ListToolsRequest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from toolgate.local.serve.gateway.localcore_seams import (
    CallTool,
    caller,
    current_request,
    guard_tools,
    over_http,
    replace_function,
    wrap_calls,
)

VERSIONS = {name: version(name) for name in ("localcore-gateway", "fastmcp", "mcp")}
SIGNATURES: list[tuple[str, Callable[..., Any], list[str]]] = [
    ("build_gateway", build_gateway, ["cfg", "history"]),
    ("LambdaTarget.call_tool", LambdaTarget.call_tool, ["self", "tool_name", "arguments"]),
    ("LambdaInvoker.invoke", LambdaInvoker.invoke, ["self", "event", "*client_context"]),
]


def changed(what: str, found: object) -> str:
    return f"{what}: {found}. local/serve/gateway/localcore_seams.py replaces it and must change with it ({VERSIONS})."


@pytest.mark.parametrize(("what", "function", "expected"), SIGNATURES, ids=[it[0] for it in SIGNATURES])
def test_what_is_replaced_takes_what_we_give(what: str, function: Callable[..., Any], expected: list[str]) -> None:
    given = inspect.signature(function).parameters.values()
    found = [f"{'*' if it.kind is it.KEYWORD_ONLY else ''}{it.name}" for it in given]
    assert found == expected, changed(what, f"takes {found}, not {expected}")


class Recorder(LambdaInvoker):  # type: ignore[misc]  # localcore-gateway has no types
    """A function that keeps its events."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.scopes: list[Any] = []

    async def invoke(self, event: Any, *, client_context: dict[str, Any] | None = None) -> InvokeResult:
        self.events.append(event)
        self.scopes.append(current_request())
        return InvokeResult(payload={"tool": (client_context or {})["bedrockAgentCoreToolName"]})


def app_of(server: Any, *, sessions: bool = False) -> Starlette:
    app, lifespan = over_http(server, sessions=sessions)
    return Starlette(routes=[Mount("/", app)], lifespan=lambda _: lifespan())


@pytest.fixture
def gateway() -> tuple[Any, Any, Any]:
    """An app of the library's MCP server, that server, and its one target, with the tools `one` and `two`."""
    tools = [{"name": name, "description": "Does it.", "inputSchema": {"type": "object"}} for name in ("one", "two")]
    target = {"type": "lambda", "name": "t", "lambda": {"handler": "replaced.below"}, "tools": tools}
    config = GatewayConfig.model_validate({"server": {"name": "g", "stateless": True}, "targets": [target]})
    server, [made] = build_gateway(config)
    return app_of(server), server, made


def test_the_library_has_the_names_that_we_set(gateway: tuple[Any, Any, Any]) -> None:
    _, server, target = gateway
    assert isinstance(vars(target).get("_invoker"), LambdaInvoker), changed("LambdaTarget._invoker", "is no function")
    low_level = getattr(server, "_mcp_server", None)
    assert isinstance(low_level, Server), changed("FastMCP._mcp_server", f"is {low_level!r}")
    missing = {ListToolsRequest, CallToolRequest} - low_level.request_handlers.keys()
    assert not missing, changed("Server.request_handlers", f"has none for {missing}")


def test_a_target_calls_the_function_that_replaced_its_own(gateway: tuple[Any, Any, Any]) -> None:
    _, _, target = gateway
    function = Recorder()
    replace_function(target, function)
    outcome = asyncio.run(target.call_tool("one", {"a": 1}))
    assert function.events == [{"a": 1}], changed("LambdaTarget.call_tool", "calls another function")
    assert outcome.payload == {"tool": "t___one"}


def rpc(client: TestClient, method: str, params: dict[str, Any]) -> Any:
    headers = {"accept": "application/json, text/event-stream", "x-caller": "me"}
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return client.post("/mcp", json=message, headers=headers).json()


def test_the_server_carries_out_wrapped_calls(gateway: tuple[Any, Any, Any]) -> None:
    app, _, target = gateway
    replace_function(target, Recorder())

    def wrap(call: CallTool) -> CallTool:
        async def wrapped(name: str, arguments: dict[str, Any]) -> ToolOutcome:
            return ToolOutcome(payload=json.dumps({"before": name, "then": (await call(name, arguments)).payload}))

        return wrapped

    wrap_calls(target, wrap)
    with TestClient(app) as client:
        result = rpc(client, "tools/call", {"name": "t___one", "arguments": {}})["result"]
    answered = json.loads(result["content"][0]["text"])
    assert answered == {"before": "one", "then": {"tool": "t___one"}}, changed("LambdaTarget.call_tool", answered)


def test_a_guard_sees_the_request_and_decides(gateway: tuple[Any, Any, Any]) -> None:
    app, server, target = gateway
    replace_function(target, Recorder())
    asked: list[tuple[str, str, dict[str, Any]]] = []

    def refuse(scope: Any, tool: str, arguments: dict[str, Any]) -> None:
        asked.append((dict(scope["headers"])[b"x-caller"].decode(), tool, arguments))
        if tool == "t___two":
            raise McpError(ErrorData(code=-32002, message="refused"))

    guard_tools(server, lambda _scope, tools: [tool for tool in tools if tool.name != "t___two"], refuse)
    with TestClient(app) as client:
        listed = rpc(client, "tools/list", {})["result"]["tools"]
        answered = rpc(client, "tools/call", {"name": "t___one", "arguments": {"a": 1}})
        refused = rpc(client, "tools/call", {"name": "t___two"})
    assert [tool["name"] for tool in listed] == ["t___one"], changed("the handler of tools/list", listed)
    assert "t___one" in answered["result"]["content"][0]["text"]
    assert refused["error"] == {"code": -32002, "message": "refused"}, changed("the handler of tools/call", refused)
    assert asked == [("me", "t___one", {"a": 1}), ("me", "t___two", {})]


def test_a_session_is_its_callers_own() -> None:
    server, _ = build_gateway(GatewayConfig.model_validate({"server": {"name": "g"}, "targets": []}))
    app = app_of(server, sessions=True)

    async def signed(scope: Any, receive: Any, send: Any) -> None:
        who = dict(scope.get("headers", ())).get(b"x-caller", b"").decode()
        await app({**scope, **caller(who)} if who else scope, receive, send)

    asked = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
    opening = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": asked}
    listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}}
    with TestClient(signed) as client:

        def send(who: str, message: dict[str, Any], session: str = "") -> Any:
            headers = {"accept": "application/json, text/event-stream", "x-caller": who}
            return client.post("/mcp", json=message, headers=headers | ({"mcp-session-id": session} if session else {}))

        session = send("one", opening).headers["mcp-session-id"]
        assert send("one", listing, session).status_code == 200
        unknown, another = send("two", listing, "unknown"), send("two", listing, session)
        ended = client.delete("/mcp", headers={"x-caller": "two", "mcp-session-id": session})
        assert send("one", listing, session).status_code == 200
    assert (another.status_code, another.json()) == (404, unknown.json()), changed("sessions", another.text)
    assert ended.status_code == 404, changed("sessions", ended.text)


def test_a_function_finds_the_request_that_it_is_called_for(gateway: tuple[Any, Any, Any]) -> None:
    app, _, target = gateway
    function = Recorder()
    replace_function(target, function)
    with TestClient(app) as client:
        rpc(client, "tools/call", {"name": "t___one", "arguments": {}})
    (scope,) = function.scopes
    assert scope is not None, changed("request_ctx", "is not set while a tool is called")
    assert (b"x-caller", b"me") in scope["headers"], changed("request_ctx", scope)
    assert current_request() is None
