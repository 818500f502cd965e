"""The interceptors that a gateway is given: read, and checked against the gateway before anything is made."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi

from toolgate.components.checks import arguments, names
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import callers_table, tool_grants
from toolgate.components.grants.tool_grants import Authorization, Available
from toolgate.components.iam.role_statements import RoleStatement
from toolgate.components.interceptors import code
from toolgate.components.interceptors.code import CALLER, CLAIMS, DECORATORS, REQUEST, RESPONSE, Code, Registered
from toolgate.components.runtime.network import Network
from toolgate.components.runtime.python_function import FunctionLogLevel

SEARCH = "x_amz_bedrock_agentcore_search"
"""The tool of a gateway's search (AgentCore developer guide, "Search for tools in your AgentCore gateway")."""
POINTS = {"request": REQUEST, "response": RESPONSE}


class InterceptorArgs(TypedDict):
    """A function that the gateway asks."""

    directory: str
    """Folder with the interceptor's `interceptor.py`, relative to the program. What its `settings.py` says is used
    where an argument does not say otherwise; that, its `tests/` and what is hidden are not shipped."""
    memory_size: NotRequired[pulumi.Input[int]]
    """Memory in MB, 128 to 10240. Default 512."""
    timeout: NotRequired[int]
    """Longest run in seconds, 4 to 900. A gateway whose interceptor takes longer is known to go on without it, so it is
    3 s more than `seconds` at least. Default 10."""
    seconds: NotRequired[float]
    """Longest time until it has an answer, 0.1 to 897; after that it denies. Default 2."""
    environment: NotRequired[dict[str, pulumi.Input[str]]]
    """Environment variables. Whoever may read the function reads them: what is secret goes under `secrets`."""
    statements: NotRequired[list[RoleStatement]]
    """What it may do, besides writing its log. Default: nothing."""
    secrets: NotRequired[dict[str, pulumi.Input[str]]]
    """By environment variable: ARN of a Secrets Manager secret or an SSM parameter that the function may read. The
    variable holds the ARN; in its code `secret("NAME")` of `secret_values` gives the value."""
    network: NotRequired[Network]
    """The VPC that it reaches things through. Default: the internet."""
    reserved_concurrency: NotRequired[pulumi.Input[int]]
    """So many may run at once, and so many of the account's are kept for it; further calls are refused. Default: the
    account's."""
    log_retention_days: NotRequired[pulumi.Input[int]]
    """Days to keep the function's log. Default 30."""
    log_level: NotRequired[FunctionLogLevel]
    """The lowest level of its own log lines that are kept. Default INFO."""


class GatewayInterceptors(TypedDict):
    """What a gateway asks about each request and each answer; one folder may stand at both, with the same arguments."""

    request: NotRequired[InterceptorArgs]
    """Asked about each request before the gateway decides on it. Default: none."""
    response: NotRequired[InterceptorArgs]
    """Asked about each answer before the caller gets it. Default: none."""


@dataclass(frozen=True)
class OfGateway:
    """What an interceptor's code may rely on at its gateway.

    Attributes:
        name: The gateway's name in AWS.
        authorization: What a caller with access may call.
        client_claim: The claim that names the client, where its callers have tokens.
        search: Whether it is to have the tool search; None for what goes with the authorization.
        shown: What every caller may call: full names of tools, and targets; None where that is not said.
    """

    name: str
    authorization: Authorization
    client_claim: str | None = None
    search: bool | None = None
    shown: Sequence[str] | None = None

    @property
    def searches(self) -> bool:
        """Whether it has the tool search, which answers with the schemas of tools whoever asks."""
        return self.authorization is Authorization.GATEWAY if self.search is None else self.search


@dataclass(frozen=True)
class Interceptor:
    """One function of a gateway.

    Attributes:
        args: Its arguments.
        points: Where the gateway asks it.
        code: What its files say.
    """

    args: InterceptorArgs
    points: tuple[str, ...]
    code: Code

    @property
    def name(self) -> str:
        """Its folder's name."""
        return self.code.folder.name


def read(given: GatewayInterceptors, where: str) -> list[Interceptor]:
    """A gateway's interceptors: one for each folder.

    Args:
        given: They, as the gateway's arguments have them.
        where: Their place, for messages.

    Raises:
        UsageError: There is none, a folder's code cannot be read, would not be carried out where it stands or has
            nothing to do there, or two folders have one name.
    """
    arguments.check(given, GatewayInterceptors, where)
    if not given:
        raise UsageError(f"{where}: names none. Write 'request' or 'response', or leave the key out.")
    by_point: Mapping[str, InterceptorArgs] = given  # type: ignore[assignment]  # every key of it is a point
    found: dict[Path, Interceptor] = {}
    for key, args in by_point.items():
        folder = Path(args["directory"])
        before = found.get(folder)
        if before and before.args != args:
            raise UsageError(
                f"{where}: {folder} stands at both points, and is one function. Give it the same arguments at both."
            )
        points = (REQUEST, RESPONSE) if before else (POINTS[key],)
        found[folder] = Interceptor(args, points, before.code if before else code.read(folder))
    folders = list(found)
    if len(folders) == 2 and folders[0].name == folders[1].name:
        raise UsageError(f"{where}: {folders[0]} and {folders[1]} have one name. Rename one.")
    mistakes = [mistake for it in found.values() for mistake in _at_its_points(it)]
    if mistakes:
        raise UsageError("\n".join(mistakes))
    return list(found.values())


def _at_its_points(interceptor: Interceptor) -> Iterator[str]:
    functions = interceptor.code.functions
    for function in functions:
        needed = DECORATORS[function.decorator].points
        if missing := [point for point in needed if point not in interceptor.points]:
            words = " and ".join(repr(it.lower()) for it in missing)
            yield (
                f"{function.place}: {function.name} would not be carried out: what `{function.decorator}` says needs "
                f"the gateway's {words}. Write the folder there as well, or remove the function."
            )
    for point in interceptor.points:
        if not any(point in DECORATORS[it.decorator].points for it in functions):
            yield (
                f"{interceptor.code.folder}: has nothing to do at the gateway's {point.lower()!r}, and each call would "
                "wait for it. Leave it out there."
            )


def check(interceptors: Sequence[Interceptor], gateway: OfGateway, where: str) -> None:
    """Check that the interceptors are told what they ask for, and that a search shows nothing that may not be called.

    Args:
        interceptors: The gateway's interceptors.
        gateway: The gateway.
        where: The gateway, for messages.

    Raises:
        UsageError: One is not told, something is said that nothing asks for, or the search would not be filtered.
    """
    asking = [function for it in interceptors for function in it.code.asking(CALLER)]
    if gateway.client_claim is None:
        for function in [function for it in interceptors for function in it.code.asking(CLAIMS)]:
            raise UsageError(
                f"{function.place}: {function.name} asks for {CLAIMS}, and callers of {where} have no tokens. Give it "
                "an 'inbound', or remove the parameter."
            )
        if asking and gateway.shown is None and gateway.authorization is Authorization.TOOL:
            raise UsageError(
                f"{asking[0].place}: {asking[0].name} asks for the {CALLER}, and an interceptor cannot tell callers by "
                f"IAM apart. Write into 'shown_tools' of {where} what every one of them may call."
            )
    if gateway.shown is not None:
        _check_shown(gateway, asking, where)
    if gateway.search and gateway.authorization is Authorization.TOOL:
        filters = [it for one in interceptors for it in one.code.by("filter_tools") if CALLER in it.asks]
        if not filters:
            raise UsageError(
                f"{where}.search: with authorization 'tool' it would show tools that the caller may not call. Give the "
                f"gateway a response interceptor with `@filter_tools` on a function that asks for the {CALLER}, or "
                "leave 'search' out."
            )


def _check_shown(gateway: OfGateway, asking: Sequence[Registered], where: str) -> None:
    if gateway.client_claim is not None:
        raise UsageError(
            f"{where}.shown_tools: its callers' tokens name them, and each is shown what it was handed. Remove it."
        )
    if not asking:
        raise UsageError(
            f"{where}.shown_tools: is for an interceptor that asks for the {CALLER}, and none does. Remove it."
        )


def check_tools(
    interceptors: Sequence[Interceptor], shown: Sequence[str] | None, available: Available, where: str
) -> None:
    """Check the names of tools that interceptors and `shown_tools` have.

    Args:
        interceptors: The gateway's interceptors.
        shown: What every caller may call, if that is said.
        available: The gateway's tools.
        where: The gateway, for messages.

    Raises:
        UsageError: A pattern matches no tool of the gateway, or a name is none.
    """
    tools = tool_grants.full_names(available, where)
    mistakes: list[str] = []
    for function in [function for it in interceptors for function in it.code.functions]:
        for pattern in function.patterns:
            if not any(fnmatchcase(tool, pattern) for tool in (*tools, SEARCH) if tool != SEARCH or pattern == SEARCH):
                hint = arguments.did_you_mean(pattern, [*tools, *(f"{it}{names.SEPARATOR}*" for it in available)])
                mistakes.append(
                    f"{function.place}: {pattern!r} matches no tool of {where}.{hint} Tools: {', '.join(tools)}."
                )
    for name in shown or ():
        if name not in available and name not in tools:
            hint = arguments.did_you_mean(name, [*available, *tools])
            mistakes.append(f"{where}.shown_tools: {name!r} is neither a target nor a tool.{hint}")
    if mistakes:
        raise UsageError("\n".join(mistakes))


def every_caller(gateway: OfGateway, targets: Any) -> list[str]:
    """What every caller of a gateway by IAM may call, as its interceptors are told: patterns of full names.

    Args:
        gateway: The gateway.
        targets: Names of its targets.
    """
    if gateway.shown is None:  # with authorization 'gateway', as `check` sees to
        return ["*"]
    return [f"{it}{names.SEPARATOR}*" if it in targets else it for it in gateway.shown]


def table(interceptors: Sequence[Interceptor], gateway: OfGateway) -> str | None:
    """Where the gateway's interceptors read who a caller is; None where none asks, or where nobody has a token."""
    asked = any(it.code.asking(CALLER) for it in interceptors)
    return callers_table.prefix(gateway.name) if asked and gateway.client_claim is not None else None
