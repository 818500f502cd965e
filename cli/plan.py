"""`toolgate plan`: the program and the policy pack, or the pack alone."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

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
@options.config
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def plan(program: Path, stack: str, deployment: Path | None, **asked: Any) -> int:
    """Run a program and the policy pack.

    Exit code 0: no mandatory violation. 1: there are some. 2: the program or the pack failed.
    """
    from toolgate.local.plan import as_json, describe, write

    out, rules, config, form = (asked[it] for it in ("out", "rules", "config", "form"))
    if deployment and config:
        raise CommandError("--config is for a program that is planned, and --deployment judges a file as it is")
    result = _judged(deployment, rules) if deployment else options.planned(program, stack, rules, dict(config))
    say({"text": describe, "json": as_json}[form](result))
    if out:
        options.written(lambda file: write(result.deployment, file), out, "--out")
        say(f"Deployment written to {out}", err=form == "json")
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
