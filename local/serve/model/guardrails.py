"""Guardrails in front of the model: the right to apply one is decided, what is said is not judged.

Source: botocore bedrock-runtime, GuardrailConfiguration; Bedrock user guide, "Set up permissions to use Amazon Bedrock
Guardrails".
"""

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.serve.guards.iam_guard import NeededPermission, RequestRefused
from toolgate.local.serve.json_body import NotJsonError, read_json
from toolgate.local.serve.model.converse_stream import Event

APPLY_GUARDRAIL = "bedrock:ApplyGuardrail"
PHRASE = "local guardrail: intervene"
"""In a user's message: what has the guardrail of this machine step in, so that an agent's way with it can be tried."""
SAID = "This is what a guardrail says instead of an answer."
_IDENTIFIER = re.compile(r"[a-z0-9]+|arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]+")
_VERSION = re.compile(r"[1-9][0-9]{0,7}|DRAFT")


def permissions(body: bytes, env: CloudEnvironment) -> list[NeededPermission]:
    """What a request needs for its guardrail: nothing where it names none.

    Raises:
        RequestRefused: Its guardrail is none: whoever reads no right out of a request must not let it through.
    """
    try:
        document = read_json(body)
    except NotJsonError:  # the model's endpoint says so
        return []
    config = document.get("guardrailConfig") if isinstance(document, dict) else None
    if config is None:
        return []
    named = config.get("guardrailIdentifier") if isinstance(config, dict) else None
    version = config.get("guardrailVersion") if isinstance(config, dict) else None
    for value, pattern in ((named, _IDENTIFIER), (version, _VERSION)):
        if not isinstance(value, str) or not pattern.fullmatch(value):
            # AWS's words are not known.
            text = "The guardrail identifier or version provided in the request does not exist."
            raise RequestRefused(400, "ValidationException", text)
    arn = named if str(named).startswith("arn:") else env.arn("bedrock", f"guardrail/{named}")
    return [NeededPermission(APPLY_GUARDRAIL, str(arn))]


def intervenes(body: Mapping[str, Any]) -> bool:
    """Whether the request has a guardrail, and its last message asks it to step in."""
    said = " ".join(str(block["text"]) for block in body["messages"][-1]["content"] if "text" in block)
    return bool(body.get("guardrailConfig")) and PHRASE in said.lower()


async def intervention() -> AsyncIterator[Event]:
    """What comes instead of the model's turn."""
    yield "messageStart", {"role": "assistant"}
    yield "contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": SAID}}
    yield "contentBlockStop", {"contentBlockIndex": 0}
    yield "messageStop", {"stopReason": "guardrail_intervened"}
    usage = {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}
    yield "metadata", {"usage": usage, "metrics": {"latencyMs": 0}}
