"""An interceptor's function: its folder's settings, the variable that says what it looks at, and what is made of it."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi

from toolgate.components.checks import arguments, names
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants.tool_grants import Authorization
from toolgate.components.iam import iam_documents, role_statements
from toolgate.components.iam.role_statements import RoleStatement
from toolgate.components.interceptors import gateway_interceptors
from toolgate.components.interceptors.code import (
    CALLER,
    CALLERS,
    CLAIMS,
    HEADERS,
    INTERCEPTOR,
    LIBRARY,
    REQUEST,
    RESPONSE,
)
from toolgate.components.interceptors.gateway_interceptors import Interceptor, InterceptorArgs, OfGateway
from toolgate.components.runtime import function_package, python_function
from toolgate.components.runtime.network import Network
from toolgate.components.runtime.python_function import Function, FunctionArgs
from toolgate.components.tools import target_settings
from toolgate.components.tools.target_folder import SECRET_VALUES

SHIPPED_FROM = Path(__file__).parents[2]
"""Where the folders `interceptors` and `lambdas` lie with what is shipped, unless the program has a file of that name.
Not there where only the components were installed, as the package for other languages can be."""
VARIABLE = "INTERCEPTS"
"""The environment variable that says what the function looks at."""
HANDLER = "intercept.handler"
DEFAULT_MEMORY, DEFAULT_TIMEOUT, DEFAULT_SECONDS = 512, 10, 2.0
MARGIN = 3
"""Seconds that Lambda's timeout is longer than the function's own: for a slow start, and for the answer that denies."""
SHORTEST, LONGEST = 0.1, 897.0
"""What `seconds` may be: Lambda's longest timeout without the margin."""


class InterceptorSettings(TypedDict):
    """What an interceptor's `settings.py` says of its function; `InterceptorArgs` has the meaning of each key."""

    memory_size: NotRequired[pulumi.Input[int]]
    """Memory in MB."""
    timeout: NotRequired[int]
    """Longest run in seconds."""
    seconds: NotRequired[float]
    """Longest time until it has an answer."""
    environment: NotRequired[dict[str, pulumi.Input[str]]]
    """Environment variables."""
    statements: NotRequired[list[RoleStatement]]
    """What it may do."""
    secrets: NotRequired[dict[str, pulumi.Input[str]]]
    """By environment variable: ARN of what may be read."""
    network: NotRequired[Network]
    """The VPC that it reaches things through."""
    reserved_concurrency: NotRequired[pulumi.Input[int]]
    """So many may run at once."""


class SharedArgs(TypedDict):
    """What a gateway hands on to the functions of its interceptors."""

    kms_key_arn: NotRequired[pulumi.Input[str]]
    permissions_boundary: NotRequired[pulumi.Input[str]]
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]


@dataclass(frozen=True)
class Wanted:
    """What an interceptor comes to, checked.

    Attributes:
        component: The name of its component.
        points: Where the gateway asks it.
        function: Its function.
        args: What of the function's arguments `function` does not have.
        headers: Whether the gateway is to tell it the request's headers.
        table: Where it reads who a caller is, if it does.
        inputs: The component's inputs.
    """

    component: str
    points: tuple[str, ...]
    function: Function
    args: FunctionArgs
    headers: bool
    table: str | None
    inputs: Mapping[str, Any]


class GatewayInterceptor(pulumi.ComponentResource):
    """A function that one gateway asks; ToolGateway makes it."""

    function_arn: pulumi.Output[str]
    """ARN of the function."""

    def __init__(self, wanted: Wanted, opts: pulumi.ResourceOptions) -> None:
        name = wanted.component
        super().__init__("toolgate:index:GatewayInterceptor", name, dict(wanted.inputs), opts)
        function, documents = wanted.function, dict(wanted.function.documents)
        if wanted.table is not None:
            documents["callers"] = iam_documents.read_callers(iam_documents.current_environment(self), wanted.table)
        made = python_function.make(self, name, replace(function, documents=documents), wanted.args)
        self.function_arn = made.function.arn
        self.register_outputs({"function_arn": self.function_arn})


def wanted(
    name: str, interceptors: Iterable[Interceptor], gateway: OfGateway, args: Any, opts: pulumi.ResourceOptions | None
) -> list[Wanted]:
    """What a gateway's interceptors come to. What their `settings.py` make is made here.

    Args:
        name: The gateway's name in the program.
        interceptors: They, checked.
        gateway: The gateway.
        args: The gateway's arguments.
        opts: The gateway's options.

    Raises:
        UsageError: AWS would refuse a value, or Lambda would end a function before it has denied.
    """
    return [_wanted(name, _with_settings(it, opts), gateway, args) for it in interceptors]


def _with_settings(interceptor: Interceptor, opts: pulumi.ResourceOptions | None) -> Interceptor:
    settings = target_settings.read(interceptor.code.folder, INTERCEPTOR, InterceptorSettings)
    said = settings(target_settings.beside(opts))
    return replace(interceptor, args=target_settings.overridden(said, interceptor.args))


def _wanted(name: str, interceptor: Interceptor, gateway: OfGateway, args: Any) -> Wanted:
    its, where = interceptor.args, f"ToolGateway {name!r}: interceptor {interceptor.name!r}"
    of_function = _function_args(its, args)
    python_function.check(of_function, where)
    timeout = _timeout(its, where)
    seconds = float(its.get("seconds", DEFAULT_SECONDS))
    said = declaration(interceptor, gateway, args["targets"], seconds)
    text = json.dumps(said, separators=(",", ":"))
    statements = its.get("statements")
    function = Function(
        name=names.interceptor(pulumi.get_project(), pulumi.get_stack(), name, interceptor.name),
        handler=HANDLER,
        description=f"Interceptor {interceptor.name} of the gateway {name}"[: python_function.LONGEST_DESCRIPTION],
        memory_size=its.get("memory_size", DEFAULT_MEMORY),
        timeout=timeout,
        code=function_package.code(interceptor.name, _files(interceptor), interceptor.code.packages),
        environment=python_function.environment(of_function, where, {VARIABLE: text}),
        log_level=python_function.log_level(of_function),
        documents={"statements": role_statements.document(statements, "Interceptor")} if statements else {},
    )
    return Wanted(
        component=f"{name}-{interceptor.name}",
        points=interceptor.points,
        function=function,
        args=of_function,
        headers=_needs_headers(said),
        table=gateway_interceptors.table([interceptor], gateway),
        inputs={
            "folder": interceptor.code.folder.as_posix(),
            "points": list(interceptor.points),
            "declaration": said,
            # Rules read the reasons, and in a first preview the statements themselves.
            **({"statements": statements} if statements else {}),
        },
    )


def _function_args(its: InterceptorArgs, gateway: SharedArgs) -> FunctionArgs:
    kept: Any = {key: value for key, value in its.items() if key not in ("directory", "seconds")}
    return kept | {key: value for key, value in gateway.items() if key in SharedArgs.__annotations__}  # type: ignore[no-any-return]  # by its keys


def _timeout(its: InterceptorArgs, where: str) -> int:
    """Lambda's own timeout.

    Raises:
        UsageError: Lambda would end the function before it has denied. On a gateway of models it was seen that a call
            then goes through (docs/interceptors.md, "What fails, and how"); nobody says that another gateway refuses.
    """
    timeout, seconds = its.get("timeout", DEFAULT_TIMEOUT), its.get("seconds", DEFAULT_SECONDS)
    arguments.within(seconds, SHORTEST, LONGEST, f"{where}: seconds")
    if timeout < seconds + MARGIN:
        raise UsageError(
            f"{where}: timeout is {timeout}, and a call whose interceptor runs into it is known to go through. Write "
            f"{seconds + MARGIN:g} at least, {MARGIN} more than 'seconds', or make 'seconds' less than {seconds:g}."
        )
    return timeout


def declaration(interceptor: Interceptor, gateway: OfGateway, targets: Iterable[str], seconds: float) -> dict[str, Any]:
    """What the function's variable says that it looks at, which the library holds its code to.

    Args:
        interceptor: The interceptor.
        gateway: Its gateway.
        targets: Names of the gateway's targets.
        seconds: Longest time until it has an answer.
    """
    code, by_token = interceptor.code, gateway.client_claim is not None
    said: dict[str, Any] = {
        "calls": code.patterns("on_call"),
        "results": code.patterns("on_result"),
        "tools": bool(code.by("filter_tools")),
        "prompts": bool(code.by("filter_prompts")),
        "resources": bool(code.by("filter_resources")),
        "headers": bool(code.asking(HEADERS)),
        "claims": bool(code.asking(CLAIMS)),
        "caller": bool(code.asking(CALLER)),
        "inbound": "jwt" if by_token else "iam",
        "seconds": seconds,
    }
    if not said["caller"]:
        return said
    if said["tools"] and gateway.searches and gateway.authorization is Authorization.TOOL:
        said["search"] = True  # the engine takes it out of lists
    if not by_token:
        return {**said, "shown": gateway_interceptors.every_caller(gateway, targets)}
    return {**said, "callers": gateway_interceptors.table([interceptor], gateway), "client": gateway.client_claim}


def _needs_headers(said: Mapping[str, Any]) -> bool:
    """Whether the function must be told the headers: the caller's token is one of them.

    What reads a deployment has the same (`policy/language/interceptors.py`); a test compares the two.
    """
    return bool(said["headers"] or said["claims"] or (said["caller"] and said["inbound"] == "jwt"))


def _files(interceptor: Interceptor) -> dict[str, pulumi.Asset]:
    """What the function's zip holds besides packages, by place.

    Raises:
        UsageError: What is to be shipped with the folder's files is nowhere.
    """
    folder = interceptor.code.folder
    files = python_function.own_files(folder, INTERCEPTOR)
    for name, places in _beside(interceptor, folder.parent):
        file = python_function.beside(name, places)
        if file is None:
            raise UsageError(f"{folder.parent / name}: is missing. It lies beside the interceptors' folders.")
        files[name] = file
    return files


def _beside(interceptor: Interceptor, folders: Path) -> Iterator[tuple[str, Sequence[Path]]]:
    """What is shipped with the folder's files, and where it may lie."""
    for name in (*LIBRARY, *([CALLERS] if interceptor.code.asking(CALLER) else [])):
        yield name, [folders, SHIPPED_FROM / "interceptors"]
    if "secrets" in interceptor.args:  # with the targets, which may have secrets as well
        yield SECRET_VALUES, [folders, folders.parent / "lambdas", SHIPPED_FROM / "lambdas"]


def make(component: pulumi.ComponentResource, interceptors: Sequence[Wanted]) -> list[GatewayInterceptor]:
    """Make a gateway's interceptors."""
    return [GatewayInterceptor(it, pulumi.ResourceOptions(parent=component)) for it in interceptors]


def configurations(interceptors: Sequence[Wanted], made: Sequence[GatewayInterceptor]) -> list[dict[str, Any]] | None:
    """What the gateway is told of its interceptors, as the provider takes it; None where it has none.

    Headers hold the callers' tokens: only who reads them is told them.
    """
    return [
        {
            "interception_points": [point for point in (REQUEST, RESPONSE) if point in it.points],
            "interceptor": {"lambda_": {"arn": function.function_arn}},
            "input_configuration": {"pass_request_headers": it.headers},
        }
        for it, function in zip(interceptors, made, strict=True)
    ] or None
