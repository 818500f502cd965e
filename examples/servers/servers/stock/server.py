"""What a shop has in stock: FastMCP makes a tool of each function."""

from enum import StrEnum
from typing import Annotated

from mcp.server.fastmcp import FastMCP
from mcp.server.fastmcp.exceptions import ToolError
from pydantic import BaseModel, Field

server = FastMCP("stock")


class Depot(StrEnum):
    """Where things lie."""

    NORTH = "north"
    SOUTH = "south"


class Item(BaseModel):
    """One thing in stock."""

    sku: str
    depot: Depot
    pieces: int


STOCK = [
    Item(sku="lamp", depot=Depot.NORTH, pieces=4),
    Item(sku="lamp", depot=Depot.SOUTH, pieces=1),
    Item(sku="chair", depot=Depot.NORTH, pieces=0),
]


@server.tool()
def find_items(sku: str, depot: Depot | None = None) -> list[Item]:
    """Find where something lies, and how many pieces."""
    return [item for item in STOCK if item.sku == sku and depot in (None, item.depot)]


@server.tool()
def reserve(
    sku: str, depot: Depot, pieces: Annotated[int, Field(ge=1, le=100, description="How many to put aside")]
) -> Item:
    """Put pieces aside, so that nobody else gets them."""
    for item in STOCK:
        if item.sku == sku and item.depot == depot:
            if item.pieces < pieces:
                raise ToolError(f"There are only {item.pieces} pieces of {sku} in the {depot.value}.")
            item.pieces -= pieces
            return item
    raise ToolError(f"There is no {sku} in the {depot.value}.")
