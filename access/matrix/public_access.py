"""What anybody may call: a gateway lets everybody in, its resource policy does, or anybody may assume some role."""

from dataclasses import dataclass

from toolgate.access.cedar.cedar_decision import ToolEngine
from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.roles import Role
from toolgate.access.iam.evaluation import Access, decide
from toolgate.access.iam.identities import ANY_CALLER
from toolgate.access.iam.policies import Policy
from toolgate.access.iam.statements import IamRequest
from toolgate.access.matrix.inbound import ACCESS, reached
from toolgate.access.matrix.tool_access import AccessCheck, ToolAccess, decide_access, stricter
from toolgate.policy.language.agentcore_facts import ASSUME_ROLE


@dataclass(frozen=True)
class OpenRole:
    """A role that somebody may assume whom its trust policy does not name, and what that depends on."""

    role: Role
    access: Access
    conditions: tuple[str, ...]


def open_roles(deployment: Deployment) -> tuple[OpenRole, ...]:
    """The deployment's roles that anybody may assume, surely or not."""
    found = [OpenRole(role, *_assumed(role)) for role in deployment.roles]
    return tuple(open_to_all for open_to_all in found if open_to_all.access is not Access.DENY)


def public_access(
    deployment: Deployment,
    gateway: Gateway,
    engine: ToolEngine | None,
    tools: tuple[str, ...],
    open_to_all: tuple[OpenRole, ...],
) -> tuple[ToolAccess, ...]:
    """One cell per tool, in the tools' order: what somebody may do whom no policy names.

    Args:
        deployment: The deployment.
        gateway: The gateway.
        engine: Its policy engine, if it has one.
        tools: Full names of its tools.
        open_to_all: The deployment's `open_roles`.
    """
    ways = [
        _spread(
            decide_access(AccessCheck(gateway, engine, ANY_CALLER, reached(deployment, gateway, ANY_CALLER)), tools),
            tools,
        )
    ]
    for way in open_to_all:
        theirs = decide_access(AccessCheck(gateway, engine, way.role, reached(deployment, gateway, way.role)), tools)
        ways.append(tuple(_through(cell, way) for cell in _spread(theirs, tools)))
    return tuple(max(of_tool, key=_openness) for of_tool in zip(*ways, strict=True))


_MOST_OPEN_LAST = (Access.DENY, Access.CONDITIONAL, Access.UNDECIDED, Access.ALLOW)


def _openness(cell: ToolAccess) -> int:
    return _MOST_OPEN_LAST.index(cell.decision)


def _spread(judged: ToolAccess | tuple[ToolAccess, ...], tools: tuple[str, ...]) -> tuple[ToolAccess, ...]:
    return (judged,) * len(tools) if isinstance(judged, ToolAccess) else judged


def _assumed(role: Role) -> tuple[Access, tuple[str, ...]]:
    decision = decide(IamRequest(ANY_CALLER, ASSUME_ROLE, role.arn, resource_policy=Policy(role.name, role.trust)))
    access = ACCESS[decision.outcome]
    told = tuple(f"{ASSUME_ROLE} on {role.name} if {c}" for s in decision.statements for c in s.conditions)
    return access, told if access is Access.CONDITIONAL else ()


def _through(cell: ToolAccess, way: OpenRole) -> ToolAccess:
    access = stricter(cell.decision, way.access)
    return ToolAccess(access, (*way.conditions, *cell.conditions) if access is Access.CONDITIONAL else ())
