"""Serves the MCP server of the `server.py` beside it: what AgentCore Runtime starts.

By streamable HTTP and without sessions, at `HOST`:`PORT` under `/mcp` (AgentCore developer guide, "Deploy MCP servers
in AgentCore Runtime": 0.0.0.0:8000, stateless). `GET /ping` says that it is up; AgentCore asks an MCP server for none.

What fails in the author's code stays in the log: its caller reads a sentence of ours with the error's id. A tool says
something to its caller by raising `ToolError` (of `mcp.server.fastmcp.exceptions`) or `McpError`. The MCP SDK and the
standard library only.
"""

import functools
import importlib
import logging
import os
import uuid
from collections.abc import Awaitable, Callable
from types import ModuleType, TracebackType
from typing import Any

import uvicorn
from mcp import McpError, types
from mcp.server.fastmcp import FastMCP
from mcp.server.fastmcp.exceptions import ToolError
from mcp.server.fastmcp.server import StreamableHTTPASGIApp
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

logger = logging.getLogger(__name__)
# With DEBUG they log what they sign with and what they are answered: session tokens, and values of secrets.
for _library in ("boto3", "botocore", "s3transfer", "urllib3"):
    logging.getLogger(_library).setLevel(logging.INFO)

MODULE = "server"
"""The author's module."""
EXAMPLE = 'Write `server = FastMCP("orders")`, with `from mcp.server.fastmcp import FastMCP`.'

type Handler = Callable[[Any], Awaitable[Any]]
type Tool = Callable[[str, dict[str, Any]], Awaitable[Any]]


class ServerError(Exception):
    """A `server.py` has no MCP server object, or several; the text says what to write."""


def loaded() -> Server[Any, Any]:
    """The server of the author's module, which is imported now; its failures are masked.

    Raises:
        ServerError: There is none, or there are several.
    """
    _mask_tools()
    server = found(importlib.import_module(MODULE))
    for request, handler in server.request_handlers.items():
        server.request_handlers[request] = _masked(handler, request.__name__)
    return server


def found(module: ModuleType) -> Server[Any, Any]:
    """The one MCP server object among a module's names.

    Raises:
        ServerError: There is none, or there are several.
    """
    objects = {id(it): (name, it) for name, it in vars(module).items() if isinstance(it, FastMCP | Server)}
    if not objects:
        raise ServerError(f"has no MCP server object at its top level. {EXAMPLE}")
    if len(objects) > 1:
        names = " and ".join(sorted(name for name, _ in objects.values()))
        raise ServerError(f"has several MCP server objects, {names}. Keep one; each other gets a folder of its own.")
    [(_, it)] = objects.values()
    # FastMCP gives no other way to the server that it is made on, which lists without a client and serves either kind.
    return it._mcp_server if isinstance(it, FastMCP) else it


def app(server: Server[Any, Any]) -> Starlette:
    """The server as an application: `/mcp`, and `/ping`."""
    manager = StreamableHTTPSessionManager(server, stateless=True)

    async def ping(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("ok")

    routes = [Route("/mcp", StreamableHTTPASGIApp(manager)), Route("/ping", ping)]
    return Starlette(routes=routes, lifespan=lambda _app: manager.run())


def _mask_tools() -> None:
    """Have whatever is registered as a server's tools masked: the SDK sends the text of each exception to the caller.

    FastMCP registers its own with the same decorator.
    """
    register = Server.call_tool

    @functools.wraps(register)
    def call_tool(server: Server[Any, Any], **options: Any) -> Callable[[Tool], Tool]:
        def decorated(function: Tool) -> Tool:
            register(server, **options)(_masked_tool(function))
            return function

        return decorated

    Server.call_tool = call_tool  # type: ignore[assignment]  # the SDK has no hook for it


def _masked_tool(function: Tool) -> Tool:
    async def call(name: str, arguments: dict[str, Any]) -> Any:
        try:
            return await function(name, arguments)
        except McpError:
            raise
        except (Exception, SystemExit) as error:  # `sys.exit`, which libraries call, would end the whole server
            said = _said(error)
            raise ToolError(_hidden(f"The tool {name} failed", error) if said is None else said) from None

    return call


def _masked(handler: Handler, request: str) -> Handler:
    async def handle(message: Any) -> Any:
        try:
            return await handler(message)
        except McpError:
            raise
        except (Exception, SystemExit) as error:
            text = _hidden(f"{request} failed", error)
            raise McpError(types.ErrorData(code=types.INTERNAL_ERROR, message=text)) from None

    return handle


def _said(error: BaseException) -> str | None:
    """What a tool's failure says to its caller; None where that is the log's affair."""
    if not isinstance(error, ToolError):
        return None
    cause = error.__cause__  # FastMCP raises a ToolError from whatever a tool raises
    if cause is None or isinstance(cause, ToolError):
        return str(cause or error)
    if isinstance(cause, ValidationError) and _is_of_arguments(cause.__traceback__):
        faults = [f"{'.'.join(map(str, it['loc']))}: {it['msg']}" for it in cause.errors(include_url=False)]
        return f"The arguments do not fit. {'; '.join(faults)}"
    return None


def _is_of_arguments(traceback: TracebackType | None) -> bool:
    """Whether no code but FastMCP's check of a tool's arguments, and pydantic's, has failed."""
    places: list[tuple[str, str]] = []
    while traceback is not None:
        frame = traceback.tb_frame
        places.append((str(frame.f_globals.get("__name__", "")).partition(".")[0], frame.f_code.co_name))
        traceback = traceback.tb_next
    return [name for module, name in places if module != "pydantic"][-1:] == ["call_fn_with_arg_validation"]


def _hidden(what: str, error: BaseException) -> str:
    """Log an error, and say what its caller reads of it."""
    number = uuid.uuid4().hex[:12]
    logger.error("error %s: %s", number, what, exc_info=error)
    return f"{what}. The server's log says why, at error {number}."


def main() -> None:
    """Serve until the process is ended."""
    logging.basicConfig(level=os.environ.get("SERVER_LOG_LEVEL", "info").upper())
    # AgentCore Runtime asks from outside of the container; whoever serves this on a machine of his own names another.
    host = os.environ.get("HOST", "0.0.0.0")  # noqa: S104
    uvicorn.run(app(loaded()), host=host, port=int(os.environ.get("PORT", "8000")), log_config=None, access_log=False)


if __name__ == "__main__":
    main()
