"""Ways around a gateway, and who may ask which agent, as rows for a table: what is alike stands in one row."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from toolgate.access.chain.ways import Ask, Bypass
from toolgate.access.matrix.access_matrix import Matrix
from toolgate.access.output.labels import gateway_label, who

WAYS = "Ways around a gateway"
ASKS = "Who may ask an agent, or run commands in it"
WAY_HEADER = ["who", "reaches", "by", "decision"]
ASK_HEADER = ["who", "may", "agent", "decision"]
_MOST = 6
"""More names than this in a row, and they are counted."""


def sections(matrix: Matrix) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Title, header and rows of each section that has any."""
    for title, header, rows in (
        (WAYS, WAY_HEADER, list(_ways(matrix.bypasses))),
        (ASKS, ASK_HEADER, list(_asks(matrix.asks))),
    ):
        if rows:
            yield title, header, rows


def conditions(matrix: Matrix) -> Iterator[str]:
    """What the conditional ones of them depend on."""
    for bypass in matrix.bypasses:
        yield from (f"{_who(bypass)} by {bypass.way}: {it}" for it in bypass.access.conditions)
    for ask in matrix.asks:
        yield from (
            f"{who(ask.principal, ask.asker, ask.runtime)} at {ask.agent}: {it}" for it in ask.access.conditions
        )


def _who(bypass: Bypass) -> str:
    return who(bypass.principal, bypass.agent, bypass.target)


def _ways(bypasses: Sequence[Bypass]) -> Iterator[list[str]]:
    alike = groupby(bypasses, key=lambda it: (_who(it), it.way, str(it.access.decision)))
    for (name, way, decision), group in alike:
        yield [name, reaches(list(group)), way, decision]


def reaches(bypasses: Sequence[Bypass]) -> str:
    """What several of them lead to, as words."""
    return listed([word for it in bypasses for word in _reached(it)], "things")


def _reached(bypass: Bypass) -> Iterator[str]:
    if bypass.target == "*":
        yield "everything"
    elif ":lambda:" in bypass.target:
        tools = f" ({listed(bypass.tools, 'tools')})" if bypass.tools else ""
        yield f"function {bypass.target.rsplit(':', 1)[-1]}{tools}"
    elif ":runtime/" in bypass.target:
        yield f"server {bypass.target.rsplit('/', 1)[-1]} ({listed(bypass.tools, 'tools')})"
    elif ":secretsmanager:" in bypass.target:
        yield f"secret {bypass.target.rsplit(':', 1)[-1]} ({listed(bypass.tools, 'tools')})"
    else:
        yield f"{listed(bypass.tools, 'tools')} at {gateway_label(bypass.target)}"


def _asks(asks: Sequence[Ask]) -> Iterator[list[str]]:
    alike = groupby(asks, key=lambda it: (who(it.principal, it.asker, it.runtime), it.how, str(it.access.decision)))
    for (name, how, decision), group in alike:
        verb = "ask" if how == "ask" else "run commands in"
        yield [name, verb, listed([it.agent for it in group], "agents"), decision]


def listed(names: Sequence[str], what: str) -> str:
    """Names with commas, or their number where there are too many to be read."""
    found = list(dict.fromkeys(names))
    return ", ".join(found) if len(found) <= _MOST else f"{len(found)} {what}"
