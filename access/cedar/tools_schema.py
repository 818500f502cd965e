"""The Cedar schema that AgentCore derives from a gateway's tools.

Source: https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/policy-schema-constraints.html (types of entities
and arguments, the hierarchy of actions) and policy-time-based.html (`context.system.now`). That a principal may also
be an `UnauthenticatedUser` without an `id` shows in an error that the service gave for `principal.id` without a guard.

`components/grants/cedar_schema.py` makes the same schema, to check conditions as they are handed over. Neither may
import the other; the tests of the components compare the two.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from toolgate.access.cedar.json_schema import NULLABLE, UNTYPED
from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.policy.language.agentcore_facts import target_of

NAMESPACE = "AgentCore"
ACTION = f"{NAMESPACE}::Action"
GATEWAY = f"{NAMESPACE}::Gateway"
IAM_ENTITY = f"{NAMESPACE}::IamEntity"
OAUTH_USER = f"{NAMESPACE}::OAuthUser"

EVERY_TOOL = ("CallTool", "Mcp")
"""The groups that every tool's action is in, from the inner to the outer."""

_PRIMITIVES = {
    "string": {"type": "String"},
    "integer": {"type": "Long"},
    "boolean": {"type": "Boolean"},
    "number": {"type": "Extension", "name": "decimal"},
}


def schema(gateway: Gateway, tools: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The schema of one gateway in Cedar's JSON form.

    Args:
        gateway: The gateway; its authorizer says which principals there are.
        tools: Input schemas (the API's form, or as `json_schema.typed` makes one) by the tools' full names.

    Raises:
        ValueError: An input schema has a type that AgentCore does not know.
    """
    user = "OAuthUser" if gateway.authorizer == "CUSTOM_JWT" else "IamEntity"
    return {
        NAMESPACE: {
            "entityTypes": {
                "Gateway": {},
                "IamEntity": {"shape": _record({"id": {"type": "String"}})},
                "OAuthUser": {"shape": _record({"id": {"type": "String"}}), "tags": {"type": "String"}},
                "UnauthenticatedUser": {},
            },
            "actions": _groups(tools) | {name: _action(name, user, inputs) for name, inputs in tools.items()},
        }
    }


def groups_of(tool: str) -> tuple[str, ...]:
    """The names of the groups that a tool's action is in: its target's, then those of every tool."""
    return (target_of(tool), *EVERY_TOOL)


def _groups(tools: Mapping[str, Any]) -> dict[str, Any]:
    inner, outer = EVERY_TOOL
    targets = {groups_of(name)[0]: _member_of(inner) for name in tools}
    return {outer: {}, inner: _member_of(outer), **targets}


def _action(name: str, user: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    context = _record({"input": cedar_type(inputs), "system": _record({"now": _DATETIME})})
    applies = {"principalTypes": [user, "UnauthenticatedUser"], "resourceTypes": ["Gateway"], "context": context}
    return {**_member_of(groups_of(name)[0]), "appliesTo": applies}


_DATETIME = {"type": "Extension", "name": "datetime"}


def _member_of(group: str) -> dict[str, Any]:
    return {"memberOf": [{"id": group}]}


def cedar_type(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The Cedar type of one input schema.

    Raises:
        ValueError: The schema's type is not one that AgentCore knows (botocore: SchemaType).
    """
    kind = inputs.get("type")
    if kind == "object":
        return _record(dict(_attributes(inputs)))
    if kind == "array":
        return {"type": "Set", "element": cedar_type(inputs.get("items") or {"type": "string"})}
    if kind not in _PRIMITIVES:
        raise ValueError(f"{kind!r} is not a type of AgentCore's tool schemas")
    return dict(_PRIMITIVES[kind])


def _attributes(inputs: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    required = inputs.get("required") or ()
    for name, inner in (inputs.get("properties") or {}).items():
        if inner != UNTYPED:
            yield name, {**cedar_type(inner), "required": name in required and NULLABLE not in inner}


def _record(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "Record", "attributes": dict(attributes)}
