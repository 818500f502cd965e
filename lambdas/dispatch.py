"""The Lambda handler of every target: shipped beside the target's `tools.py` as `dispatch.handler`.

AgentCore Gateway sends the tool's arguments as the event and the tool's full name in the client context
(AgentCore developer guide, "Lambda function targets"). The arguments are checked against `tools.json`, the schema the
gateway lists to its callers. Whatever goes wrong is answered as data, `{"error": {"code", "message"}}`; a stack trace
goes to the log only. Standard library only: nothing is installed in the function.
"""

import functools
import importlib
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

TOOL_NAME_KEY = "bedrockAgentCoreToolName"
SEPARATOR = "___"
# Lambda's synchronous response and AgentCore Gateway's payload (AgentCore quotas, "Gateway"): both 6 MB.
LARGEST_RESULT = 6 * 1024 * 1024

Schema = Mapping[str, Any]


class ToolError(Exception):
    """What a tool raises to tell the model, in its own words, why it cannot answer.

    In `tools.py`: `from dispatch import ToolError`. The text of any other exception stays in the log.
    """


class ArgumentError(Exception):
    """The arguments do not fit the tool's schema; the text says which and why."""


def handler(event: Any, context: Any) -> Any:
    """Call the tool the gateway names with the event as its arguments.

    Args:
        event: The tool's arguments, a JSON object.
        context: The Lambda context; `client_context.custom` carries the tool's full name.

    Returns:
        What the tool returned, or `{"error": {"code": str, "message": str}}`.
    """
    name = tool_name(context)
    schema = schemas().get(name)
    if schema is None:
        return _error("unknown_tool", f"There is no tool {name!r} here. Tools: {', '.join(sorted(schemas()))}.")
    try:
        # A tool without parameters has no properties, and takes no arguments; only a nested object may be any.
        arguments = checked(event, {"properties": {}, **schema}, name)
        # Imported late: what fails in the author's module is then reported like any other failure of the tool.
        return _sendable(getattr(importlib.import_module("tools"), name)(**arguments))
    except ArgumentError as error:
        return _error("invalid_arguments", str(error))
    except ToolError as error:
        return _error("tool_error", str(error))
    except Exception:
        logger.exception("tool %s failed", name)
        return _error("tool_failed", f"The tool {name} failed. Its log says why.")


def tool_name(context: Any) -> str:
    """The tool's own name: what follows the first `___` of the full name, or "" if the context carries none."""
    custom = getattr(getattr(context, "client_context", None), "custom", None) or {}
    full_name = str(custom.get(TOOL_NAME_KEY, ""))
    return full_name.partition(SEPARATOR)[2]


@functools.cache
def schemas() -> dict[str, Schema]:
    """Input schemas of this target's tools by name, from the `tools.json` shipped beside this file."""
    tools = json.loads(Path(__file__).with_name("tools.json").read_text("utf-8"))
    return {tool["name"]: tool["inputSchema"] for tool in tools}


def checked(value: Any, schema: Schema, where: str) -> Any:
    """Return the value as the tool takes it.

    An integer written as `3.0` becomes 3, and a null for an optional property counts as left out: models write both.

    Args:
        value: A JSON value.
        schema: Its schema: `type`, and `properties`, `required` or `items`.
        where: The value's place, for the message.

    Raises:
        ArgumentError: The value does not fit.
    """
    if schema["type"] == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    if not _FITS[schema["type"]](value):
        raise ArgumentError(f"{where}: expected {schema['type']}, got {_kind(value)}.")
    if schema["type"] == "array":
        return [checked(item, schema["items"], f"{where}[{index}]") for index, item in enumerate(value)]
    if schema["type"] == "object" and "properties" in schema:
        return _checked_object(value, schema, where)
    return value


def _checked_object(value: dict[str, Any], schema: Schema, where: str) -> dict[str, Any]:
    properties, required = schema["properties"], schema.get("required", [])
    given = {name: item for name, item in value.items() if item is not None or name in required}
    unknown = sorted(set(given) - set(properties))
    missing = [name for name in required if name not in given]
    if unknown:
        raise ArgumentError(f"{where}: unknown {_names(unknown)}. Known: {_names(properties)}.")
    if missing:
        raise ArgumentError(f"{where}: missing {_names(missing)}.")
    return {name: checked(item, properties[name], f"{where}.{name}") for name, item in given.items()}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_FITS: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def _kind(value: Any) -> str:
    return "null" if value is None else next(kind for kind in _FITS if kind != "integer" and _FITS[kind](value))


def _names(names: Any) -> str:
    return ", ".join(map(repr, names)) or "none"


def _sendable(result: Any) -> Any:
    size = len(json.dumps(result, allow_nan=False))
    if size > LARGEST_RESULT:
        raise ToolError(f"The result has {size} bytes; {LARGEST_RESULT} can be sent. Ask for less at once.")
    return result


def _error(code: str, message: str) -> dict[str, dict[str, str]]:
    return {"error": {"code": code, "message": message}}
