"""`toolgate plan`: the program and the policy pack, or the pack alone."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from toolgate.cli import options
from toolgate.cli.options import CommandError
from toolgate.cli.output import say

if TYPE_CHECKING:
    from toolgate.local.plan import Plan


@click.command()
@options.program
@options.stack
@click.option("--deployment", type=options.FILE, help="judge this deployment file (`pulumi stack export`) instead")
@click.option("--out", type=options.FILE, help="write the planned deployment here")
@options.rules
def plan(program: Path, stack: str, deployment: Path | None, out: Path | None, rules: Path | None) -> int:
    """Run a program and the policy pack.

    Exit code 0: no mandatory violation. 1: there are some. 2: the program or the pack failed.
    """
    from toolgate.local.plan import describe, write

    result = _judged(deployment, rules) if deployment else options.planned(program, stack, rules)
    say(describe(result))
    if out:
        options.written(lambda file: write(result.deployment, file), out, "--out")
        say(f"Deployment written to {out}")
    return options.VIOLATIONS if result.mandatory else options.OK


def _judged(file: Path, rules: Path | None) -> "Plan":
    from toolgate.local.plan import PackError, judge
    from toolgate.local.progress import waiting_for

    deployment, config = options.deployment_of(file), options.pack_config(rules)
    try:
        with waiting_for("the policy pack"):
            return judge(deployment, rules=config)
    except PackError as error:
        raise CommandError(str(error)) from error
