"""Another gateway in front of the same function or server: what one of them refuses, the other one may let through.

Compared are tools of the same name: a function is told the name of the tool, and what it makes of another one no
deployment says. Told is whoever is let in at the first gateway and gets less there than at the second, and anybody.
"""

from collections.abc import Iterator, Mapping, Sequence

from toolgate.access.chain.hops import OPENNESS
from toolgate.access.chain.tool_functions import GatewayTool, ToolFunction
from toolgate.access.chain.tool_servers import ToolServer
from toolgate.access.chain.ways import Bypass
from toolgate.access.iam.identities import ANY_CALLER
from toolgate.access.matrix.blocks import Block
from toolgate.access.matrix.tool_access import DENIED, ToolAccess

type _Cells = Mapping[str, ToolAccess]


def other_gateways(behind: Sequence[ToolFunction | ToolServer], blocks: Sequence[Block]) -> Iterator[Bypass]:
    """One bypass for each principal and pair of gateways.

    Args:
        behind: The functions and servers behind tools.
        blocks: What each principal may call over the gateways.
    """
    shared = [tools for it in behind for tools in _by_name(it) if len(tools) > 1]
    if not shared:
        return
    by_principal: dict[tuple[str, str | None], dict[str, Block]] = {}
    for block in blocks:
        by_principal.setdefault((block.principal, block.agent), {})[block.gateway] = block
    for (principal, agent), at in by_principal.items():
        cells = {gateway: dict(block.by_tool()) for gateway, block in at.items() if not block.denied}
        found: dict[tuple[str, str, ToolAccess], list[str]] = {}
        for tools in shared:
            for tool, other in _pairs(tools, cells, anybody=principal == ANY_CALLER.name):
                found.setdefault((tool.gateway, other.gateway, cells[other.gateway][other.name]), []).append(tool.name)
        for (gateway, another, access), names in found.items():
            yield Bypass(principal, agent, gateway, tuple(names), f"gateway {another.rsplit('/', 1)[-1]}", access)


def _by_name(behind: ToolFunction | ToolServer) -> Iterator[list[GatewayTool]]:
    """The tools of a function or a server that have the same name at several gateways."""
    names: dict[str, dict[str, GatewayTool]] = {}
    for tool in behind.tools:
        names.setdefault(tool.plain, {}).setdefault(tool.gateway, tool)
    yield from (list(tools.values()) for tools in names.values())


def _pairs(
    tools: Sequence[GatewayTool], cells: Mapping[str, _Cells], *, anybody: bool
) -> Iterator[tuple[GatewayTool, GatewayTool]]:
    """Each tool of which another gateway gives more, and that one."""
    openness = {it: OPENNESS.index(cells.get(it.gateway, {}).get(it.name, DENIED).decision) for it in tools}
    most = max(tools, key=openness.__getitem__)
    for tool in tools:
        if openness[tool] < openness[most] and (anybody or tool.gateway in cells):
            yield tool, most
