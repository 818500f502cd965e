"""The tool schema of a Lambda target: Pulumi's form turned into the API's, and what the service refuses of it."""

import json
import operator
from collections.abc import Iterator, Mapping
from typing import Any

from toolgate.access.deployment.gateway_tools import api_schema
from toolgate.local.cloud.failures import NotReproducedError
from toolgate.local.cloud.values import UNKNOWN

_ANYWHERE = frozenset({"type", "description"})
_TYPED = _ANYWHERE | {"items", "properties"}
_TEXT = _ANYWHERE | {"itemsJson", "propertiesJson"}
_NAMED = frozenset({"name", "required"})
MEMBERS = {
    "": _TYPED,
    "Items": _TYPED,
    "Property": _TYPED | _NAMED,
    "ItemsItems": _TEXT,
    "ItemsProperty": _TEXT | _NAMED,
    "PropertyProperty": _TEXT | _NAMED,
}
"""What a schema can have in Pulumi's form, by where it stands (pulumi_aws, classes AgentcoreGatewayTarget...Schema*).

What an array holds has the same form wherever the array is: under `PropertyItems` as under `Items`.
"""


def tool_definitions(tools: Any) -> Any:
    """The API's ToolDefinitions from Pulumi's `inlinePayloads`.

    Raises:
        NotReproducedError: A schema has a member that none has where it stands.
        ValueError: A JSON text in it cannot be read.
    """
    return [_tool(tool) for tool in tools] if isinstance(tools, list) else tools


def _tool(tool: Any) -> Any:
    if not isinstance(tool, Mapping):
        return tool
    return {key: _schema(value) if key in {"inputSchema", "outputSchema"} else value for key, value in tool.items()}


def _schema(schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    _refuse_others(schema, "")
    return api_schema(schema, UNKNOWN)


def _refuse_others(schema: Mapping[str, Any], place: str) -> None:
    for key, value in schema.items():
        if key not in MEMBERS[place] and value is not None:
            raise NotReproducedError(f"toolSchema ... {key}")
    items, properties = schema.get("items"), schema.get("properties")
    if isinstance(items, Mapping):
        _refuse_others(items, f"{place.removeprefix('Property')}Items")
    for item in properties if isinstance(properties, list) else ():
        if isinstance(item, Mapping):
            _refuse_others(item, f"{place}Property")


def read_back(value: Any) -> Any:
    """Inputs as the provider writes them into its state, from what AWS gives back of them.

    Its JSON texts come out of Go's encoding/json whatever they looked like: keys in the order of a struct, properties
    by name, what is empty left out, `<`, `>`, `&` and two line ends escaped, and a new line at the end but for the
    `items_json` of a property. A program that writes another text sees an update after each update.
    Source: terraform-provider-aws, internal/service/bedrockagentcore/gateway_target.go.
    """
    if isinstance(value, list):
        items = [read_back(item) for item in value]
        return value if all(map(operator.is_, items, value)) else items
    if not isinstance(value, dict):
        return value
    read = {name: new for name, item in value.items() if (new := read_back(item)) is not item}
    for name in ("itemsJson", "propertiesJson"):
        if isinstance(value.get(name), str):
            read[name] = _as_go_writes(value[name], "" if name == "itemsJson" and "name" in value else "\n")
    # What stays is shared, not copied: schemas are large.
    return {**value, **read} if read else value


_STRUCT = ("type", "description", "items", "properties", "required")
_ESCAPED = {ord(it): f"\\u{ord(it):04x}" for it in "<>&\u2028\u2029"}


def _as_go_writes(text: str, end: str) -> str:
    try:
        schema = _struct(json.loads(text))
    except ValueError:
        return text
    return json.dumps(schema, separators=(",", ":"), ensure_ascii=False).translate(_ESCAPED) + end


def _struct(schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    kept = {name: schema[name] for name in _STRUCT if schema.get(name)}
    if "items" in kept:
        kept["items"] = _struct(kept["items"])
    if "properties" in kept:
        kept["properties"] = {name: _struct(child) for name, child in sorted(kept["properties"].items())}
    return kept


def tool_faults(tools: Any) -> Iterator[str]:
    """What the service refuses in tool definitions (API form) although the model takes them."""
    if not isinstance(tools, list):
        return
    if not tools:
        yield "toolSchema.inlinePayload must contain at least one tool"
    names = [tool.get("name") for tool in tools if isinstance(tool, Mapping)]
    for name in sorted({str(name) for name in names if names.count(name) > 1}):
        yield f"duplicate tool name '{name}' in toolSchema"
    for tool in tools:
        schema = tool.get("inputSchema") if isinstance(tool, Mapping) else None
        if isinstance(schema, Mapping) and schema.get("type") not in ("object", UNKNOWN):
            yield f"inputSchema of tool '{tool.get('name')}' must be of type object"
