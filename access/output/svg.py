"""A picture as SVG: askers, principals, and on the right gateways with their targets and tools."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from toolgate.access.iam.evaluation import Access
from toolgate.access.output.drawn import AccessEdge, AskEdge, Box, Picture
from toolgate.access.output.labels import ANYBODY
from toolgate.access.output.mermaid import RED

COLOURS = ("#1f5fa8", "#b3541e", "#2b7a4b", "#7a3f98", "#a8871f", "#0f7f86", "#a33a5e", "#5b6470")
"""Of the principals, dark enough to be read on white; they repeat after the last."""
_ASKER = "#5b6470"
DASHES = {Access.ALLOW: "", Access.CONDITIONAL: "7 4", Access.UNDECIDED: "2 4"}

_ROW, _PAD, _CHARACTER, _LONGEST = 24, 10, 7.2, 52  # pixels, but the last: characters
_TOP, _GAP, _ASKS_GAP, _LINE = 54, 190, 110, 18


@dataclass(frozen=True)
class _Placed:
    """A box with its place; `depth` is 0 for a gateway or a memory, 1 for a target, 2 for a tool."""

    box: Box
    x: float
    y: float
    width: float
    height: float
    depth: int


def as_svg(picture: Picture) -> str:
    """The picture as the text of an SVG file."""
    columns = _columns(picture)
    boxes = list(_placed(picture, columns.boxes))
    height = max((b.y + b.height for b in boxes), default=_TOP) - _TOP
    askers = _Column(columns.askers, _rows(len(picture.askers), height))
    principals = _Column(columns.principals, _rows(len(picture.principals), height))
    right = max((b.x + b.width for b in boxes), default=columns.boxes)
    ends = [b.y + b.height for b in boxes] + [y + _ROW for y in (*askers.rows, *principals.rows)]
    footer = list(_footer(picture, max(ends, default=_TOP) + 2 * _PAD))
    bottom = max(ends, default=_TOP) + 3 * _PAD + _ROW + _LINE * (len(footer) - 1)
    texts = [_PAD + _CHARACTER * len(text) for text in _notes(picture)]
    size = f'{max([right + _PAD, 620, *texts]):.0f}" height="{bottom:.0f}'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" font-family="sans-serif" font-size="12">',
            '<rect width="100%" height="100%" fill="#ffffff"/>',
            *([_write((_PAD, 18), picture.title, "#1c2530", bold=True)] if picture.title else []),
            *([_write((_PAD, 40), "who may ask", _ASKER)] if picture.askers else []),
            _write((principals.place[0], 40), "who may call", _ASKER),
            _write((columns.boxes, 40), "gateways, targets and tools", _ASKER),
            *(_draw(placed) for placed in boxes),
            *(_ask(ask, askers, principals) for ask in picture.asks),
            *_edges(picture, boxes, principals),
            *(_node(label, askers, number, _ASKER) for number, label in enumerate(picture.askers)),
            *(_node(it, principals, number, _colour(picture, number)) for number, it in enumerate(picture.principals)),
            *footer,
            "</svg>",
        ]
    )


@dataclass(frozen=True)
class _Columns:
    """Where the columns begin and end: askers, principals; where the boxes begin."""

    askers: tuple[float, float]
    principals: tuple[float, float]
    boxes: float


@dataclass(frozen=True)
class _Column:
    """A column of principals: where it begins and ends, and the rows."""

    place: tuple[float, float]
    rows: list[float]

    def start(self, number: int) -> tuple[float, float]:
        """Where edges of a row begin."""
        return self.place[1], self.rows[number] + _ROW / 2

    def end(self, number: int) -> tuple[float, float]:
        """Where edges to a row end."""
        return self.place[0], self.rows[number] + _ROW / 2


def _columns(picture: Picture) -> _Columns:
    left: float = _PAD
    places = []
    for labels, gap in ((picture.askers, _ASKS_GAP if picture.askers else 0), (picture.principals, _GAP)):
        end = left + (_width(max(map(len, labels), default=0)) - _PAD if labels or gap == _GAP else 0)
        places.append((left, end))
        left = end + gap
    return _Columns(places[0], places[1], left)


def _colour(picture: Picture, principal: int) -> str:
    return RED if picture.principals[principal] == ANYBODY else COLOURS[principal % len(COLOURS)]


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


def _rows(number: int, height: float) -> list[float]:
    """Where each principal of a column stands: spread over the height of the boxes."""
    step = max(height / max(number, 1), _ROW + _PAD)
    return [_TOP + step * row + (step - _ROW) / 2 for row in range(number)]


def _edges(picture: Picture, boxes: list[_Placed], principals: _Column) -> Iterator[str]:
    places = {placed.box.key: placed for placed in boxes}
    ends = Counter(edge.box for edge in picture.edges)
    drawn: Counter[str] = Counter()
    labels: list[str] = []
    written: dict[str, float] = {}
    left = min((placed.x for placed in boxes), default=0) - 6
    for edge in picture.edges:
        placed = places[edge.box]
        drawn[edge.box] += 1
        # Edges to one box end one below the other, so that each can be followed to its end.
        end = placed.x, placed.y + 3 + (_ROW - 6) * drawn[edge.box] / (ends[edge.box] + 1)
        colour = RED if edge.bypass else _colour(picture, edge.principal)
        yield _line(principals.start(edge.principal), end, colour, _dash(edge))
        if edge.label:  # one beside the other: at the end of the line they would stand on each other
            labels.append(_note(edge.label, (left - written.get(edge.box, 0), placed.y + 16), colour))
            written[edge.box] = written.get(edge.box, 0) + len(edge.label) * _CHARACTER + _PAD
    yield from labels  # after all lines, so that none is drawn over them


def _dash(edge: AccessEdge) -> str:
    return _AROUND if edge.bypass else DASHES[edge.decision]


_AROUND = "9 3"


def _ask(ask: AskEdge, askers: _Column, principals: _Column) -> str:
    colour = RED if ask.commands else _ASKER
    return _line(askers.start(ask.asker), principals.end(ask.agent), colour, DASHES[ask.decision])


def _note(text: str, place: tuple[float, float], colour: str) -> str:
    written = _write(place, text, colour, "end")
    return written.replace("<text", '<text paint-order="stroke" stroke="#ffffff" stroke-width="3"', 1)


def _line(start: tuple[float, float], end: tuple[float, float], colour: str, dashes: str) -> str:
    (x1, y1), (x2, y2) = start, end
    bend = min(80, (x2 - x1) / 2)
    dash = f' stroke-dasharray="{dashes}"' if dashes else ""
    curve = f"M{x1:.0f},{y1:.1f} C{x1 + bend:.0f},{y1:.1f} {x2 - bend:.0f},{y2:.1f} {x2:.0f},{y2:.1f}"
    line = f'<path d="{curve}" fill="none" stroke="{colour}" stroke-width="1.6"{dash}/>'
    return f'{line}<circle cx="{x2:.0f}" cy="{y2:.1f}" r="3" fill="{colour}"/>'


def _node(label: str, column: _Column, number: int, colour: str) -> str:
    left, right = column.place
    colour = RED if label == ANYBODY else colour
    y = column.rows[number]
    box = _rectangle((left, y, right - left, _ROW), colour, colour)
    return f"<g><title>{escape(label)}</title>{box}{_write((left + _PAD, y + 16), _label(label), '#ffffff')}</g>"


def _draw(placed: _Placed) -> str:
    fill, stroke = (("#eef2f7", "#8a97a8"), ("#ffffff", "#8a97a8"), ("#f7f9fb", "#d5dbe3"))[placed.depth]
    box = _rectangle((placed.x, placed.y, placed.width, placed.height), fill, stroke)
    text = _write((placed.x + _PAD, placed.y + 16), _label(placed.box.label), "#1c2530", bold=placed.depth == 0)
    return f"<g><title>{escape(placed.box.label)}</title>{box}{text}</g>"


def _footer(picture: Picture, y: float) -> Iterator[str]:
    """The legend, of what occurs, and the notes."""
    parts: list[str] = []
    x: float = _PAD
    for word, colour, dashes in _legend(picture):
        dash = f' stroke-dasharray="{dashes}"' if dashes else ""
        parts.append(f'<path d="M{x:.0f},{y + 12:.0f} h36" stroke="{colour}" stroke-width="1.6"{dash}/>')
        parts.append(_write((x + 42, y + 16), word, "#1c2530"))
        x += 60 + _CHARACTER * len(word)
    yield "".join(parts)
    for number, text in enumerate(_notes(picture), 1):
        yield _write((_PAD, y + 16 + _LINE * number), text, "#1c2530")


def _legend(picture: Picture) -> Iterator[tuple[str, str, str]]:
    words = {Access.ALLOW: "allow", Access.CONDITIONAL: "conditional", Access.UNDECIDED: "undecided: cannot be judged"}
    called = {edge.decision for edge in picture.edges if not edge.bypass} | {ask.decision for ask in picture.asks}
    yield from ((word, "#1c2530", DASHES[decision]) for decision, word in words.items() if decision in called)
    if any(edge.bypass for edge in picture.edges):
        yield "around the gateway", RED, _AROUND
    if any(ask.commands for ask in picture.asks):
        yield "runs commands in the agent", RED, ""


def _notes(picture: Picture) -> Iterator[str]:
    yield from (f"({number}) {text}" for number, text in enumerate(picture.notes, 1))
    yield from (f"Not judged: {text}" for text in picture.unjudged)
    yield from picture.left_out


def _rectangle(place: tuple[float, float, float, float], fill: str, stroke: str) -> str:
    x, y, width, height = place
    where = f'x="{x:.0f}" y="{y:.1f}" width="{width:.0f}" height="{height:.1f}"'
    return f'<rect {where} rx="4" fill="{fill}" stroke="{stroke}"/>'


def _write(place: tuple[float, float], text: str, colour: str, anchor: str = "start", *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    where = f'x="{place[0]:.0f}" y="{place[1]:.1f}" text-anchor="{anchor}"'
    return f'<text {where} fill="{colour}"{weight}>{escape(text)}</text>'


def _label(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _width(characters: int) -> float:
    return min(characters, _LONGEST) * _CHARACTER + 2 * _PAD
