"""A Lambda target's tools: from pulumi_aws's form to the one that AgentCore's API and MCP use.

pulumi_aws writes an object's properties as a list of named entries, each with its own `required`, and deeper levels as
JSON text (`propertiesJson`, `itemsJson`); the API writes a mapping and one list of required names.
Source: pulumi_aws.bedrock AgentcoreGatewayTarget; botocore bedrock-agentcore-control `SchemaDefinition`.
"""

import json
from collections.abc import Mapping
from typing import Any


def api_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema as the API writes it, which is also a JSON schema.

    Args:
        schema: One schema in pulumi_aws's form (camelCase keys).

    Raises:
        ValueError: The schema is in neither form.
    """
    converted: dict[str, Any] = {"type": schema["type"]}
    if schema.get("description"):
        converted["description"] = schema["description"]
    properties = schema.get("properties")
    if isinstance(properties, list):
        converted["properties"] = {item["name"]: api_schema(item) for item in properties}
        converted["required"] = [item["name"] for item in properties if item.get("required")]
    elif schema.get("propertiesJson"):
        deeper = json.loads(schema["propertiesJson"])
        converted |= {key: deeper[key] for key in ("properties", "required") if key in deeper}
    if schema.get("itemsJson"):
        converted["items"] = json.loads(schema["itemsJson"])
    elif isinstance(schema.get("items"), Mapping):
        converted["items"] = api_schema(schema["items"])
    if not converted.get("required", True):
        del converted["required"]
    if converted["type"] == "object":
        converted.setdefault("properties", {})
    return converted
