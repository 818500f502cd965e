"""`toolgate:gateways`: the stack's gateways, and which of their tools a list of names hands over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

import pulumi

from toolgate.components.checks import arguments, names
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import cedar_text, tool_grants
from toolgate.components.grants.tool_grants import Authorization, Available
from toolgate.components.settings.values import NAMESPACE

DEFAULT_GATEWAY = "tools"
"""Name of the one gateway of a stack that names none."""
_WHERE = f"{NAMESPACE}:gateways"

Handed = Mapping[str, list[str] | None]
"""By gateway: the full names of the tools that are handed over. None is every tool, also those that come later."""


class GatewayConfig(TypedDict):
    """One entry of `toolgate:gateways`."""

    targets: NotRequired[list[str]]
    """Names of its targets, and full names of tools where it has only some of a target's. A target may stand behind
    several gateways. Default: every target."""
    authorization: NotRequired[Authorization]
    """What a caller with access to it may call. Default: `toolgate:authorization`."""
    roleArn: NotRequired[str]
    """ARN of an existing role, which nothing else of the stack has. Default: a role of its own."""


@dataclass(frozen=True)
class Gateway:
    """One gateway.

    Attributes:
        available: Its tools' names by target.
        authorization: What a caller with access to it may call.
        role_arn: Its role, if that is not to be made.
    """

    available: Available
    authorization: Authorization
    role_arn: str | None


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


def read(config: Mapping[str, Any], available: Available) -> Gateways:
    """The gateways.

    Args:
        config: The stack's configuration.
        available: The tools' names of every target.

    Raises:
        UsageError: A target is none, a gateway's tools cannot be handed to agents together, or a name would be refused
            or is another gateway's as well.
    """
    default = Authorization(config.get("authorization", Authorization.GATEWAY))
    if "gateways" in config:
        gateways = Gateways(_named(config, available, default), named=True)
    else:
        tool_grants.full_names(available, "lambdas")
        one = Gateway(available, default, config.get("gatewayRoleArn"))
        gateways = Gateways({DEFAULT_GATEWAY: one}, named=False)
    _check_names(gateways.by_name, own_key="kmsKey" in config)
    return gateways


def handed(gateways: Gateways, asked: Sequence[str] | None, where: str) -> Handed:
    """What a list of names hands over, in the order in which it names the gateways.

    Args:
        gateways: The stack's gateways.
        asked: `<gateway>` (all of its tools), `<gateway>/<target>` and `<gateway>/<target>___<tool>`; where the stack
            names no gateway the same without it. None is everything.
        where: The list's place, for messages.

    Raises:
        UsageError: A name is none of these, two gateways hand over one tool, or a gateway cannot withhold what is left
            out.
    """
    if asked is None:
        wanted: dict[str, list[str] | None] = dict.fromkeys(gateways.by_name)
    elif gateways.named:
        wanted = _by_gateway(gateways.by_name, asked, where)
    else:
        wanted = {DEFAULT_GATEWAY: [*asked]} if asked else {}
    found: dict[str, list[str] | None] = {}
    for name, tools in wanted.items():
        at, gateway = f"{where}: gateway {name!r}" if gateways.named else where, gateways.by_name[name]
        found[name] = (
            None if tools is None else tool_grants.resolve(gateway.available, tools, gateway.authorization, at)
        )
    by_tool(gateways, found, where)
    return found


def by_tool(gateways: Gateways, handed: Handed, where: str) -> dict[str, str]:
    """The tools that are handed over, each with who hands it over, in words.

    Raises:
        UsageError: Two gateways hand over one tool.
    """
    givers: dict[str, str] = {}
    for name, tools in handed.items():
        for tool in tool_grants.full_names(gateways.by_name[name].available, where) if tools is None else tools:
            if tool in givers:
                raise UsageError(
                    f"{where}: {tool} is handed over by gateway {givers[tool]!r} and by {name!r}, and a model knows a "
                    f"tool by that name only. Write the tools that are meant, each of one gateway: {name}/{tool}."
                )
            givers[tool] = name
    return {tool: f"gateway {name!r}" if gateways.named else "the stack's own gateway" for tool, name in givers.items()}


def check_policies(gateways: Gateways, handed: Handed, caller: str, where: str) -> None:
    """Check the Cedar policies that a caller gets: one for each of its gateways that decides per tool.

    Args:
        gateways: The stack's gateways.
        handed: What the caller is handed.
        caller: Its name in AWS, after which they are named.
        where: Its list of tools, for messages.

    Raises:
        UsageError: AWS would refuse a name or a policy.
    """
    deciding = [name for name in handed if gateways.by_name[name].authorization is Authorization.TOOL]
    for number, name in enumerate(deciding, start=1):
        names.policy(caller, number)
        cedar_text.check(handed[name] or list(gateways.by_name[name].available), None, where)


def check_number(gateways: Gateways, callers: Sequence[Handed]) -> None:
    """Check that all callers' Cedar policies fit into each gateway's engine.

    Raises:
        UsageError: There are too many for one.
    """
    for name, gateway in gateways.by_name.items():
        writing = sum(name in handed for handed in callers)
        if gateway.authorization is Authorization.TOOL and writing > cedar_text.MOST_POLICIES:
            where, of_it = (f"{_WHERE}.{name}", " of it") if gateways.named else (f"{NAMESPACE}:agents", "")
            raise UsageError(
                f"{where}: {writing} agents have tools{of_it}, and each needs a Cedar policy; a policy engine takes "
                f"{cedar_text.MOST_POLICIES}. Spread the agents over several gateways ({_WHERE}) or stacks."
            )


def _named(config: Mapping[str, Any], available: Available, default: Authorization) -> dict[str, Gateway]:
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
    for name, entry in config["gateways"].items():
        if not name:
            raise UsageError(f"{_WHERE}: a gateway has an empty name. Give it one.")
        where = f"{_WHERE}.{name}"
        own = _behind(entry["targets"], available, f"{where}.targets") if "targets" in entry else available
        tool_grants.full_names(own, where)
        found[name] = Gateway(own, Authorization(entry.get("authorization", default)), entry.get("roleArn"))
    return found


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


def _by_gateway(gateways: Mapping[str, Gateway], asked: Sequence[str], where: str) -> dict[str, list[str] | None]:
    wanted: dict[str, list[str] | None] = {}
    for name in asked:
        gateway, slash, tool = name.partition("/")
        if gateway not in gateways:
            raise UsageError(f"{where}: {_no_gateway(gateways, name, gateway)}")
        # All of a gateway's tools are all of them, whatever else of it is named.
        if not slash or wanted.get(gateway, ()) is None:
            wanted[gateway] = None
        else:
            wanted.setdefault(gateway, []).append(tool)  # type: ignore[union-attr]  # None is excluded above
    return wanted


def _no_gateway(gateways: Mapping[str, Gateway], name: str, gateway: str) -> str:
    having = [
        f"{it}/{name}"
        for it, found in gateways.items()
        if name in found.available or name in tool_grants.full_names(found.available, _WHERE)
    ]
    if having:
        return f"{name!r} does not say of which gateway. Write {' or '.join(map(repr, having))}."
    hint = arguments.did_you_mean(gateway, gateways)
    return f"{name!r}: there is no gateway {gateway!r}.{hint} Gateways: {', '.join(gateways)}."


def _check_names(gateways: Mapping[str, Gateway], *, own_key: bool) -> None:
    """Check the names of what is made for each gateway: in AWS, and those by which Pulumi knows its targets."""
    project, stack = pulumi.get_project(), pulumi.get_stack()
    in_aws: dict[str, str] = {}
    targets: dict[str, str] = {}
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
