"""What a picture of access shows: askers, principals, gateways, targets, tools, memories, edges for what is not denied.

An edge leads to the largest box all of whose tools the principal may call alike. What would be too much to read is
summed up: targets instead of their tools, gateways instead of their targets, a count instead of further boxes. What an
edge depends on, by which way it leads around a gateway, and what could not be judged stand below as numbered notes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from toolgate.access.chain.hops import OPENNESS
from toolgate.access.chain.ways import Bypass
from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.function_access import function_name
from toolgate.access.iam.evaluation import Access
from toolgate.access.iam.identities import ANY_CALLER
from toolgate.access.matrix.access_matrix import Block, Matrix, tools_of
from toolgate.access.matrix.tool_access import ToolAccess
from toolgate.access.output.drawn import AccessEdge, AskEdge, Box, Picture
from toolgate.access.output.labels import who
from toolgate.policy.language.agentcore_facts import target_of
from toolgate.policy.language.arns import account_of, region_in

MOST_TOOLS = 24
"""More tools than this in all, and only their targets are drawn; more targets, and only their gateways are."""
MOST_BOXES = 12
"""Most principals and most gateways that are drawn."""


def picture(deployment: Deployment, matrix: Matrix) -> Picture:
    """What to draw of a deployment."""
    blocks = [block for block in matrix.blocks if not block.denied]
    # Anybody, then whoever may call or reach something, in the matrix's order: leaving out the rest loses least.
    able = dict.fromkeys(
        (it.principal, it.agent) for found in (blocks, matrix.bypasses, matrix.memories) for it in found
    )
    callers = list(dict.fromkeys([*able, *((block.principal, block.agent) for block in matrix.blocks)]))
    callers.sort(key=lambda caller: (caller[0] != ANY_CALLER.name, caller not in able))
    used = {block.gateway for block in blocks}
    gateways = sorted(deployment.gateways, key=lambda gateway: gateway.arn not in used)
    shown, drawn = callers[:MOST_BOXES], gateways[:MOST_BOXES]
    numbers = {caller: number for number, caller in enumerate(shown)}
    arns = {gateway.arn for gateway in drawn}
    inside = [b for b in blocks if b.gateway in arns and (b.principal, b.agent) in numbers]
    first = drawn[0].arn if drawn else ""
    labels = tuple(who(arn, agent, first) for arn, agent in shown)
    paper = _Paper(deployment, drawn, _depth(deployment, drawn), labels)
    edges = [edge for b in inside for edge in _edges(paper, numbers[b.principal, b.agent], b)]
    edges += [
        edge
        for it in matrix.bypasses
        if (it.principal, it.agent) in numbers
        for edge in _around(paper, numbers[it.principal, it.agent], it)
    ]
    memories, uses = _memories(paper, matrix, numbers)
    edges += uses
    askers, asks = _askers(matrix, {agent: number for (_, agent), number in numbers.items() if agent})
    return Picture(
        title=_title(deployment),
        askers=askers,
        principals=labels,
        gateways=(*(_box(deployment, gateway, paper.depth) for gateway in drawn), *memories),
        asks=asks,
        edges=tuple(edges),
        notes=tuple(paper.notes[:_MOST_NOTES]),
        unjudged=tuple(_short(it) for it in matrix.unsupported[:_MOST_NOTES]),
        left_out=(
            *_left_out(len(callers) - len(shown), len(gateways) - len(drawn), len(blocks) - len(inside)),
            *_more(len(paper.notes), "more note"),
            *_more(len(matrix.unsupported), "more thing that is not judged"),
            *_more(len({it.principal for it in matrix.asks}), "more asker", MOST_BOXES),
            *_more(len({it.memory.arn for it in matrix.memories}), "more memory", MOST_BOXES),
        ),
    )


_MOST_NOTES, _LONGEST_NOTE = 12, 150


@dataclass(frozen=True)
class _Paper:
    """What is drawn on: the gateways and how deep they go, the principals' names, and the notes so far."""

    deployment: Deployment
    gateways: Sequence[Gateway]
    depth: int
    labels: tuple[str, ...]
    notes: list[str] = field(default_factory=list)

    def number(self, principal: int, text: str) -> int | None:
        """The number of a note; the same text has the same one, and what is too much for the picture has none."""
        note = _short(f"{self.labels[principal]}: {text}")
        if note not in self.notes:
            self.notes.append(note)
        number = self.notes.index(note) + 1
        return number if number <= _MOST_NOTES else None


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_NOTE else f"{text[: _LONGEST_NOTE - 1]}…"


def _more(number: int, what: str, most: int = _MOST_NOTES) -> Iterator[str]:
    if number > most:
        yield f"{_count(number - most, what)}: `toolgate access matrix`"


def _title(deployment: Deployment) -> str:
    """Stack, accounts and Regions."""
    arns = [*(it.arn for it in deployment.gateways), *(it.arn for it in deployment.runtimes)]
    accounts = dict.fromkeys(account_of(arn) for arn in arns if account_of(arn))
    regions = dict.fromkeys(region for arn in arns if (region := region_in(arn)))
    stack = [f"stack {deployment.stack}"] if deployment.stack and arns else []
    return ", ".join([*stack, *(f"account {account}" for account in accounts), *regions])


def _askers(matrix: Matrix, agents: Mapping[str, int]) -> tuple[tuple[str, ...], tuple[AskEdge, ...]]:
    shown = list(dict.fromkeys((ask.principal, ask.asker) for ask in matrix.asks))[:MOST_BOXES]
    found: dict[tuple[int, int], AskEdge] = {}
    for ask in matrix.asks:
        # Agents that share a role are one principal, with all their names.
        agent = next((number for names, number in agents.items() if ask.agent in names.split(", ")), None)
        if agent is None or (ask.principal, ask.asker) not in shown:
            continue
        ends = shown.index((ask.principal, ask.asker)), agent
        known = found.get(ends)
        decision = max((ask.access.decision, known.decision if known else Access.CONDITIONAL), key=_surest_last)
        found[ends] = AskEdge(*ends, decision, commands=ask.how == "commands" or (known is not None and known.commands))
    near = matrix.asks[0].runtime if matrix.asks else ""
    return tuple(who(arn, asker, near) for arn, asker in shown), tuple(found.values())


def _surest_last(decision: Access) -> int:
    return OPENNESS.index(decision)


def _around(paper: _Paper, principal: int, bypass: Bypass) -> Iterator[AccessEdge]:
    """Edges of a way around a gateway, to what it reaches of what is drawn."""
    number = paper.number(principal, "; ".join([bypass.way, *bypass.access.conditions]))
    for key in dict.fromkeys(_reached(paper, bypass)):
        yield AccessEdge(principal, key, bypass.access.decision, number=number, bypass=True)


def _reached(paper: _Paper, bypass: Bypass) -> Iterator[str]:
    for gateway in paper.gateways:
        whole = set(bypass.tools) >= set(tools_of(paper.deployment, gateway))
        if bypass.target == "*" or (bypass.target == gateway.arn and whole):
            yield gateway.arn
        elif bypass.target == gateway.arn:
            yield from (_key(gateway.arn, tool, paper.depth) for tool in bypass.tools)
        for target in paper.deployment.targets_of(gateway):
            function = function_name(target.function_arn).name if target.function_arn else None
            if bypass.target in (function, target.place.runtime_arn):
                yield _key(gateway.arn, target.name, min(paper.depth, _TARGETS))


def _memories(
    paper: _Paper, matrix: Matrix, numbers: Mapping[tuple[str, str | None], int]
) -> tuple[list[Box], list[AccessEdge]]:
    """The memories that somebody may use, and an edge for what is alike of each principal's uses of one."""
    shown = {it.memory.arn: it.memory for it in matrix.memories}
    boxes = [Box(arn, f"memory {memory.name}") for arn, memory in list(shown.items())[:MOST_BOXES]]
    alike: dict[tuple[int, str, Access, str], dict[str, None]] = {}
    for row in matrix.memories:
        number = numbers.get((row.principal, row.agent))
        if number is not None and row.memory.arn in {box.key for box in boxes}:
            access = row.answer.access
            text = "; ".join(filter(None, [row.way, row.answer.label, *access.conditions]))
            alike.setdefault((number, row.memory.arn, access.decision, text), {})[row.use] = None
    edges = [
        AccessEdge(number, arn, decision, number=paper.number(number, f"may {', '.join(uses)}: {text or decision}"))
        for (number, arn, decision, text), uses in alike.items()
    ]
    return boxes, edges


def _key(gateway: str, name: str, depth: int) -> str:
    """The key of the box in which a tool or a target is drawn."""
    return {_GATEWAYS: gateway, _TARGETS: _target_key(gateway, target_of(name)), _TOOLS: _tool_key(gateway, name)}[
        depth
    ]


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
        label += f", server {target.place.runtime_arn.rpartition('/')[2]}" if target.place.runtime_arn else ""
        drawn = depth >= _TOOLS
        inner.append(Box(key, label if drawn else f"{label} ({_count(len(listed), 'tool')})", listed if drawn else ()))
    label = gateway.name if depth >= _TARGETS else f"{gateway.name} ({_count(len(targets), 'target')}, {tools} tools)"
    return Box(gateway.arn, label, tuple(inner))


def _count(number: int, what: str) -> str:
    return f"{number} {what if number == 1 else _PLURALS.get(what, f'{what}s')}"


_PLURALS = {"more memory": "more memories"}


def _target_key(gateway: str, target: str) -> str:
    return f"{gateway}#{target}"


def _tool_key(gateway: str, tool: str) -> str:
    return f"{gateway}##{tool}"


def _edges(paper: _Paper, principal: int, block: Block) -> Iterator[AccessEdge]:
    """Edges of one principal and gateway: to the largest boxes whose tools are all alike."""
    cells = dict(block.by_tool())
    if len({cell.decision for cell in cells.values()}) == 1 or paper.depth == _GATEWAYS:
        yield from _edge(paper, principal, block.gateway, list(cells.values()))
        return
    targets: dict[str, list[str]] = {}
    for tool in cells:
        targets.setdefault(target_of(tool), []).append(tool)
    for target, tools in targets.items():
        of_target = [cells[tool] for tool in tools]
        if len({cell.decision for cell in of_target}) == 1 or paper.depth == _TARGETS:
            yield from _edge(paper, principal, _target_key(block.gateway, target), of_target)
        else:
            for tool in tools:
                yield from _edge(paper, principal, _tool_key(block.gateway, tool), [cells[tool]])


def _edge(paper: _Paper, principal: int, box: str, cells: list[ToolAccess]) -> Iterator[AccessEdge]:
    open_ = [cell.decision for cell in cells if cell.decision is not Access.DENY]
    if open_:
        note = "" if len(open_) == len(cells) else f"{len(open_)} of {len(cells)}"
        conditions = list(dict.fromkeys(condition for cell in cells for condition in cell.conditions))
        number = paper.number(principal, "; ".join(conditions)) if conditions else None
        yield AccessEdge(principal, box, max(open_, key=_LEAST_CERTAIN_LAST.index), note, number)


_LEAST_CERTAIN_LAST = (Access.ALLOW, Access.CONDITIONAL, Access.UNDECIDED)


def _left_out(callers: int, gateways: int, edges: int) -> Iterator[str]:
    if callers:
        yield f"{_count(callers, 'more principal')}, not drawn"
    if gateways:
        yield f"{_count(gateways, 'more gateway')}, not drawn"
    if edges:
        yield f"{_count(edges, 'more pair')} of a principal and a gateway it may call: `toolgate access matrix`"
