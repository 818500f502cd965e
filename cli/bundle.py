"""`toolgate bundle`: the agent's zip for AgentCore Runtime."""

import json
import os
from pathlib import Path

import click

from toolgate.cli import options
from toolgate.cli.options import CommandError
from toolgate.cli.output import say


@click.command()
@options.program
@click.option("--agent", default="agent", show_default=True, type=options.FILE, help="the agent's folder")
@click.option(
    "--lock",
    default="requirements/agent.txt",
    show_default=True,
    type=options.FILE,
    help="the packages that ship with it, locked with hashes",
)
def bundle(program: Path, agent: Path, lock: Path) -> None:
    """Build an agent's zip; the last line is its path, bytes and sha256 as JSON."""
    from toolgate.components.checks.arguments import UsageError
    from toolgate.components.runtime.agent_bundle import build

    os.chdir(program)
    try:
        built = build(agent, lock)
    except UsageError as error:
        raise CommandError(str(error)) from error
    say(json.dumps({"path": str(built.path), "bytes": built.size, "sha256": built.digest}))
