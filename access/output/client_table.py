"""Who may be which client of an issuer, as rows for a table."""

from collections.abc import Iterator
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
    alike = groupby(matrix.takings, key=lambda it: (_who(it), it.way, str(it.access.decision)))
    for (name, way, decision), group in alike:
        yield [name, listed([_client(it) for it in group], "clients"), way, decision]


def _client(taker: ClientTaker) -> str:
    if taker.principal == taker.client:
        return taker.name
    return f"{taker.client} ({taker.name})" if taker.name else taker.client


def _who(taker: ClientTaker) -> str:
    return who(taker.principal, taker.agent, taker.hop.to if taker.hop else "")
