"""Pydantic AI's toolset of an MCP server; it hands on what a tool's JSON says."""

import contextlib
import json

import asked
import signed
from fastmcp.client.transports import StreamableHttpTransport
from pydantic_ai.mcp import MCPToolset


@contextlib.asynccontextmanager
async def connect(session):
    async with MCPToolset(StreamableHttpTransport(session["url"], auth=signed.auth(session))) as toolset:

        async def call(tool, arguments):
            return json.dumps(await toolset.direct_call_tool(tool, arguments)), False

        listed, _ = asked.of(toolset)
        yield listed, call


asked.main(connect)
