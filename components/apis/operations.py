"""The operations of an OpenAPI document that are tools, and what is sent of each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NotRequired, TypedDict

from toolgate.components.apis import schemas
from toolgate.components.apis.call_arguments import Body, Parameters
from toolgate.components.apis.document import Document, at
from toolgate.components.checks import names
from toolgate.components.checks.arguments import did_you_mean
from toolgate.components.tools import listed_schema, tool_check
from toolgate.components.tools.listed_schema import ToolSchema
from toolgate.components.tools.tool_types import Schema

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
"""OpenAPI 3.1.0, "Path Item Object"."""
_NOT_CALLED = "trace"
"""AgentCore developer guide, "OpenAPI schema targets": all but this one are in its table."""
_WITHOUT_BODY = ("get", "head", "delete")


class OperationArgs(TypedDict):
    """What is said of one operation of an API."""

    description: NotRequired[str]
    """What it does, for the model. Default: what the document says."""


@dataclass(frozen=True)
class Operation:
    """An operation that is a tool.

    Attributes:
        method: Its method, in upper case.
        path: Its path, with its parameters in braces.
        tool: The tool.
    """

    method: str
    path: str
    tool: ToolSchema


@dataclass
class Operations:
    """The reading of a document's operations, and what is sent of each."""

    document: Document
    target: str
    chosen: Mapping[str, OperationArgs] | None
    paths: dict[str, dict[str, Any]] = field(default_factory=dict)
    asks_to_sign_in: bool = False

    def read(self) -> Iterator[Operation]:
        """The operations, in the document's order."""
        given = self.document.value.get("paths", {})
        here = "/paths" if "paths" in self.document.value else ""
        if not isinstance(given, Mapping):
            self.document.say(here, "must be an object: operations by path and method.")
            return
        met: dict[str, str] = {}
        for path, item in given.items():
            if path.startswith("x-"):
                continue
            where = at("/paths", path)
            if not isinstance(item, Mapping):
                self.document.say(where, "must be an object: operations by method.")
                continue
            if "$ref" in item:
                self.document.say(where, "is a '$ref'. Write the operations here.")
            for method in METHODS:
                if method in item and self._is_tool(item[method], at(where, method), met):
                    yield self._operation((path, method), item, at(where, method))
        if not met and not self.document.found:
            self.document.say(here, "has no operation. Write one below 'paths', which is a tool.")
        for name in (self.chosen or {}).keys() - met.keys():
            hint = did_you_mean(name, met)
            there = ", ".join(met) or "none"
            self.document.say("", f"has no operation {name!r}, which was chosen.{hint} There are: {there}.")

    def _is_tool(self, operation: Any, where: str, met: dict[str, str]) -> bool:
        if not isinstance(operation, Mapping):
            self.document.say(where, "must be an object, an operation.")
            return False
        name = operation.get("operationId")
        if self.chosen is not None and (not isinstance(name, str) or name not in self.chosen):
            if isinstance(name, str):
                met.setdefault(name, where)
            return False
        if not isinstance(name, str) or not name:
            self.document.say(where, "has no 'operationId', by which it is a tool. Write one.")
            return False
        if name in met:
            self.document.say(at(where, "operationId"), f"{name!r} is that of {met[name]} as well. Rename one.")
        met[name] = where
        if not tool_check.NAME.fullmatch(name):
            text = f"{name!r} is refused by models. Write 1 to 64 letters, digits, _ and -."
            self.document.say(at(where, "operationId"), text)
        elif len(full := f"{self.target}{names.SEPARATOR}{name}") > names.FULL_TOOL.longest:
            text = (
                f"makes {full!r}, which has {len(full)} characters; models take {names.FULL_TOOL.longest}. Shorten it."
            )
            self.document.say(at(where, "operationId"), text)
        return True

    def _operation(self, place: tuple[str, str], item: Mapping[str, Any], where: str) -> Operation:
        path, method = place
        operation: Mapping[str, Any] = item[method]
        if method == _NOT_CALLED:
            self.document.say(where, f"AgentCore has no {method.upper()}. Choose the other operations.")
        for holder, pointer in ((operation, where), (item, where.rpartition("/")[0])):
            if "servers" in holder:
                self.document.say(at(pointer, "servers"), "AgentCore takes the document's. Write it there.")
        security = operation.get("security", self.document.value.get("security"))
        self.asks_to_sign_in |= isinstance(security, list) and bool(security) and {} not in security
        reader = schemas.Reader(self.document)
        parameters = Parameters(self.document, reader, {})
        parameters.read(item.get("parameters", []), at(where.rpartition("/")[0], "parameters"))
        parameters.read(operation.get("parameters", []), at(where, "parameters"))
        properties, required = parameters.arguments()
        parameters.check_path(path, where)
        sent: dict[str, Any] = {
            "operationId": operation["operationId"],
            "description": self._description(operation, where),
        }
        if parameters.by_place:
            sent["parameters"] = [it.given for it in parameters.by_place.values()]
        if "requestBody" in operation:
            if method in _WITHOUT_BODY:
                self.document.say(at(where, "requestBody"), f"{method.upper()} carries none. Write parameters instead.")
            body = Body(self.document, reader)
            of_body = body.read(operation["requestBody"], at(where, "requestBody"), properties)
            properties |= of_body["properties"]
            required += of_body["required"]
            sent["requestBody"] = body.sent
        sent["responses"] = {"200": {"description": "What the API answers."}}
        self.paths.setdefault(path, {})[method] = sent
        inputs: Schema = {"type": "object", "properties": properties, "required": required}
        tool = ToolSchema(
            name=operation["operationId"],
            description=sent["description"],
            inputSchema=listed_schema.listed(inputs) if properties else {"type": "object"},
        )
        return Operation(method.upper(), path, tool)

    def _description(self, operation: Mapping[str, Any], where: str) -> str:
        """The tool's description: what was written for it, or the document's summary and description.

        No text is made up where there is none: what AgentCore then says of the tool no page tells, Bedrock refuses an
        empty one (botocore bedrock-runtime, ToolSpecification), and a path is nothing that a model can choose by.
        """
        override = (self.chosen or {}).get(operation["operationId"], {}).get("description")
        if override is not None:
            if not override.strip():
                self.document.say(where, "was given an empty description. Write what it does.")
            return override
        texts: list[str] = []
        for key in ("summary", "description"):
            if not isinstance(text := operation.get(key, ""), str):
                self.document.say(at(where, key), "must be a text. Put it in quotes.")
            elif text.strip():
                texts.append(text)
        if not texts:
            self.document.say(where, "has no 'description', by which a model chooses it. Write one.")
        return "\n\n".join(dict.fromkeys(texts))
