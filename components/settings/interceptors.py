"""`toolgate:interceptors`: whom the stack's gateways ask about each request and each answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NotRequired, TypedDict

from toolgate.components.checks import arguments, names
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import tool_grants
from toolgate.components.grants.tool_grants import Available
from toolgate.components.interceptors import gateway_interceptors
from toolgate.components.interceptors.code import CALLER, INTERCEPTOR
from toolgate.components.interceptors.gateway_interceptors import GatewayInterceptors, Interceptor, OfGateway

FOLDERS = Path("interceptors")
"""Where the program's interceptors lie, each a folder with an `interceptor.py`."""


class InterceptorsConfig(TypedDict):
    """`toolgate:interceptors`: names of folders in `interceptors/`."""

    request: NotRequired[str]
    """Asked about each request. Default: none."""
    response: NotRequired[str]
    """Asked about each answer. Default: none."""


@dataclass(frozen=True)
class Asked:
    """What a gateway asks its interceptors.

    Attributes:
        args: They, as a ToolGateway takes them.
        read: The same with their code.
    """

    args: GatewayInterceptors
    read: tuple[Interceptor, ...]

    @property
    def want_callers(self) -> bool:
        """Whether one asks who the caller is."""
        return any(it.code.asking(CALLER) for it in self.read)


def read(entry: InterceptorsConfig, where: str) -> Asked | None:
    """The interceptors that an entry names; None where it names none.

    Args:
        entry: It, as configured.
        where: Its place, for messages.

    Raises:
        UsageError: There is no such folder, or what is in it cannot be carried out.
    """
    if not entry:
        return None
    there = sorted(it.parent.name for it in FOLDERS.glob(f"*/{INTERCEPTOR.code}"))
    by_point: Mapping[str, str] = entry  # type: ignore[assignment]  # every key of it is a point
    for point, name in by_point.items():
        if name not in there:
            hint = arguments.did_you_mean(name, there)
            known = f"There are: {', '.join(there)}." if there else "There is none."
            raise UsageError(
                f"{where}.{point}: {name!r} is no interceptor.{hint} {known} An interceptor is a folder of {FOLDERS}/ "
                f"with an {INTERCEPTOR.code}."
            )
    args: GatewayInterceptors = {}
    for point, name in by_point.items():
        args[point] = {"directory": (FOLDERS / name).as_posix()}  # type: ignore[literal-required]  # as above
    return Asked(args, tuple(gateway_interceptors.read(args, where)))


def check(asked: Asked | None, gateway: OfGateway, available: Available, where: str) -> None:
    """Check a gateway's interceptors and its search against what it has.

    Args:
        asked: Its interceptors, if it has any.
        gateway: The gateway.
        available: Its tools.
        where: Its place, for messages.

    Raises:
        UsageError: As the component would say it.
    """
    read = asked.read if asked else ()
    gateway_interceptors.check(read, gateway, where)
    gateway_interceptors.check_tools(read, None, available, where)


def shared(available: Available, handed: list[list[str] | None], where: str) -> list[str]:
    """What every agent of a gateway was handed: targets whose every tool is, and full names of others.

    Args:
        available: The gateway's tools.
        handed: What each of its agents was handed; None is every tool.
        where: The gateway's place, for messages.

    Raises:
        UsageError: They have no tool in common, so that each would be shown none.
    """
    every = tool_grants.full_names(available, where)
    common = [tool for tool in every if all(its is None or tool in its for its in handed)]
    if not common:
        raise UsageError(
            f"{where}: an interceptor asks for the caller, which it cannot tell apart where callers come by IAM, and "
            "no tool is one that each of the gateway's agents was handed: they would be shown none. Give each a "
            "gateway of its own, or use inbound 'jwt'."
        )
    found: list[str] = []
    for target, tools in available.items():
        full = [names.full_tool(target, tool) for tool in tools]
        found += [target] if set(full) <= set(common) else [tool for tool in full if tool in common]
    return found
