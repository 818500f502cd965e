"""A picture as Mermaid source, which GitHub draws in Markdown."""

from collections.abc import Iterator

from toolgate.access.iam.evaluation import Access
from toolgate.access.output.drawn import Box, Picture
from toolgate.access.output.labels import ANYBODY

ARROWS = {Access.ALLOW: "-->", Access.CONDITIONAL: "-.->", Access.UNDECIDED: "-.->"}
"""Mermaid has two sorts of lines that read well; what is not an outright allow is also written on the line."""
RED = "#c62828"
"""Of anybody, and of ways around a gateway."""


def as_mermaid(picture: Picture) -> str:
    """The source of a flowchart."""
    keys = {box.key: f"b{number}" for number, box in enumerate(_all(picture.gateways))}
    lines = ["---", f"title: {_text(picture.title)}", "---"] if picture.title else []
    lines += ["flowchart LR"]
    lines += [f'  a{number}(["{_text(label)}"])' for number, label in enumerate(picture.askers)]
    lines += [f'  p{number}(["{_text(label)}"])' for number, label in enumerate(picture.principals)]
    for gateway in picture.gateways:
        lines += _box(gateway, keys, "  ")
    lines += _edges(picture, keys)
    lines += _red(picture)
    below = [*(f"({number}) {note}" for number, note in enumerate(picture.notes, 1)), *_unjudged(picture)]
    for name, texts in (("notes", below), ("more", picture.left_out)):
        lines += [f"  %% {_text(text)}" for text in texts]
        lines += [f'  {name}["{"<br>".join(map(_text, texts))}"]'] if texts else []
    return "\n".join(lines)


def _unjudged(picture: Picture) -> Iterator[str]:
    yield from (f"Not judged: {text}" for text in picture.unjudged)


def _edges(picture: Picture, keys: dict[str, str]) -> Iterator[str]:
    for ask in picture.asks:
        yield _edge(f"a{ask.asker}", ask.decision, ["asks", *(["commands"] if ask.commands else [])], f"p{ask.agent}")
    for edge in picture.edges:
        notes = [*(["around"] if edge.bypass else []), *([edge.label] if edge.label else [])]
        yield _edge(f"p{edge.principal}", edge.decision, notes, keys[edge.box])


def _edge(start: str, decision: Access, notes: list[str], end: str) -> str:
    words = [*([] if decision is Access.ALLOW else [str(decision)]), *notes]
    return f"  {start} {ARROWS[decision]}{f'|"{", ".join(words)}"|' if words else ''} {end}"


def _red(picture: Picture) -> Iterator[str]:
    for column, labels in (("a", picture.askers), ("p", picture.principals)):
        for number, label in enumerate(labels):
            if label == ANYBODY:
                yield f"  style {column}{number} fill:{RED},color:#ffffff"
    red = [ask.commands for ask in picture.asks] + [edge.bypass for edge in picture.edges]
    if any(red):
        lines = ",".join(str(number) for number, is_red in enumerate(red) if is_red)
        yield f"  linkStyle {lines} stroke:{RED},stroke-dasharray:6 3"


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
    plain = " ".join(label.split())  # a line's end would end the note
    return plain.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace("`", "&#96;")
