"""What each request to a model says besides the conversation: its id, the guardrail, what is cached."""

import logging
from typing import Any

from strands.models.model import CacheConfig

import logs
from model_ids import caches_prompts
from settings import Settings

_WHY_NOT = {
    False: "the model takes no cache points, or caches by itself",
    None: "its id does not tell which model it is, and one that takes no cache points would refuse each request",
}


def of_model(settings: Settings, model_id: str) -> dict[str, Any]:
    """The configuration of BedrockModel for one of the agent's models.

    Prompt caching is left out, with a line in the log, for a model that may refuse it: it saves money, and decides
    nothing. A guardrail is never left out.
    """
    options: dict[str, Any] = {"model_id": model_id}
    if guardrail := settings.guardrail:
        options |= {
            "guardrail_id": guardrail.id,
            "guardrail_version": guardrail.version,
            # The trace quotes what was found.
            "guardrail_trace": "disabled",
            # Bedrock looks at a piece before it sends it (Bedrock user guide, "Configure streaming response behavior").
            "guardrail_stream_processing_mode": "sync",
        }
    if settings.prompt_caching:
        takes = caches_prompts(model_id)
        if takes:
            options["cache_config"] = CacheConfig(strategy="auto", tools_ttl=True)
        else:
            logs.event("prompt_caching_left_out", level=logging.WARNING, model_id=model_id, reason=_WHY_NOT[takes])
    return options
