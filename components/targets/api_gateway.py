"""A stage of a REST API in API Gateway behind a gateway.

AgentCore exports the stage's definition when the target is made or updated, and a later deployment of the stage changes
nothing (AgentCore developer guide, "Amazon API Gateway REST API stages as targets"). The tools are said to it one by
one, with name and description, so that what the gateway lists is what the plan says. Unproved: that the arguments of an
exported method are those of the document that the API was made of.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi

from toolgate.components.checks import arguments
from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam import iam_documents
from toolgate.components.iam.iam_documents import Statement
from toolgate.components.targets import credentials
from toolgate.components.targets.credentials import TargetCredential
from toolgate.components.targets.kind import GatewayRole, Kind
from toolgate.components.tools.listed_schema import ToolSchema

KEY = "api_gateway"
METHODS = ("GET", "DELETE", "HEAD", "OPTIONS", "PATCH", "PUT", "POST")
"""botocore bedrock-agentcore-control RestApiMethod."""
_PATH = re.compile(r"/[^\s?#*]*")
_IDS = {"rest_api_id": re.compile(r"[a-z0-9]+"), "stage": re.compile(r"\w[\w-]{0,127}", re.ASCII)}


class StageMethod(TypedDict):
    """A method of a stage that is a tool."""

    path: str
    """The path of its resource, such as `/orders/{id}`."""
    method: str
    """Its method, in upper case."""
    name: str
    """Its tool's name."""


class ApiGatewayStage(TypedDict):
    """A stage of a REST API of this account and Region, and the methods of it that are tools."""

    rest_api_id: pulumi.Input[str]
    """Id of the REST API."""
    stage: pulumi.Input[str]
    """Name of the stage."""
    methods: list[StageMethod]
    """The methods that are tools; those of an ApiGatewayTools are its `methods`."""
    credential: NotRequired[TargetCredential]
    """An API key. Default: the signature of the gateway's role."""


def _check(target: Mapping[str, Any], where: str) -> None:
    given = target[KEY]
    for key, pattern in _IDS.items():
        if isinstance(given[key], str) and not pattern.fullmatch(given[key]):
            raise UsageError(f"{where}.{KEY}.{key}: {given[key]!r} is none. Write it as API Gateway shows it.")
    for index, operation in enumerate(given["methods"]):
        place = f"{where}.{KEY}.methods[{index}]"
        if operation["method"] not in METHODS:
            raise UsageError(f"{place}.method: {operation['method']!r} is not one of {', '.join(METHODS)}.")
        if "+}" in operation["path"] or not _PATH.fullmatch(operation["path"]):
            raise UsageError(
                f"{place}.path: {operation['path']!r} is no path that AgentCore takes. Write one like "
                "'/orders/{id}', without '+' and '*'."
            )
    if "credential" in given:
        credentials.check(given["credential"], f"{where}.{KEY}.credential", ("api_key",))
    if not isinstance(target["tools"], pulumi.Output):
        list(_served(given["methods"], target["tools"], f"{where}.tools"))


def _served(
    methods: Sequence[StageMethod], tools: Sequence[ToolSchema], where: str = "tools"
) -> Iterator[tuple[StageMethod, ToolSchema]]:
    """The tools, each with its method.

    Raises:
        UsageError: A tool is none of the methods.
    """
    by_name = {it["name"]: it for it in methods}
    for tool in tools:
        name = tool.get("name") if isinstance(tool, Mapping) else None
        if isinstance(name, str):  # what is none is told of with the tools
            if name not in by_name:
                raise UsageError(f"{where}: {name!r} is not in 'methods'. Take both from one ApiGatewayTools.")
            yield by_name[name], tool


def _configuration(target: Mapping[str, Any], tools: Sequence[ToolSchema]) -> dict[str, Any]:
    given = target[KEY]
    served = [*_served(given["methods"], tools)]
    by_path: dict[str, list[str]] = {}
    for operation, _ in served:
        by_path.setdefault(operation["path"], []).append(operation["method"])
    filters = [{"filter_path": path, "methods": methods} for path, methods in by_path.items()]
    overrides = [
        {"path": it["path"], "method": it["method"], "name": it["name"], "description": tool["description"]}
        for it, tool in served
    ]
    return {
        "api_gateway": {
            "rest_api_id": given["rest_api_id"],
            "stage": given["stage"],
            "api_gateway_tool_configuration": {"tool_filters": filters, "tool_overrides": overrides},
        }
    }


def _credentials(target: Mapping[str, Any]) -> dict[str, Any] | None:
    credential = target[KEY].get("credential")
    # Without a service, which AgentCore refuses here (developer guide, "Set up outbound authorization").
    return credentials.configuration(credential) if credential else {"gateway_iam_role": {}}


def _grants(targets: Mapping[str, Mapping[str, Any]], role: GatewayRole) -> list[Statement]:
    with_key = [it[KEY]["credential"] for it in targets.values() if "credential" in it[KEY]]
    signed = [it for it in targets.values() if "credential" not in it[KEY]]
    each = pulumi.Output.all(*[_methods(target, role) for target in signed]).apply(
        lambda known: [arn for its in known for arn in its]
    )
    return [
        *credentials.grants(with_key, role, "OfStages"),
        *(iam_documents.call_apis(each, "OfStages") if signed else []),
    ]


def _methods(target: Mapping[str, Any], role: GatewayRole) -> pulumi.Output[list[str]]:
    """ARNs of the methods that are tools. A parameter's value is not known before the call, hence the `*` there."""

    def arns(known: Mapping[str, Any]) -> list[str]:
        served = [operation for operation, _ in _served(known["methods"], known["tools"])]
        return [f"{known['stage']}/{it['method']}{re.sub(r'{[^{}]*}', '*', it['path'])}" for it in served]

    given = target[KEY]
    stage = role.here.arn("execute-api", pulumi.Output.concat(given["rest_api_id"], "/", given["stage"]))
    whole = {"stage": stage, "methods": given["methods"], "tools": target["tools"]}
    return pulumi.Output.from_input(arguments.derived(whole, dict[str, Any], KEY, arns))


KIND = Kind(
    key=KEY,
    what="a stage of a REST API in API Gateway",
    configuration=_configuration,
    credentials=_credentials,
    grants=_grants,
    check=_check,
)
