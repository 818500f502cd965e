"""`toolgate access`: who may call what in a deployment."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from toolgate.cli import options
from toolgate.cli.options import CommandError
from toolgate.cli.output import say

if TYPE_CHECKING:
    from toolgate.access.deployment.deployment import Deployment

type Policies = tuple[Mapping[str, Any], ...]


@click.group()
def access() -> None:
    """Who may call what in a deployment, decided with its own documents.

    DEPLOYMENT is a stack export: `pulumi stack export --file FILE`, or `toolgate plan --out FILE`.
    """


def _formats(*known: str) -> Callable[[Any], Any]:
    return click.option("--format", "form", type=click.Choice(known), default=known[0], show_default=True)


_deployment = click.argument("deployment", type=options.FILE)


@access.command()
@_deployment
@options.policies
@_formats("table", "json", "md")
def matrix(deployment: Path, policies: Policies, form: str) -> None:
    """Principals and tools: allow, deny, conditional or undecided."""
    from toolgate.access.matrix.access_matrix import matrix as judged
    from toolgate.access.output import table

    found = judged(_read(deployment, policies))
    lines: dict[str, Callable[[], Sequence[str] | Any]] = {
        "table": lambda: [table.as_table(found)],
        "json": found.json_lines,
        "md": lambda: [table.as_markdown(found)],
    }
    for text in lines[form]():
        say(text, nl=False)
    say()


@access.command()
@_deployment
@click.option("--agent", help="the agent's name")
@click.option("--principal", help="in place of an agent: a role or user by ARN or name, a client by its id, or *")
@click.option("--tool", help="the tool's full name, <target>___<tool>")
@click.option("--memory", help="in place of a tool: a memory by its name, id or ARN")
@click.option("--arguments", type=options.JSON, help="the request's arguments as a JSON object, if they are known")
@options.policies
def explain(deployment: Path, policies: Policies, **asked: Any) -> None:
    """The statements and policies that decided about one agent, or any principal, and one tool or memory."""
    from toolgate.access.deployment.stack_export import DeploymentError
    from toolgate.access.output import explanation
    from toolgate.access.output.memory_explanation import explain_memory

    agent, principal, tool, memory = (asked[it] for it in ("agent", "principal", "tool", "memory"))
    if (agent is None) == (principal is None):
        raise CommandError("either --agent or --principal says whose access to explain")
    if (tool is None) == (memory is None):
        raise CommandError("either --tool or --memory says access to what")
    of_tool = explanation.explain if agent is not None else explanation.explain_principal
    explained = explain_memory if memory is not None else of_tool
    try:
        say(explained(_read(deployment, policies), agent or principal, tool or memory, asked["arguments"]))
    except DeploymentError as error:
        raise CommandError(str(error)) from error


@access.command()
@click.argument("before", type=options.FILE)
@click.argument("after", type=options.FILE)
@options.policies
@_formats("table", "json", "md")
def diff(before: Path, after: Path, policies: Policies, form: str) -> int:
    """Who gains access and who loses it. Exit code 1: somebody gains. 3: there are only losses."""
    from toolgate.access.matrix.access_matrix import matrix as judged
    from toolgate.access.output import access_difference

    found = access_difference.difference(*(judged(_read(file, policies)) for file in (before, after)))
    shown = {
        "table": access_difference.as_table,
        "json": access_difference.as_json,
        "md": access_difference.as_markdown,
    }
    say(shown[form](found))
    return found.code


@access.command()
@_deployment
@options.policies
@_formats("svg", "mermaid")
def picture(deployment: Path, policies: Policies, form: str) -> None:
    """Agents, gateways, targets and tools with what is allowed."""
    from toolgate.access.matrix.access_matrix import matrix as judged
    from toolgate.access.output.mermaid import as_mermaid
    from toolgate.access.output.picture import picture as drawn
    from toolgate.access.output.svg import as_svg

    read = _read(deployment, policies)
    say({"svg": as_svg, "mermaid": as_mermaid}[form](drawn(read, judged(read))))


@access.command()
@click.option("--profile", help="whose credentials to take, as for the AWS CLI (default: what boto3 finds)")
@click.option("--region", "regions", multiple=True, help="a Region to read; several times (default: the profile's)")
@click.option("--out", type=options.FILE, help="write the deployment here; only you can read the file")
@click.option("--print-policy", is_flag=True, help="print the IAM document that a scan needs, and call nothing")
def scan(profile: str | None, regions: tuple[str, ...], out: Path | None, print_policy: bool) -> None:
    """Read a live account, and change nothing, as a DEPLOYMENT for the other commands.

    It is for accounts that were built with anything: the file is read by `matrix`, `explain`, `diff`, `picture`, and by
    `toolgate plan --deployment`. What could not be read is told, and noted in the file. Exit code 0: the file is
    written. 2: nothing could be read.
    """
    from toolgate.access.deployment.stack_export import write
    from toolgate.access.scan.resources import notes
    from toolgate.access.scan.scan import ScanError, permissions, session_of
    from toolgate.access.scan.scan import scan as scanned

    if out is None and not print_policy:
        raise CommandError("nowhere to write: give --out FILE")
    try:
        if out is None or print_policy:
            say(json.dumps(permissions(regions), indent=2))
            return
        made = scanned(session_of(profile), regions, lambda line: say(f"   {line}", err=True))
    except ScanError as error:
        raise CommandError(str(error)) from error
    for it in notes(made):
        say(f"Not read: {it.what}: {it.why}", err=True)
    options.written(lambda file: write(made, file), out, "--out")
    say(f"{len(made['deployment']['resources'])} resources written to {out}")


def _read(file: Path, policies: Policies) -> "Deployment":
    from toolgate.access.deployment.deployment import read
    from toolgate.access.deployment.stack_export import DeploymentError

    try:
        return read(file, policies)
    except DeploymentError as error:
        raise CommandError(str(error)) from error
