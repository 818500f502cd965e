"""What the agent's environment says of how its model is asked: guardrail, prompt caching, models to fall back to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import strict_json

MOST_FALLBACKS = 4
"""Models besides the first. Ours: each costs a turn the time in which it fails."""
# botocore's bedrock-runtime model, shapes GuardrailIdentifier and GuardrailVersion; there both may be empty, too.
_ID = re.compile(r"[a-z0-9]+|arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]+")
_VERSION = re.compile(r"[1-9][0-9]{0,7}|DRAFT")
_EXAMPLE = 'Write {"id": "<id or ARN>", "version": "1"}; the version is a number or DRAFT.'


@dataclass(frozen=True)
class Guardrail:
    """The guardrail that each model call goes through: its id or ARN, and its version."""

    id: str
    version: str


def read_guardrail(text: str, faults: list[str]) -> Guardrail | None:
    """Read `GUARDRAIL`; what is wrong with it is added to `faults`.

    An environment that names one which cannot be read describes no agent: it never runs without its guardrail.
    """
    if not text.strip():
        return None
    try:
        given: Any = strict_json.loads(text)
    except ValueError as error:
        faults.append(f"GUARDRAIL {error}. {_EXAMPLE}")
        return None
    if not isinstance(given, Mapping) or set(given) != {"id", "version"}:
        faults.append(f'GUARDRAIL must be a JSON object with "id" and "version". {_EXAMPLE}')
        return None
    for name, pattern in (("id", _ID), ("version", _VERSION)):
        if not isinstance(given[name], str) or not pattern.fullmatch(given[name]):
            faults.append(f"GUARDRAIL: {name} is {given[name]!r}. {_EXAMPLE}")
            return None
    return Guardrail(given["id"], given["version"])


def read_fallbacks(text: str, model_id: str, faults: list[str]) -> tuple[str, ...]:
    """Read `BEDROCK_FALLBACK_MODEL_IDS`; what is wrong with it is added to `faults`.

    Args:
        text: The variable: ids separated by blanks, in the order in which they are asked.
        model_id: The model that is asked before them.
        faults: Gets a sentence for each fault.
    """
    ids = tuple(text.split())
    if len(ids) > MOST_FALLBACKS:
        faults.append(f"BEDROCK_FALLBACK_MODEL_IDS has {len(ids)} ids. Write at most {MOST_FALLBACKS}.")
    every = (model_id, *ids)
    faults += [
        f"BEDROCK_FALLBACK_MODEL_IDS names {name!r}, which is asked before. Name each model once."
        for name in sorted({name for name in every if every.count(name) > 1})
    ]
    return ids
