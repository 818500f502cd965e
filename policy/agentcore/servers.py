"""Which runtimes of a stack are MCP servers behind targets, and which gateways those targets may be of."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass

from toolgate.policy.agentcore import gateways
from toolgate.policy.language.agentcore_facts import GATEWAY, RUNTIME, TARGET, runtime_at
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.properties import at
from toolgate.policy.rule import Resource
from toolgate.policy.stack import Stack

CONFIGURATION = "targetConfiguration"


@dataclass(frozen=True)
class ToolServer:
    """A runtime behind a target."""

    target: Resource
    runtime: Resource
    gateways: tuple[Resource, ...]
    """The gateways that the target may be of, as far as the stack tells."""


@functools.lru_cache(maxsize=1)
def of_gateways(stack: Stack) -> tuple[ToolServer, ...]:
    """The servers of the stack behind its targets, by the target's endpoint, or by the graph while that is unknown."""
    return tuple(
        ToolServer(target, runtime, tuple(gateways.referred(stack, target, GATEWAY, "gatewayIdentifier")))
        for target in mcp_targets(stack)
        for runtime in _behind(stack, target)
    )


def mcp_targets(stack: Stack) -> Iterator[Resource]:
    """The targets that are MCP servers, wherever these run."""
    for target in stack.of(TARGET):
        if at(target.props, CONFIGURATION, "mcp", "mcpServer") not in (None, UNKNOWN):
            yield target


def _behind(stack: Stack, target: Resource) -> list[Resource]:
    endpoint = at(target.props, CONFIGURATION, "mcp", "mcpServer", "endpoint")
    if not isinstance(endpoint, str):
        return stack.behind(target, CONFIGURATION, RUNTIME)
    arn = runtime_at(endpoint)
    return [it for it in stack.of(RUNTIME) if arn and at(it.props, "agentRuntimeArn") == arn]
