"""One gateway: MCP and Lambda by localcore-gateway, which knows nothing of IAM.

Written by hand: the tool search, the gateway role's own permission to invoke a function, the record of calls, and all
that is asked and answered besides tools: `mcp_endpoint`.
"""

import json
import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastmcp.exceptions import ToolError
from fastmcp.tools import Tool, ToolResult
from localcore_gateway.config import GatewayConfig
from localcore_gateway.gateway import build_gateway
from localcore_gateway.targets.base import ToolOutcome
from localcore_gateway.targets.lambda_target import LambdaTarget
from mcp.types import Tool as ListedTool
from pydantic.json_schema import SkipJsonSchema
from starlette.types import ASGIApp, Receive, Scope, Send

from toolgate.access.deployment.agentcore_resources import Gateway, Target
from toolgate.access.deployment.roles import Role
from toolgate.access.iam.evaluation import IamRequest, decide
from toolgate.local.serve.access_log import ENTRY, Entry
from toolgate.local.serve.gateway import search
from toolgate.local.serve.gateway.json_rpc import Introduction, spoken
from toolgate.local.serve.gateway.lambda_log import last_words
from toolgate.local.serve.gateway.local_function import AbsentFunction, LocalFunction
from toolgate.local.serve.gateway.localcore_seams import (
    CallTool,
    RequestScope,
    caller,
    current_request,
    guard_tools,
    over_http,
    replace_function,
    wrap_calls,
)
from toolgate.local.serve.gateway.mcp_endpoint import mcp_endpoint
from toolgate.local.serve.gateway.records import ToolCall
from toolgate.local.serve.guards.cedar_guard import ToolAuthorization
from toolgate.local.serve.guards.iam_guard import PRINCIPAL
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
    server, mcp_targets = build_gateway(_configuration(gateway, [target for target, _ in functions]))
    for (target, function), mcp_target in zip(functions, mcp_targets, strict=True):
        replace_function(mcp_target, function)
        # Nobody here knows the policy of a function that is not in the deployment; nor is it called.
        asked = None if isinstance(function, AbsentFunction) else role
        wrap_calls(mcp_target, partial(_guarded, gateway, asked, target, record))
    if gateway.search:
        _add_search(server, gateway, [target for target, _ in functions], record)
    guard_tools(server, partial(_shown, authorization), partial(_refuse, authorization))
    library, lifespan = over_http(server, sessions=gateway.sessions)
    says = Introduction(gateway.name, spoken(gateway.versions))
    app = mcp_endpoint(_as_caller(library), says, sessions=gateway.sessions)
    tools = {target.full_name(tool) for target, _ in functions for tool in target.tools or ()}
    known = frozenset(tools | {search.NAME} if gateway.search else tools)
    return LocalGateway(app, lifespan, mcp_targets, known)


def _shown(authorization: ToolAuthorization | None, request: RequestScope, tools: list[ListedTool]) -> list[ListedTool]:
    """What a request is shown: what it may call, and the search tool before all others."""
    allowed = authorization.shown(request, tools) if authorization else tools
    return sorted(allowed, key=lambda tool: tool.name != search.NAME)


def _refuse(authorization: ToolAuthorization | None, request: RequestScope, tool: str, given: dict[str, Any]) -> None:
    if authorization:
        authorization.refuse(request, tool, given)


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


class _SearchTool(Tool):
    """The tool search: its arguments are ours to read, so that no library describes them."""

    find: SkipJsonSchema[Callable[[str], dict[str, Any]]]

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        query = arguments.get("query")
        if not isinstance(query, str):
            raise ToolError("query must be a string: what the tool that is looked for should do")
        found = self.find(query)
        return ToolResult(content=json.dumps(found, ensure_ascii=False), structured_content=found)


def _add_search(server: Any, gateway: Gateway, targets: Sequence[Target], record: Callable[[ToolCall], None]) -> None:
    tools = [_definition(target.full_name(tool), tool) for target in targets for tool in target.tools or ()]

    def find(query: str) -> dict[str, Any]:
        started = time.perf_counter()
        found = search.search(tools, query)
        milliseconds = (time.perf_counter() - started) * 1000
        _entry().status = "ok"
        record(ToolCall(gateway.arn, search.NAME, {"query": query}, milliseconds, failed=False))
        return found

    server.add_tool(
        _SearchTool(name=search.NAME, description=search.DESCRIPTION, parameters=search.INPUT_SCHEMA, find=find)
    )


def _as_caller(library: ASGIApp) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await library({**scope, **caller(scope[PRINCIPAL].role.arn)}, receive, send)

    return app
