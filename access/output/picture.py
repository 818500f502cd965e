"""What a picture of access shows: principals, gateways, targets, tools, and edges for what is not denied.

An edge leads to the largest box all of whose tools the principal may call alike. What would be too much to read is
summed up: targets instead of their tools, gateways instead of their targets, a count instead of further boxes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.access_matrix import Block, Matrix
from toolgate.access.output.labels import principal_label
from toolgate.policy.language.agentcore_facts import target_of

MOST_TOOLS = 24
"""More tools than this in all, and only their targets are drawn; more targets, and only their gateways are."""
MOST_BOXES = 12
"""Most principals and most gateways that are drawn."""


@dataclass(frozen=True)
class Box:
    """A gateway, a target or a tool: its key, what stands on it, and what is drawn in it."""

    key: str
    label: str
    inner: tuple["Box", ...] = ()


@dataclass(frozen=True)
class AccessEdge:
    """What one principal (a number in `Picture.principals`) may call; `note` says how much of the box it is."""

    principal: int
    box: str
    decision: Access
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """Everything that is drawn; `left_out` says in a sentence each what is not."""

    principals: tuple[str, ...]
    gateways: tuple[Box, ...]
    edges: tuple[AccessEdge, ...]
    left_out: tuple[str, ...]


def picture(deployment: Deployment, matrix: Matrix) -> Picture:
    """What to draw of a deployment."""
    blocks = [block for block in matrix.blocks if not block.denied]
    callers = list(dict.fromkeys((block.principal, block.agent) for block in matrix.blocks))
    # Whoever may call something comes first, in the matrix's order, so that leaving out the rest loses least.
    able = {(block.principal, block.agent) for block in blocks}
    callers.sort(key=lambda caller: caller not in able)
    used = {block.gateway for block in blocks}
    gateways = sorted(deployment.gateways, key=lambda gateway: gateway.arn not in used)
    shown, drawn = callers[:MOST_BOXES], gateways[:MOST_BOXES]
    depth = _depth(deployment, drawn)
    numbers = {caller: number for number, caller in enumerate(shown)}
    arns = {gateway.arn for gateway in drawn}
    inside = [b for b in blocks if b.gateway in arns and (b.principal, b.agent) in numbers]
    first = drawn[0].arn if drawn else ""
    return Picture(
        principals=tuple(principal_label(arn, agent, first) for arn, agent in shown),
        gateways=tuple(_box(deployment, gateway, depth) for gateway in drawn),
        edges=tuple(e for b in inside for e in _edges(numbers[b.principal, b.agent], b, depth)),
        left_out=tuple(_left_out(len(callers) - len(shown), len(gateways) - len(drawn), len(blocks) - len(inside))),
    )


_GATEWAYS, _TARGETS, _TOOLS = range(3)


def _depth(deployment: Deployment, gateways: Sequence[Gateway]) -> int:
    targets = [target for gateway in gateways for target in deployment.targets_of(gateway)]
    if len(targets) > MOST_TOOLS:
        return _GATEWAYS
    return _TARGETS if sum(len(target.tools or ()) for target in targets) > MOST_TOOLS else _TOOLS


def _box(deployment: Deployment, gateway: Gateway, depth: int) -> Box:
    targets = deployment.targets_of(gateway)
    tools = sum(len(target.tools or ()) for target in targets)
    inner: list[Box] = []
    for target in targets if depth >= _TARGETS else ():
        key = _target_key(gateway.arn, target.name)
        listed = tuple(Box(_tool_key(gateway.arn, target.full_name(t)), t.name) for t in target.tools or ())
        label = f"{target.name} (tools not listed)" if target.tools is None else target.name
        drawn = depth >= _TOOLS
        inner.append(Box(key, label if drawn else f"{label} ({_count(len(listed), 'tool')})", listed if drawn else ()))
    label = gateway.name if depth >= _TARGETS else f"{gateway.name} ({_count(len(targets), 'target')}, {tools} tools)"
    return Box(gateway.arn, label, tuple(inner))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _target_key(gateway: str, target: str) -> str:
    return f"{gateway}#{target}"


def _tool_key(gateway: str, tool: str) -> str:
    return f"{gateway}##{tool}"


def _edges(principal: int, block: Block, depth: int) -> Iterator[AccessEdge]:
    """Edges of one principal and gateway: to the largest boxes whose tools are all alike."""
    decisions = {tool: cell.decision for tool, cell in block.by_tool()}
    if len(set(decisions.values())) == 1 or depth == _GATEWAYS:
        yield from _edge(principal, block.gateway, list(decisions.values()))
        return
    targets: dict[str, list[str]] = {}
    for tool in decisions:
        targets.setdefault(target_of(tool), []).append(tool)
    for target, tools in targets.items():
        of_target = [decisions[tool] for tool in tools]
        if len(set(of_target)) == 1 or depth == _TARGETS:
            yield from _edge(principal, _target_key(block.gateway, target), of_target)
        else:
            for tool in tools:
                yield from _edge(principal, _tool_key(block.gateway, tool), [decisions[tool]])


def _edge(principal: int, box: str, decisions: list[Access]) -> Iterator[AccessEdge]:
    open_ = [decision for decision in decisions if decision is not Access.DENY]
    if open_:
        note = "" if len(open_) == len(decisions) else f"{len(open_)} of {len(decisions)}"
        yield AccessEdge(principal, box, max(open_, key=_LEAST_CERTAIN_LAST.index), note)


_LEAST_CERTAIN_LAST = (Access.ALLOW, Access.CONDITIONAL, Access.UNDECIDED)


def _left_out(callers: int, gateways: int, edges: int) -> Iterator[str]:
    if callers:
        yield f"{_count(callers, 'more principal')}, not drawn"
    if gateways:
        yield f"{_count(gateways, 'more gateway')}, not drawn"
    if edges:
        yield f"{_count(edges, 'more pair')} of a principal and a gateway it may call: `toolgate access matrix`"
