"""What an agent may be handed: tools' names resolved against what a gateway has, and what authorization can enforce."""

import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi

from toolgate.components.checks import names
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants.inbound import Bearer

Available = Mapping[str, Sequence[str]]
"""Tool names by target."""


class Authorization(enum.Enum):
    """What a caller with access to a gateway may call."""

    GATEWAY = "gateway"
    """Whoever may invoke the gateway may call each of its tools; the gateway has the tool search."""
    TOOL = "tool"
    """Only the tools that were handed to the caller. No tool search: it would show it the others too."""


class GatewayTools(TypedDict):
    """Tools of one gateway, handed to an agent: the grant."""

    gateway_arn: pulumi.Input[str]
    """ARN of the gateway."""
    gateway_url: pulumi.Input[str]
    """The gateway's MCP endpoint."""
    tools: pulumi.Input[list[str]]
    """Full names of the tools; the gateway's `tool_names` are all of them."""
    policy_engine_id: NotRequired[pulumi.Input[str]]
    """Id of the gateway's policy engine, with authorization 'tool': the permit is written there."""
    actions: NotRequired[list[str]]
    """What the permit and the callers' table name: full tool names, and targets for all their tools. Default:
    `tools`."""
    when: NotRequired[str]
    """A condition in Cedar that must hold for each call."""
    bearer: NotRequired[Bearer]
    """How to come to the gateway, where it takes tokens. Default: it takes requests that the agent's role signs."""
    callers: NotRequired[pulumi.Input[str]]
    """Where the gateway's interceptors read who a caller is, if one asks: its output `callers`. What is handed over is
    written there. Default: none asks."""


def full_names(available: Available, where: str) -> list[str]:
    """Every tool's full name, in order.

    Args:
        available: What there is.
        where: Who has it, for messages.

    Raises:
        UsageError: There is no target, a target has no tool, two tools have one name, or a name would be refused.
    """
    if not available:
        raise UsageError(f"{where}: has no target. A target is a folder of lambdas/ with a tools.py.")
    owners: dict[str, str] = {}
    for target, tools in available.items():
        names.target(target)
        if not tools:
            raise UsageError(f"{where}: target {target!r} has no tool. Give it one, or remove it.")
        for tool in tools:
            if tool in owners:
                # AgentCore takes one tool name in two targets, but a model chooses by name and mixes them up.
                both = f"targets {owners[tool]!r} and {target!r} both have the tool {tool!r}"
                twice = f"target {target!r} has the tool {tool!r} twice"
                raise UsageError(f"{where}: {twice if owners[tool] == target else both}. Rename one.")
            owners[tool] = target
    return [names.full_tool(target, tool) for tool, target in owners.items()]


def resolve(available: Available, asked: Iterable[str], authorization: Authorization, where: str) -> list[str]:
    """The full names of the tools asked for, each once, in the gateway's order.

    Args:
        available: What the gateway has.
        asked: Target names (all their tools) and full tool names.
        authorization: What the gateway enforces.
        where: Who asks, for messages.

    Raises:
        UsageError: A name is neither a target nor a tool, or authorization cannot withhold what was not asked for.
    """
    every = full_names(available, where)
    chosen: set[str] = set()
    for name in asked:
        if name in available:
            chosen.update(names.full_tool(name, tool) for tool in available[name])
        elif name in every:
            chosen.add(name)
        else:
            targets, tools = ", ".join(available), ", ".join(every)
            raise UsageError(f"{where}: {name!r} is neither a target nor a tool. Targets: {targets}. Tools: {tools}.")
    left_out = [name for name in every if name not in chosen]
    if chosen and left_out and authorization is Authorization.GATEWAY:
        raise UsageError(
            f"{where}: with authorization 'gateway' whoever may invoke the gateway may call every tool, so leaving out "
            f"{', '.join(left_out)} would not hold. Hand over all tools, or use authorization 'tool'."
        )
    return [name for name in every if name in chosen]
