"""An OpenAPI document, read as strictly as AgentCore may read it: its tools, and the part of it that is sent.

An operation is a tool by its `operationId` (AgentCore developer guide, "OpenAPI schema targets", which also names what
is refused: composed schemas, serializers of parameters, other media types than JSON, security schemes). What AgentCore
would refuse, or do other than it is written, is an error here, and all errors are told at once.

What is sent is less than the file has: the operations that were chosen, of each what a call needs, and the components
that those refer to. What is not there cannot be called, and cannot be refused for what no tool uses: schemas of answers
(of which a tool needs none), callbacks, webhooks, security schemes (which AgentCore does not read: a target's
`credential` says how it signs in).
"""

import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from toolgate.components.apis import document_file
from toolgate.components.apis.call_arguments import JSON
from toolgate.components.apis.document import COMPONENTS, Document, at
from toolgate.components.apis.operations import Operation, OperationArgs, Operations
from toolgate.components.checks.arguments import UsageError
from toolgate.components.tools import tool_check
from toolgate.components.tools.listed_schema import ToolSchema

LARGEST = 1024 * 1024
"""Bytes of a document that is sent inline (AgentCore developer guide, "OpenAPI schema targets")."""


@dataclass(frozen=True)
class Api:
    """What a document comes to.

    Attributes:
        operations: The operations that are tools.
        asks_to_sign_in: Whether the document demands a security scheme of one of them.
        file: The document's file, for messages.
        sent: What is sent, but for the server.
        server: The server that the document names, unless another was to be said.
    """

    operations: tuple[Operation, ...]
    asks_to_sign_in: bool
    file: str
    sent: Mapping[str, Any]
    server: str | None

    @property
    def tools(self) -> list[ToolSchema]:
        """The tools."""
        return [operation.tool for operation in self.operations]

    def text(self, server: str) -> str:
        """The document as it is sent: JSON, the same for the same file.

        Args:
            server: Where the API is.

        Raises:
            UsageError: AgentCore does not call such a server, or the document is too large.
        """
        if fault := _server_fault(server):
            raise UsageError(f"{self.file}: the server {server!r} {fault}")
        whole = {"servers": [{"url": server}], **self.sent}
        text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
        if (size := len(text.encode())) > LARGEST:
            raise UsageError(
                f"{self.file}: what is sent of it has {size} bytes; AgentCore takes at most {LARGEST}. Choose fewer of "
                "its operations ('operations')."
            )
        return text


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a document.

    Attributes:
        target: The target's name, with which its tools' names must fit.
        chosen: The operations that are tools, by operationId. Default: all of them.
        any_server: Whether it does not matter which server the document names: the API is somewhere else.
    """

    target: str
    chosen: Mapping[str, OperationArgs] | None = None
    any_server: bool = False


def read(path: Path, wanted: Wanted) -> Api:
    """Read a document.

    Args:
        path: Its file.
        wanted: What is wanted of it.

    Raises:
        UsageError: It is no such document; each mistake is on a line of its own.
    """
    return of_value(document_file.read(path), str(path), wanted)


def of_value(value: Any, file: str, wanted: Wanted) -> Api:
    """The same of a document that is read already.

    Args:
        value: The document.
        file: Whose it is, for messages.
        wanted: What is wanted of it.

    Raises:
        UsageError: As above.
    """
    if not isinstance(value, Mapping):
        raise UsageError(f"{file}: must be an object, an OpenAPI document.")
    document = Document(file, value)
    _check_head(document)
    server = None if wanted.any_server else _server(document)
    reading = Operations(document, wanted.target, wanted.chosen)
    operations = tuple(reading.read())
    if document.found:
        raise UsageError("\n".join(document.found))
    tool_check.check([it.tool for it in operations], f"{file}: tools")
    info = {key: value["info"][key] for key in ("title", "version")}
    sent = {"openapi": value["openapi"], "info": info, "paths": reading.paths}
    if used := _components(document, reading.paths):
        sent[COMPONENTS] = used
    return Api(operations, reading.asks_to_sign_in, file, sent, server)


def _check_head(document: Document) -> None:
    value = document.value
    if "swagger" in value:
        document.say("/swagger", "is OpenAPI 2.0; AgentCore takes 3.0 and 3.1. Convert the document.")
    elif "openapi" not in value:
        document.say("", "is no OpenAPI document. Write its version, 'openapi: 3.1.0'.")
    elif not isinstance(version := value["openapi"], str) or not re.fullmatch(r"3\.[01]\.[0-9]+", version):
        document.say("/openapi", f"{version!r} is no version that AgentCore takes. Write '3.0.3' or '3.1.0'.")
    if not isinstance(info := value.get("info"), Mapping):
        place = "/info" if "info" in value else ""
        document.say(place, "needs an object 'info'. Write one with 'title' and 'version'.")
        return
    for key in ("title", "version"):
        if key not in info:
            document.say("/info", f"has no {key!r}. Write one, in quotes.")
        elif not isinstance(info[key], str):
            document.say(f"/info/{key}", "must be a text. Write one, in quotes.")


def _server(document: Document) -> str | None:
    """The one server, which is checked."""
    servers = document.value.get("servers")
    if not servers:
        place = "/servers" if "servers" in document.value else ""
        document.say(place, "does not say where the API is. Write 'servers' with one 'url', or the argument 'server'.")
    elif not isinstance(servers, list) or not all(isinstance(it, Mapping) for it in servers):
        document.say("/servers", "must be a list of objects with a 'url'.")
    elif len(servers) > 1:
        document.say("/servers", "has several, and AgentCore calls one. Keep that, or write the argument 'server'.")
    elif not isinstance(url := servers[0].get("url"), str):
        document.say("/servers/0", "has no 'url' that is a text. Write where the API is.")
    elif fault := _server_fault(url):
        document.say("/servers/0/url", f"{url!r} {fault}")
    else:
        return url
    return None


def _server_fault(url: str) -> str | None:
    """Why AgentCore calls no such server (AgentCore developer guide, "OpenAPI schema targets"); None where it does."""
    if "{" in url:
        return "is a template, and AgentCore fills none in. Write the URL that is meant."
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is no URL. Write one like 'https://api.example.com/v1'."
    if parts.scheme != "https" or not host or parts.query or parts.fragment or "@" in parts.netloc:
        return "is no address that AgentCore calls. Write one like 'https://api.example.com/v1'."
    try:
        reachable = ipaddress.ip_address(host).is_global
    except ValueError:
        reachable = "." in host.rstrip(".") and not host.rstrip(".").endswith((".localhost", ".local", ".internal"))
    return None if reachable else "is a private address, which AgentCore does not reach. Write a public one."


def _components(document: Document, paths: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The components that paths refer to, and those that these do, in the document's order."""
    operations = [operation for methods in paths.values() for operation in methods.values()]
    waiting = [it for operation in operations for it in _of_operation(operation)]
    wanted = dict.fromkeys(waiting)
    while waiting:
        reference, inside = waiting.pop()
        found, _ = document.referred({"$ref": reference}, "")
        for one in inside(found):
            if one not in wanted:
                wanted[one] = None
                waiting.append(one)
    pointers = {document.referred({"$ref": reference}, "")[1] for reference, _ in wanted}
    used: dict[str, dict[str, Any]] = {}
    for section, its in document.value.get(COMPONENTS, {}).items():
        for name, value in its.items() if isinstance(its, Mapping) else ():
            if at("", COMPONENTS, section, name) in pointers:
                used.setdefault(section, {})[name] = value
    return used


type _Reference = tuple[str, Callable[[Any], Iterator[_Reference]]]
"""A reference, and what finds those in what it names: data, such as an example, has none, whatever it looks like."""


def _of_operation(operation: Mapping[str, Any]) -> Iterator[_Reference]:
    for parameter in operation.get("parameters", []):
        yield from _of_parameter(parameter)
    if "requestBody" in operation:
        yield from _of_schema(operation["requestBody"]["content"][JSON]["schema"])


def _of_parameter(parameter: Mapping[str, Any]) -> Iterator[_Reference]:
    if "$ref" in parameter:
        yield parameter["$ref"], _of_parameter
        return
    yield from _of_schema(parameter["schema"])
    for example in parameter.get("examples", {}).values():
        yield from _of_example(example)


def _of_example(example: Mapping[str, Any]) -> Iterator[_Reference]:
    if "$ref" in example:
        yield example["$ref"], _of_example


def _of_schema(schema: Mapping[str, Any]) -> Iterator[_Reference]:
    if "$ref" in schema:
        yield schema["$ref"], _of_schema
        return
    for child in (*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")):
        if isinstance(child, Mapping):
            yield from _of_schema(child)
