"""`toolgate check`: what a change of one's own must pass."""

from pathlib import Path

import click

from toolgate.cli import options


@click.command()
@options.program
def check(program: Path) -> int:
    """What a change must pass: lint, types, tests of the tools, plans of all stacks.

    Exit code 0: everything passed. 1: something did not.
    """
    from toolgate.local.check import main

    return main(program)
