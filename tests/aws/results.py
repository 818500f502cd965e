"""What a tool's result consists of, its values aside: what two gateways can be compared by."""

import json
from typing import Any

from tests.aws.signed import Answer
from tests.aws.world import World


def shape(answer: Answer, world: World) -> str:
    """The parts of a result; where there is none, the refusal."""
    if answer.result is None:
        return answer.words(world)
    kinds = ", ".join(str(item.get("type")) for item in answer.result.get("content", []))
    inside = content(answer)
    text = f"JSON object of {', '.join(sorted(inside))}" if isinstance(inside, dict) else type(inside).__name__
    parts = [f"HTTP {answer.status}", ", ".join(sorted(answer.result)), f"isError {answer.result.get('isError')}"]
    return "; ".join([*parts, f"content {kinds}: {text}"])


def content(answer: Answer) -> Any:
    """The first content of a result, parsed if it is JSON."""
    items = (answer.result or {}).get("content") or [{}]
    text = items[0].get("text")
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text
