"""One gateway: the list of its tools, and their calls; what stands behind a target is that one's own (`backend`).

Prompts and resources of MCP servers have a module of their own (`beyond_tools`).

It knows who calls (`iam_guard`, `bearer`), and asks the policy engine if there is one (`cedar_guard`).
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.types import ASGIApp

from toolgate.access.deployment.agentcore_resources import Gateway, Target, Tool
from toolgate.local.serve.access_log import Entry
from toolgate.local.serve.gateway import search
from toolgate.local.serve.gateway.backend import Backend, Call, text_result
from toolgate.local.serve.gateway.beyond_tools import BeyondTools, beyond_tools
from toolgate.local.serve.gateway.interception import Interceptors
from toolgate.local.serve.gateway.json_rpc import (
    CALL_TOOL,
    LIST_TOOLS,
    Introduction,
    Message,
    RpcError,
    spoken,
)
from toolgate.local.serve.gateway.mcp_endpoint import SESSION, mcp_endpoint
from toolgate.local.serve.gateway.records import ToolCall
from toolgate.local.serve.guards.cedar_guard import DENIED, ToolAuthorization
from toolgate.local.serve.guards.gateway_caller import GatewayCaller


class Closing(Protocol):
    """What has started something, and ends it."""

    async def aclose(self) -> None:
        """End it."""


@dataclass(frozen=True)
class LocalGateway:
    """A gateway that is ready to serve: its endpoint, what ends with it, the full names of its tools."""

    app: ASGIApp
    ends: Sequence[Closing]
    tools: frozenset[str]


@dataclass(frozen=True)
class Checks:
    """Who has a say about a message besides IAM: the policy engine, the interceptors; None where there are none."""

    authorization: ToolAuthorization | None = None
    interceptors: Interceptors | None = None


def build(
    gateway: Gateway,
    backends: Sequence[tuple[Target, Backend]],
    record: Callable[[ToolCall], None],
    checks: Checks = Checks(),
) -> LocalGateway:
    """Build a gateway.

    Args:
        gateway: The gateway.
        backends: Each of its targets, and what stands behind it.
        record: Called after each tool call.
        checks: Who has a say about a message.
    """
    tools = {
        target.full_name(tool): _Tool(_definition(target.full_name(tool), tool), tool.name, target, backend)
        for target, backend in backends
        for tool in target.tools or ()
    }
    beyond = beyond_tools(backends, decides=checks.authorization is not None)
    built = _Gateway(gateway, tools, beyond, record, checks.authorization)
    known = frozenset({*tools, search.NAME} if gateway.search else tools)
    says = Introduction(gateway.name, spoken(gateway.versions), beyond.offered)
    app = mcp_endpoint(built.answer, says, gateway.session_seconds, checks.interceptors)
    asked = checks.interceptors.functions if checks.interceptors else []
    return LocalGateway(app, [*(backend for _, backend in backends), *asked], known)


@dataclass(frozen=True)
class _Tool:
    definition: Mapping[str, Any]
    own_name: str
    target: Target
    backend: Backend


def _definition(name: str, tool: Tool) -> dict[str, Any]:
    return {
        **tool.others,
        "name": name,
        "description": tool.description,
        "inputSchema": dict(tool.input_schema),
        **({"outputSchema": dict(tool.output_schema)} if tool.output_schema else {}),
    }


@dataclass(frozen=True)
class _Gateway:
    gateway: Gateway
    tools: Mapping[str, _Tool]
    beyond: BeyondTools
    record: Callable[[ToolCall], None]
    authorization: ToolAuthorization | None

    async def answer(self, message: Message, caller: GatewayCaller, entry: Entry) -> Mapping[str, Any]:
        if message.method == CALL_TOOL:
            return await self._call_tool(message.params, caller, entry)
        if message.method == LIST_TOOLS:
            return {"tools": self._listed(caller)}
        return await self.beyond.answer(message, self._session(entry), entry)

    def _session(self, entry: Entry) -> str | None:
        return None if self.gateway.session_seconds is None else entry.headers.get(SESSION)

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
            return text_result(f"Unknown tool: {name}", failed=True)
        return await self._carry_out(tool, arguments, entry)

    def _search(self, arguments: Mapping[str, Any], entry: Entry) -> Mapping[str, Any]:
        query = arguments.get("query")
        if not isinstance(query, str):
            return text_result("query must be a string: what the tool that is looked for should do", failed=True)
        started = time.perf_counter()
        found = search.search([tool.definition for tool in self.tools.values()], query)
        milliseconds = (time.perf_counter() - started) * 1000
        entry.status = "ok"
        self.record(ToolCall(self.gateway.arn, search.NAME, {"query": query}, milliseconds, failed=False))
        return text_result(json.dumps(found, ensure_ascii=False), structured=found)

    async def _carry_out(self, tool: _Tool, arguments: Mapping[str, Any], entry: Entry) -> Mapping[str, Any]:
        entry.target = tool.target.name
        name = tool.definition["name"]
        started = time.perf_counter()
        called = await tool.backend.call(Call(name, tool.own_name, arguments, self._session(entry)), entry)
        milliseconds = (time.perf_counter() - started) * 1000
        if called.made:
            self.record(ToolCall(self.gateway.arn, name, arguments, milliseconds, called.failed))
        return called.result
