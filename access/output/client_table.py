"""Who may be which client of an issuer, as rows for a table."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby

from toolgate.access.matrix.access_matrix import Matrix
from toolgate.access.matrix.token_access import ClientTaker
from toolgate.access.output.chain_table import listed
from toolgate.access.output.labels import who

TITLE = "Who may be which client of an issuer"
HEADER = ["who", "may be", "by", "decision"]


def sections(matrix: Matrix) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Title, header and rows, if anybody may be a client."""
    if rows := list(_rows(matrix)):
        yield TITLE, HEADER, rows


def conditions(matrix: Matrix) -> Iterator[str]:
    """What the conditional ones depend on."""
    for taker in matrix.takings:
        yield from (f"{_who(taker)} as {taker.client}: {it}" for it in taker.access.conditions)


def _rows(matrix: Matrix) -> Iterator[list[str]]:
    named = Counter(name for _, name in {(it.client, it.name) for it in matrix.takings})
    alike = groupby(matrix.takings, key=lambda it: (_who(it), it.way, str(it.access.decision)))
    for (name, way, decision), group in alike:
        yield [name, listed([_client(it, named) for it in group], "clients"), way, decision]


def _client(taker: ClientTaker, named: Mapping[str, int]) -> str:
    """A client by its name; by its id where it has none, and by both where others have that name, too."""
    if taker.principal == taker.client:
        return taker.name
    if not taker.name:
        return taker.client
    return taker.name if named[taker.name] == 1 else f"{taker.client} ({taker.name})"


def _who(taker: ClientTaker) -> str:
    return who(taker.principal, taker.agent, taker.hop.to if taker.hop else "")
