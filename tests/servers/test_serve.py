"""A server as AgentCore Runtime starts it, asked by MCP's own client."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from mcp import ClientSession, McpError
from mcp.client.streamable_http import streamable_http_client
from pydantic import AnyUrl

from tests.servers.conftest import Served

SOURCE = '''
import sys
from mcp import McpError, types
from mcp.server.fastmcp import Context, FastMCP
from mcp.server.fastmcp.exceptions import ToolError
from pydantic import BaseModel

server = FastMCP("orders")


class Order(BaseModel):
    amount: int


@server.tool()
def add(a: int, b: int = 1) -> int:
    """Add."""
    return a + b


@server.tool()
def refuse(what: str) -> str:
    """Refuse."""
    raise ToolError(f"{what} is not for you") from ValueError("hidden")


@server.tool()
async def fail(how: str) -> str:
    """Fail."""
    if how == "exit":
        sys.exit("hidden")
    if how == "model":
        Order(amount="hidden")
    if how == "group":
        raise ExceptionGroup("hidden", [ValueError("hidden")])
    raise ValueError("hidden")


@server.tool()
def lies() -> Order:
    """Return something else."""
    return {"amount": "hidden"}


@server.resource("data://one")
def one() -> str:
    raise ValueError("hidden")


@server.prompt()
def greet() -> str:
    raise ValueError("hidden")
'''

LOW_LEVEL = """
from mcp import McpError, types
from mcp.server.lowlevel import Server

low = Server("low")

@low.list_tools()
async def tools() -> list[types.Tool]:
    schema = {"type": "object", "properties": {"how": {"type": "string"}}}
    return [types.Tool(name="fail", description="Fail.", inputSchema=schema)]

@low.call_tool()
async def call(name, arguments):
    if arguments.get("how") == "say":
        raise McpError(types.ErrorData(code=1, message="said on purpose"))
    if arguments.get("how") == "answer":
        return types.CallToolResult(content=[types.TextContent(type="text", text="no, thanks")], isError=True)
    raise ValueError("hidden")

@low.read_resource()
async def read(uri):
    raise ValueError("hidden")
"""


def asked(served: Served, ask: Callable[[ClientSession], Awaitable[Any]]) -> Any:
    async def session() -> Any:
        async with streamable_http_client(served.url) as (read, write, _), ClientSession(read, write) as client:
            await client.initialize()
            try:
                return await ask(client)
            except McpError as error:  # which the client's tasks would put into a group
                return error

    answer = asyncio.run(session())
    if isinstance(answer, McpError):
        raise answer
    return answer


def text(served: Served, tool: str, **arguments: Any) -> tuple[bool, str]:
    """Whether a call failed, and the text of its answer."""
    result = asked(served, lambda client: client.call_tool(tool, arguments))
    return result.isError, result.content[0].text


@pytest.fixture
def orders(serve: Callable[[str], Served]) -> Served:
    return serve(SOURCE)


def test_it_answers(orders: Served) -> None:
    assert text(orders, "add", a=2, b=3) == (False, "5")


def test_what_a_tool_says_on_purpose_reaches_its_caller(orders: Served) -> None:
    assert text(orders, "refuse", what="it") == (True, "it is not for you")


def test_what_is_wrong_with_arguments_reaches_its_caller(orders: Served) -> None:
    failed, said = text(orders, "add", a="many")
    assert failed
    assert re.fullmatch(r"The arguments do not fit\. a: Input should be a valid integer.*", said)


def test_what_fails_stays_in_the_log(orders: Served) -> None:
    for tool, arguments in [("fail", {"how": how}) for how in ("exit", "model", "group", "raise")] + [("lies", {})]:
        failed, said = text(orders, tool, **arguments)
        found = re.fullmatch(rf"The tool {tool} failed\. The server's log says why, at error ([0-9a-f]{{12}})\.", said)
        assert failed, tool
        assert found, said
        assert f"error {found[1]}: The tool {tool} failed" in orders.log
    assert "hidden" in orders.log
    assert text(orders, "add", a=1) == (False, "2")


@pytest.mark.parametrize(
    "ask", [lambda client: client.read_resource("data://one"), lambda client: client.get_prompt("greet")]
)
def test_so_does_what_fails_of_prompts_and_resources(orders: Served, ask: Callable[[Any], Awaitable[Any]]) -> None:
    with pytest.raises(McpError, match=r"^\w+Request failed\. The server's log says why, at error \w{12}\.$"):
        asked(orders, ask)


def test_a_low_level_server_is_masked_as_well(serve: Callable[[str], Served]) -> None:
    low = serve(LOW_LEVEL)
    assert text(low, "fail", how="say") == (True, "said on purpose")
    assert text(low, "fail", how="answer") == (True, "no, thanks")
    assert text(low, "fail", how=1) == (True, "Input validation error: 1 is not of type 'string'")
    assert text(low, "fail")[1].startswith("The tool fail failed.")
    with pytest.raises(McpError, match=r"^ReadResourceRequest failed"):
        asked(low, lambda client: client.read_resource(AnyUrl("data://x")))


def test_no_session_is_kept(orders: Served) -> None:
    """AgentCore may send each request to another process."""

    async def session() -> Any:
        async with (
            streamable_http_client(orders.url) as (read, write, session_id),
            ClientSession(read, write) as client,
        ):
            await client.initialize()
            return session_id()

    assert asyncio.run(session()) is None
