"""Where Converse takes cache points, and which models do. Nothing is cached here, so no model reports a saving.

Source: botocore bedrock-runtime, CachePointBlock; the words are people's reports, none was tried on AWS here.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from toolgate.agent import model_ids
from toolgate.local.serve.model.converse_stream import ModelError

MOST = 4
_TTLS = ("5m", "1h")


def problem(body: Mapping[str, Any]) -> str | None:
    """Why Converse refuses a request over its cache points; None if it takes them."""
    return next(_problems(body), None)


def check_model(body: Mapping[str, Any], model_id: str) -> None:
    """Refuse cache points for a model that takes none; where its id does not tell which it is, it may.

    Raises:
        ModelError: It does not.
    """
    takes_some = "amazon.nova" in model_id and not _points(body.get("toolConfig", {}).get("tools", ()))
    if any(map(_points, _places(body))) and model_ids.caches_prompts(model_id) is False and not takes_some:
        # anomalyco/opencode#782, posit-dev/positron#12142. Nova takes them, but for those beside tools.
        text = "You invoked an unsupported model or your request did not allow prompt caching."
        raise ModelError("AccessDeniedException", f"{text} See the documentation for more information.")


def _problems(body: Mapping[str, Any]) -> Iterator[str]:
    number = 0
    for blocks in _places(body):
        number += len(_points(blocks))
        if blocks and "cachePoint" in blocks[0]:  # strands-agents/harness-sdk#3677
            yield "There is nothing available to cache."
        for before, block in itertools.pairwise(blocks):
            if "cachePoint" in block and "reasoningContent" in before:  # anomalyco/opencode#36517
                yield "Cache point cannot be inserted after reasoning block. Please remove it and try again."
        for point in _points(blocks):
            if point.get("type") != "default" or point.get("ttl", _TTLS[0]) not in _TTLS:
                yield "The format of a value at cachePoint is invalid: its type is default, its ttl 5m or 1h."
    if number > MOST:  # Bike4Mind/bike4mind#2208
        yield f"A maximum of {MOST} blocks with cache_control may be provided. Found {number}."


def _places(body: Mapping[str, Any]) -> Iterator[Sequence[Mapping[str, Any]]]:
    yield body.get("toolConfig", {}).get("tools", ())
    yield body.get("system", ())
    for message in body["messages"]:
        yield message["content"]


def _points(blocks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [block["cachePoint"] for block in blocks if "cachePoint" in block]
