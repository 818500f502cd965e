"""One IAM document as several managed policies, each as large as IAM takes."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from toolgate.policy.language import grammar

# IAM user guide, "IAM and AWS STS quotas": characters of a managed policy without white space; managed policies of a
# role, unless AWS raised it.
LARGEST, MOST = 6_144, 10


class TooLargeError(Exception):
    """The document does not fit into the managed policies of one role; the text says by how much."""


def size(document: Mapping[str, Any]) -> int:
    """Characters as IAM counts them, without white space."""
    return grammar.size(json.dumps(document))


def split(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Documents that together allow what this one does; a statement that is too large by itself is taken apart.

    Raises:
        TooLargeError: There would be more than a role takes.
    """
    parts: list[dict[str, Any]] = []
    for statement in document["Statement"]:
        for piece in _pieces({**document, "Statement": []}, statement):
            home = next((part for part in parts if size(_with(part, piece)) <= LARGEST), None)
            if home is None:
                parts.append({**document, "Statement": [piece]})
            else:
                home["Statement"].append(piece)
    if len(parts) > MOST:
        raise TooLargeError(f"{len(parts)} managed policies of {LARGEST} characters; IAM takes {MOST} in a role")
    return parts


def _with(document: Mapping[str, Any], statement: Mapping[str, Any]) -> dict[str, Any]:
    return {**document, "Statement": [*document["Statement"], statement]}


def _pieces(empty: Mapping[str, Any], statement: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The statement, or its halves by resource, each under a name of its own."""
    resources = statement["Resource"]
    if size(_with(empty, statement)) <= LARGEST:
        yield statement
        return
    if not isinstance(resources, list) or len(resources) < 2:
        raise TooLargeError(f"statement {statement['Sid']} alone has more than {LARGEST} characters")
    middle = len(resources) // 2
    for mark, half in (("A", resources[:middle]), ("B", resources[middle:])):
        yield from _pieces(empty, {**statement, "Sid": statement["Sid"] + mark, "Resource": half})


def write(document: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write a document as managed policies into a folder, which is made when it is not there.

    Returns:
        The files.

    Raises:
        TooLargeError: See `split`.
    """
    parts = split(document)
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"deployer-{number}.json" for number in range(1, len(parts) + 1)]
    for file, part in zip(files, parts, strict=True):
        file.write_text(json.dumps(part, indent=2) + "\n", encoding="utf-8")
    return files
