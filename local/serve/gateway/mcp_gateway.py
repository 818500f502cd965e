"""One gateway: MCP and Lambda by localcore-gateway, which knows nothing of IAM.

Written by hand: the tool search, the gateway role's own permission to invoke a function, the record of calls, and that
no route but the MCP endpoint can be reached.
"""

import json
import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastmcp.server.middleware import Middleware, MiddlewareContext
from fastmcp.tools import Tool as McpTool
from localcore_gateway.app import build_app
from localcore_gateway.config import GatewayConfig
from localcore_gateway.targets.base import ToolOutcome
from localcore_gateway.targets.lambda_target import LambdaTarget
from mcp.shared.exceptions import McpError
from mcp.types import INVALID_REQUEST, PARSE_ERROR, ErrorData
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from toolgate.access.deployment.agentcore_resources import Gateway, Target
from toolgate.access.deployment.roles import Role
from toolgate.access.iam.evaluation import IamRequest, decide
from toolgate.local.serve.access_log import ENTRY, Entry
from toolgate.local.serve.gateway import search
from toolgate.local.serve.gateway.lambda_log import last_words
from toolgate.local.serve.gateway.local_function import AbsentFunction, LocalFunction
from toolgate.local.serve.gateway.localcore_seams import CallTool, caller, current_request, replace_function, wrap_calls
from toolgate.local.serve.gateway.records import ToolCall
from toolgate.local.serve.guards.cedar_guard import ToolAuthorization, authorize_tools
from toolgate.local.serve.guards.iam_guard import PRINCIPAL, replayed
from toolgate.local.serve.json_body import NotJsonError, read_json
from toolgate.policy.language.agentcore_facts import INVOKE_FUNCTION, full_name

_TOOL_FAILED = "tool_failed"  # of lambdas/dispatch.py: the tool raised, and its log says what
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")  # a code is a word; what else stands there may be anybody's data

# They report each refused or failed call with a traceback; the caller is told, and so are our own logs.
for _name in ("fastmcp", "mcp.server"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class LocalGateway:
    """A gateway that is ready to serve: its endpoint at `/mcp`, its lifespan, its targets, names of its tools."""

    app: ASGIApp
    lifespan: Callable[[], Any]
    targets: Sequence[LambdaTarget]
    tools: frozenset[str]


def build(
    gateway: Gateway,
    role: Role,
    functions: Sequence[tuple[Target, LocalFunction | AbsentFunction]],
    record: Callable[[ToolCall], None],
    authorization: ToolAuthorization | None = None,
) -> LocalGateway:
    """Build a gateway.

    Args:
        gateway: The gateway.
        role: Its role.
        functions: Each of its targets and the function behind it.
        record: Called after each tool call.
        authorization: What it asks its policy engine, if it has one.
    """
    app, server, mcp_targets = build_app(_configuration(gateway, [target for target, _ in functions]))
    for (target, function), mcp_target in zip(functions, mcp_targets, strict=True):
        replace_function(mcp_target, function)
        # Nobody here knows the policy of a function that is not in the deployment; nor is it called.
        asked = None if isinstance(function, AbsentFunction) else role
        wrap_calls(mcp_target, partial(_guarded, gateway, asked, target, record))
    server.add_middleware(_SupportedVersions(gateway.versions))
    if gateway.search:
        _add_search(server, gateway, [target for target, _ in functions], record)
    if authorization:
        authorize_tools(server, authorization)
    tools = {target.full_name(tool) for target, _ in functions for tool in target.tools or ()}
    known = frozenset(tools | {search.NAME} if gateway.search else tools)
    return LocalGateway(_only_mcp(app), lambda: app.router.lifespan_context(app), mcp_targets, known)


def _configuration(gateway: Gateway, targets: Sequence[Target]) -> GatewayConfig:
    return GatewayConfig.model_validate(
        {
            "server": {"name": gateway.id, "stateless": not gateway.sessions},
            "targets": [
                {
                    "type": "lambda",
                    "name": target.name,
                    "lambda": {"handler": "replaced.below"},
                    "tools": [_definition(tool.name, tool) for tool in target.tools or ()],
                }
                for target in targets
            ],
        }
    )


def _definition(name: str, tool: Any) -> dict[str, Any]:
    return {
        "name": name,
        "description": tool.description,
        "inputSchema": dict(tool.input_schema),
        **({"outputSchema": dict(tool.output_schema)} if tool.output_schema else {}),
    }


def _guarded(
    gateway: Gateway, role: Role | None, target: Target, record: Callable[[ToolCall], None], call: CallTool
) -> CallTool:
    arn = target.function_arn or ""
    structured = {tool.name for tool in target.tools or () if tool.output_schema}

    async def call_tool(name: str, arguments: dict[str, Any]) -> ToolOutcome:
        entry = _entry()
        entry.target = target.name
        # Source: https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/gateway-prerequisites-permissions.html
        decision = decide(IamRequest(role, INVOKE_FUNCTION, arn)) if role else None
        if role and decision and not decision.allowed:
            entry.decided(INVOKE_FUNCTION, decision, "the gateway's role may not invoke the function", role.arn)
            text = (
                f"Access denied while invoking Lambda function {arn}. Check the permissions on the Lambda function and"
                " Gateway execution role, and retry the request."
            )
            return ToolOutcome(payload=text, is_error=True)
        started = time.perf_counter()
        outcome = await call(name, arguments)
        milliseconds = (time.perf_counter() - started) * 1000
        _note_outcome(entry, outcome)
        record(ToolCall(gateway.arn, full_name(target.name, name), arguments, milliseconds, outcome.is_error))
        return _answer(outcome, structured=name in structured)

    return call_tool


def _entry() -> Entry:
    """The exchange that is under way; one that nobody sees where no HTTP request came before."""
    scope = current_request()
    return scope[ENTRY] if scope else Entry("")


def _note_outcome(entry: Entry, outcome: ToolOutcome) -> None:
    payload = outcome.payload
    error = payload.get("error") if isinstance(payload, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    if outcome.is_error:
        entry.status, entry.error_type = "function_failed", payload["errorType"]
        entry.last_words = f"{payload['errorType']}: {payload['errorMessage']}"
    elif isinstance(code, str) and _CODE.fullmatch(code):
        entry.status = code
    else:
        entry.status = "ok"
    if code == _TOOL_FAILED:
        entry.last_words = last_words(outcome.logs)


def _answer(outcome: ToolOutcome, *, structured: bool) -> ToolOutcome:
    payload = outcome.payload
    if outcome.is_error and isinstance(payload, dict):  # a stack trace is nobody's business but the log's
        payload = {key: payload[key] for key in ("errorMessage", "errorType") if key in payload}
    elif structured and isinstance(payload, dict):  # MCP wants "structuredContent" from a tool with an output schema
        return ToolOutcome(payload=payload)
    # The client gets the function's answer as it came, as JSON text; AWS was not seen to add "structuredContent".
    return ToolOutcome(payload=json.dumps(payload, ensure_ascii=False), is_error=outcome.is_error)


class _SupportedVersions(Middleware):
    """A gateway speaks the protocol versions that it was made with, and refuses a client that wants another."""

    def __init__(self, versions: Sequence[str]) -> None:
        self._versions = list(versions)

    async def on_initialize(self, context: MiddlewareContext[Any], call_next: Callable[..., Any]) -> Any:
        requested = context.message.params.protocolVersion
        if requested not in self._versions:
            _entry().status = "unsupported_version"
            data = {"requested": requested, "supported": self._versions}
            raise McpError(ErrorData(code=INVALID_REQUEST, message="Unsupported protocol version", data=data))
        return await call_next(context)


class _SearchFirst(Middleware):
    """AWS lists the search tool before all others."""

    async def on_list_tools(self, context: MiddlewareContext[Any], call_next: Callable[..., Any]) -> Sequence[McpTool]:
        tools: Sequence[McpTool] = await call_next(context)
        return sorted(tools, key=lambda tool: tool.name != search.NAME)


def _add_search(server: Any, gateway: Gateway, targets: Sequence[Target], record: Callable[[ToolCall], None]) -> None:
    tools = [_definition(target.full_name(tool), tool) for target in targets for tool in target.tools or ()]

    def find(query: str) -> dict[str, Any]:
        started = time.perf_counter()
        found = search.search(tools, query)
        milliseconds = (time.perf_counter() - started) * 1000
        _entry().status = "ok"
        record(ToolCall(gateway.arn, search.NAME, {"query": query}, milliseconds, failed=False))
        return found

    server.add_tool(McpTool.from_function(find, name=search.NAME, description=search.DESCRIPTION, output_schema=None))
    server.add_middleware(_SearchFirst())


def _only_mcp(app: ASGIApp) -> ASGIApp:
    async def mcp(scope: Scope, receive: Receive, send: Send) -> None:
        first = await receive()  # the whole body: the guard has read it
        try:
            if scope["method"] == "POST":
                read_json(first["body"])
        except NotJsonError as error:
            refusal = {"jsonrpc": "2.0", "id": None, "error": {"code": PARSE_ERROR, "message": f"Parse error: {error}"}}
            await JSONResponse(refusal, 400)(scope, receive, send)
            return
        here = {**scope, **caller(scope[PRINCIPAL].role.arn), "path": "/mcp", "raw_path": b"/mcp", "root_path": ""}
        await app(here, replayed(first["body"], receive), send)

    return mcp
