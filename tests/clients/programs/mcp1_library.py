"""MCP's Python SDK, with mcp-proxy-for-aws as a library."""

import contextlib

import asked
import signed
from mcp import ClientSession


@contextlib.asynccontextmanager
async def connect(session):
    async with signed.transport(session) as (read, write, _), ClientSession(read, write) as client:
        await client.initialize()
        yield asked.of(client)


asked.main(connect)
