"""Strands' MCP client as the shipped agent has it: with mcp-proxy-for-aws as a library."""

import contextlib

import asked
import signed
from strands.tools.mcp import MCPClient


@contextlib.asynccontextmanager
async def connect(session):
    with MCPClient(lambda: signed.transport(session)) as client:

        async def listed():
            return [tool.tool_name for tool in client.list_tools_sync()]

        async def call(tool, arguments):
            result = await client.call_tool_async("1", tool, arguments)
            return "".join(it.get("text", "") for it in result["content"]), result["status"] == "error"

        yield listed, call


asked.main(connect)
