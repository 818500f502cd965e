"""What a change gives and takes of memories: whoever may newly use one, or use more of it than before, gains."""

from collections.abc import Iterator, Mapping

from toolgate.access.iam.identities import ANY_CALLER
from toolgate.access.matrix.access_matrix import Matrix
from toolgate.access.matrix.tool_access import DENIED
from toolgate.access.memories.answers import Answer, joined
from toolgate.access.memories.rows import MemoryUse
from toolgate.access.output.memory_table import what
from toolgate.access.output.way_difference import MEMORY, WayChange

type _Key = tuple[str, str, str]
"""Who, the memory's ARN, the action."""


class _Used:
    """What a matrix's principals may do with memories."""

    def __init__(self, matrix: Matrix) -> None:
        self.rows: dict[_Key, MemoryUse] = {}
        self._answers: dict[_Key, list[Answer]] = {}
        for row in matrix.memories:
            for action in row.actions:
                key = row.principal, row.memory.arn, action
                self.rows.setdefault(key, row)
                self._answers.setdefault(key, []).append(row.answer)

    def answer(self, key: _Key) -> Answer:
        """What the principal may do by itself, as another, and as anybody."""
        _, *thing = key
        keys: list[_Key] = [key, (ANY_CALLER.name, thing[0], thing[1])]
        return joined([it for one in dict.fromkeys(keys) for it in self._answers.get(one, [])] or [Answer(DENIED)])


def memory_changes(before: Matrix, after: Matrix) -> Iterator[WayChange]:
    """All changes; what is alike of a use stands in one."""
    old, new = _Used(before), _Used(after)
    found: dict[tuple[str, str, str, Answer, Answer], list[_Key]] = {}
    for key in dict.fromkeys([*new.rows, *old.rows]):
        was, may = old.answer(key), new.answer(key)
        if was != may:
            row = new.rows.get(key) or old.rows[key]
            found.setdefault((*key[:2], row.use, was, may), []).append(key)
    for (principal, memory, use, was, may), keys in found.items():
        more = not was.covers(may)
        row = _told(keys[0], old.rows, new.rows, gained=more)
        named = f"{what(use, [action for *_, action in keys])} of memory {row.memory.name}"
        told = principal, row.agent, memory, named, row.way
        yield WayChange(MEMORY, *told, was.access, may.access, more, (was.label, may.label))


def _told(key: _Key, old: Mapping[_Key, MemoryUse], new: Mapping[_Key, MemoryUse], *, gained: bool) -> MemoryUse:
    first, second = (new, old) if gained else (old, new)
    return first.get(key) or second[key]
