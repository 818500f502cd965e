"""What sending something costs: the SDK's low-level server, whose schemas are written by hand."""

from typing import Any

from mcp import types
from mcp.server.lowlevel import Server
from rates import RATES, price

server: Server[Any, Any] = Server("shipping")

QUOTE = types.Tool(
    name="quote",
    description="What it costs to send a parcel, in euros.",
    inputSchema={
        "type": "object",
        "properties": {
            "country": {"type": "string", "enum": sorted(RATES), "description": "Where it goes"},
            "kilograms": {"type": "number", "exclusiveMinimum": 0, "maximum": 30},
        },
        "required": ["country", "kilograms"],
    },
)


@server.list_tools()
async def list_tools() -> list[types.Tool]:
    """The one tool."""
    return [QUOTE]


@server.call_tool()
async def call_tool(_name: str, arguments: dict[str, Any]) -> list[types.TextContent]:
    """Answer a call; the SDK has checked the arguments against the schema."""
    return [types.TextContent(type="text", text=f"{price(arguments['country'], arguments['kilograms']):.2f}")]
