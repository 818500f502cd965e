"""`toolgate deployer`: the IAM document of whoever deploys a stack."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from toolgate.cli import options
from toolgate.cli.options import CommandError
from toolgate.cli.output import say


def _account(_ctx: click.Context, _param: click.Parameter, given: str | None) -> str | None:
    if given is not None and not re.fullmatch(r"\d{12}", given, re.ASCII):
        raise click.BadParameter(f"{given} is no account id; give 12 digits")
    return given


@click.command()
@options.program
@options.stack
@click.option("--deployment", type=options.FILE, help="a deployment file (`pulumi stack export`) instead of a plan")
@click.option("--account", callback=_account, help="the account it goes to (default: the deployment's own)")
@click.option("--folder", type=options.FILE, help="write managed policies there (deployer-1.json, ...), do not print")
@click.option("--read-only", is_flag=True, help="only what a preview and a drift check call")
def deployer(
    program: Path, stack: str, deployment: Path | None, account: str | None, folder: Path | None, read_only: bool
) -> None:
    """What deploying a stack must allow, as an IAM document."""
    from toolgate.access.deployment.stack_export import DeploymentError, load
    from toolgate.deployer import managed_policies
    from toolgate.deployer.deployer_policy import DeployerError, permissions

    try:
        export = load(deployment) if deployment else options.planned(program, stack, None).deployment
        document = permissions(export, account, read_only=read_only, planned=deployment is None)
        _note_unmade(document)
        if not document["Statement"]:
            say(
                "The deployment has nothing that anybody must be allowed to make: IAM takes no such document.", err=True
            )
        if folder:
            for file in managed_policies.write(document, folder):
                say(file)
            return
    except (DeployerError, DeploymentError) as error:
        raise CommandError(str(error)) from error
    except managed_policies.TooLargeError as error:
        raise CommandError(f"{error}. Split the stack.") from error
    say(json.dumps(document, indent=2))
    taken = managed_policies.size(document)
    if taken > managed_policies.LARGEST:
        say(
            f"{taken} characters: too large for one managed policy ({managed_policies.LARGEST}). Write several with "
            "--folder FOLDER.",
            err=True,
        )


def _note_unmade(document: Mapping[str, Any]) -> None:
    from toolgate.deployer.actions import OF_STACK, STACK_TAG
    from toolgate.deployer.deployer_policy import STILL_UNMADE

    for what, unmade in STILL_UNMADE.items():
        about = [it for it in document["Statement"] if any(map(unmade.search, it["Resource"]))]
        if not about:
            continue
        tagged = all(set(OF_STACK) <= set(it.get("Condition", {}).get("StringEquals", {})) for it in about)
        known = (
            f"knows it by its tag {STACK_TAG}"
            if tagged
            else f"names every {what.rpartition(' ')[2]} of the account in the Region"
        )
        say(
            f"The stack's {what} has no id yet, so the document {known}. After the first deployment print it anew from "
            "the stack's export: --deployment FILE.",
            err=True,
        )
