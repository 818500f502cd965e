"""What the id of a Bedrock model tells of it. This file imports nothing of ours: others read the table beside it."""

import re

# Claude from 3.5 Haiku and 3.7 Sonnet on: Bedrock user guide, "Prompt caching for faster model inference". Those before
# refuse a cache point ("You invoked an unsupported model or your request did not allow prompt caching"): seen of
# Claude 3, posit-dev/positron#12142; 3.5 Sonnet had it in a preview only, anima-research/connectome-host#69.
_BEFORE = re.compile(r"claude-(v2|instant|3-(opus|sonnet|haiku)|3-5-sonnet)")


def caches_prompts(model_id: str) -> bool | None:
    """Whether a model takes the cache points that the agent sets; None where its id does not tell which model it is.

    Nova takes some, but none beside tools, and caches by itself; the agent's library sets none for it. Other makers'
    models refuse them (DeepSeek: anomalyco/opencode#782; Qwen: zeroclaw-labs/zeroclaw#7315).
    """
    named = model_id.rpartition("/")[2]
    if "." not in named:  # an application inference profile
        return None
    return "anthropic." in named and not _BEFORE.search(named)
