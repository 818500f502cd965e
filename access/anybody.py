"""What anybody may call: a gateway lets everybody in, its resource policy does, or anybody may assume some role."""

from dataclasses import dataclass

from access.cedar import ToolEngine
from access.cells import Cell, Visit, both, cells
from access.decisions import Access
from access.deployment import Deployment
from access.evaluation import decide
from access.identities import ANYBODY
from access.inbound import ACCESS, reached
from access.policies import Policy
from access.roles import Role
from access.statements import Request
from access.views import Gateway

ASSUME_ROLE = "sts:AssumeRole"


@dataclass(frozen=True)
class OpenRole:
    """A role that somebody may assume whom its trust policy does not name, and what that depends on."""

    role: Role
    access: Access
    conditions: tuple[str, ...]


def open_roles(deployment: Deployment) -> tuple[OpenRole, ...]:
    """The deployment's roles that anybody may assume, surely or not."""
    found = [OpenRole(role, *_assumed(role)) for role in deployment.roles]
    return tuple(opened for opened in found if opened.access is not Access.DENY)


def anybody(
    deployment: Deployment,
    gateway: Gateway,
    engine: ToolEngine | None,
    tools: tuple[str, ...],
    opened: tuple[OpenRole, ...],
) -> tuple[Cell, ...]:
    """One cell per tool, in the tools' order: what somebody may do whom no policy names.

    Args:
        deployment: The deployment.
        gateway: The gateway.
        engine: Its policy engine, if it has one.
        tools: Full names of its tools.
        opened: The deployment's `open_roles`.
    """
    ways = [_spread(cells(Visit(gateway, engine, ANYBODY, reached(deployment, gateway, ANYBODY)), tools), tools)]
    for way in opened:
        theirs = cells(Visit(gateway, engine, way.role, reached(deployment, gateway, way.role)), tools)
        ways.append(tuple(_through(cell, way) for cell in _spread(theirs, tools)))
    return tuple(max(of_tool, key=_openness) for of_tool in zip(*ways, strict=True))


_MOST_OPEN_LAST = (Access.DENY, Access.CONDITIONAL, Access.UNDECIDED, Access.ALLOW)


def _openness(cell: Cell) -> int:
    return _MOST_OPEN_LAST.index(cell.decision)


def _spread(judged: Cell | tuple[Cell, ...], tools: tuple[str, ...]) -> tuple[Cell, ...]:
    return (judged,) * len(tools) if isinstance(judged, Cell) else judged


def _assumed(role: Role) -> tuple[Access, tuple[str, ...]]:
    decision = decide(Request(ANYBODY, ASSUME_ROLE, role.arn, resource_policy=Policy(role.name, role.trust)))
    access = ACCESS[decision.outcome]
    told = tuple(f"{ASSUME_ROLE} on {role.name} if {c}" for s in decision.statements for c in s.conditions)
    return access, told if access is Access.CONDITIONAL else ()


def _through(cell: Cell, way: OpenRole) -> Cell:
    access = both(cell.decision, way.access)
    return Cell(access, (*way.conditions, *cell.conditions) if access is Access.CONDITIONAL else ())
