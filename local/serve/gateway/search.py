"""The tool search of a gateway whose search type is SEMANTIC.

AWS compares meanings; here words are counted: a query word in a tool's name weighs twice one in its description or its
parameters. Like a search by meaning it always answers: when no word is found, every tool is as good a match.
Shape of the answer (`tools` in the structured content and as JSON in the text): published AWS samples.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

NAME = "x_amz_bedrock_agentcore_search"
DESCRIPTION = (
    "A special tool that returns a trimmed down list of tools given a context. Use this tool only when there are many"
    " tools available and you want to get a subset that matches the provided context."
)
DEFINITION = {
    "name": NAME,
    "description": DESCRIPTION,
    "inputSchema": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
}
MOST_RESULTS = 10

_WORD = re.compile(r"[a-z0-9]+")
_EMPTY_WORDS = frozenset(
    _WORD.findall(
        "a an and are at be by can could do does for from give have help how i in is it me my of on or please show tell"
        " that the them these this those to tool use want what which who with would you your"
    )
)


def search(tools: Sequence[Mapping[str, Any]], query: str) -> dict[str, Any]:
    """The tools that match a query, best first.

    Args:
        tools: Tool definitions with `name`, `description`, `inputSchema`.
        query: Plain words.

    Returns:
        `{"tools": [...]}`, at most `MOST_RESULTS` of them.
    """
    wanted = _words(query) - _EMPTY_WORDS
    scored = [(_score(tool, wanted), tool) for tool in tools]
    matching = [pair for pair in scored if pair[0]] or scored
    matching.sort(key=lambda pair: -pair[0])
    return {"tools": [tool for _, tool in matching[:MOST_RESULTS]]}


def _score(tool: Mapping[str, Any], wanted: set[str]) -> int:
    parameters = " ".join(tool["inputSchema"].get("properties", {}))
    named = wanted & _words(tool["name"])
    described = wanted & _words(f"{tool['description']} {parameters}") - named
    return 2 * len(named) + len(described)


def _words(text: str) -> set[str]:
    return {word[:-1] if word.endswith("s") and len(word) > 3 else word for word in _WORD.findall(text.lower())}
