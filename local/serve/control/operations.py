"""Which operation of a REST service a request is, by botocore's model of the service."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

from toolgate.local.serve.json_body import NotJsonError, read_json

_PARAMETER = re.compile(r"\\{(\w+)(?:\\\+)?\\}")


def find(
    service: str, method: str, path: str, query: str = "", body: bytes = b""
) -> tuple[OperationModel, dict[str, Any]] | None:
    """The operation and its parameters in path, query and body, or None if the service has no such operation.

    Args:
        service: botocore's name of the service.
        method: The HTTP method.
        path: The undecoded path.
        query: The undecoded query.
        body: The body; what is no JSON object says nothing.
    """
    for operation, wanted, pattern in _routes(service):
        if wanted == method and (match := pattern.fullmatch(path)):
            return operation, _of_body(operation, body) | _parameters(operation, match.groupdict(), parse_qs(query))
    return None


@cache
def _routes(service: str) -> list[tuple[OperationModel, str, re.Pattern[str]]]:
    model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
    operations = [model.operation_model(name) for name in model.operation_names]
    return [(it, it.http["method"], _pattern(it.http["requestUri"])) for it in operations]


def _pattern(uri: str) -> re.Pattern[str]:
    escaped = re.escape(uri.partition("?")[0].rstrip("/"))
    return re.compile(_PARAMETER.sub(r"(?P<\1>[^/]+)", escaped) + "/?")


def _of_body(operation: OperationModel, body: bytes) -> dict[str, Any]:
    """The members that have no place elsewhere."""
    try:
        said = read_json(body)
    except NotJsonError:
        return {}
    members = operation.input_shape.members if operation.input_shape else {}
    named = [name for name, shape in members.items() if "location" not in shape.serialization]
    return {name: said[name] for name in named if name in said} if isinstance(said, dict) else {}


def _parameters(operation: OperationModel, path: Mapping[str, str], query: Mapping[str, list[str]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    members = operation.input_shape.members if operation.input_shape else {}
    for name, shape in members.items():
        wire = shape.serialization.get("name", name)
        if shape.serialization.get("location") == "uri":
            found[name] = unquote(path[wire])
        elif shape.serialization.get("location") == "querystring" and wire in query:
            text = query[wire][0]
            found[name] = int(text) if shape.type_name == "integer" and text.isdecimal() else text
    return found
