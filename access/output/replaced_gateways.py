"""Gateways that a change makes anew under the same name: another id, and so another ARN and URL, for the same place.

AWS ends a gateway's id with ten characters that it makes up (`components.checks.identifiers` has the pattern). Compared
by ARN, such a gateway would be one at which everybody loses everything, and another at which the same gain it.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from toolgate.access.matrix.access_matrix import Matrix
from toolgate.access.matrix.blocks import Block
from toolgate.access.matrix.elsewhere import ANY_TOOL

_ID_END = re.compile(r"-[0-9a-z]{10}$")


def name_of(arn: str) -> str:
    """A gateway's ARN without the end that AWS makes up."""
    return _ID_END.sub("", arn)


def replaced_gateways(before: Matrix, after: Matrix) -> dict[str, str]:
    """The ARNs of gateways that are only there before, with that of the one that took the name after it."""
    old, new = (_in_deployment(side) for side in (before, after))
    gone, come = ([it for it in sorted(one - other) if _ID_END.search(it)] for one, other in ((old, new), (new, old)))
    # Names are compared only where they say which it is.
    names = [*map(name_of, gone), *map(name_of, come)]
    heirs = {name_of(it): it for it in come}
    return {it: heirs[name_of(it)] for it in gone if name_of(it) in heirs and names.count(name_of(it)) == 2}


def _in_deployment(matrix: Matrix) -> set[str]:
    """Not what grants name beyond it: two of those are two gateways, whatever they are called."""
    return {block.gateway for block in (*matrix.blocks, *matrix.taken) if block.tools != (ANY_TOOL,)}


def as_if_kept(matrix: Matrix, replaced: Mapping[str, str]) -> Matrix:
    """The matrix before a change, with the gateways that are made anew under the ARNs that they have after it."""
    ids = {old.rpartition("/")[2]: new.rpartition("/")[2] for old, new in replaced.items()}

    def renamed(text: str) -> str:
        for old, new in ids.items():
            text = text.replace(old, new)
        return text

    def moved(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
        return tuple(replace(it, gateway=replaced.get(it.gateway, it.gateway)) for it in blocks)

    return replace(
        matrix,
        blocks=moved(matrix.blocks),
        taken=moved(matrix.taken),
        bypasses=tuple(replace(it, target=replaced.get(it.target, it.target)) for it in matrix.bypasses),
        unsupported=tuple(map(renamed, matrix.unsupported)),
    )
