"""A gateway's tools as a Cedar schema, and conditions checked against it.

AgentCore makes such a schema from the gateway's tools (developer guide, "Schema constraints" and "Time-based policy
support"). `access` reads deployments that others made and has a schema of its own; a test proves the two equal.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import cedarpy

from toolgate.components.checks import names
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import cedar_text
from toolgate.components.tools.tool_schema import ToolSchema

Tools = Mapping[str, Sequence[ToolSchema]]
"""Tools by target."""
type CedarType = dict[str, Any]
"""A type in Cedar's JSON form."""

# AgentCore developer guide, "Schema constraints", Context.
_SCALARS: dict[str, CedarType] = {
    "string": {"type": "String"},
    "integer": {"type": "Long"},
    "boolean": {"type": "Boolean"},
    "number": {"type": "Extension", "name": "decimal"},
}
_ID = {"id": {"type": "String"}}
# An UnauthenticatedUser has no id; it shows in an error that the service gave for `principal.id` without a guard.
_ENTITIES = {
    "Gateway": {},
    "IamEntity": {"shape": {"type": "Record", "attributes": _ID}},
    "OAuthUser": {"shape": {"type": "Record", "attributes": _ID}, "tags": {"type": "String"}},
    "UnauthenticatedUser": {},
}
# AgentCore developer guide, "Time-based policy support".
_SYSTEM = {"type": "Record", "attributes": {"now": {"type": "Extension", "name": "datetime"}}}


def schema(tools: Tools, *, bearer: bool = False) -> dict[str, Any]:
    """The schema in Cedar's JSON form: a tool is in its target, each target in CallTool, and that in Mcp.

    Args:
        tools: The gateway's tools.
        bearer: Whether its callers have tokens, instead of signing their requests.

    Raises:
        UsageError: A tool has an argument of a type that AgentCore does not know.
    """
    actions: dict[str, Any] = {"Mcp": {}, "CallTool": _in("Mcp")}
    for target, its_tools in tools.items():
        actions[target] = _in("CallTool")
        for tool in its_tools:
            name = names.full_tool(target, tool["name"])
            actions[name] = _in(target) | {"appliesTo": _applies_to(tool, name, bearer=bearer)}
    return {"AgentCore": {"entityTypes": _ENTITIES, "actions": actions}}


def check(actions: Sequence[str], when: str | None, tools: Tools, where: str, claim: str | None = None) -> None:
    """Check a permit against the tools it is about; `cedar.check` is part of it.

    Args:
        actions: Full tool names and targets.
        when: The condition, if there is one; it must hold its types for every tool named.
        tools: The gateway's tools.
        where: Who hands the tools over, for messages.
        claim: The claim that names the client, where the gateway's callers have tokens.

    Raises:
        UsageError: There is no such tool, the condition names an argument that a tool has not, or one of another type.
    """
    cedar_text.check(actions, when, where, claim)
    bearer = claim is not None
    result = cedarpy.validate_policies(cedar_text.sample(actions, when, claim), schema(tools, bearer=bearer))
    if result.validation_passed:
        return
    found = "; ".join(dict.fromkeys(error.error.removeprefix("for policy `policy0`, ") for error in result.errors))
    if when is None:
        raise UsageError(f"{where}: {found}.")
    raise UsageError(
        f"{where}: the condition {when!r} does not fit the tools' arguments: {found}. Every tool handed over with it "
        "must have the argument, under `context.input`. One that may be left out is asked for first (`context.input "
        'has x && ...`); an int is compared by `<`, a float is a decimal (`context.input.x.lessThan(decimal("10.0"))`).'
    )


def _in(group: str) -> dict[str, Any]:
    return {"memberOf": [{"id": group}]}


def _applies_to(tool: ToolSchema, name: str, *, bearer: bool) -> dict[str, Any]:
    attributes = {"input": _type(tool["inputSchema"], f"tool {name!r}"), "system": _SYSTEM}
    return {
        "principalTypes": ["OAuthUser" if bearer else "IamEntity", "UnauthenticatedUser"],
        "resourceTypes": ["Gateway"],
        "context": {"type": "Record", "attributes": attributes},
    }


def _type(node: Mapping[str, Any], where: str) -> CedarType:
    kind = node.get("type")
    if kind == "object":
        attributes = {name: _type(child, f"{where}.{name}") for name, child in node.get("properties", {}).items()}
        return _record(attributes, node.get("required", []))
    if kind == "array" and "items" in node:
        return {"type": "Set", "element": _type(node["items"], f"{where}[]")}
    if not isinstance(kind, str) or kind not in _SCALARS:
        known = ", ".join(map(repr, (*_SCALARS, "object", "array")))
        raise UsageError(f"{where}: has the type {kind!r}; AgentCore knows {known}, an array with its items.")
    return dict(_SCALARS[kind])


def _record(attributes: Mapping[str, CedarType], required: Sequence[str]) -> CedarType:
    return {
        "type": "Record",
        "attributes": {name: {**node, "required": name in required} for name, node in attributes.items()},
    }
