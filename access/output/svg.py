"""A picture as SVG: principals on the left, gateways with their targets and tools on the right."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from toolgate.access.iam.evaluation import Access
from toolgate.access.output.picture import AccessEdge, Box, Picture

COLOURS = ("#1f5fa8", "#b3541e", "#2b7a4b", "#7a3f98", "#a8871f", "#0f7f86", "#a33a5e", "#5b6470")
"""Of the principals, dark enough to be read on white; they repeat after the last."""
DASHES = {Access.ALLOW: "", Access.CONDITIONAL: "7 4", Access.UNDECIDED: "2 4"}

_ROW, _PAD, _CHARACTER, _LONGEST = 24, 10, 7.2, 52  # pixels, but the last: characters
_TOP, _GAP = 44, 190


@dataclass(frozen=True)
class _Placed:
    """A box with its place; `depth` is 0 for a gateway, 1 for a target, 2 for a tool."""

    box: Box
    x: float
    y: float
    width: float
    height: float
    depth: int


def as_svg(picture: Picture) -> str:
    """The picture as the text of an SVG file."""
    left = _PAD + _width(max(map(len, picture.principals), default=0))
    boxes = list(_placed(picture, left + _GAP))
    rows = _principal_rows(picture, boxes)
    right = max((b.x + b.width for b in boxes), default=left + _GAP)
    bottom = max([b.y + b.height for b in boxes] + [y + _ROW for y in rows], default=_TOP) + _PAD
    footer = list(_footer(picture, bottom + _PAD))
    size = f'{max(right + _PAD, 620):.0f}" height="{bottom + 2 * _PAD + _ROW * len(footer):.0f}'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" font-family="sans-serif" font-size="12">',
            '<rect width="100%" height="100%" fill="#ffffff"/>',
            _write(_PAD, 26, "who may call", "#5b6470"),
            _write(left + _GAP, 26, "gateways, targets and tools", "#5b6470"),
            *(_draw(placed) for placed in boxes),
            *_edges(picture, boxes, rows, left),
            *(
                _principal(number, label, y, left)
                for number, (label, y) in enumerate(zip(picture.principals, rows, strict=True))
            ),
            *footer,
            "</svg>",
        ]
    )


def _placed(picture: Picture, x: float) -> Iterator[_Placed]:
    labels = [_label(box.label) for gateway in picture.gateways for box in _inside(gateway)]
    width = _width(max(map(len, labels), default=0)) + 4 * _PAD
    y: float = _TOP
    for gateway in picture.gateways:
        yield from _place(gateway, x, y, width, 0)
        y += _height(gateway) + 2 * _PAD


def _inside(box: Box) -> Iterator[Box]:
    yield box
    for inner in box.inner:
        yield from _inside(inner)


def _place(box: Box, x: float, y: float, width: float, depth: int) -> Iterator[_Placed]:
    yield _Placed(box, x, y, width, _height(box), depth)
    y += _ROW + _PAD / 2
    for inner in box.inner:
        yield from _place(inner, x + _PAD, y, width - 2 * _PAD, depth + 1)
        y += _height(inner) + _PAD / 2


def _height(box: Box) -> float:
    return _ROW + sum(_height(inner) + _PAD / 2 for inner in box.inner) + (_PAD / 2 if box.inner else 0)


def _principal_rows(picture: Picture, boxes: list[_Placed]) -> list[float]:
    """Where each principal stands: spread over the height of the boxes."""
    height = max((b.y + b.height for b in boxes), default=_TOP) - _TOP
    step = max(height / max(len(picture.principals), 1), _ROW + _PAD)
    return [_TOP + step * number + (step - _ROW) / 2 for number in range(len(picture.principals))]


def _edges(picture: Picture, boxes: list[_Placed], rows: list[float], left: float) -> Iterator[str]:
    places = {placed.box.key: placed for placed in boxes}
    notes: dict[str, list[str]] = {}
    for edge in picture.edges:
        placed = places[edge.box]
        # Edges to one box end one below the other, so that each can be followed to its end.
        spread = (edge.principal + 1) / (len(picture.principals) + 1)
        end = placed.x, placed.y + 3 + (_ROW - 6) * spread
        yield _edge(edge, (left, rows[edge.principal] + _ROW / 2), end)
        if edge.note:  # one beside the other: at the end of the line they would stand on each other
            beside = notes.setdefault(edge.box, [])
            beside.append(_note(edge, end[0] - 6 - _NOTE * len(beside), placed.y + 16))
    for beside in notes.values():  # after all lines, so that none is drawn over them
        yield from beside


_NOTE = 62


def _note(edge: AccessEdge, x: float, y: float) -> str:
    text = _write(x, y, edge.note, COLOURS[edge.principal % len(COLOURS)], "end")
    return text.replace("<text", '<text paint-order="stroke" stroke="#ffffff" stroke-width="3"', 1)


def _edge(edge: AccessEdge, start: tuple[float, float], end: tuple[float, float]) -> str:
    (x1, y1), (x2, y2) = start, end
    colour = COLOURS[edge.principal % len(COLOURS)]
    dash = f' stroke-dasharray="{DASHES[edge.decision]}"' if DASHES[edge.decision] else ""
    curve = f"M{x1:.0f},{y1:.1f} C{x1 + 80:.0f},{y1:.1f} {x2 - 80:.0f},{y2:.1f} {x2:.0f},{y2:.1f}"
    line = f'<path d="{curve}" fill="none" stroke="{colour}" stroke-width="1.6"{dash}/>'
    return f'{line}<circle cx="{x2:.0f}" cy="{y2:.1f}" r="3" fill="{colour}"/>'


def _principal(number: int, label: str, y: float, right: float) -> str:
    colour = COLOURS[number % len(COLOURS)]
    box = _rectangle((_PAD, y, right - _PAD, _ROW), colour, colour)
    return f"<g><title>{escape(label)}</title>{box}{_write(_PAD * 2, y + 16, _label(label), '#ffffff')}</g>"


def _draw(placed: _Placed) -> str:
    fill, stroke = (("#eef2f7", "#8a97a8"), ("#ffffff", "#8a97a8"), ("#f7f9fb", "#d5dbe3"))[placed.depth]
    box = _rectangle((placed.x, placed.y, placed.width, placed.height), fill, stroke)
    text = _write(placed.x + _PAD, placed.y + 16, _label(placed.box.label), "#1c2530", bold=placed.depth == 0)
    return f"<g><title>{escape(placed.box.label)}</title>{box}{text}</g>"


def _footer(picture: Picture, y: float) -> Iterator[str]:
    words = {Access.ALLOW: "allow", Access.CONDITIONAL: "conditional", Access.UNDECIDED: "undecided: cannot be judged"}
    parts: list[str] = []
    x: float = _PAD
    for decision, word in words.items():
        dash = f' stroke-dasharray="{DASHES[decision]}"' if DASHES[decision] else ""
        parts.append(f'<path d="M{x:.0f},{y + 12:.0f} h36" stroke="#1c2530" stroke-width="1.6"{dash}/>')
        parts.append(_write(x + 42, y + 16, word, "#1c2530"))
        x += 60 + _width(len(word))
    yield "".join(parts)
    for number, text in enumerate(picture.left_out, 1):
        yield _write(_PAD, y + 16 + _ROW * number, text, "#1c2530")


def _rectangle(place: tuple[float, float, float, float], fill: str, stroke: str) -> str:
    x, y, width, height = place
    where = f'x="{x:.0f}" y="{y:.1f}" width="{width:.0f}" height="{height:.1f}"'
    return f'<rect {where} rx="4" fill="{fill}" stroke="{stroke}"/>'


def _write(x: float, y: float, text: str, colour: str, anchor: str = "start", *, bold: bool = False) -> str:  # noqa: PLR0913
    weight = ' font-weight="bold"' if bold else ""
    where = f'x="{x:.0f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {where} fill="{colour}"{weight}>{escape(text)}</text>'


def _label(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _width(characters: int) -> float:
    return min(characters, _LONGEST) * _CHARACTER + 2 * _PAD
