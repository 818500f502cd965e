"""OpenAPI documents as targets.

Documented (AgentCore developer guide, "OpenAPI schema targets"): versions 3.0 and 3.1; no semantic errors; an
`operationId` for each operation that is to be a tool; no `oneOf`, `anyOf`, `allOf`; no serializers of parameters; the
methods in its table, in which TRACE is not; servers with the URL of a real endpoint, for which another page of AWS
demands https (AWS Marketplace user guide, "Amazon Bedrock AgentCore Gateway"). Inferred: that each of these is refused
when the target is made, not passed over, also where no tool uses it (awslabs/amazon-bedrock-agentcore-samples gives a
gateway a document with `oneOf` and `deepObject`, and does not show whether AWS took it); that a reference to another
file, or to nothing, is a semantic error; that a host which is a variable or a private address is refused, of which the
guide only warns; that an operation without an `operationId` is refused, where the guide says that it is no tool.
Nothing is known of operations without a description, which are taken. AWS's words are not known.
"""

import ipaddress
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import yaml  # type: ignore[import-untyped]  # it ships no types

from toolgate.local.cloud.api_requests import Member
from toolgate.local.cloud.types.targets import open_api_objects
from toolgate.local.cloud.types.targets.open_api_objects import Placed
from toolgate.local.cloud.types.targets.target_kind import (
    API_KEY,
    NOTHING,
    OAUTH,
    ROLE,
    TargetKind,
    inline_payload,
    payload_of,
    size_faults,
)
from toolgate.policy.language import open_api

_VERSION = re.compile(r"3\.[01]\.\d+(-.+)?")
_COMPOSED = ("allOf", "anyOf", "oneOf")
_METHODS = tuple(method for method in open_api.METHODS if method != "trace")
# OpenAPI 3.1.0, "Parameter Object": how a parameter is written without a serializer, by its place.
_PLAIN_STYLES = {"path": "simple", "header": "simple", "query": "form", "cookie": "form"}
# RFC 6570, of which the guide has an example: an operator before the name, or an asterisk behind it.
_EXPRESSION = re.compile(r"\{[+#./;?&][^{}]*\}|\{[^{}]*\*\}")


def _faults(settings: Mapping[str, Any]) -> Iterator[str]:
    payload = payload_of(settings)
    if payload is None:
        return
    if too_large := [*size_faults(payload, "openApiSchema")]:
        yield from too_large
        return
    document = _read(payload)
    if not isinstance(document, Mapping):
        yield "openApiSchema.inlinePayload is no OpenAPI document in JSON or YAML"
        return
    if not isinstance(version := document.get("openapi"), str) or not _VERSION.fullmatch(version):
        yield f"openApiSchema has version {document.get('openapi')!r}, and 3.0 and 3.1 are supported"
    yield from _operation_faults(document)
    yield from _server_faults(document)
    objects = [*open_api_objects.objects(document)]
    yield from _reference_faults(document, objects)
    yield from _serializer_faults(document, objects)
    schemas = [it.value for it in objects if it.kind == open_api_objects.SCHEMA]
    if composed := [word for word in _COMPOSED if any(word in schema for schema in schemas)]:
        yield f"openApiSchema has {', '.join(composed)}, which is not supported"


def _reference_faults(document: Mapping[str, Any], objects: Sequence[Placed]) -> Iterator[str]:
    for one in objects:
        named = one.value.get("$ref")
        if not isinstance(named, str) or one.kind == open_api_objects.DOCUMENT:
            continue
        if not named.startswith("#"):
            yield f"openApiSchema: {one.pointer}: $ref {named!r} names something outside of the document"
        elif open_api.pointed(document, named) is None:
            yield f"openApiSchema: {one.pointer}: $ref {named!r} names nothing"


def _serializer_faults(document: Mapping[str, Any], objects: Sequence[Placed]) -> Iterator[str]:
    """Of an exploded array and one that is not, the guide does not say which is taken; both are."""
    for one in objects:
        style, place = one.value.get("style"), one.value.get("in")
        if one.kind == open_api_objects.PARAMETER and isinstance(style, str) and isinstance(place, str):
            plain = _PLAIN_STYLES.get(place, style)
            if style != plain:
                yield f"openApiSchema: {one.pointer}: style {style!r} is not supported, of {place} only {plain!r}"
    paths = document.get("paths")
    for path in paths if isinstance(paths, Mapping) else ():
        if _EXPRESSION.search(str(path)):
            yield f"openApiSchema: path {path!r} has a serializer, which is not supported"


def _read(payload: str) -> Any:
    try:
        return json.loads(payload)
    except RecursionError:
        return None
    except ValueError:
        pass
    try:
        return yaml.load(payload, Loader=_LOADER)  # noqa: S506  # each of both is a safe loader
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


# The loader in C, where PyYAML was built with it, is ten times as fast.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _operation_faults(document: Mapping[str, Any]) -> Iterator[str]:
    paths = document.get("paths")
    names: list[str] = []
    for path, item in paths.items() if isinstance(paths, Mapping) else ():
        for method, operation in item.items() if isinstance(item, Mapping) else ():
            if method not in open_api.METHODS:
                continue
            if method not in _METHODS:
                yield f"openApiSchema: {method.upper()} {path} has a method that is not supported"
            name = operation.get("operationId") if isinstance(operation, Mapping) else None
            if not isinstance(name, str) or not name:
                yield f"openApiSchema: {method.upper()} {path} has no operationId"
            else:
                names.append(name)
    for name in sorted(name for name, times in Counter(names).items() if times > 1):
        yield f"openApiSchema: duplicate operationId '{name}'"
    if not names:
        yield "openApiSchema has no operation"


def _server_faults(document: Mapping[str, Any]) -> Iterator[str]:
    for server in dict.fromkeys(operation.server for operation in open_api.operations(document)):
        if server is None:
            yield "openApiSchema names no server"
        elif not _is_reached(server):
            yield f"openApiSchema: server {server!r} is no https URL of a public host"


def _is_reached(server: str) -> bool:
    try:
        url = urlsplit(server)
        host = url.hostname or ""
    except ValueError:
        return False
    if url.scheme != "https" or not host or "{" in url.netloc or host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:  # a name
        return True


KIND = TargetKind(
    member="openApiSchema",
    what="OpenAPI",
    table={"inlinePayload": Member("inlinePayload", inline_payload)},
    sign_ins=frozenset({NOTHING, ROLE, API_KEY, OAUTH}),
    names_service=True,
    faults=_faults,
)
