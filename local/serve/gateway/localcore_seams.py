"""The seams: what we replace inside localcore-gateway and FastMCP, as neither has a public way. Nothing else does.

Their versions are locked. `tests/local/serve/gateway/test_localcore_seams.py` holds what is relied on here, name by
name, so that a newer version that has something else fails there and not in the middle of a tool call.
"""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from localcore_gateway.lambda_emu.base import LambdaInvoker
from localcore_gateway.targets.base import ToolOutcome
from localcore_gateway.targets.lambda_target import LambdaTarget
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.lowlevel.server import request_ctx
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.types import CallToolRequest, CallToolResult, ListToolsRequest, ListToolsResult, ServerResult, Tool
from starlette.types import ASGIApp

type CallTool = Callable[[str, dict[str, Any]], Awaitable[ToolOutcome]]
"""Of a target: a tool's own name and its arguments -> its answer."""
type RequestScope = MutableMapping[str, Any]
"""The ASGI scope of the HTTP request that an MCP message came in."""


def current_request() -> RequestScope | None:
    """The ASGI scope of the HTTP request whose MCP message is being carried out, or None outside of one."""
    request = getattr(request_ctx.get(None), "request", None)
    scope: RequestScope | None = request.scope if request else None
    return scope


def over_http(server: Any, *, sessions: bool) -> tuple[ASGIApp, Callable[[], AbstractAsyncContextManager[None]]]:
    """A FastMCP server's answers to POST, in JSON; with sessions also GET and DELETE.

    Args:
        server: The FastMCP server. Its own app takes bodies up to 4 MiB only, and has routes that a gateway has not.
        sessions: Whether it keeps MCP sessions.

    Returns:
        The ASGI app, and what has to be entered while it answers.
    """
    manager = StreamableHTTPSessionManager(
        server._mcp_server,
        json_response=True,
        stateless=not sessions,
        max_request_body_size=sys.maxsize,  # who reads the body bounds it
    )

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        async with server._lifespan_manager(), manager.run():
            yield

    return manager.handle_request, lifespan


def caller(role_arn: str) -> RequestScope:
    """What tells the MCP server whose request it is: a session is then its own caller's, and to others there is none.

    Args:
        role_arn: The role of whoever signed. What AWS's gateway goes by, and whether it minds at all, is not documented
            and was not seen by us; the role outlasts its credentials.
    """
    return {"user": AuthenticatedUser(AccessToken(token="", client_id=role_arn, scopes=[]))}


def replace_function(target: LambdaTarget, function: LambdaInvoker) -> None:
    """Have the target call this function instead of the one that the library made for it."""
    target._invoker = function


def wrap_calls(target: LambdaTarget, wrap: Callable[[CallTool], CallTool]) -> None:
    """Put something around every call of the target's tools."""
    target.call_tool = wrap(target.call_tool)


def guard_tools(
    server: Any,
    shown: Callable[[RequestScope, list[Tool]], list[Tool]],
    refuse: Callable[[RequestScope, str, dict[str, Any]], None],
) -> None:
    """Put a guard before an MCP server's list of tools and its calls, and take out what the libraries add to them.

    Args:
        server: The FastMCP server. Its handlers are replaced: an error that its middleware raises for a call becomes a
            tool's result, and the gateway's is a JSON-RPC error.
        shown: Says which of all tools a request is shown, in which order.
        refuse: Raises McpError for a call that is not to be carried out.
    """
    low_level = server._mcp_server
    handlers = low_level.request_handlers
    list_all, call = handlers[ListToolsRequest], handlers[CallToolRequest]

    async def list_tools(request: ListToolsRequest | None) -> ServerResult:
        listed: ListToolsResult = (await list_all(request)).root
        tools = shown(low_level.request_context.request.scope, listed.tools)
        return ServerResult(ListToolsResult(tools=[tool.model_copy(update={"meta": None}) for tool in tools]))

    async def call_tool(request: CallToolRequest) -> ServerResult:
        refuse(low_level.request_context.request.scope, request.params.name, request.params.arguments or {})
        result: CallToolResult = (await call(request)).root
        return ServerResult(result.model_copy(update={"meta": None}))

    handlers |= {ListToolsRequest: list_tools, CallToolRequest: call_tool}
