"""Who may use which memory, as rows for a table: what somebody may do with the same of it stands in one row."""

from collections import Counter
from collections.abc import Iterator, Sequence

from toolgate.access.matrix.access_matrix import Matrix
from toolgate.access.memories.rows import MemoryUse
from toolgate.access.output.labels import who

TITLE = "Who may use a memory"
HEADER = ["who", "may", "memory", "for", "by", "decision"]


def sections(matrix: Matrix) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Title, header and rows, if anybody may use a memory."""
    if rows := list(_rows(matrix.memories)):
        yield TITLE, HEADER, rows


def conditions(matrix: Matrix) -> Iterator[str]:
    """What the conditional ones depend on."""
    for row in matrix.memories:
        yield from (f"{_who(row)} at memory {row.memory.name}: {it}" for it in row.answer.access.conditions)


def _rows(memories: Sequence[MemoryUse]) -> Iterator[list[str]]:
    several = Counter((it.principal, it.memory.arn, it.use) for it in memories)
    found: dict[tuple[str, ...], dict[str, None]] = {}
    for row in memories:
        by_action = several[row.principal, row.memory.arn, row.use] > 1
        end = (row.memory.name, row.answer.label, row.way, str(row.answer.access.decision))
        found.setdefault((_who(row), row.memory.arn, *end), {})[what(row.use, row.actions if by_action else ())] = None
    for (name, _, *rest), uses in found.items():
        yield [name, ", ".join(uses), *rest]


def what(use: str, actions: Sequence[str]) -> str:
    """A use, with the actions by which it is done where these are to be told."""
    names = (action.partition(":")[2] for action in actions)
    return f"{use} ({', '.join(names)})" if actions else str(use)


def _who(row: MemoryUse) -> str:
    return who(row.principal, row.agent, row.memory.arn)
