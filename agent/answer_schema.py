"""The schema that a caller wants an answer to fit: checked before anything else is done for it."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from toolset import rules as tool_rules
from toolset.json_schema import stray_reference, subschemas

TOOL = "answer_as_data"
"""Name of the tool that a model gives the data with; a gateway's tools have a target's name before theirs."""
DESCRIPTION = "Gives the answer as data: its arguments are the answer."
LARGEST = 20_000
"""Bytes of a schema as JSON. Ours: it is part of a prompt."""
# Each would have somebody else's text decide how long a check takes, or what is fetched for it.
_REFUSED = {
    "pattern": "is not checked here: a regular expression can take for ever. Say in its description what is wanted",
    "patternProperties": "is not checked here: a regular expression can take for ever. Name the properties",
    "dependencies": "is not checked here. Write dependentRequired or dependentSchemas",
    "$dynamicRef": "is not followed here. Write $ref",
    "unevaluatedItems": "is not checked here. Write items",
    "unevaluatedProperties": "is not checked here. Write additionalProperties",
}
_AT_THE_TOP = ("$id", "$schema")


def fault(schema: Any, model_ids: Iterable[str]) -> str:
    """What is wrong with a schema, as a sentence for its caller; empty if it can be asked for.

    Args:
        schema: As it came.
        model_ids: The models that may be asked; each must take it as the parameters of a tool.
    """
    if not isinstance(schema, dict):
        return '"schema" must be a JSON object: a JSON Schema of draft 2020-12 whose type is object.'
    if (size := _size(schema)) > LARGEST:
        return f'"schema" has {size} bytes as JSON; the most is {LARGEST}.'
    for model_id in model_ids:
        if refused := tool_rules.refusal(spec(schema), model_id):
            return f'"schema" cannot be asked for: {refused[1]}.'
    return next(_refused(schema), "")


def spec(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The tool that the model gives the data with, as Bedrock has it."""
    return {"name": TOOL, "description": DESCRIPTION, "inputSchema": {"json": schema}}


def _size(schema: Mapping[str, Any]) -> float:
    try:
        return len(json.dumps(schema))
    except RecursionError:
        return math.inf


def _refused(schema: Mapping[str, Any]) -> Iterator[str]:
    for place, found, _ in subschemas(schema):
        if isinstance(found, Mapping):
            for keyword in found.keys() & _REFUSED.keys():
                yield f'"schema" has {place}/{keyword}, which {_REFUSED[keyword]}.'
            for keyword in (it for it in _AT_THE_TOP if place and it in found):
                yield f'"schema" has {place}/{keyword}, which stands at the top only. Remove it.'
    if stray := stray_reference(schema):
        yield f'"schema" refers to {stray[:100]}, where no schema stands. Write it into $defs.'
