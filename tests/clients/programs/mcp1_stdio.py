"""MCP's Python SDK, with mcp-proxy-for-aws as the process that it starts."""

import contextlib

import asked
import signed
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


@contextlib.asynccontextmanager
async def connect(session):
    server = StdioServerParameters(**signed.process(session))
    async with stdio_client(server) as (read, write), ClientSession(read, write) as client:
        await client.initialize()
        yield asked.of(client)


asked.main(connect)
