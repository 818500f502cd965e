"""The access matrix for people: a text table, and Markdown for a pull request."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from toolgate.access.matrix.access_matrix import Block, Matrix
from toolgate.access.output import chain_table, client_table, memory_table
from toolgate.access.output.labels import gateway_label, principal_label

WIDEST = 12
"""More principals than this at one gateway, and those who may call nothing there are only counted."""


def as_table(matrix: Matrix) -> str:
    """Tools as rows, principals as columns, one block per gateway; then what could not be judged."""
    lines: list[str] = []
    for gateway, header, rows, rest in _gateways(matrix):
        lines.append(gateway)
        lines += columns([header, *rows])
        lines += [f"  {rest}"] if rest else []
    for title, header, rows in _sections(matrix):
        lines += [f"{title}:", *columns([header, *rows])]
    return "\n".join([*(lines or ["No agent and no tool."]), *_notes(matrix, "  ")])


def as_markdown(matrix: Matrix) -> str:
    """The same as Markdown."""
    lines: list[str] = []
    for gateway, header, rows, rest in _gateways(matrix):
        lines += [f"**{gateway}**", "", *markdown(header, [[f"`{row[0]}`", *row[1:]] for row in rows]), ""]
        lines += [rest, ""] if rest else []
    for title, header, rows in _sections(matrix):
        lines += [f"**{title}**", "", *markdown(header, rows), ""]
    return "\n".join([*(lines or ["No agent and no tool.", ""]), *_notes(matrix, "- ")]).rstrip()


def _sections(matrix: Matrix) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    for of in (client_table, chain_table, memory_table):
        yield from of.sections(matrix)


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as aligned lines of text."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table."""
    return [_markdown_row(row) for row in (header, ["---"] * len(header), *rows)]


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _gateways(matrix: Matrix) -> Iterator[tuple[str, list[str], list[list[str]], str]]:
    by_gateway = sorted(matrix.blocks, key=lambda block: block.gateway)
    for gateway, group in groupby(by_gateway, key=lambda block: block.gateway):
        blocks = list(group)
        shown = blocks if len(blocks) <= WIDEST else [block for block in blocks if not block.denied]
        rest = len(blocks) - len(shown)
        header = ["tool", *(principal_label(b.principal, b.agent, gateway) for b in shown)]
        yield gateway, header, _rows(blocks[0].tools, shown), f"{rest} more agents: deny" if rest else ""


def _rows(tools: Sequence[str], blocks: Sequence[Block]) -> list[list[str]]:
    cells = [dict(block.by_tool()) for block in blocks]
    return [[tool, *(str(of_principal[tool].decision) for of_principal in cells)] for tool in tools]


def _notes(matrix: Matrix, bullet: str) -> Iterator[str]:
    conditions = dict.fromkeys(
        f"{principal_label(block.principal, block.agent, block.gateway)} at {gateway_label(block.gateway)}: {condition}"
        for block in matrix.blocks
        for _, cell in block.by_tool()
        for condition in cell.conditions
    )
    conditions |= dict.fromkeys(it for of in (client_table, chain_table, memory_table) for it in of.conditions(matrix))
    for title, notes in (("Conditional on:", conditions), ("Not judged:", matrix.unsupported)):
        if notes:
            yield title
            yield from (f"{bullet}{note}" for note in notes)
