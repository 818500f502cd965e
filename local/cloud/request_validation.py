"""A request checked against botocore's service model: everything the model says about it, in AWS's words.

botocore's own `ParamValidator` looks at required members and types only; the service also holds requests to the model's
enumerations, lengths, ranges, patterns and unions.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape

from toolgate.local.cloud.values import UNKNOWN, Package, hidden, text

_LOADER = Loader()
# `dict` comes first: to ask an abstract class of each of a large stack's values takes seconds.
_TYPES: dict[str, Any] = {
    "structure": (dict, Mapping),
    "map": (dict, Mapping),
    "list": (list,),
    "string": (str,),
    "blob": (Package, bytes),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (str, int, float),  # as programs write it, and as AWS JSON does
}


@cache
def _operation(service: str, operation: str) -> OperationModel:
    return ServiceModel(_LOADER.load_service_model(service, "service-2"), service).operation_model(operation)


def violations(service: str, operation: str, request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What the service model has against a request.

    Args:
        service: botocore's name of the service, such as `bedrock-agentcore-control`.
        operation: The operation, such as `CreateGateway`.
        request: The request's members; `UNKNOWN` stands for what a preview does not know.

    Yields:
        Where (members joined by dots; "" for the whole request) and what is wrong.
    """
    yield from _walk(_operation(service, operation).input_shape, request, "")


def _walk(shape: Shape, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if value is UNKNOWN or getattr(shape, "is_document_type", False):
        return
    if shape.metadata.get("sensitive"):
        value = hidden(value)
    kind = shape.type_name
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        yield path, f"Value at '{path}' failed to satisfy constraint: Member must be of type {kind}"
    elif kind == "structure":
        yield from _structure(shape, value, path)
    elif kind == "list":
        yield from _size(shape, value, path)
        for index, item in enumerate(value):
            yield from _walk(shape.member, item, f"{path}.{index}")
    elif kind == "map":
        yield from _size(shape, value, path)
        for key, item in value.items():
            yield from _walk(shape.key, key, f"{path}.{key}")
            yield from _walk(shape.value, item, f"{path}.{key}")
    elif kind == "string":
        yield from _string(shape, value, path)
    elif kind in {"integer", "long", "float", "double"}:
        yield from _bounds(shape, value, "value", path, value)


def _structure(shape: Shape, value: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    def inside(name: str) -> str:
        return f"{path}.{name}" if path else name

    for name in value.keys() - shape.members.keys():
        yield inside(name), f"Unknown member '{inside(name)}', must be one of: {', '.join(shape.members)}"
    for name in shape.required_members:
        if value.get(name) is None:
            yield inside(name), f"Value null at '{inside(name)}' failed to satisfy constraint: Member must not be null"
    given = {name: item for name, item in value.items() if item is not None and name in shape.members}
    if getattr(shape, "is_tagged_union", False) and len(given) != 1:
        names = ", ".join(shape.members)
        yield path, f"Value at '{path}' failed to satisfy constraint: exactly one of [{names}] must be set"
    for name, item in given.items():
        yield from _walk(shape.members[name], item, inside(name))


def _size(shape: Shape, value: Any, path: str) -> Iterator[tuple[str, str]]:
    yield from _bounds(shape, len(value), "length", path, f"[{len(value)} members]")


def _string(shape: Shape, value: str, path: str) -> Iterator[tuple[str, str]]:
    yield from _bounds(shape, len(value), "length", path, value)
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        yield path, _constraint(value, path, f"Member must satisfy enum value set: [{', '.join(allowed)}]")
    pattern = shape.metadata.get("pattern")
    if pattern and not _compiled(pattern).fullmatch(value):
        yield path, _constraint(value, path, f"Member must satisfy regular expression pattern: {pattern}")


def _bounds(shape: Shape, measure: float, what: str, path: str, shown: Any) -> Iterator[tuple[str, str]]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and measure < least:
        yield path, _constraint(shown, path, f"Member must have {what} greater than or equal to {least}")
    if most is not None and measure > most:
        yield path, _constraint(shown, path, f"Member must have {what} less than or equal to {most}")


def _constraint(shown: Any, path: str, rule: str) -> str:
    return f"Value '{text(shown)}' at '{path}' failed to satisfy constraint: {rule}"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # Python's `re` lacks \p{...}. The models use it only for letters, numbers and separators of tags, where \w and \s
    # say the same: the underscore that \w adds is allowed there anyway.
    for java, python in ((r"\p{L}", r"\w"), (r"\p{N}", r"\d"), (r"\p{Z}", r"\s")):
        pattern = pattern.replace(java, python)
    return re.compile(pattern)
