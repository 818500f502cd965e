"""A gateway's targets: checked as a whole, and made no more at once than AgentCore takes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import arguments
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import tool_grants
from toolgate.components.grants.cedar_schema import Tools
from toolgate.components.iam import iam_documents
from toolgate.components.iam.iam_documents import Statement, Text
from toolgate.components.targets import kinds
from toolgate.components.targets.kind import Beside, GatewayRole
from toolgate.components.targets.kinds import GatewayTarget
from toolgate.components.tools import tool_check

# AgentCore quotas, "Gateway": concurrent target operations on one gateway.
CONCURRENT_TARGETS = 5


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


def only(target: GatewayTarget, names: Sequence[str]) -> GatewayTarget:
    """The target with those of its tools that have these names; its tools are no Output."""
    tools: Any = target["tools"]
    return {**target, "tools": [tool for tool in tools if tool["name"] in names]}


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
    said: Mapping[str, Any] = targets
    if not isinstance(tools, pulumi.Output):
        named = available(tools)
        said = {name: {**target, "tools": named[name]} for name, target in targets.items()}
    return arguments.plain(said)  # type: ignore[no-any-return]  # of the same form


def grants(
    targets: Mapping[str, GatewayTarget], of_interceptors: Sequence[Text], role: GatewayRole
) -> dict[str, Any] | None:
    """What the gateway's role may do: for its targets, kind by kind, and for its interceptors' functions.

    Args:
        targets: The targets.
        of_interceptors: ARNs of the interceptors' functions.
        role: The role.
    """
    statements: list[Statement] = []
    for kind, its in kinds.by_kind(targets):
        statements += kind.grants(its, role)
    statements += iam_documents.invoke_interceptors(of_interceptors)
    return iam_documents.document(*statements) if statements else None


@dataclass(frozen=True)
class At:
    """Where targets are made.

    Attributes:
        gateway: The gateway.
        role: Its role.
        ready: Their parent and hooks, and what must be there before them.
    """

    gateway: aws.bedrock.AgentcoreGateway
    role: GatewayRole
    ready: pulumi.ResourceOptions


def make(
    name: str, targets: Mapping[str, GatewayTarget], tools: Tools | pulumi.Output[Tools], at: At
) -> list[aws.bedrock.AgentcoreGatewayTarget]:
    """Make the targets.

    Args:
        name: The component's name.
        targets: The targets.
        tools: Their tools, checked.
        at: Where.
    """
    made: list[aws.bedrock.AgentcoreGatewayTarget] = []
    for target_name, target in targets.items():
        kind, resource_name = kinds.kind_of(target), f"{name}-{target_name}"
        before = [*_before(made), *kind.make(target, Beside(resource_name, at.role, at.ready))]
        resource = aws.bedrock.AgentcoreGatewayTarget(
            resource_name,
            name=target_name,
            gateway_identifier=at.gateway.gateway_id,
            credential_provider_configuration=kind.credentials(target),
            target_configuration={"mcp": _configuration(target, tools, target_name)},
            opts=at.ready.merge(pulumi.ResourceOptions(depends_on=before, delete_before_replace=True)),
        )
        made.append(resource)
    return made


def _configuration(target: GatewayTarget, tools: Tools | pulumi.Output[Tools], name: str) -> pulumi.Input[Any]:
    configuration = kinds.kind_of(target).configuration
    if isinstance(tools, pulumi.Output):
        return tools.apply(lambda known: configuration(target, known[name]))
    return configuration(target, tools[name])


def _before(made: list[aws.bedrock.AgentcoreGatewayTarget]) -> list[pulumi.Resource]:
    """What the next target waits for: the one as many places before it as may be under way at once."""
    return [made[-CONCURRENT_TARGETS]] if len(made) >= CONCURRENT_TARGETS else []
