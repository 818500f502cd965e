"""`python -m tests.aws.permissions`: what whoever runs the suite must be allowed, as an IAM document.

Making and taking down the throw-away stack (`toolgate deployer` reads that from its plan), and what is asked besides.
The callers' roles need nothing here: their trust policies name whoever runs the suite.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.aws.local_world import PROJECT, planned_scratch, planned_stack
from tests.planning import ROOT
from toolgate.access.deployment.deployment import Deployment, parse
from toolgate.deployer.actions import STACK_TAG
from toolgate.deployer.deployer_policy import permissions
from toolgate.deployer.managed_policies import size
from toolgate.local.engine.stack_config import ConfigError

LARGEST_INLINE = 10_240
"""Characters without white space (IAM user guide, "IAM and AWS STS quotas")."""
# The end of each name is left open: one pattern for all of a kind is shorter, and the questions make a gateway by the
# way. Nothing else has names that begin so.
_NAMES = re.compile(r"toolgate([-_])probe\1local\1[\w-]*")
_OPEN = r"toolgate\1probe\1r?????\1*"
_RUNS = f"{PROJECT}-r?????-*"
_OF_STACK, _STACKS = f"aws:ResourceTag/{STACK_TAG}", f"{PROJECT}/r?????"
# What AgentCore does with a key in the name of whoever makes a gateway (deployer/actions.py, `_encrypted`).
_OF_KEY = "kms:CreateGrant kms:Decrypt kms:DescribeKey kms:GenerateDataKey"
_ID = re.compile(r"-[0-9a-zA-Z]{10}$")


def document(stack: Mapping[str, Any], scratch: Mapping[str, Any], account: str, key: str = "") -> dict[str, Any]:
    """The document.

    Args:
        stack: The deployment of the stack under test, or its plan.
        scratch: The plan of the throw-away stack.
        account: The account, 12 digits.
        key: ARN of the KMS key that the suite is given, or nothing.
    """
    made = permissions(json.loads(_NAMES.sub(_OPEN, json.dumps(scratch))), account)
    given = [_allow("UseKey", _OF_KEY, [key])] if key else []
    statements = [*map(_of_any_run, made["Statement"]), *_asking(parse(stack), account), *given]
    return {**made, "Statement": [{**it, "Resource": _without_covered(it["Resource"])} for it in statements]}


def _of_any_run(statement: dict[str, Any]) -> dict[str, Any]:
    """A user pool is known by the tag that says of which run's stack it is, until it has an id."""
    equal = statement.get("Condition", {}).get("StringEquals", {})
    if _OF_STACK not in equal:
        return statement
    others = {key: value for key, value in equal.items() if key != _OF_STACK}
    condition = {"StringLike": {_OF_STACK: _STACKS}, **({"StringEquals": others} if others else {})}
    return {**statement, "Condition": {**statement["Condition"], **condition} if others else condition}


def _without_covered(resources: Sequence[str]) -> list[str]:
    """The patterns without those that another one covers: with open ends there are some, and a document is short."""
    open_ends = [it.removesuffix("*") for it in resources if it.endswith("*")]
    return [it for it in resources if not any(it.startswith(begin) and it != f"{begin}*" for begin in open_ends)]


def _asking(stack: Deployment, account: str) -> Iterator[dict[str, Any]]:
    region = stack.gateways[0].arn.split(":")[3]

    def arn(service: str, resource: str) -> str:
        return f"arn:{stack.gateways[0].arn.split(':')[1]}:{service}:{region}:{account}:{resource}"

    runtimes = [arn("bedrock-agentcore", f"runtime/{_ID.sub('-' + '?' * 10, it.id)}") for it in stack.runtimes]
    functions = [arn("logs", f"log-group:/aws/lambda/{it.name}:*") for it in stack.functions]
    endpoints = [f"{it}/runtime-endpoint/DEFAULT" for it in runtimes]
    # Those of the throw-away stack whoever makes it may ask as well.
    yield _allow("AskAgents", "bedrock-agentcore:InvokeAgentRuntime", [*runtimes, *endpoints])
    yield _allow("ReadAgents", "bedrock-agentcore:GetAgentRuntime", runtimes)
    logs = [*functions, arn("logs", f"log-group:/aws/lambda/{_RUNS}:*")]
    yield _allow("CountRuns", "logs:FilterLogEvents", logs)
    left = arn("logs", f"log-group:/aws/bedrock-agentcore/runtimes/{_RUNS.replace('-', '_')}")
    yield _allow("ForgetLogs", "logs:DeleteLogGroup", [left, f"{left}:*"])
    # They take no resource; the first is asked in every Region.
    yield _allow("Find", "bedrock-agentcore:ListPolicyEngines cloudwatch:ListMetrics", ["*"])


def _allow(sid: str, actions: str, resources: list[str]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions.split(), "Resource": resources}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the document; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.aws.permissions", description="What the suite must be allowed."
    )
    parser.add_argument("--stack", default="dev", help="the stack under test (default: dev)")
    parser.add_argument("--account", required=True, help="the account that it is in, 12 digits")
    parser.add_argument("--key", default="", help="ARN of the KMS key that `pytest --key` is given")
    options = parser.parse_args(arguments)
    if not re.fullmatch(r"\d{12}", options.account, re.ASCII):
        parser.error(f"{options.account} is no account id; give 12 digits")
    try:
        stack = planned_stack(options.stack, ROOT)
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    region = parse(stack).gateways[0].arn.split(":")[3]
    printed = document(stack, planned_scratch(region)[0], options.account, options.key)
    print(json.dumps(printed, indent=2))
    print(f"{size(printed)} characters; the inline policies of a role take {LARGEST_INLINE}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
