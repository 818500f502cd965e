"""The tools of AWS's own connectors, whose schemas no deployment has: as documented.

AgentCore developer guide, "Web Search Tool" and "Amazon Bedrock Managed Knowledge Bases as Connector Target". The
components of a program have the same, by which conditions are written; a test proves the two equal.
"""

from collections.abc import Mapping
from typing import Any

WEB_SEARCH, RETRIEVE, AGENTIC_RETRIEVE = "WebSearch", "Retrieve", "AgenticRetrieveStream"

_TEXT = {"type": "string"}


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}


CONNECTOR_TOOLS: Mapping[str, Mapping[str, Any]] = {
    WEB_SEARCH: _object(["query"], query=_TEXT, maxResults={"type": "integer"}),
    RETRIEVE: _object(["retrievalQuery"], retrievalQuery=_object([], text=_TEXT)),
    AGENTIC_RETRIEVE: _object(
        ["messages"],
        messages={"type": "array", "items": _object(["content", "role"], role=_TEXT, content=_object([], text=_TEXT))},
    ),
}
"""By name: what each takes."""

DESCRIPTIONS: Mapping[str, str] = {
    WEB_SEARCH: "Searches the web. Cite the results that an answer rests on.",
    RETRIEVE: "Finds passages in the knowledge base by one search.",
    AGENTIC_RETRIEVE: "Answers from the knowledge base, with citations, by several searches that it plans.",
}
"""By name: what each does, in our words; a model is told of no tool without."""
