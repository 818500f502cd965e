"""Tools as an MCP server lists them: what AgentCore is told of them, and what of their schemas it has words for.

The gateway gets each tool as it was listed (botocore McpServerTargetConfiguration, `mcpToolSchema`: "a static tool
list"), and asks the server for no list of its own. Names, Cedar schemas and grants come from the same list, in
AgentCore's words (`listed_schema`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from toolgate.components.checks.arguments import UsageError
from toolgate.components.tools import tool_check
from toolgate.components.tools.listed_schema import TYPES, ToolSchema

type ListedTool = Mapping[str, Any]
"""A tool as `tools/list` gives it (MCP specification, "Tools"): `name`, `inputSchema`, and mostly more."""

_DEEPEST = 32
"""Schemas in one another. Ours: what is deeper no model reads."""
MOST_SCHEMAS = 5000
"""Schemas that one tool's input comes to once references are followed: a few that name each other may be billions."""
_OF_KIND = {str: "string", bool: "boolean", int: "integer", float: "number"}


def payload(listed: Sequence[ListedTool]) -> str:
    """The list as the target holds it: the same text for the same list.

    That AgentCore takes the result of `tools/list`, and not its tools alone, was not seen by us: its guide calls it a
    tool schema of MCP ("MCP servers targets").
    """
    return json.dumps({"tools": list(listed)}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def configuration(endpoint: Any, listed: Sequence[ListedTool], tools: Sequence[ToolSchema]) -> dict[str, Any]:
    """An MCP server's `target_configuration.mcp`.

    Args:
        endpoint: Where the server is.
        listed: Its tools as it lists them.
        tools: Those of them that the gateway serves.
    """
    served = {tool["name"] for tool in tools}
    text = payload([tool for tool in listed if tool["name"] in served])
    return {"mcp_server": {"endpoint": endpoint, "mcp_tool_schema": {"inline_payload": {"payload": text}}}}


def check(listed: Any, where: str) -> None:
    """Check a list of tools, whatever was given for it.

    Raises:
        UsageError: It is no list of tools, or AgentCore or models would refuse it; each mistake is on a line of its
            own.
    """
    if not isinstance(listed, Sequence) or isinstance(listed, str | bytes):
        raise UsageError(f"{where}: must be a list of tools, as the server lists them.")
    for index, tool in enumerate(listed):
        if not isinstance(tool, Mapping) or not isinstance(tool.get("name"), str):
            raise UsageError(f"{where}[{index}]: is no tool of MCP: it has no 'name' that is a text.")
        if not isinstance(tool.get("inputSchema"), Mapping):
            raise UsageError(f"{where}[{index}]: {tool['name']!r} is no tool of MCP: it has no 'inputSchema'.")
    tool_check.check(in_words_of_agentcore(listed), where)
    try:
        size = len(payload(listed).encode())
    except UnicodeEncodeError:
        raise UsageError(f"{where}: is no Unicode text: it holds half a surrogate pair. Leave that tool out.") from None
    if size > tool_check.LARGEST_PAYLOAD:
        raise UsageError(
            f"{where}: has {size} bytes as JSON; AgentCore takes at most {tool_check.LARGEST_PAYLOAD}. Leave out the "
            "tools that nobody needs, or make two targets of it."
        )


def in_words_of_agentcore(listed: Sequence[ListedTool]) -> list[ToolSchema]:
    """The tools as a target has them.

    An argument that AgentCore's schema has no word for (a choice between types, any value) is left out: the model and
    the server have it all the same, but no condition of a grant can name it. Which words AgentCore itself makes of it,
    for Cedar, was not seen by us.
    """
    return [_tool(tool) for tool in listed]


@dataclass(frozen=True)
class _At:
    """Where a schema is.

    Attributes:
        root: The tool's whole schema, within which references lead.
        left: An item for each schema that may still be read.
        followed: The references that led here: what refers to itself has no end.
        depth: How many schemas it is in.
    """

    root: Mapping[str, Any]
    left: Iterator[int]
    followed: frozenset[str] = frozenset()
    depth: int = 0


def _tool(tool: ListedTool) -> ToolSchema:
    schema = tool["inputSchema"]
    known = _schema(schema, _At(schema, iter(range(MOST_SCHEMAS)))) or {"type": schema.get("type")}
    said = [text for key in ("description", "title", "name") if isinstance(text := tool.get(key), str) and text.strip()]
    known.pop("description", None)  # Amazon Nova refuses it there (tool_check)
    return {"name": tool["name"], "description": said[0] if said else "", "inputSchema": known}


def _schema(node: Any, at: _At) -> dict[str, Any] | None:
    """A schema in AgentCore's words; None where it has none for it."""
    if next(at.left, None) is None or at.depth > _DEEPEST:
        return None
    node, at = _plain(node, replace(at, depth=at.depth + 1))
    kind = _kind(node)
    if kind is None:
        return None
    found: dict[str, Any] = {"type": kind}
    if isinstance(node.get("description"), str) and node["description"].strip():
        found["description"] = node["description"]
    if kind == "object":
        parts = {str(name): _schema(part, at) for name, part in _mapping(node.get("properties")).items()}
        found["properties"] = {name: part for name, part in parts.items() if part is not None}
        required = node["required"] if isinstance(node.get("required"), list) else []
        found["required"] = [name for name in dict.fromkeys(map(str, required)) if name in found["properties"]]
    if kind == "array":
        items = _schema(node.get("items"), at)
        return None if items is None else {**found, "items": items}
    return found


def _plain(node: Any, at: _At) -> tuple[Mapping[str, Any], _At]:
    """What a node comes to without references, and without choices that leave one schema; empty where it is none."""
    while isinstance(node, Mapping):
        if next(at.left, None) is None:
            break
        if isinstance(reference := node.get("$ref"), str):
            if reference in at.followed:
                break
            at = replace(at, followed=at.followed | {reference})
            node = {**_mapping(_referred(reference, at.root)), **_without(node, "$ref")}
            continue
        choice = next((key for key in _CHOICES if isinstance(node.get(key), list)), None)
        if choice is None or node.keys() & {"type", "properties"}:
            return node, at
        left = [it for it in node[choice] if _mapping(it).get("type") != "null"]
        if len(left) != 1:
            break
        node = {**_mapping(left[0]), **_without(node, choice)}
    return {}, at


_CHOICES = ("anyOf", "oneOf", "allOf")


def _without(node: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in node.items() if name != key}


def _referred(reference: str, root: Mapping[str, Any]) -> Any:
    """What a reference within the schema names (RFC 6901); others are not followed."""
    if not reference.startswith("#"):
        return None
    found: Any = root
    for step in reference.removeprefix("#").split("/")[1:]:
        found = _mapping(found).get(step.replace("~1", "/").replace("~0", "~"))
    return found


def _kind(node: Mapping[str, Any]) -> str | None:
    kind = node.get("type")
    if isinstance(kind, list):
        left = [it for it in kind if it != "null"]
        kind = left[0] if len(left) == 1 else None
    if "type" not in node:
        values = node["enum"] if isinstance(node.get("enum"), list) else [node["const"]] if "const" in node else []
        kinds = {_OF_KIND.get(type(value)) for value in values if value is not None}
        kind = kinds.pop() if len(kinds) == 1 else "object" if isinstance(node.get("properties"), Mapping) else None
    return kind if isinstance(kind, str) and kind in TYPES else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
