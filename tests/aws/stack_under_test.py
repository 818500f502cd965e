"""The stack under test: read from Pulumi, and checked to be one that can be asked from here."""

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from toolgate.access.deployment.deployment import Deployment, parse
from toolgate.access.deployment.stack_export import DeploymentError

ROOT = Path(__file__).resolve().parents[2]
_MAY_ASSUME = re.compile(r"arn:[a-z-]+:(iam::\d{12}:user|sts::\d{12}:assumed-role)/.+")


class CannotStartError(Exception):
    """The suite does not start; the text is one line and says what to do."""


@dataclass(frozen=True)
class UnderTest:
    """A deployed stack, and who asks it.

    Attributes:
        name: The stack's name.
        deployment: What it deployed.
        account: The account that it is in.
        region: The Region that it is in.
        caller: ARN of whoever runs the suite.
    """

    name: str
    deployment: Deployment
    account: str
    region: str
    caller: str


def read(stack: str, session: boto3.Session, folder: Path = ROOT) -> UnderTest:
    """Read a stack.

    Args:
        stack: Its name.
        session: The credentials of whoever runs the suite.
        folder: The project's folder.

    Raises:
        CannotStartError: The stack cannot be read, has no gateway, or the credentials are of no use for it.
    """
    try:
        deployment = parse(_export(stack, folder))
    except DeploymentError as error:
        raise CannotStartError(f"stack {stack}: {error}") from error
    if not deployment.gateways or not deployment.runtimes:
        raise CannotStartError(f"stack {stack} has no gateway or no agent. Deploy it: make up STACK={stack}")
    _, _, _, region, account, _ = deployment.gateways[0].arn.split(":", 5)
    return UnderTest(stack, deployment, account, region, _caller(session, region, account))


def _export(stack: str, folder: Path) -> Mapping[str, Any]:
    command = ["pulumi", "stack", "export", "--stack", stack]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise CannotStartError("`pulumi` is not on PATH: install its CLI, and log in to the stack's backend") from None
    if done.returncode:
        reason = next((line for line in done.stderr.splitlines() if line.strip()), "no reason given")
        raise CannotStartError(f"stack {stack} cannot be read: {reason.removeprefix('error: ')}")
    exported: Mapping[str, Any] = json.loads(done.stdout)
    return exported


def _caller(session: boto3.Session, region: str, account: str) -> str:
    try:
        identity = session.client("sts", region_name=region).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise CannotStartError(f"no AWS credentials that work: {' '.join(str(error).split())}") from error
    if identity["Account"] != account:
        raise CannotStartError(
            f"the stack is in account {account}, your credentials are of {identity['Account']}. Set AWS_PROFILE."
        )
    arn: str = identity["Arn"]
    if not _MAY_ASSUME.fullmatch(arn):
        raise CannotStartError(f"{arn} can take no role. Run it as an IAM user, or with a role or an SSO profile.")
    return arn
