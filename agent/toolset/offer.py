"""Which of the listed tools a model can be offered; each one left out is logged."""

import json
import logging
from collections.abc import Iterable, Iterator
from typing import Any

from mcp.types import JSONRPCMessage, JSONRPCResponse, ListToolsResult
from pydantic import ValidationError
from strands.types.tools import AgentTool, ToolSpec

import logs

from . import rules as tool_rules


def readable(reply: bytes) -> bytes:
    """A gateway's reply to `tools/list`, without the tools for which MCP's client would give up the whole list.

    Raises:
        ValueError: It is no JSON.
    """
    if _is_read(reply):
        return reply
    try:
        message: Any = json.loads(reply)
    except RecursionError:
        raise ValueError from None
    result = message.get("result") if isinstance(message, dict) else None
    if not isinstance(result, dict) or not isinstance(result.get("tools"), list):
        return reply
    kept = []
    for tool in result["tools"]:
        if _is_read(json.dumps({**message, "result": {"tools": [tool]}})):
            kept.append(tool)
        else:
            name = tool.get("name") if isinstance(tool, dict) else None
            _left_out(str(name), "its definition is not one that MCP's client reads")
    return json.dumps({**message, "result": {**result, "tools": kept}}).encode()


def offerable[Tool: AgentTool](tools: Iterable[Tool], model_id: str) -> Iterator[Tool]:
    """The tools that neither Bedrock nor the model refuses: one that they do would fail every request.

    Args:
        tools: What a gateway lists.
        model_id: The model that is asked.
    """
    for tool in tools:
        refused = tool_rules.refusal(_as_sent(tool), model_id)
        if refused is None:
            yield tool
        else:
            _left_out(tool.tool_name, refused[1])


def takes(spec: ToolSpec, model_id: str, known: set[tuple[str, str]]) -> bool:
    """Whether another model than the first takes a tool too; one that it does not is logged once.

    Args:
        spec: The tool, as strands has it.
        model_id: The other model.
        known: The tools left out so far, each with the model; those that are logged now are added.
    """
    refused = tool_rules.refusal(_sent(spec), model_id)
    if refused and (spec["name"], model_id) not in known:
        known.add((spec["name"], model_id))
        _left_out(spec["name"], f"for {model_id}: {refused[1]}")
    return refused is None


def together[Tool: AgentTool](tools: Iterable[Tool]) -> list[Tool]:
    """The tools that can stand in one request.

    Of two names that are the same, or the same but for `-` and `_` (which strands refuses together), the first stays;
    of more than a request has room for, the first ones.
    """
    kept: dict[str, Tool] = {}
    for tool in tools:
        key = tool.tool_name.replace("-", "_")
        if key in kept:
            _left_out(tool.tool_name, f"the tool {kept[key].tool_name} has this name, but for - and _")
        else:
            kept[key] = tool
    usable = list(kept.values())
    fitting = tool_rules.fitting(map(_as_sent, usable))
    for tool in usable[fitting:]:
        reason = f"the tools before it have all of the {tool_rules.LARGEST_TOGETHER} bytes that are sent"
        _left_out(tool.tool_name, reason)
    return usable[:fitting]


def _as_sent(tool: AgentTool) -> tool_rules.Tool:
    return _sent(tool.tool_spec)


def _sent(spec: ToolSpec) -> tool_rules.Tool:
    schema: Any = spec["inputSchema"]["json"]
    if isinstance(schema, dict):
        schema = {"type": "object", **schema}  # strands writes it where it is missing
    return {"name": spec["name"], "description": spec["description"], "inputSchema": {"json": schema}}


def _is_read(reply: str | bytes) -> bool:
    try:
        message = JSONRPCMessage.model_validate_json(reply).root
        if isinstance(message, JSONRPCResponse):
            ListToolsResult.model_validate(message.result)
    except ValidationError:
        return False
    return True


def _left_out(name: str, reason: str) -> None:
    logs.event("tool_left_out", level=logging.WARNING, tool=name[:200], reason=reason)
