"""`python -m access`: who may call what in a deployment."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from access.deployment import read
from access.export import DeploymentError
from access.matrix import Matrix, matrix
from access.table import as_markdown, as_table

FORMATS: dict[str, Callable[[Matrix], str]] = {"table": as_table, "json": Matrix.as_json, "md": as_markdown}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 0, or 2 when the deployment cannot be used."""
    options = _parser().parse_args(arguments)
    try:
        print(FORMATS[options.format](matrix(read(options.deployment))))
    except DeploymentError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m access", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("matrix", help="agents and tools: allow, deny, conditional or undecided")
    command.add_argument("deployment", type=Path, help="a stack export: `pulumi stack export --file FILE`")
    command.add_argument("--format", choices=FORMATS, default="table")
    return parser


if __name__ == "__main__":
    sys.exit(main())
