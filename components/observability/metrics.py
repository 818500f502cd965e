"""What is observed, and which CloudWatch metrics are about it: their namespace and dimensions.

CloudWatch finds a metric only by the exact set of dimensions that it is published with. The guide names AgentCore's
dimensions and not their sets ("AgentCore generated gateway observability data"); these two sets are the ones that
aws/aws-cdk#38487 and #38486 took for AgentCore after alarms on the ARN alone had never received data.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import pulumi

from toolgate.components.checks.arguments import UsageError

AGENTCORE = "AWS/Bedrock-AgentCore"
LAMBDA = "AWS/Lambda"
ENDPOINT = "DEFAULT"
"""The endpoint by which a runtime is called here."""

_GATEWAY = re.compile(r"arn:[^:]+:bedrock-agentcore:[^:]+:[^:]+:gateway/[^/:]+")
# botocore bedrock-agentcore-control AgentRuntimeId: the runtime's name and ten characters.
_RUNTIME = re.compile(r"arn:[^:]+:bedrock-agentcore:[^:]+:[^:]+:runtime/(?P<name>[^/:]+)-[a-zA-Z0-9]{10}")
_FUNCTION = re.compile(r"arn:[^:]+:lambda:[^:]+:[^:]+:function:(?P<name>[^:]+)")


@dataclass(frozen=True)
class Monitored:
    """A gateway or runtime, as what logs, traces and alarms are about.

    Attributes:
        kind: Which of the two.
        name: Its name in AWS.
        arn: Its ARN.
        tags: Tags for whatever is made to observe it.
        kms_key_arn: The key that encrypts what is kept of it; None for CloudWatch's own.
    """

    kind: Literal["gateway", "runtime"]
    name: str
    arn: pulumi.Output[str]
    tags: pulumi.Input[dict[str, pulumi.Input[str]]] | None = None
    kms_key_arn: pulumi.Input[str] | None = None


def of_gateway(arn: str) -> dict[str, str]:
    """The dimensions of a gateway's invocation metrics, all methods and tools together.

    Raises:
        UsageError: It is no gateway's ARN.
    """
    _matched(_GATEWAY, arn, "a gateway")
    return {"Operation": "InvokeGateway", "Protocol": "MCP", "Resource": arn}


def of_runtime(arn: str) -> dict[str, str]:
    """The dimensions of a runtime's invocation metrics, on its endpoint DEFAULT.

    Raises:
        UsageError: It is no runtime's ARN.
    """
    name = _matched(_RUNTIME, arn, "a runtime")["name"]
    return {"Operation": "InvokeAgentRuntime", "Name": f"{name}::{ENDPOINT}", "Resource": arn}


def of_function(arn: str) -> dict[str, str]:
    """The dimension of a function's metrics (Lambda developer guide, "Viewing metrics for Lambda functions").

    Raises:
        UsageError: It is no function's ARN, or one of a version or alias.
    """
    return {"FunctionName": _matched(_FUNCTION, arn, "a function")["name"]}


DIMENSIONS: Mapping[str, Callable[[str], dict[str, str]]] = {
    "gateway": of_gateway,
    "runtime": of_runtime,
    "function": of_function,
}
"""By kind: the dimensions of its metrics, from its ARN."""


def _matched(pattern: re.Pattern[str], arn: str, what: str) -> re.Match[str]:
    match = pattern.fullmatch(arn)
    if match is None:
        raise UsageError(f"{arn!r} is not the ARN of {what}.")
    return match
