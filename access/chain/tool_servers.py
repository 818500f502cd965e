"""The MCP servers behind tools that run in a runtime: whoever may invoke it calls all tools, with no gateway."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from toolgate.access.chain.tool_functions import GatewayTool
from toolgate.access.deployment.agentcore_resources import Gateway, Runtime, Target
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.matrix.elsewhere import ANY_TOOL
from toolgate.policy.language.agentcore_facts import full_name


@dataclass(frozen=True)
class ToolServer:
    """A runtime behind tools.

    Attributes:
        arn: Its ARN.
        name: How a reader is told of it.
        tools: The tools that it stands behind, at whichever gateway.
        callers: ARNs of the roles with which those gateways invoke it, and that nothing else has.
        runtime: The runtime, if it is in the deployment.
    """

    arn: str
    name: str
    tools: tuple[GatewayTool, ...]
    callers: frozenset[str]
    runtime: Runtime | None = None


def tool_servers(deployment: Deployment) -> tuple[ToolServer, ...]:
    """All runtimes behind a tool of the deployment, in the order of their targets."""
    tools: dict[str, list[GatewayTool]] = {}
    callers: dict[str, set[str]] = {}
    for gateway, arn, listed in _behind(deployment):
        tools.setdefault(arn, []).extend(listed)
        callers.setdefault(arn, set()).add(gateway.role_arn)
    runtimes: Mapping[str, Runtime] = {it.arn: it for it in deployment.runtimes}
    # A role that an agent, a server or a function has as well is more than the gateway's.
    shared = {it.role_arn for it in deployment.runtimes} | {it.role_arn for it in deployment.functions}
    return tuple(
        ToolServer(
            arn=arn,
            name=runtimes[arn].agent if arn in runtimes else arn.rpartition("/")[2],
            tools=tuple(of_server),
            callers=frozenset(callers[arn] - shared),
            runtime=runtimes.get(arn),
        )
        for arn, of_server in tools.items()
    )


def _behind(deployment: Deployment) -> Iterator[tuple[Gateway, str, list[GatewayTool]]]:
    gateways = {gateway.id: gateway for gateway in deployment.gateways}
    for target in deployment.targets:
        gateway, arn = gateways.get(target.gateway_id), target.place.runtime_arn
        if gateway is not None and arn is not None:
            yield gateway, arn, offered(gateway, target)


def offered(gateway: Gateway, target: Target) -> list[GatewayTool]:
    """A target's tools at its gateway; one for all of them where they are not listed."""
    names = [tool.name for tool in target.tools] if target.tools is not None else [ANY_TOOL]
    return [GatewayTool(gateway.arn, full_name(target.name, name), name) for name in names]
