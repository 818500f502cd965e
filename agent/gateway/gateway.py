"""The agent's tools: one supervised MCP session per gateway, kept for the life of the process.

A session costs three round trips and a TLS handshake to open, so it is opened once, by the first invocation that
needs it, and opened again only when it has ended. Nothing about it is made at import: a snapshot of the process taken
there must hold no connection and no credentials.
"""

import asyncio
import contextvars
import logging
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import timedelta
from typing import Any

import httpx
from strands.tools.mcp.mcp_agent_tool import MCPAgentTool
from strands.types._events import ToolResultEvent
from strands.types.exceptions import MCPClientInitializationError
from strands.types.tools import AgentTool, ToolUse

import contract
import logs
from contract import ContractError, Fault
from settings import Settings
from toolset.offer import offerable, together

from .authorization import Authorization
from .results import code_of_error, readable, told
from .session import Session

# How strands words the exception of a call that got a JSON-RPC error (strands/tools/mcp/mcp_client.py).
_FAILED = "Tool execution failed: "
# Key of a call's `_meta` with the invocation's id: the gateway's log, which has the body of a request, can be read
# beside the agent's. Not in an HTTP header: AgentCore's logs have none.
REQUEST_ID = "toolgate/request-id"
NO_TOOLS = "the gateway has targets, and its policy engine, if it has one, permits this agent a tool"
_GATEWAY_FAULTS = (
    contract.GATEWAY_REFUSED,
    contract.GATEWAY_TOKEN_UNAVAILABLE,
    contract.GATEWAY_THROTTLED,
    contract.GATEWAY_UNAVAILABLE,
    contract.GATEWAY_FAILED,
    contract.GATEWAY_TIMEOUT,
    contract.GATEWAY_SESSION_LOST,
    contract.INTERNAL,
)
_TOOL_FAULTS = (contract.TOOL_TIMEOUT, contract.RESULT_TOO_LARGE, contract.TOOL_DENIED)
_CALL_FAULTS = {fault.code: fault for fault in (*_GATEWAY_FAULTS, *_TOOL_FAULTS)}


class GatewayTool(MCPAgentTool):
    """A gateway's tool; calls go through the supervised session and are recorded in the invocation."""

    def __init__(self, tool: MCPAgentTool, gateway: "Gateway") -> None:
        super().__init__(tool.mcp_tool, tool.mcp_client)
        self._gateway = gateway

    async def stream(
        self, tool_use: ToolUse, invocation_state: dict[str, Any], **_: Any
    ) -> AsyncGenerator[ToolResultEvent]:
        """Call the tool; the one event is its result, or a short neutral error."""
        started = time.monotonic()
        invocation = invocation_state.get("invocation")
        request_id = invocation.request_id if invocation else None
        unreadable = invocation.unreadable.pop(tool_use["toolUseId"], None) if invocation else None
        result: Any = {}
        fault: Fault | None = contract.INTERNAL
        try:
            if unreadable:
                result, fault = told(tool_use, unreadable), unreadable
            else:
                result, fault = await self._gateway.call(tool_use, invocation_state.get("cancel"), request_id)
        except asyncio.CancelledError:  # its invocation ends
            fault = contract.TOOL_CANCELLED
            raise
        finally:
            if invocation:
                code = fault.code if fault else code_of_error(result)
                invocation.called(self.tool_name, code, time.monotonic() - started)
                invocation.note(self.tool_name, fault if fault in _GATEWAY_FAULTS else None)
        yield ToolResultEvent(result)


class Gateway:
    """One gateway.

    Args:
        url: Its MCP endpoint.
        authorization: Gives the way in; called for each new session.
        settings: Bounds.
    """

    def __init__(self, url: str, authorization: Callable[[], Authorization], settings: Settings) -> None:
        self._url = url
        self._authorization = authorization
        self._settings = settings
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._tools: tuple[GatewayTool, ...] = ()
        self._attempts = 0
        self._failed: tuple[int, Fault] = (0, contract.INTERNAL)

    def tools(self) -> tuple[GatewayTool, ...] | None:
        """The gateway's tools, if its session is open; never waits."""
        session = self._session
        return self._tools if session and session.open else None

    def connect(self) -> tuple[GatewayTool, ...]:
        """The gateway's tools, after opening the session where it isn't; waits for the gateway.

        Callers that wait while somebody else's attempt fails share that failure only if the attempt began after they
        asked: an older one says nothing about now.

        Raises:
            ContractError: If the gateway gives no tools.
        """
        asked = self._attempts
        with self._lock:
            if (tools := self.tools()) is not None:
                return tools
            number, fault = self._failed
            if number > asked:
                raise ContractError(fault)
            self._attempts += 1
            try:
                return self._open()
            except ContractError as error:
                self._failed = (self._attempts, error.fault)
                raise

    async def call(
        self, tool_use: ToolUse, cancel: threading.Event | None, request_id: str | None = None
    ) -> tuple[Any, Fault | None]:
        """Call a tool.

        Args:
            tool_use: What the model wants.
            cancel: Set when nobody waits any more.
            request_id: The invocation that the call is made for, told to the gateway.

        Returns:
            The result for the model, and the fault if the call failed.
        """
        try:
            result, fault = await self._call(tool_use, cancel, request_id)
            if fault is contract.GATEWAY_SESSION_LOST:  # the call was not taken: it may be made again
                result, fault = await self._call(tool_use, cancel, request_id)
        except ContractError as error:
            result, fault = {}, error.fault
        except MCPClientInitializationError:  # it ended between being found open and being used
            result, fault = {}, contract.GATEWAY_UNAVAILABLE
        return (told(tool_use, fault) if fault else result), fault

    def close(self) -> None:
        """End the session, if there is one."""
        session, self._session = self._session, None
        if session:
            session.end()

    async def _call(
        self, tool_use: ToolUse, cancel: threading.Event | None, request_id: str | None
    ) -> tuple[Any, Fault | None]:
        if self.tools() is None:
            await asyncio.to_thread(self.connect)
        session = self._session
        if session is None:
            raise ContractError(contract.GATEWAY_UNAVAILABLE)
        result = await session.call_tool_async(
            tool_use["toolUseId"],
            tool_use["name"],
            tool_use["input"],
            # The transport's own bound comes first; this one is for a reply that gets lost on its way back from it.
            timedelta(seconds=self._settings.tool_seconds + 1),
            {REQUEST_ID: request_id} if request_id else None,
            cancel_signal=cancel,
        )
        if result.get("cancelled"):
            return result, contract.TOOL_CANCELLED
        if result["status"] == "success":
            return {**result, "content": readable(result)}, None
        text = result["content"][0].get("text", "") if result["content"] else ""
        fault = contract.TOOL_FAILED
        if not result.get("isError"):
            fault = _CALL_FAULTS.get(text.removeprefix(_FAILED), contract.TOOL_FAILED)
        if self._settings.log_content and fault is contract.TOOL_FAILED:
            logs.event("tool_error", level=logging.WARNING, tool=tool_use["name"], content=result["content"])
        return result, fault

    def _open(self) -> tuple[GatewayTool, ...]:
        authorization = self._authorization()
        if self._session:
            self._session.end(self._settings.tool_seconds)  # other invocations may still have calls under way on it
        session = Session(self._url, authorization, self._settings)
        try:
            # In an empty context: what the session does belongs to no request's trace.
            contextvars.Context().run(session.start)
            listed = session.list_all()
        except Exception as error:
            session.end()
            fault = session.fault or contract.GATEWAY_FAILED
            if session.fault is None:
                logs.event(
                    "gateway_failed", level=logging.WARNING, gateway=httpx.URL(self._url).host, **logs.origin(error)
                )
            raise ContractError(fault) from error
        if not listed:
            # The agent was handed this gateway for its tools; a policy engine that permits it none lists it none.
            session.end()
            logs.event("no_tools", level=logging.WARNING, gateway=httpx.URL(self._url).host, check=NO_TOOLS)
            raise ContractError(contract.GATEWAY_REFUSED)
        names = [tool.tool_name for tool in listed]
        logs.event("tools_listed", level=logging.DEBUG, gateway=httpx.URL(self._url).host, tools=names)
        self._session = session
        self._tools = tuple(GatewayTool(tool, self) for tool in offerable(listed, self._settings.model_id))
        return self._tools


class Gateways:
    """All the gateways of the agent.

    Args:
        gateways: One per endpoint, in the order in which a tool's name is looked up.
        others: Tools that are no gateway's; they stand before these.
    """

    def __init__(self, gateways: Sequence[Gateway], others: Sequence[AgentTool] = ()) -> None:
        self._gateways = gateways
        self._others = others
        self._merged: tuple[tuple[tuple[GatewayTool, ...], ...], list[AgentTool]] = ((), together(others))

    async def tools(self) -> list[AgentTool]:
        """The tools that a model can be offered: those of all gateways, and the others.

        Raises:
            ContractError: If one of the gateways gives no tools. An agent that silently lacks tools answers wrongly.
        """
        lists = tuple(gateway.tools() for gateway in self._gateways)
        if any(tools is None for tools in lists):
            lists = tuple(await asyncio.gather(*(asyncio.to_thread(gateway.connect) for gateway in self._gateways)))
        present = tuple(tools for tools in lists if tools is not None)
        known, merged = self._merged
        if known != present:
            merged = together([*self._others, *(tool for tools in present for tool in tools)])
            self._merged = (present, merged)
        return merged

    def close(self) -> None:
        """End all sessions."""
        for gateway in self._gateways:
            gateway.close()
