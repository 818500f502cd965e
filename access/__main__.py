"""`python -m access`: who may call what in a deployment."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from access import difference, given_policies, table
from access.deployment import read
from access.explanation import explain
from access.export import DeploymentError
from access.matrix import Matrix, matrix
from access.mermaid import as_mermaid
from access.picture import picture
from access.svg import as_svg

EXPORT = "a stack export: `pulumi stack export --file FILE`, or `python -m local plan --out FILE`"

MATRIX: dict[str, Callable[[Matrix], Iterable[str]]] = {
    "table": lambda found: [table.as_table(found)],
    "json": Matrix.json_lines,
    "md": lambda found: [table.as_markdown(found)],
}
DIFFERENCE = {"table": difference.as_table, "json": difference.as_json, "md": difference.as_markdown}
PICTURE = {"svg": as_svg, "mermaid": as_mermaid}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code.

    That is 0, or 2 when a deployment cannot be used; `diff` also returns 1 when somebody gains access and 3 when there
    are only losses.
    """
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except DeploymentError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return code


def _matrix(options: argparse.Namespace) -> int:
    sys.stdout.writelines(MATRIX[options.format](matrix(read(options.deployment, options.policy))))
    print()
    return 0


def _explain(options: argparse.Namespace) -> int:
    print(explain(read(options.deployment, options.policy), options.agent, options.tool, options.arguments))
    return 0


def _diff(options: argparse.Namespace) -> int:
    before, after = (read(path, options.policy) for path in (options.before, options.after))
    found = difference.difference(matrix(before), matrix(after))
    print(DIFFERENCE[options.format](found))
    return found.code


def _picture(options: argparse.Namespace) -> int:
    deployment = read(options.deployment, options.policy)
    print(PICTURE[options.format](picture(deployment, matrix(deployment))))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m access", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("matrix", help="principals and tools: allow, deny, conditional or undecided")
    _add(command, _matrix, "deployment", formats=MATRIX)
    command = commands.add_parser("explain", help="the statements and policies that decided about one agent and tool")
    _add(command, _explain, "deployment")
    command.add_argument("--agent", required=True, help="the agent's name")
    command.add_argument("--tool", required=True, help="the tool's full name, <target>___<tool>")
    command.add_argument("--arguments", type=_object, help="the call's arguments as a JSON object, if they are known")
    command = commands.add_parser("diff", help="who gains access and who loses it; exit code 1: gains, 3: only losses")
    _add(command, _diff, "before", "after", formats=DIFFERENCE)
    command = commands.add_parser("picture", help="agents, gateways, targets and tools with what is allowed")
    _add(command, _picture, "deployment", formats=PICTURE)
    return parser


def _object(text: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise argparse.ArgumentTypeError(f"{text} is not a JSON object")
    return parsed


def _add(
    command: argparse.ArgumentParser,
    run: Callable[[argparse.Namespace], int],
    *files: str,
    formats: Iterable[str] = (),
) -> None:
    command.set_defaults(run=run)
    for file in files:
        command.add_argument(file, type=Path, metavar=file.upper(), help=EXPORT)
    given_policies.add_option(command)
    listed = list(formats)
    if listed:
        command.add_argument("--format", choices=listed, default=listed[0])


if __name__ == "__main__":
    sys.exit(main())
