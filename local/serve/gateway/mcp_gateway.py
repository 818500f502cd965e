"""One gateway: the list of its tools, their calls, and the functions behind them.

It knows who calls (`iam_guard`, `bearer`), asks the policy engine if there is one (`cedar_guard`), and decides whether
the gateway's own role may invoke a function.
"""

import json
import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

from toolgate.access.deployment.agentcore_resources import Gateway, Target
from toolgate.local.serve.access_log import Entry
from toolgate.local.serve.gateway import search
from toolgate.local.serve.gateway.function_process import Outcome
from toolgate.local.serve.gateway.interception import Interceptors
from toolgate.local.serve.gateway.invoke_right import InvokeRight
from toolgate.local.serve.gateway.json_rpc import CALL_TOOL, Introduction, Message, RpcError, spoken
from toolgate.local.serve.gateway.lambda_log import last_words
from toolgate.local.serve.gateway.local_function import AbsentFunction, LocalFunction
from toolgate.local.serve.gateway.mcp_endpoint import mcp_endpoint
from toolgate.local.serve.gateway.records import ToolCall
from toolgate.local.serve.guards.cedar_guard import DENIED, ToolAuthorization
from toolgate.local.serve.guards.gateway_caller import GatewayCaller
from toolgate.policy.language.agentcore_facts import INVOKE_FUNCTION

_TOOL_FAILED = "tool_failed"  # of lambdas/dispatch.py: the tool raised, and its log says what
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")  # a code is a word; what else stands there may be anybody's data


@dataclass(frozen=True)
class LocalGateway:
    """A gateway that is ready to serve: its endpoint, its functions, the full names of its tools."""

    app: ASGIApp
    functions: Sequence[LocalFunction | AbsentFunction]
    tools: frozenset[str]


@dataclass(frozen=True)
class Checks:
    """Who has a say about a message besides IAM: the policy engine, the interceptors; None where there are none."""

    authorization: ToolAuthorization | None = None
    interceptors: Interceptors | None = None


def build(
    gateway: Gateway,
    right: InvokeRight,
    functions: Sequence[tuple[Target, LocalFunction | AbsentFunction]],
    record: Callable[[ToolCall], None],
    checks: Checks = Checks(),
) -> LocalGateway:
    """Build a gateway.

    Args:
        gateway: The gateway.
        right: What its role may invoke.
        functions: Each of its targets and the function behind it.
        record: Called after each tool call.
        checks: Who has a say about a message.
    """
    tools = {
        target.full_name(tool): _Tool(_definition(target.full_name(tool), tool), target, function)
        for target, function in functions
        for tool in target.tools or ()
    }
    built = _Gateway(gateway, right, tools, record, checks.authorization)
    known = frozenset({*tools, search.NAME} if gateway.search else tools)
    says = Introduction(gateway.name, spoken(gateway.versions))
    app = mcp_endpoint(built.answer, says, gateway.session_seconds, checks.interceptors)
    asked = checks.interceptors.functions if checks.interceptors else []
    return LocalGateway(app, [*(function for _, function in functions), *asked], known)


@dataclass(frozen=True)
class _Tool:
    definition: Mapping[str, Any]
    target: Target
    function: LocalFunction | AbsentFunction


def _definition(name: str, tool: Any) -> dict[str, Any]:
    return {
        "name": name,
        "description": tool.description,
        "inputSchema": dict(tool.input_schema),
        **({"outputSchema": dict(tool.output_schema)} if tool.output_schema else {}),
    }


@dataclass(frozen=True)
class _Gateway:
    gateway: Gateway
    right: InvokeRight
    tools: Mapping[str, _Tool]
    record: Callable[[ToolCall], None]
    authorization: ToolAuthorization | None

    async def answer(self, message: Message, caller: GatewayCaller, entry: Entry) -> Mapping[str, Any]:
        if message.method == CALL_TOOL:
            return await self._call_tool(message.params, caller, entry)
        return {"tools": self._listed(caller)}

    def _listed(self, caller: GatewayCaller) -> list[Mapping[str, Any]]:
        search_first = [search.DEFINITION] if self.gateway.search else []
        listed = [*search_first, *(tool.definition for tool in self.tools.values())]
        if self.authorization is None:
            return listed
        return [it for it in listed if self.authorization.lists(caller.cedar, it["name"])]

    async def _call_tool(self, params: Mapping[str, Any], caller: GatewayCaller, entry: Entry) -> Mapping[str, Any]:
        name, arguments = params["name"], params.get("arguments") or {}
        refusal = self.authorization.refusal(caller.cedar, name, arguments, entry) if self.authorization else None
        if refusal:
            raise RpcError(DENIED, refusal, status=200)
        if name == search.NAME and self.gateway.search:
            return self._search(arguments, entry)
        tool = self.tools.get(name)
        if tool is None:
            return _result(f"Unknown tool: {name}", failed=True)
        return await self._call_function(tool, arguments, entry)

    def _search(self, arguments: Mapping[str, Any], entry: Entry) -> Mapping[str, Any]:
        query = arguments.get("query")
        if not isinstance(query, str):
            return _result("query must be a string: what the tool that is looked for should do", failed=True)
        started = time.perf_counter()
        found = search.search([tool.definition for tool in self.tools.values()], query)
        milliseconds = (time.perf_counter() - started) * 1000
        entry.status = "ok"
        self.record(ToolCall(self.gateway.arn, search.NAME, {"query": query}, milliseconds, failed=False))
        return _result(json.dumps(found, ensure_ascii=False), structured=found)

    async def _call_function(self, tool: _Tool, arguments: Mapping[str, Any], entry: Entry) -> Mapping[str, Any]:
        entry.target = tool.target.name
        arn = tool.target.function_arn or ""
        # Nobody here knows the policy of a function that is not in the deployment; nor is it called.
        decision = self.right.decision(arn) if isinstance(tool.function, LocalFunction) else None
        if decision and not decision.allowed:
            why = "the gateway's role may not invoke the function"
            entry.decided(INVOKE_FUNCTION, decision, why, self.right.role.arn)
            return _result(_NOT_INVOKED.format(arn), failed=True)
        started = time.perf_counter()
        entry.log = tool.function.log
        outcome = await tool.function.invoke(arguments, self._told(tool, entry), entry.request_id)
        milliseconds = (time.perf_counter() - started) * 1000
        _note_outcome(entry, outcome)
        name = tool.definition["name"]
        self.record(ToolCall(self.gateway.arn, name, arguments, milliseconds, outcome.failed))
        return _answer(outcome, structured="outputSchema" in tool.definition)

    def _told(self, tool: _Tool, entry: Entry) -> dict[str, str]:
        """What a function is told of the call (AgentCore developer guide, "Lambda function targets")."""
        return {
            "bedrockAgentCoreMessageVersion": "1.0",
            "bedrockAgentCoreMcpMessageId": str(uuid.uuid4()),
            "bedrockAgentCoreGatewayId": self.gateway.id,
            "bedrockAgentCoreToolName": tool.definition["name"],
            "bedrockAgentCoreTargetId": tool.target.id,
            "bedrockAgentCoreAwsRequestId": entry.request_id,
        }


_NOT_INVOKED = (
    "Access denied while invoking Lambda function {}. Check the permissions on the Lambda function and"
    " Gateway execution role, and retry the request."
)


def _note_outcome(entry: Entry, outcome: Outcome) -> None:
    payload = outcome.payload
    error = payload.get("error") if isinstance(payload, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    if outcome.failed:
        entry.status, entry.error_type = "function_failed", payload["errorType"]
        entry.last_words = f"{payload['errorType']}: {payload['errorMessage']}"
    elif isinstance(code, str) and _CODE.fullmatch(code):
        entry.status = code
    else:
        entry.status = "ok"
    if code == _TOOL_FAILED:
        entry.last_words = last_words(outcome.lines)


def _answer(outcome: Outcome, *, structured: bool) -> Mapping[str, Any]:
    payload = outcome.payload
    if outcome.failed and isinstance(payload, dict):  # a stack trace is nobody's business but the log's
        payload = {key: payload[key] for key in ("errorMessage", "errorType") if key in payload}
    # The client gets the function's answer as it came, as JSON text; AWS was not seen to add "structuredContent", but
    # MCP wants it from a tool with an output schema.
    both = payload if structured and isinstance(payload, dict) and not outcome.failed else None
    return _result(json.dumps(payload, ensure_ascii=False), failed=outcome.failed, structured=both)


def _result(text: str, *, failed: bool = False, structured: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    content = {} if structured is None else {"structuredContent": structured}
    return {"content": [{"type": "text", "text": text}], **content, "isError": failed}
