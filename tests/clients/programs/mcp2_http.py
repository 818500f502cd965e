"""MCP's Python SDK 2, through a proxy that signs."""

import contextlib

import asked
from mcp import Client


@contextlib.asynccontextmanager
async def connect(session):
    async with Client(session["proxy"]) as client:
        yield asked.of(client)


asked.main(connect)
