"""The tools of AWS's own connectors, whose schemas no deployment has: as documented.

AgentCore developer guide, "Web Search Tool" and "Amazon Bedrock Managed Knowledge Bases as Connector Target". The
components of a program have the same, by which conditions are written; a test proves the two equal.
"""

from collections.abc import Mapping
from typing import Any

_TEXT = {"type": "string"}


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}


CONNECTOR_TOOLS: Mapping[str, Mapping[str, Any]] = {
    "WebSearch": _object(["query"], query=_TEXT, maxResults={"type": "integer"}),
    "Retrieve": _object(["retrievalQuery"], retrievalQuery=_object([], text=_TEXT)),
    "AgenticRetrieveStream": _object(
        ["messages"],
        messages={"type": "array", "items": _object(["content", "role"], role=_TEXT, content=_object([], text=_TEXT))},
    ),
}
"""By name: what each takes."""
