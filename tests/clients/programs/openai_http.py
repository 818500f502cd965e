"""The OpenAI Agents SDK's MCP server over Streamable HTTP."""

import contextlib

import asked
import httpx
import signed
from agents.mcp import MCPServerStreamableHttp


@contextlib.asynccontextmanager
async def connect(session):
    def client(headers=None, timeout=None, auth=None):
        return httpx.AsyncClient(headers=headers, timeout=timeout, auth=signed.auth(session))

    async with MCPServerStreamableHttp({"url": session["url"], "httpx_client_factory": client}) as server:
        yield asked.of(server)


asked.main(connect)
