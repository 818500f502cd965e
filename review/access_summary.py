"""An access difference in sentences and as a picture: who may newly call what, and who no longer may."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.tool_access import ToolAccess
from toolgate.access.output import labels
from toolgate.access.output.access_difference import Change, Difference
from toolgate.review.markdown import code

_NO_LONGER = "may no longer call {tools}"
_PREDICATES = {
    (Access.DENY, Access.ALLOW): "may newly call {tools}",
    (Access.DENY, Access.CONDITIONAL): "may newly call {tools} where {after}",
    (Access.DENY, Access.UNDECIDED): "may newly call {tools}, or not: the deployment does not decide it",
    (Access.CONDITIONAL, Access.ALLOW): "may call {tools} whatever the arguments; before, where {before}",
    (Access.CONDITIONAL, Access.CONDITIONAL): "may call {tools} where {after}; before, where {before}",
    (
        Access.CONDITIONAL,
        Access.UNDECIDED,
    ): "may call {tools} or not, undecided by the deployment; before, where {before}",
    (Access.UNDECIDED, Access.ALLOW): "may certainly call {tools}; before, it was undecided",
    (Access.UNDECIDED, Access.CONDITIONAL): "may call {tools} where {after}; before, it was undecided",
    (Access.ALLOW, Access.CONDITIONAL): "may call {tools} only where {after}",
    (Access.ALLOW, Access.UNDECIDED): "may call {tools} or not, undecided by the deployment; before, certainly",
}


def sentences(changes: Sequence[Change], *, several_gateways: bool) -> Iterator[str]:
    """One sentence for the tools that a principal gains or loses in the same way, as Markdown.

    Args:
        changes: Gains, or losses.
        several_gateways: Whether the sentence must say at which gateway.
    """

    def alike(change: Change) -> tuple[str, str, str, str, str]:
        where = f" at {code(labels.gateway_label(change.gateway))}" if several_gateways else ""
        predicate = _PREDICATES.get((change.before.decision, change.after.decision), _NO_LONGER)
        return _who(change), where, predicate, _conditions(change.before), _conditions(change.after)

    for (who, where, predicate, before, after), group in groupby(sorted(changes, key=alike), key=alike):
        tools = ", ".join(dict.fromkeys(code(change.tool) for change in group))
        yield f"{who} {predicate.format(tools=f'{tools}{where}', before=before, after=after)}"


def _who(change: Change) -> str:
    if change.principal == "*":
        return "**anybody**"
    name = code(_name(change))
    return f"agent {name}" if change.agent is not None else name


def _conditions(cell: ToolAccess) -> str:
    return " and ".join(code(condition) for condition in cell.conditions) or "a condition holds"


_EDGES = 20
"""A picture shows no more than these; the sentences have the rest."""
_AFTER = {Access.ALLOW: "may", Access.CONDITIONAL: "may, on a condition", Access.UNDECIDED: "may, or not"}


def picture(difference: Difference) -> Iterator[str]:
    """Who gains (thick, green) and loses (dashed, red) which tool, as a Mermaid flowchart; nothing if nobody does."""
    every = [*difference.gains, *difference.losses]
    shown = every[:_EDGES]
    people = {it: f"p{at}" for at, it in enumerate(dict.fromkeys(map(_name, shown)))}
    tools = {it: f"t{at}" for at, it in enumerate(dict.fromkeys((it.gateway, it.tool) for it in shown))}
    if shown:
        yield "flowchart LR"
    yield from (f'  {key}(["{_entities(name)}"])' for name, key in people.items())
    for at, gateway in enumerate(dict.fromkeys(it.gateway for it in shown)):
        yield f'  subgraph g{at}["{_entities(labels.gateway_label(gateway))}"]'
        yield from (f'    {key}["{_entities(tool)}"]' for (where, tool), key in tools.items() if where == gateway)
        yield "  end"
    for at, it in enumerate(shown):
        arrow, colour = ("==>", "green") if it.gain else ("-.->", "red")
        word = _AFTER.get(it.after.decision, "no longer")
        yield f"  {people[_name(it)]} {arrow}|{word}| {tools[it.gateway, it.tool]}"
        yield f"  linkStyle {at} stroke:{colour}"
    if len(every) > len(shown):
        yield f'  more["and {len(every) - len(shown)} more"]'


def _name(change: Change) -> str:
    return (
        "anybody" if change.principal == "*" else labels.principal_label(change.principal, change.agent, change.gateway)
    )


def _entities(text: str) -> str:
    """A text as a label that Mermaid reads nothing into: every character but plain ones as its number."""
    return "".join(char if char.isalnum() or char in " ._/-" else f"#{ord(char)};" for char in text)
