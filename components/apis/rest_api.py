"""The OpenAPI document that a REST API in API Gateway is made of: which of its methods are tools.

What AgentCore takes of a stage: AgentCore developer guide, "Amazon API Gateway REST API stages as targets".
"""

import copy
from collections.abc import Iterator, Mapping
from typing import Any, NotRequired, TypedDict

from toolgate.components.apis import document_file, open_api
from toolgate.components.apis.open_api import Api, Wanted
from toolgate.components.apis.operations import METHODS, OperationArgs
from toolgate.components.checks.arguments import UsageError

_AUTH_TYPE, _AUTH = "x-amazon-apigateway-authtype", "x-amazon-apigateway-auth"
"""API Gateway developer guide, "OpenAPI extensions for API Gateway"."""


class StageMethodArgs(TypedDict):
    """What is said of one method that is a tool."""

    path: NotRequired[str]
    """Its path, with `method`: of one that has no operationId, or whose tool has another name."""
    method: NotRequired[str]
    """Its method."""
    description: NotRequired[str]
    """What it does, for the model. Default: what the document says."""


def read(text: str, where: str, target: str, chosen: Mapping[str, StageMethodArgs] | None) -> tuple[Api, list[str]]:
    """The methods that are tools, and what the author should know.

    Args:
        text: The document, as JSON.
        where: Its place, for messages.
        target: The target's name.
        chosen: The methods that are tools, by their tools' names. Default: all that AgentCore takes.

    Raises:
        UsageError: AgentCore would refuse the document, or a method that is chosen.
    """
    value = copy.deepcopy(document_file.parsed(text, where))
    if not isinstance(value, Mapping) or not isinstance(value.get("paths"), Mapping):
        raise UsageError(f"{where}: must be an OpenAPI document with 'paths'.")
    for name, said in (chosen or {}).items():
        if said.keys() & {"path", "method"}:
            _method(value, said, where)["operationId"] = name
    left_out = []
    for path, method, operation in _methods(value):
        if chosen is None or operation.get("operationId") in chosen:
            called = f"{method.upper()} {path}"
            if "+}" in path:
                raise UsageError(f"{where}: {called} is greedy, and AgentCore takes no such path. Choose others.")
            if _signed_and_with_key(value, operation):
                text = "takes both a signature and an API key, and AgentCore leaves such a method out"
                if chosen is not None:
                    raise UsageError(f"{where}: {called} {text}. Choose another, or take one of them away from it.")
                left_out.append(f"{where}: {called} {text}.")
                del value["paths"][path][method]
    of_tools: dict[str, OperationArgs] | None = None
    if chosen is not None:
        of_tools = {
            name: {"description": said["description"]} if "description" in said else {} for name, said in chosen.items()
        }
    return open_api.of_value(value, where, Wanted(target, of_tools, any_server=True)), left_out


def _method(value: Mapping[str, Any], said: StageMethodArgs, where: str) -> dict[str, Any]:
    """The method that is meant."""
    path, method = said.get("path", ""), said.get("method", "").lower()
    item = value["paths"].get(path)
    operation = item.get(method) if isinstance(item, Mapping) and method in METHODS else None
    if not isinstance(operation, dict):
        there = ", ".join(f"{method.upper()} {path}" for path, method, _ in _methods(value)) or "none"
        raise UsageError(
            f"{where}: has no method {method.upper()!r} of {path!r}, which was chosen. There are: {there}."
        )
    return operation


def _methods(value: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, item in list(value["paths"].items()):
        for method in METHODS:
            if isinstance(item, Mapping) and isinstance(operation := item.get(method), Mapping):
                yield path, method, operation


def _signed_and_with_key(value: Mapping[str, Any], operation: Mapping[str, Any]) -> bool:
    """Whether a method takes a signature (AWS_IAM) and an API key at once."""
    components = value.get("components")
    schemes = components.get("securitySchemes") if isinstance(components, Mapping) else None
    asked = operation.get("security", value.get("security"))
    names = {name for it in asked if isinstance(it, Mapping) for name in it} if isinstance(asked, list) else set()
    its = [
        scheme for name in names if isinstance(schemes, Mapping) and isinstance(scheme := schemes.get(name), Mapping)
    ]
    auth = operation.get(_AUTH)
    signed = any(scheme.get(_AUTH_TYPE) == "awsSigv4" for scheme in its)
    signed = signed or (isinstance(auth, Mapping) and auth.get("type") == "AWS_IAM")
    return signed and any(scheme.get("type") == "apiKey" and _AUTH_TYPE not in scheme for scheme in its)
