"""A gateway's targets: checked as a whole, and made no more at once than AgentCore takes."""

from collections.abc import Callable, Mapping
from typing import Any, TypedDict

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import arguments
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import tool_grants
from toolgate.components.grants.cedar_schema import Tools
from toolgate.components.tools import provider_tool_schema, tool_check
from toolgate.components.tools.listed_schema import ToolSchema

# AgentCore quotas, "Gateway": concurrent target operations on one gateway.
CONCURRENT_TARGETS = 5


class GatewayTarget(TypedDict):
    """A Lambda function behind the gateway, and the tools it serves."""

    function_arn: pulumi.Input[str]
    """ARN of the function."""
    tools: pulumi.Input[list[ToolSchema]]
    """The tools it serves; those of a LambdaTools are its `tools`."""


def read(
    targets: Mapping[str, GatewayTarget], where: str, also: Callable[[Tools], None] = lambda _: None
) -> Tools | pulumi.Output[Tools]:
    """The targets' tools, checked: an Output where a program in another language gave them as one.

    Args:
        targets: The targets.
        where: The gateway, for messages.
        also: A further check of the tools, which may raise UsageError.

    Raises:
        UsageError: A schema is none of AgentCore's, or the tools cannot be handed to agents together.
    """

    def checked(tools: Tools) -> Tools:
        at = f"{where}.targets"
        found = [fault for target, its in tools.items() for fault in tool_check.faults(its, f"{at}.{target}.tools")]
        if found:
            raise UsageError("\n".join(found))
        full_names(tools, where)
        also(tools)
        return tools

    given = {target: it["tools"] for target, it in targets.items()}
    return arguments.derived(given, dict[str, Any], f"{where}.targets", checked)


def full_names(tools: Tools, where: str) -> list[str]:
    """Full names of all the tools."""
    return tool_grants.full_names(available(tools), where)


def available(tools: Tools) -> dict[str, list[str]]:
    """The tools' names by target."""
    return {target: [tool["name"] for tool in its_tools] for target, its_tools in tools.items()}


def as_output(tools: Tools | pulumi.Output[Tools]) -> pulumi.Output[Tools]:
    """The tools as an Output, whatever they came as."""
    return tools if isinstance(tools, pulumi.Output) else arguments.as_output(tools)


def without_tools(args: Mapping[str, Any]) -> Mapping[str, Any]:
    """A gateway's arguments but for the targets' tools: those are checked as a whole, so that each mistake is told."""
    targets: Any = args.get("targets") if isinstance(args, Mapping) else None
    if not isinstance(targets, Mapping):
        return args
    bare = {
        name: {**target, "tools": []} if isinstance(target, Mapping) and "tools" in target else target
        for name, target in targets.items()
    }
    return {**args, "targets": bare}


def shown(targets: Mapping[str, GatewayTarget], tools: Tools | pulumi.Output[Tools]) -> Mapping[str, Any]:
    """The targets as the component's inputs have them: of tools that are known the names alone.

    Their schemas stand in the targets' own resources. An engine and its SDK walk through each of a component's inputs,
    and a hundred tools have thousands of values.
    """
    if isinstance(tools, pulumi.Output):
        return targets
    named = available(tools)
    return {name: {**target, "tools": named[name]} for name, target in targets.items()}


def make(
    name: str,
    targets: Mapping[str, GatewayTarget],
    tools: Tools | pulumi.Output[Tools],
    gateway: aws.bedrock.AgentcoreGateway,
    ready: pulumi.ResourceOptions,
) -> list[aws.bedrock.AgentcoreGatewayTarget]:
    """Make the targets.

    Args:
        name: The component's name.
        targets: The targets.
        tools: Their tools, checked.
        gateway: The gateway.
        ready: Their parent and hooks, and what must be there before them.
    """
    made: list[aws.bedrock.AgentcoreGatewayTarget] = []
    for target_name, target in targets.items():
        function = {
            "lambda_arn": target["function_arn"],
            "tool_schema": {"inline_payloads": _payloads(tools, target_name)},
        }
        resource = aws.bedrock.AgentcoreGatewayTarget(
            f"{name}-{target_name}",
            name=target_name,
            gateway_identifier=gateway.gateway_id,
            credential_provider_configuration={"gateway_iam_role": {}},
            target_configuration={"mcp": {"lambda_": function}},
            opts=ready.merge(pulumi.ResourceOptions(depends_on=_before(made), delete_before_replace=True)),
        )
        made.append(resource)
    return made


def _payloads(tools: Tools | pulumi.Output[Tools], target: str) -> pulumi.Input[list[dict[str, Any]]]:
    def payloads(known: Tools) -> list[dict[str, Any]]:
        return [provider_tool_schema.inline_payload(tool) for tool in known[target]]

    return tools.apply(payloads) if isinstance(tools, pulumi.Output) else payloads(tools)


def _before[T](made: list[T]) -> list[T]:
    """What the next target waits for: the one as many places before it as may be under way at once."""
    return [made[-CONCURRENT_TARGETS]] if len(made) >= CONCURRENT_TARGETS else []
