"""One MCP session with a gateway: a thread of its own, over a transport that keeps it alive."""

import base64
import logging
import math
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import Any

import httpx
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ImageContent
from strands.tools.mcp import MCPClient
from strands.tools.mcp.mcp_agent_tool import MCPAgentTool
from strands.types.tools import ToolResultContent

import certificates
import logs
from contract import Fault
from settings import Settings

from . import images
from .authorization import Authorization
from .transport import GatewayTransport

# httpcore tries to import sniffio several times in each request. Where it is not installed Python looks through all
# folders each time; this is Python's own way to say that a module is not there.
if "sniffio" not in sys.modules and find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]  # typeshed has modules only

# What the model is told of content that it cannot read, such as sound or a link.
LEFT_OUT = "Part of the tool's result was left out, because it cannot be shown here."
# Listing stops here, so that a gateway whose cursor never ends cannot hold the agent.
MOST_PAGES = 100


class Session(MCPClient):
    """One MCP session.

    Attributes:
        fault: What the last exchange that failed failed of.

    Args:
        url: The gateway's MCP endpoint.
        authorization: The way in.
        settings: Bounds.
    """

    def __init__(self, url: str, authorization: Authorization, settings: Settings) -> None:
        self._url = url
        self._authorization = authorization
        self._settings = settings
        self.fault: Fault | None = None
        self._lost = False
        # To start takes two exchanges, each with a bound of its own; this one only has to come after them.
        super().__init__(self._streams, startup_timeout=math.ceil(settings.handshake_seconds * 2) + 1)

    @property
    def open(self) -> bool:
        """Whether calls can be made."""
        return not self._lost

    def list_all(self) -> list[MCPAgentTool]:
        """Every tool the gateway lists, page by page.

        Raises:
            ValueError: If the list does not end.
        """
        tools: list[MCPAgentTool] = []
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = self.list_tools_sync(cursor)
            tools += page
            cursor = page.pagination_token
            if cursor is None:
                return tools
        raise ValueError("the tool list does not end")

    def map_mcp_content_to_tool_result_content(self, content: Any) -> ToolResultContent:
        """One piece of a result for the model; strands drops what it does not know, and then nobody misses it."""
        try:
            if isinstance(content, ImageContent):  # strands goes by the kind that the tool names
                known = images.block(base64.b64decode(content.data))
            else:
                known = super().map_mcp_content_to_tool_result_content(content)
        except ValueError:  # no base64
            known = None
        if known and "image" in known:  # of an embedded resource
            known = images.block(known["image"]["source"]["bytes"])
        return {"text": LEFT_OUT} if known is None else known

    def end(self, after: float = 0) -> None:
        """Take no more calls, and close in `after` seconds; does not wait for it."""
        self._lost = True
        timer = threading.Timer(after, self._stop)
        timer.daemon = True
        timer.start()

    def _stop(self) -> None:
        try:
            self.stop(None, None, None)
        except RuntimeError as error:  # it had ended on its own
            logs.event("gateway_session_ended", level=logging.DEBUG, **logs.origin(error))

    def _note(self, fault: Fault, is_lost: bool) -> None:
        self.fault = fault
        self._lost = self._lost or is_lost

    @asynccontextmanager
    async def _streams(self) -> AsyncIterator[Any]:
        settings = self._settings
        limits = httpx.Limits(max_connections=settings.concurrency, max_keepalive_connections=20, keepalive_expiry=50)
        sender = httpx.AsyncHTTPTransport(verify=certificates.trusted(), limits=limits)
        transport = GatewayTransport(sender, self._authorization, settings, self._note)
        timeout = httpx.Timeout(settings.tool_seconds, connect=settings.connect_seconds)
        async with httpx.AsyncClient(transport=transport, timeout=timeout, trust_env=False) as http:
            try:
                async with streamable_http_client(self._url, http_client=http) as streams:
                    yield streams
            finally:
                self._lost = True
