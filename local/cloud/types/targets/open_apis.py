"""OpenAPI documents as targets.

Documented (AgentCore developer guide, "OpenAPI schema targets"): versions 3.0 and 3.1; an `operationId` for each
operation that is to be a tool; no `oneOf`, `anyOf`, `allOf`; servers with the URL of a real endpoint, for which another
page of AWS demands https (AWS Marketplace user guide, "Amazon Bedrock AgentCore Gateway"). Inferred: that each of these
is refused when the target is made, not left out in silence; that a host which is a variable or a private address is
refused, of which the guide only warns; that an operation without an `operationId` is refused, where the guide says that
it is no tool. AWS's words are not known.
"""

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import yaml  # type: ignore[import-untyped]  # it ships no types

from toolgate.local.cloud.api_requests import Member
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
    composed = sorted(set(_composed(document)))
    if composed:
        yield f"openApiSchema has {', '.join(composed)}, which is not supported"


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
            name = operation.get("operationId") if isinstance(operation, Mapping) else None
            if not isinstance(name, str) or not name:
                yield f"openApiSchema: {method.upper()} {path} has no operationId"
            else:
                names.append(name)
    for name in sorted({name for name in names if names.count(name) > 1}):
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


def _composed(value: Any) -> Iterator[str]:
    """The words of a schema that composes others; a document may refer to one of its own values again."""
    waiting, seen = [value], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen or not isinstance(one, Mapping | list):
            continue
        seen.add(id(one))
        if isinstance(one, list):
            waiting += one
        else:
            yield from (word for word in _COMPOSED if isinstance(one.get(word), list))
            waiting += one.values()


KIND = TargetKind(
    member="openApiSchema",
    what="OpenAPI",
    table={"inlinePayload": Member("inlinePayload", inline_payload)},
    sign_ins=frozenset({NOTHING, ROLE, API_KEY, OAUTH}),
    names_service=True,
    faults=_faults,
)
