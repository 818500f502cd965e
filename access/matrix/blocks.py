"""One principal and all tools of one gateway, and the entries that it stands for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.tool_access import ToolAccess, either


@dataclass(frozen=True)
class Entry:
    """One principal and one tool.

    Attributes:
        principal: The principal's IAM ARN, an identity provider, or `*` for anybody.
        agent: The agent's name, if the principal is an agent's role.
        gateway: The gateway's ARN.
        tool: The tool's full name; `<target>___*` for the tools of a target that the deployment does not list, `*` for
            any tool of a gateway that is not in it.
        decision: Whether the principal may call the tool.
        conditions: What a `conditional` decision depends on, as the policy writes it.
    """

    principal: str
    agent: str | None
    gateway: str
    tool: str
    decision: Access
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Block:
    """One principal and all tools of one gateway; `access` is one for all tools, or one for each."""

    principal: str
    agent: str | None
    gateway: str
    tools: tuple[str, ...]
    access: ToolAccess | tuple[ToolAccess, ...]

    def by_tool(self) -> Iterator[tuple[str, ToolAccess]]:
        """Each tool with its cell."""
        if isinstance(self.access, ToolAccess):
            return ((tool, self.access) for tool in self.tools)
        return zip(self.tools, self.access, strict=True)

    @property
    def denied(self) -> bool:
        """Whether no tool may be called."""
        cells = (self.access,) if isinstance(self.access, ToolAccess) else self.access
        return all(cell.decision is Access.DENY for cell in cells)

    def entries(self) -> Iterator[Entry]:
        """The block's entries."""
        for tool, cell in self.by_tool():
            yield Entry(self.principal, self.agent, self.gateway, tool, cell.decision, cell.conditions)


def changed(change: Callable[[ToolAccess], ToolAccess], block: Block) -> Block:
    """The block with each of its cells changed."""
    if isinstance(block.access, ToolAccess):
        return replace(block, access=change(block.access))
    # Many tools share a cell.
    new = {id(cell): change(cell) for cell in {id(cell): cell for cell in block.access}.values()}
    return replace(block, access=tuple(new[id(cell)] for cell in block.access))


def joined(one: Block, other: Block) -> Block:
    """Two blocks of one principal and one gateway, as one: whatever either of them opens."""
    if isinstance(one.access, ToolAccess) and isinstance(other.access, ToolAccess):
        return replace(one, access=either(one.access, other.access))
    cells = zip((cell for _, cell in one.by_tool()), (cell for _, cell in other.by_tool()), strict=True)
    return replace(one, access=tuple(either(first, second) for first, second in cells))
