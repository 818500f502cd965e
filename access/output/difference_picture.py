"""An access difference as a picture: who gains and who loses which tool, as Mermaid source."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from toolgate.access.iam.evaluation import Access
from toolgate.access.output import labels

if TYPE_CHECKING:  # which draws this into its Markdown
    from toolgate.access.output.access_difference import Change, Difference

_EDGES = 20
"""A picture shows no more than these; the tables and sentences beside it have the rest."""
_AFTER = {Access.ALLOW: "may", Access.CONDITIONAL: "may, on a condition", Access.UNDECIDED: "may, or not"}


def picture(difference: "Difference") -> Iterator[str]:
    """Who gains (thick, green) and loses (dashed, red) which tool, as a Mermaid flowchart; nothing if nobody does."""
    every = [*difference.gains, *difference.losses]
    shown = every[:_EDGES]
    people = {it: f"p{at}" for at, it in enumerate(dict.fromkeys(map(who, shown)))}
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
        yield f"  {people[who(it)]} {arrow}|{word}| {tools[it.gateway, it.tool]}"
        yield f"  linkStyle {at} stroke:{colour}"
    if len(every) > len(shown):
        yield f'  more["and {len(every) - len(shown)} more"]'


def who(change: "Change") -> str:
    """Whose access changes, in a word or two."""
    return (
        "anybody" if change.principal == "*" else labels.principal_label(change.principal, change.agent, change.gateway)
    )


def _entities(text: str) -> str:
    """A text as a label that Mermaid reads nothing into: every character but plain ones as its number."""
    return "".join(char if char.isalnum() or char in " ._/-" else f"#{ord(char)};" for char in text)
