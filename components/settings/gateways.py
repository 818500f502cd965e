"""`toolgate:gateways`: the stack's gateways, with what is behind each and how callers come to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NotRequired, TypedDict

import pulumi

from toolgate.components.checks import arguments, names
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import tool_grants
from toolgate.components.grants.inbound import CLIENT_CLAIM, Inbound
from toolgate.components.grants.tool_grants import Authorization, Available
from toolgate.components.interceptors.gateway_interceptors import OfGateway
from toolgate.components.settings import interceptors, issuers
from toolgate.components.settings.interceptors import Asked, InterceptorsConfig
from toolgate.components.settings.values import NAMESPACE

DEFAULT_GATEWAY = "tools"
"""Name of the one gateway of a stack that names none."""
_WHERE = f"{NAMESPACE}:gateways"


class GatewayConfig(TypedDict):
    """One entry of `toolgate:gateways`."""

    targets: NotRequired[list[str]]
    """Names of its targets, and full names of tools where it has only some of a target's. A target may stand behind
    several gateways. Default: every target but those that are other gateways of the stack."""
    authorization: NotRequired[Authorization]
    """What a caller with access to it may call. Default: `toolgate:authorization`."""
    inbound: NotRequired[str]
    """Its way in: `iam`, `jwt` or one of `toolgate:issuers`. Default: `toolgate:inbound`."""
    interceptors: NotRequired[InterceptorsConfig]
    """Whom it asks about each request and answer; an empty map: nobody. Default: `toolgate:interceptors`."""
    search: NotRequired[bool]
    """Whether it has the tool search. Default: `toolgate:search`."""
    roleArn: NotRequired[str]
    """ARN of an existing role, which nothing else of the stack has. Default: a role of its own."""


@dataclass(frozen=True)
class Gateway:
    """One gateway.

    Attributes:
        available: Its tools' names by target.
        authorization: What a caller with access to it may call.
        inbound: Its way in: `iam`, `jwt`, or the name of an issuer of others.
        role_arn: Its role, if that is not to be made.
        asked: Its interceptors, if it has any.
        search: Whether it has the tool search; None for what goes with the authorization.
        inner: Its targets that are other gateways of the stack, with their names.
    """

    available: Available
    authorization: Authorization
    inbound: str
    role_arn: str | None
    asked: Asked | None = None
    search: bool | None = None
    inner: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Gateways:
    """The stack's gateways.

    Attributes:
        by_name: Each of them.
        named: Whether the stack names them; if not there is one, and tools are named without it.
    """

    by_name: Mapping[str, Gateway]
    named: bool

    @property
    def targets(self) -> frozenset[str]:
        """The targets that stand behind one at least."""
        return frozenset(target for gateway in self.by_name.values() for target in gateway.available)


def read(
    config: Mapping[str, Any], available: Available, foreign: Mapping[str, Inbound], inner: Mapping[str, str]
) -> Gateways:
    """The gateways, each after those that stand behind it.

    Args:
        config: The stack's configuration.
        available: The tools' names of every target but of those in `inner`.
        foreign: The issuers of others.
        inner: Targets that are other gateways of the stack, with their names.

    Raises:
        UsageError: A target or a way in is none, a gateway's tools cannot be handed to agents together, or a name would
            be refused or is another gateway's as well.
    """
    way_in = issuers.way_in(config.get("inbound", issuers.IAM), foreign, f"{NAMESPACE}:inbound")
    authorization = Authorization(config.get("authorization", Authorization.GATEWAY))
    default = Gateway(available, authorization, way_in, config.get("gatewayRoleArn"), search=config.get("search"))
    if "gateways" in config:
        gateways = Gateways(_named(config, default, foreign, inner), named=True)
    else:
        for target, name in inner.items():
            raise UsageError(
                f"{NAMESPACE}:targets.{target}.gateway: there is no gateway {name!r}. Name it in {_WHERE}."
            )
        tool_grants.full_names(available, "lambdas")
        asked = interceptors.read(config.get("interceptors", {}), f"{NAMESPACE}:interceptors")
        gateways = Gateways({DEFAULT_GATEWAY: replace(default, asked=asked)}, named=False)
    _check_interceptors(gateways, foreign)
    _check_names(gateways.by_name, own_key="kmsKey" in config)
    return gateways


def _named(
    config: Mapping[str, Any], default: Gateway, foreign: Mapping[str, Inbound], inner: Mapping[str, str]
) -> dict[str, Gateway]:
    if "gatewayRoleArn" in config:
        raise UsageError(
            f"{NAMESPACE}:gatewayRoleArn: does not say of which gateway. Write it as its roleArn: {_WHERE}."
        )
    if not config["gateways"]:
        raise UsageError(
            f"{_WHERE}: is empty. Name a gateway, or leave the key out: then there is one, {DEFAULT_GATEWAY!r}, with "
            "every target."
        )
    found: dict[str, Gateway] = {}
    for name in _inner_first(config["gateways"], inner):
        entry = config["gateways"][name]
        if not name:
            raise UsageError(f"{_WHERE}: a gateway has an empty name. Give it one.")
        where = f"{_WHERE}.{name}"
        own = default.available
        behind = {target: found[it] for target, it in inner.items() if it in found}
        if "targets" in entry:
            full = {target: tool_grants.full_names(it.available, where) for target, it in behind.items()}
            own = _behind(entry["targets"], {**default.available, **full}, f"{where}.targets")
        tool_grants.full_names(own, where)
        authorization = Authorization(entry.get("authorization", default.authorization))
        way_in = issuers.way_in(entry.get("inbound", default.inbound), foreign, f"{where}.inbound")
        key = f"{where}.interceptors" if "interceptors" in entry else f"{NAMESPACE}:interceptors"
        asked = interceptors.read(entry.get("interceptors", config.get("interceptors", {})), key)
        search = entry.get("search", default.search)
        its_inner = {target: inner[target] for target in own if target in inner}
        for target in its_inner:
            if behind[target].inbound != issuers.IAM:
                raise UsageError(
                    f"{where}.targets: {target!r} is the gateway {inner[target]!r}, which takes tokens, and a gateway "
                    f"signs its requests to another one. Write `inbound: {issuers.IAM}` there."
                )
        found[name] = Gateway(own, authorization, way_in, entry.get("roleArn"), asked, search, its_inner)
    return found


def _inner_first(entries: Mapping[str, Any], inner: Mapping[str, str]) -> list[str]:
    """The gateways' names, each after those that stand behind it.

    Raises:
        UsageError: One is none, or several stand behind each other in a circle.
    """
    for target, name in inner.items():
        if name not in entries:
            hint = arguments.did_you_mean(name, entries)
            raise UsageError(f"{NAMESPACE}:targets.{target}.gateway: there is no gateway {name!r}.{hint}")
    ordered: list[str] = []

    def visit(name: str, row: tuple[str, ...]) -> None:
        if name in row:
            circle = " behind ".join((*row[row.index(name) :], name))
            raise UsageError(f"{_WHERE}: {circle}: a call would never end. Take a target out of one of them.")
        if name not in ordered:
            for asked in entries[name].get("targets", ()):
                if (target := asked.partition(names.SEPARATOR)[0]) in inner:
                    visit(inner[target], (*row, name))
            ordered.append(name)

    for name in entries:
        visit(name, ())
    return ordered


def _check_interceptors(gateways: Gateways, foreign: Mapping[str, Inbound]) -> None:
    """Check each gateway's interceptors, and that its search shows nothing that may not be called."""
    project, stack = pulumi.get_project(), pulumi.get_stack()
    for name, gateway in gateways.by_name.items():
        where = f"{_WHERE}.{name}" if gateways.named else f"the gateway {name!r}"
        claim = None if gateway.inbound == issuers.IAM else CLIENT_CLAIM
        if gateway.inbound in foreign:
            claim = foreign[gateway.inbound].get("client_claim", CLIENT_CLAIM)
        # What is shown on a gateway by IAM is what its agents are handed, which are read after the gateways.
        shown: list[str] | None = [] if gateway.asked and gateway.asked.want_callers and claim is None else None
        known = OfGateway(names.gateway(project, stack, name), gateway.authorization, claim, gateway.search, shown)
        interceptors.check(gateway.asked, known, gateway.available, where)


def _behind(asked: Sequence[str], available: Available, where: str) -> Available:
    """The tools that a gateway's `targets` name, by target."""
    if not asked:
        raise UsageError(f"{where}: is empty. Name its targets, or leave the key out for every target.")
    wanted: dict[str, list[str]] = {}
    for name in asked:
        target, of_it, tool = name.partition(names.SEPARATOR)
        if target not in available or (of_it and tool not in available[target]):
            there = [f"{it}{names.SEPARATOR}{tool}" for it, tools in available.items() for tool in tools]
            hint = arguments.did_you_mean(name, [*available, *there])
            raise UsageError(
                f"{where}: {name!r} is neither a target nor a tool.{hint} Targets: {', '.join(available)}. Tools: "
                f"{', '.join(there)}."
            )
        wanted.setdefault(target, []).extend([tool] if of_it else available[target])
    return {target: [tool for tool in available[target] if tool in tools] for target, tools in wanted.items()}


def _check_names(gateways: Mapping[str, Gateway], *, own_key: bool) -> None:
    """Check the names of what is made for each gateway: in AWS, and those by which Pulumi knows its targets."""
    project, stack = pulumi.get_project(), pulumi.get_stack()
    in_aws: dict[str, str] = {}
    targets: dict[str, str] = {}
    every_target = {it for gateway in gateways.values() for it in gateway.available if it not in gateway.inner}
    functions = {names.function(project, stack, target): f"target {target!r}" for target in every_target}
    if any(it.inbound == issuers.JWT for it in gateways.values()):
        names.user_pool_domain(project, stack, issuers.OWN_ISSUER)
    for name, gateway in gateways.items():
        made = names.gateway(project, stack, name)
        if made in in_aws:
            raise UsageError(f"{_WHERE}.{name}: gets the same gateway name {made!r} as {in_aws[made]!r}. Rename one.")
        in_aws[made] = name
        if gateway.authorization is Authorization.TOOL:
            names.policy_engine(project, stack, name, own_key=own_key)
        for target in gateway.available:
            resource = f"{name}-{target}"
            if resource in targets:
                raise UsageError(
                    f"{_WHERE}.{name}: its target {target!r} would be the resource {resource!r}, as is one of the "
                    f"gateway {targets[resource]!r}. Rename a gateway or a target."
                )
            targets[resource] = name
        for interceptor in gateway.asked.read if gateway.asked else ():
            function, owner = names.interceptor(project, stack, name, interceptor.name), f"an interceptor of {name!r}"
            if (other := functions.setdefault(function, owner)) != owner:
                raise UsageError(
                    f"{_WHERE}.{name}: its interceptor {interceptor.name!r} would be the function {function!r}, as is "
                    f"{other}. Rename the interceptor, or the gateway."
                )
