"""The Lambda handler of every target: shipped beside the target's `tools.py` as `dispatch.handler`.

AgentCore Gateway sends the tool's arguments as the event and the tool's full name in the client context
(AgentCore developer guide, "Lambda function targets"). The arguments are checked against `tools.json`, which says all
that the annotations say (JSON Schema; `python` names the type that the tool gets), and what the gateway lists to its
callers is made of. Whatever goes wrong is answered as data, `{"error": {"code", "message"}}`; a stack trace goes to the
log only. Standard library only: nothing is installed in the function.
"""

import datetime
import decimal
import enum
import functools
import importlib
import json
import logging
import re
import uuid
from collections.abc import Callable, Coroutine, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)
# With DEBUG, which the function's log level may be, they log what they sign with and what they are answered: session
# tokens, and values of secrets. Who needs that sets their level in a tool.
for _library in ("boto3", "botocore", "s3transfer", "urllib3"):
    logging.getLogger(_library).setLevel(logging.INFO)

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
    """A value does not fit its schema; the text says which and why."""


def handler(event: Any, context: Any) -> Any:
    """Call the tool the gateway names with the event as its arguments.

    Args:
        event: The tool's arguments, a JSON object.
        context: The Lambda context; `client_context.custom` carries the tool's full name.

    Returns:
        What the tool returned, or `{"error": {"code": str, "message": str}}`.
    """
    name = tool_name(context)
    tool = tools().get(name)
    if tool is None:
        return _error("unknown_tool", f"There is no tool {name!r} here. Tools: {', '.join(sorted(tools()))}.")
    try:
        # A tool without parameters has no properties, and takes no arguments; only a nested object may be any.
        schema = {"properties": {}, **tool["inputSchema"]}
        arguments = checked(event, schema, name)
        # Imported late: what fails in the author's module is then reported like any other failure of the tool.
        function = getattr(importlib.import_module("tools"), name)
        result = _awaited(function(**converted(arguments, schema, name)))
        return _sendable(result, tool.get("outputSchema", {}))
    except ArgumentError as error:
        return _error("invalid_arguments", str(error))
    except ToolError as error:
        return _error("tool_error", str(error))
    except KeyboardInterrupt:  # of who runs it in a terminal
        raise
    except BaseException:  # also `sys.exit`, which libraries call, and a cancellation: it is data, as any other failure
        logger.exception("tool %s failed", name)
        return _error("tool_failed", f"The tool {name} failed. Its log says why.")


def tool_name(context: Any) -> str:
    """The tool's own name: what follows the first `___` of the full name, or "" if the context carries none."""
    custom = getattr(getattr(context, "client_context", None), "custom", None) or {}
    full_name = str(custom.get(TOOL_NAME_KEY, ""))
    return full_name.partition(SEPARATOR)[2]


@functools.cache
def tools() -> dict[str, Mapping[str, Any]]:
    """This target's tools by name, from the `tools.json` shipped beside this file."""
    read = json.loads(Path(__file__).with_name("tools.json").read_text("utf-8"))
    return {tool["name"]: tool for tool in read}


def checked(value: Any, schema: Schema, where: str) -> Any:
    """Return the value as its schema means it.

    An integer written as `3.0` becomes 3, and a null for an optional property counts as left out: models write both.

    Args:
        value: A JSON value.
        schema: Its schema; see `components/tools/tool_types.py` for the words it can have.
        where: The value's place, for the message.

    Raises:
        ArgumentError: The value does not fit.
    """
    kind = schema.get("type")
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        value = int(value)
    if kind is not None and not _FITS[kind](value):
        raise ArgumentError(f"{where}: expected {kind}, got {_kind(value)}.")
    if "enum" in schema and value not in schema["enum"]:
        raise ArgumentError(f"{where}: {_shown(value)} is not one of {', '.join(map(_shown, schema['enum']))}.")
    if "format" in schema:
        _checked_format(value, schema["format"], where)
    for word, (holds, text) in _BOUNDS.items():
        if word in schema and not holds(value, schema[word]):
            raise ArgumentError(f"{where}: {_shown(value)} {text.format(schema[word])}.")
    if kind == "array" and "items" in schema:
        return [checked(item, schema["items"], f"{where}[{index}]") for index, item in enumerate(value)]
    if kind == "object":
        return _checked_object(value, schema, where)
    return value


def _checked_object(value: dict[str, Any], schema: Schema, where: str) -> dict[str, Any]:
    if "properties" in schema:
        properties, required = schema["properties"], schema.get("required", [])
        given = {name: item for name, item in value.items() if item is not None or name in required}
        unknown = sorted(set(given) - set(properties))
        missing = [name for name in required if name not in given]
        if unknown:
            raise ArgumentError(f"{where}: unknown {_names(unknown)}. Known: {_names(properties)}.")
        if missing:
            raise ArgumentError(f"{where}: missing {_names(missing)}.")
        return {name: checked(item, properties[name], f"{where}.{name}") for name, item in given.items()}
    for name in value if "propertyNames" in schema else ():
        checked(name, schema["propertyNames"], f"{where}: key {name!r}")
    if "additionalProperties" in schema:
        each = schema["additionalProperties"]
        return {name: checked(item, each, f"{where}.{name}") for name, item in value.items()}
    return value


def _checked_format(value: str, name: str, where: str) -> None:
    parse, example = _FORMATS[name]
    try:
        parse(value)
    except ValueError:
        raise ArgumentError(f"{where}: {_shown(value)} is no {name}. Write it as {example}.") from None


def converted(value: Any, schema: Schema, where: str) -> Any:
    """Make of a checked value what the tool's annotation promises: a date, a member of an Enum, a dataclass, a set.

    Raises:
        ArgumentError: The type refuses the value.
    """
    python = _named(schema["python"]) if "python" in schema else None
    if hasattr(python, "model_validate_json"):
        # pydantic converts what is inside by itself; from JSON, because a strict model takes a date's text only there.
        return _made(lambda _: python.model_validate_json(json.dumps(value)), value, where)  # type: ignore[union-attr]
    if isinstance(value, list) and "items" in schema:
        value = [converted(item, schema["items"], f"{where}[{index}]") for index, item in enumerate(value)]
    elif isinstance(value, dict):
        value = _converted_object(value, schema, where)
    if python is None:
        return value
    if schema.get("type") == "object":
        return _made(lambda fields: python(**fields), value, where)
    if schema.get("type") == "number" and python is decimal.Decimal:
        return decimal.Decimal(repr(value))
    return _made(getattr(python, "fromisoformat", python), value, where)


def _converted_object(value: dict[str, Any], schema: Schema, where: str) -> dict[Any, Any]:
    keys, each = schema.get("propertyNames", {}), schema.get("additionalProperties", {})
    properties = schema.get("properties", {})
    return {
        converted(name, keys, where): converted(item, properties.get(name, each), f"{where}.{name}")
        for name, item in value.items()
    }


def _made(make: Callable[[Any], Any], value: Any, where: str) -> Any:
    try:
        return make(value)
    except ToolError:
        raise
    except Exception as error:
        errors = getattr(error, "errors", None)
        if type(error).__name__ == "ValidationError" and callable(errors):
            texts = [f"{'.'.join(map(str, (where, *it['loc'])))}: {it['msg']}" for it in errors()]
            raise ArgumentError("; ".join(texts) + ".") from None
        logger.exception("%s: its type refuses the value", where)
        raise ArgumentError(f"{where}: the tool refuses this value. Its log says why.") from None


@functools.cache
def _named(python: str) -> Any:
    module, _, name = python.partition(":")
    return getattr(importlib.import_module(module), name)


def _awaited(result: Any) -> Any:
    """What an asynchronous tool returns in the end."""
    return _loop().run(result) if isinstance(result, Coroutine) else result


@functools.cache
def _loop() -> Any:
    """The process's one event loop: a client that a tool keeps from call to call stays usable."""
    import asyncio  # noqa: PLC0415 takes its time, and most targets need none

    return asyncio.Runner()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_FITS: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}


def _is_as_long(value: Any, size: int) -> bool:
    return len(value) >= size


def _is_as_short(value: Any, size: int) -> bool:
    return len(value) <= size


_UNITS = {"Length": "characters", "Items": "items", "Properties": "keys"}
# What a value must hold to, by JSON Schema's word: the test, and the end of the sentence that says why it fails.
_BOUNDS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "minimum": (lambda value, bound: value >= bound, "is less than {}"),
    "exclusiveMinimum": (lambda value, bound: value > bound, "is not more than {}"),
    "maximum": (lambda value, bound: value <= bound, "is more than {}"),
    "exclusiveMaximum": (lambda value, bound: value < bound, "is not less than {}"),
    "multipleOf": (lambda value, step: Fraction(repr(value)) % Fraction(repr(step)) == 0, "is no multiple of {}"),
    "pattern": (lambda value, pattern: re.search(pattern, value) is not None, "does not match {}"),
    **{f"min{word}": (_is_as_long, f"has less than {{}} {unit}") for word, unit in _UNITS.items()},
    **{f"max{word}": (_is_as_short, f"has more than {{}} {unit}") for word, unit in _UNITS.items()},
}
_FORMATS: dict[str, tuple[Callable[[str], Any], str]] = {
    "date": (datetime.date.fromisoformat, "YYYY-MM-DD"),
    "date-time": (datetime.datetime.fromisoformat, "2026-01-31T09:30:00Z"),
    "time": (datetime.time.fromisoformat, "HH:MM:SS"),
    "uuid": (uuid.UUID, "32 hexadecimal digits with hyphens"),
}


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _kind(value: Any) -> str:
    return "null" if value is None else next(kind for kind in _FITS if kind != "integer" and _FITS[kind](value))


def _names(names: Any) -> str:
    return ", ".join(map(repr, names)) or "none"


def _sendable(result: Any, schema: Schema) -> Any:
    """The result as JSON, which is what the annotation says it is."""
    sent = _json(result)
    # Half a surrogate pair is no text: it has no bytes to be sent as.
    size = len(json.dumps(sent, allow_nan=False, ensure_ascii=False).encode())
    if size > LARGEST_RESULT:
        raise ToolError(f"The result has {size} bytes; {LARGEST_RESULT} can be sent. Ask for less at once.")
    try:
        _check_result(sent, schema, "result")
    except ArgumentError as error:
        raise TypeError(f"it is not what the annotation says: {error}") from None
    return sent


def _json(value: Any) -> Any:  # noqa: PLR0911 one line for each kind of value
    """A value in JSON's types.

    Raises:
        TypeError: JSON has no word for it.
    """
    if isinstance(value, enum.Enum):
        return _json(value.value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, decimal.Decimal):
        return _number(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    if hasattr(value, "model_dump") and not isinstance(value, type):
        return _json(value.model_dump(mode="json", by_alias=True))
    if hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        return {name: _json(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return _json(value._asdict())
    if isinstance(value, Mapping):
        return {_key(name): _json(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_json(item) for item in value]
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


def _number(value: decimal.Decimal) -> int | float | str:
    """A JSON number where one holds every digit, else the digits as a text."""
    if not value.is_finite():
        raise TypeError(f"{value} cannot be sent as JSON")
    if value == value.to_integral_value():
        return int(value)
    return float(value) if decimal.Decimal(repr(float(value))) == value else str(value)


def _key(name: Any) -> str:
    key = _json(name)
    if isinstance(key, list | dict):
        raise TypeError(f"{type(name).__name__} cannot be a key in JSON")
    return key if isinstance(key, str) else json.dumps(key)


def _check_result(value: Any, schema: Schema, where: str) -> None:
    """Check a result against its annotation; it may have keys that the annotation does not name.

    Raises:
        ArgumentError: It is something else.
    """
    if "anyOf" in schema:
        if not any(_fits_result(value, choice, where) for choice in schema["anyOf"]):
            raise ArgumentError(f"{where}: {_kind(value)} is none of the types that the annotation says.")
        return
    if isinstance(value, dict) and schema.get("type") == "object":
        properties = schema.get("properties", {})
        missing = [name for name in schema.get("required", []) if name not in value]
        if missing:
            raise ArgumentError(f"{where}: missing {_names(missing)}.")
        each = schema.get("additionalProperties", {})
        for name, item in value.items():
            if item is not None or name not in properties or name in schema["required"]:
                _check_result(item, properties.get(name, each), f"{where}.{name}")
    elif isinstance(value, list) and schema.get("type") == "array":
        for index, item in enumerate(value):
            _check_result(item, schema.get("items", {}), f"{where}[{index}]")
    elif not _is_special(value, schema):
        checked(value, {word: schema[word] for word in ("type", "enum") if word in schema}, where)


def _is_special(value: Any, schema: Schema) -> bool:
    """Whether it is a bool, which is an int to Python, or a Decimal with more digits than a JSON number holds."""
    if isinstance(value, bool):
        return schema.get("type") in ("integer", "number") and "enum" not in schema
    return isinstance(value, str) and schema.get("python") == "decimal:Decimal"


def _fits_result(value: Any, schema: Schema, where: str) -> bool:
    try:
        _check_result(value, schema, where)
    except ArgumentError:
        return False
    return True


def _error(code: str, message: str) -> dict[str, dict[str, str]]:
    return {"error": {"code": code, "message": message}}
