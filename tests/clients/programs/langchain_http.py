"""LangChain's MCP adapters: each tool that is listed becomes one of LangChain's."""

import contextlib

import asked
import signed
from langchain_mcp_adapters.client import MultiServerMCPClient


@contextlib.asynccontextmanager
async def connect(session):
    server = {"transport": "streamable_http", "url": session["url"], "auth": signed.auth(session)}
    tools = {tool.name: tool for tool in await MultiServerMCPClient({"gateway": server}).get_tools()}

    async def listed():
        return list(tools)

    async def call(tool, arguments):
        if tool not in tools:
            raise asked.NotOfferedError
        message = await tools[tool].ainvoke({"name": tool, "args": arguments, "id": "1", "type": "tool_call"})
        parts = [message.content] if isinstance(message.content, str) else [it["text"] for it in message.content]
        return "".join(parts), message.status == "error"

    yield listed, call


asked.main(connect)
