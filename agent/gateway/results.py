"""What a tool's result says, and how the model gets it."""

import json
import re
from typing import Any

from strands.types.tools import ToolUse

from contract import Fault

from .session import LEFT_OUT

# What the model is told of a result without content.
NOTHING = "The tool returned nothing."
# A tool that fails may say so as data, {"error": {"code", "message"}}, as lambdas/dispatch.py does. A code is a word;
# what else stands there can be anybody's data. The local gateway's log goes by the same (mcp_gateway.py).
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")


def told(tool_use: ToolUse, fault: Fault) -> Any:
    """The result of a call that failed, as the model gets it."""
    return {"status": "error", "toolUseId": tool_use["toolUseId"], "content": [{"text": fault.message}]}


def readable(result: Any) -> list[Any]:
    """A result's content: its JSON where there is no text, and never nothing, which a model takes for an answer.

    Blank text is none: Bedrock refuses a request that has any.
    """
    content = [block for block in result["content"] if block.get("text", LEFT_OUT).strip()]
    if "structuredContent" in result and not any(block.get("text", LEFT_OUT) != LEFT_OUT for block in content):
        content.append({"text": json.dumps(result["structuredContent"], ensure_ascii=False)})
    return content or [{"text": NOTHING}]


def code_of_error(result: Any) -> str | None:
    """The code of an error that a tool returned as data; None where the result is none."""
    for block in result["content"]:
        text = block.get("text", "")
        if text.lstrip().startswith("{") and '"error"' in text:
            try:
                code = json.loads(text)["error"]["code"]
            except (ValueError, LookupError, TypeError, RecursionError):
                continue
            if isinstance(code, str) and _CODE.fullmatch(code):
                return code
    return None
