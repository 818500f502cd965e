"""`toolgate demo`: the whole thing on this machine, shown."""

from pathlib import Path

import click

from toolgate.cli import options
from toolgate.cli.options import CommandError


@click.command()
@options.program
@options.stack
def demo(program: Path, stack: str) -> int:
    """Plan, judge, serve, ask, and try to get past the locks: shown.

    Exit code 0: everything came out as it must. 1: it did not. 2: the program or the pack failed.
    """
    from toolgate.access.deployment.stack_export import DeploymentError
    from toolgate.local.demo import main
    from toolgate.local.plan import PackError, ProgramError
    from toolgate.local.serve.agents.agent_process import AgentStartError

    try:
        return main(stack, program)
    except (AgentStartError, DeploymentError, PackError, ProgramError) as error:
        raise CommandError(str(error)) from error
