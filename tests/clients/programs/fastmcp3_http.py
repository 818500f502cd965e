"""FastMCP's client."""

import contextlib

import asked
import signed
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport


@contextlib.asynccontextmanager
async def connect(session):
    async with Client(StreamableHttpTransport(session["url"], auth=signed.auth(session))) as client:
        yield asked.of(client)


asked.main(connect)
