"""The functions behind tools, with every door that each has of its own: its policy, its URLs, its aliases."""

from collections.abc import Iterator
from dataclasses import dataclass

from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.function_access import FunctionUrl, function_name
from toolgate.access.iam.policies import Policy

LATEST = "$LATEST"
"""The version that every function has; it can be invoked by name as well (Lambda developer guide, "Versions")."""


@dataclass(frozen=True)
class GatewayTool:
    """A tool that a gateway offers: the gateway's ARN, the tool's full name, and its name without the target's."""

    gateway: str
    name: str
    plain: str


@dataclass(frozen=True)
class ToolFunction:
    """A function behind a tool.

    Attributes:
        arn: Its unqualified ARN.
        tools: The tools that it stands behind, at whichever gateway.
        callers: ARNs of the roles with which those gateways invoke it, and that nothing else has.
        ways_in: The ARNs under which it can be invoked: its own, its aliases, its versions.
        urls: Its URLs.
        policy: Its own policy, of all its permissions.
        known: Whether the function is in the deployment.
    """

    arn: str
    tools: tuple[GatewayTool, ...]
    callers: frozenset[str]
    ways_in: tuple[str, ...]
    urls: tuple[FunctionUrl, ...] = ()
    policy: Policy | None = None
    known: bool = True


def tool_functions(deployment: Deployment) -> tuple[ToolFunction, ...]:
    """All functions behind a tool of the deployment, in the order of their targets."""
    tools: dict[str, list[GatewayTool]] = {}
    callers: dict[str, set[str]] = {}
    for gateway, arn, listed in _behind(deployment):
        tools.setdefault(arn, []).extend(listed)
        callers.setdefault(arn, set()).add(gateway.role_arn)
    known = {function.arn for function in deployment.functions}
    # A role that an agent or a function has as well is more than the gateway's.
    shared = {it.role_arn for it in deployment.runtimes} | {it.role_arn for it in deployment.functions}
    return tuple(
        ToolFunction(
            arn=arn,
            tools=tuple(of_function),
            callers=frozenset(callers[arn] - shared),
            ways_in=_ways_in(deployment, arn),
            urls=tuple(url for url in deployment.function_access.urls if url.function.means(arn)),
            policy=_policy(deployment, arn),
            known=arn in known,
        )
        for arn, of_function in tools.items()
    )


def _behind(deployment: Deployment) -> Iterator[tuple[Gateway, str, list[GatewayTool]]]:
    gateways = {gateway.id: gateway for gateway in deployment.gateways}
    for target in deployment.targets:
        gateway = gateways.get(target.gateway_id)
        if gateway is not None and target.function_arn is not None:
            offered = [GatewayTool(gateway.arn, target.full_name(tool), tool.name) for tool in target.tools or ()]
            yield gateway, function_name(target.function_arn).name, offered


def _ways_in(deployment: Deployment, arn: str) -> tuple[str, ...]:
    named = (it.qualified(arn) for it in deployment.function_access.qualified if it.means(arn))
    return tuple(dict.fromkeys([arn, f"{arn}:{LATEST}", *named]))


def _policy(deployment: Deployment, arn: str) -> Policy | None:
    statements = [
        {**it.statement, "Resource": it.function.qualified(arn)}
        for it in deployment.function_access.permissions
        if it.function.means(arn)
    ]
    name = arn.rsplit(":", 1)[-1]
    return Policy(name, {"Version": "2012-10-17", "Statement": statements}) if statements else None
