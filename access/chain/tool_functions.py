"""The functions behind tools, with every door that each has of its own: its policy, its URLs, its aliases."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.function_access import LATEST, FunctionName, FunctionUrl, Permission, function_name
from toolgate.access.deployment.not_read import OWN_POLICY
from toolgate.access.iam.policies import UNREAD, Policy


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
        ways_in: The ARNs under which it can be invoked: its own, its aliases', its versions'.
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
    policies = own_policies(deployment, tools)
    urls = _ByFunction((it.function, it) for it in deployment.function_access.urls)
    named = _ByFunction((it, it) for it in _named(deployment))
    return tuple(
        ToolFunction(
            arn=arn,
            tools=tuple(of_function),
            callers=frozenset(callers[arn] - shared),
            ways_in=tuple(dict.fromkeys([arn, f"{arn}:{LATEST}", *(it.qualified(arn) for it in named.of(arn))])),
            urls=tuple(urls.of(arn)),
            policy=policies[arn],
            known=arn in known,
        )
        for arn, of_function in tools.items()
    )


def own_policies(deployment: Deployment, functions: Iterable[str]) -> Mapping[str, Policy | None]:
    """The policies on functions, of all their permissions, by the unqualified ARNs that are asked for."""
    permissions = _ByFunction((it.function, it) for it in deployment.function_access.permissions)
    return {
        arn: UNREAD if deployment.unread(arn, OWN_POLICY) else _policy(arn, permissions.of(arn)) for arn in functions
    }


def function_policy(deployment: Deployment, arn: str) -> Policy | None:
    """The policy on the function that an ARN is of, an alias's or a version's as well."""
    name = function_name(arn).name
    return own_policies(deployment, [name])[name]


class _ByFunction[T]:
    """What is said of functions, found by their names, of which each Region has its own.

    Args:
        said: What it is, and the function that it names.
    """

    def __init__(self, said: Iterable[tuple[FunctionName, T]]) -> None:
        self._said: dict[str, list[tuple[FunctionName, T]]] = {}
        for function, it in said:
            self._said.setdefault(_last(function.name), []).append((function, it))

    def of(self, arn: str) -> Iterator[T]:
        """What is said of the function with this ARN."""
        return (it for function, it in self._said.get(_last(arn), ()) if function.means(arn))


def _last(name: str) -> str:
    return name.rsplit(":", 1)[-1]


def _named(deployment: Deployment) -> Iterator[FunctionName]:
    """Functions by whatever alias or version any resource names."""
    yield from deployment.function_access.qualified
    yield from (it.function for it in deployment.function_access.permissions)
    yield from (it.function for it in deployment.function_access.urls)
    yield from (function_name(it.function_arn) for it in deployment.targets if it.function_arn)


def _behind(deployment: Deployment) -> Iterator[tuple[Gateway, str, list[GatewayTool]]]:
    gateways = {gateway.id: gateway for gateway in deployment.gateways}
    for target in deployment.targets:
        gateway = gateways.get(target.gateway_id)
        if gateway is not None and target.function_arn is not None:
            offered = [GatewayTool(gateway.arn, target.full_name(tool), tool.name) for tool in target.tools or ()]
            yield gateway, function_name(target.function_arn).name, offered


def _policy(arn: str, permissions: Iterable[Permission]) -> Policy | None:
    statements = [{**it.statement, "Resource": it.function.qualified(arn)} for it in permissions]
    return Policy(_last(arn), {"Version": "2012-10-17", "Statement": statements}) if statements else None
