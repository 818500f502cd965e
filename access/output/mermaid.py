"""A picture as Mermaid source, which GitHub draws in Markdown."""

from collections.abc import Iterator

from toolgate.access.iam.evaluation import Access
from toolgate.access.output.picture import Box, Picture

ARROWS = {Access.ALLOW: "-->", Access.CONDITIONAL: "-.->", Access.UNDECIDED: "-.->"}
"""Mermaid has two sorts of lines that read well; what is not an outright allow is also written on the line."""


def as_mermaid(picture: Picture) -> str:
    """The source of a flowchart."""
    keys = {box.key: f"b{number}" for number, box in enumerate(_all(picture.gateways))}
    lines = ["flowchart LR"]
    lines += [f'  p{number}(["{_text(label)}"])' for number, label in enumerate(picture.principals)]
    for gateway in picture.gateways:
        lines += _box(gateway, keys, "  ")
    for edge in picture.edges:
        words = [] if edge.decision is Access.ALLOW else [str(edge.decision)]
        note = ", ".join([*words, *([edge.note] if edge.note else [])])
        lines.append(f"  p{edge.principal} {ARROWS[edge.decision]}{f'|{note}|' if note else ''} {keys[edge.box]}")
    lines += [f"  %% {text}" for text in picture.left_out]
    lines += [f'  more["{_text("; ".join(picture.left_out))}"]'] if picture.left_out else []
    return "\n".join(lines)


def _all(boxes: tuple[Box, ...]) -> Iterator[Box]:
    for box in boxes:
        yield box
        yield from _all(box.inner)


def _box(box: Box, keys: dict[str, str], indent: str) -> Iterator[str]:
    if not box.inner:
        yield f'{indent}{keys[box.key]}["{_text(box.label)}"]'
        return
    yield f'{indent}subgraph {keys[box.key]}["{_text(box.label)}"]'
    for inner in box.inner:
        yield from _box(inner, keys, f"{indent}  ")
    yield f"{indent}end"


def _text(label: str) -> str:
    return label.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace("`", "&#96;")
