"""FastMCP's client 4; it has another httpx than what signs, so a proxy does."""

import contextlib

import asked
from fastmcp import Client


@contextlib.asynccontextmanager
async def connect(session):
    async with Client(session["proxy"]) as client:
        yield asked.of(client)


asked.main(connect)
