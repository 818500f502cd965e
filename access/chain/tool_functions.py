"""The functions behind tools, with every door that each has of its own: its policy, its URLs, its aliases.

A function stands behind a target that names it, and behind an MCP server's or an API's that leads to its URL.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from toolgate.access.deployment.agentcore_resources import Gateway, Target
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.function_access import (
    LATEST,
    FunctionName,
    FunctionUrl,
    Permission,
    function_name,
    host_of,
)
from toolgate.access.deployment.not_read import OWN_POLICY
from toolgate.access.iam.policies import UNREAD, Policy
from toolgate.policy.language import open_api


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
        url_callers: Those of these roles that have to use its URL.
        urls: Its URLs.
        policy: Its own policy, of all its permissions.
        known: Whether the function is in the deployment.
    """

    arn: str
    tools: tuple[GatewayTool, ...]
    callers: frozenset[str]
    ways_in: tuple[str, ...]
    url_callers: frozenset[str] = frozenset()
    urls: tuple[FunctionUrl, ...] = ()
    policy: Policy | None = None
    known: bool = True


def tool_functions(deployment: Deployment) -> tuple[ToolFunction, ...]:
    """All functions behind a tool of the deployment, in the order of their targets."""
    tools: dict[str, list[GatewayTool]] = {}
    callers: dict[str, set[str]] = {}
    by_url: dict[str, set[str]] = {}
    for gateway, target, arn in _behind(deployment):
        offered = [GatewayTool(gateway.arn, target.full_name(tool), tool.name) for tool in target.tools or ()]
        tools.setdefault(arn, []).extend(offered)
        callers.setdefault(arn, set()).add(gateway.role_arn)
        if target.function_arn is None:
            by_url.setdefault(arn, set()).add(gateway.role_arn)
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
            url_callers=frozenset(by_url.get(arn, set()) - shared),
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


def _behind(deployment: Deployment) -> Iterator[tuple[Gateway, Target, str]]:
    gateways = {gateway.id: gateway for gateway in deployment.gateways}
    for target in deployment.targets:
        gateway = gateways.get(target.gateway_id)
        if gateway is not None and (arn := _function_behind(deployment, target)):
            yield gateway, target, arn


def _function_behind(deployment: Deployment, target: Target) -> str | None:
    """The unqualified ARN of the function behind a target; of one that is not in the deployment what its URL names."""
    if target.function_arn is not None:
        return function_name(target.function_arn).name
    url = url_behind(deployment, target)
    if url is None:
        return None
    return next((it.arn for it in deployment.functions if url.function.means(it.arn)), url.function.name)


def url_behind(deployment: Deployment, target: Target) -> FunctionUrl | None:
    """The function URL of the deployment that a target leads to, if it leads to one.

    A document that is no JSON, or in a bucket, is not read.
    """
    by_host = {it.host: it for it in deployment.function_access.urls if it.host}
    urls = _urls(target) if by_host else ()
    return next((by_host[host] for it in urls if (host := host_of(it)) in by_host), None)


def _urls(target: Target) -> Iterator[str]:
    """Where a target's requests go."""
    if target.place.endpoint:
        yield target.place.endpoint
    document = open_api.document(target.place.document or "")
    for operation in open_api.operations(document) if document else ():
        if operation.server:
            yield operation.server


def _policy(arn: str, permissions: Iterable[Permission]) -> Policy | None:
    statements = [{**it.statement, "Resource": it.function.qualified(arn)} for it in permissions]
    return Policy(_last(arn), {"Version": "2012-10-17", "Statement": statements}) if statements else None
