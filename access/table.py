"""The access matrix for people: a text table, and Markdown for a pull request."""

from collections.abc import Iterator, Sequence

from access.matrix import Matrix


def as_table(matrix: Matrix) -> str:
    """Tools as rows, agents as columns, one block per gateway; then what could not be judged."""
    lines: list[str] = []
    for gateway, header, rows in _blocks(matrix):
        cells = [header, *rows]
        widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
        lines.append(gateway)
        lines += ["  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([*(lines or ["No agent and no tool."]), *_notes(matrix, "")])


def as_markdown(matrix: Matrix) -> str:
    """The same as Markdown."""
    lines: list[str] = []
    for gateway, header, rows in _blocks(matrix):
        lines += [f"**{gateway}**", "", _markdown_row(header), _markdown_row(["---"] * len(header))]
        lines += [_markdown_row([f"`{row[0]}`", *row[1:]]) for row in rows]
        lines.append("")
    return "\n".join([*(lines or ["No agent and no tool.", ""]), *_notes(matrix, "- ")]).rstrip()


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _blocks(matrix: Matrix) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    by_gateway: dict[str, dict[tuple[str, str], str]] = {}
    for entry in matrix.entries:
        by_gateway.setdefault(entry.gateway, {})[entry.tool, entry.agent] = str(entry.decision)
    for gateway, cells in by_gateway.items():
        agents = list(dict.fromkeys(agent for _, agent in cells))
        tools = list(dict.fromkeys(tool for tool, _ in cells))
        yield gateway, ["tool", *agents], [[tool, *(cells.get((tool, a), "") for a in agents)] for tool in tools]


def _notes(matrix: Matrix, bullet: str) -> Iterator[str]:
    conditions = dict.fromkeys(
        f"{entry.agent} at {entry.gateway.rsplit('/', 1)[-1]}: {condition}"
        for entry in matrix.entries
        for condition in entry.conditions
    )
    for title, notes in (("Conditional on:", conditions), ("Not judged:", matrix.unsupported)):
        if notes:
            yield title
            yield from (f"{bullet or '  '}{note}" for note in notes)
