"""LlamaIndex's MCP client."""

import contextlib

import asked
import httpx
import signed
from llama_index.tools.mcp import BasicMCPClient


@contextlib.asynccontextmanager
async def connect(session):
    async with httpx.AsyncClient(auth=signed.auth(session), timeout=None) as http:
        yield asked.of(BasicMCPClient(session["url"], http_client=http))


asked.main(connect)
