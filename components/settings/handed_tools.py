"""What a list of names hands over of the stack's gateways, and the Cedar policies that it takes."""

from collections.abc import Callable, Mapping, Sequence

from toolgate.components.checks import arguments
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import cedar_text, tool_grants
from toolgate.components.grants.tool_grants import Authorization
from toolgate.components.settings.gateways import DEFAULT_GATEWAY, Gateway, Gateways
from toolgate.components.settings.values import NAMESPACE

_WHERE = f"{NAMESPACE}:gateways"

Handed = Mapping[str, list[str] | None]
"""By gateway: the full names of the tools that are handed over. None is every tool, also those that come later."""


def read(gateways: Gateways, asked: Sequence[str] | None, where: str) -> Handed:
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


def check_policies(gateways: Gateways, handed: Handed, policy: Callable[[int], str], where: str) -> None:
    """Check the Cedar policies that a caller gets: one for each of its gateways that decides per tool.

    Args:
        gateways: The stack's gateways.
        handed: What the caller is handed.
        policy: The name of the caller's first, second, ... policy.
        where: Its list of tools, for messages.

    Raises:
        UsageError: AWS would refuse a name or a policy.
    """
    deciding = [name for name in handed if gateways.by_name[name].authorization is Authorization.TOOL]
    for number, name in enumerate(deciding, start=1):
        policy(number)
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
                f"{where}: {writing} agents and clients have tools{of_it}, and each needs a Cedar policy; a policy "
                f"engine takes {cedar_text.MOST_POLICIES}. Spread them over several gateways ({_WHERE}) or stacks."
            )


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
