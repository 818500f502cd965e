"""What a plan reads of a server is what the server lists when it runs: of servers that nobody wrote."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.servers.conftest import served
from tests.servers.test_serve import asked
from toolgate.components.servers import listing, server_folder, tool_schemas
from toolgate.components.tools import tool_check

HEAD = '''
from enum import Enum
from typing import Annotated, Literal, Optional
from mcp.server.fastmcp import FastMCP
from pydantic import BaseModel, Field

server = FastMCP("generated")


class Color(Enum):
    """A color."""
    RED = "red"
    BLUE = "blue"


class Address(BaseModel):
    street: str
    number: int | None = None


class Person(BaseModel):
    """Somebody."""
    name: str = Field(description="As on the letter box")
    age: int = Field(default=3, ge=0)
    home: Address
    others: list[Address] = []
'''
PLAIN = st.sampled_from(
    ["str", "int", "bool", "float", "Color", "Person", "Address", 'Literal["a", "b"]', "dict[str, int]"]
)
DEFAULTS = {"str": "'x'", "int": "7", "bool": "True", "float": "1.5", "Color": "Color.RED", 'Literal["a", "b"]': "'a'"}


@st.composite
def parameters(draw: Callable[[Any], Any]) -> str:
    """A parameter of a tool, without its name."""
    plain = draw(PLAIN)
    kind = draw(st.sampled_from(["{}", "{} | None", "Optional[{}]", "list[{}]", "list[{}] | None", "{} | None = None"]))
    if draw(st.booleans()) and plain in DEFAULTS:
        return f"{plain} = {DEFAULTS[plain]}"
    if draw(st.booleans()):
        return f"Annotated[{plain}, Field(description='What it is')]"
    return str(kind.format(plain))


@st.composite
def sources(draw: Callable[[Any], Any]) -> str:
    """A `server.py` with some tools."""
    tools = draw(st.lists(st.lists(parameters(), max_size=4), min_size=4, max_size=12))
    written = [HEAD]
    for number, its in enumerate(tools):
        # Keyword only, so that one without a default may come last.
        listed = ", ".join(["*", *(f"p{place}: {it}" for place, it in enumerate(its))]) if its else ""
        written.append(f'@server.tool()\ndef tool{number}({listed}) -> str:\n    """Does {number}."""\n    return ""\n')
    return "\n\n".join(written)


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(source=sources())
def test_listed_in_a_plan_is_listed_when_it_runs(source: str, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("servers") / "generated"
    folder.mkdir()
    (folder / "server.py").write_text(source)
    read = listing.read(server_folder.read(folder), dist=folder.parent / "dist")
    with served(folder) as running:
        tools = asked(running, lambda client: client.list_tools()).tools
    assert read.tools == [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]
    tool_check.check(tool_schemas.listed(read.tools, "generated", str(Path(folder, os.curdir))), "tools")
