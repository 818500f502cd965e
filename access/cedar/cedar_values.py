"""A tool call's arguments as Cedar values.

The rules are those of the generator that AgentCore's documentation names as the source of its schemas: an argument that
is missing, unexpected or of another type makes no request at all, and a number is rounded to four decimal places.
Source: https://github.com/cedar-policy/cedar-for-agents, rust/mcp-tools-sdk/src/validation.rs and
rust/cedar-policy-mcp-schema-generator/src/generator/request.rs; docs: policy-schema-constraints.html.
"""

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from toolgate.access.cedar.json_schema import NULLABLE, UNTYPED

_LONG = range(-(2**63), 2**63)
_DECIMAL = Decimal(2**63).scaleb(-4)  # Cedar's decimal: a 64-bit integer of ten-thousandths


def unknown(name: str) -> dict[str, Any]:
    """What Cedar leaves open."""
    return {"__extn": {"fn": "unknown", "arg": name}}


def is_known(value: Any) -> bool:
    """Whether nothing of a value in Cedar's JSON form is left open."""
    if isinstance(value, Mapping):
        return value.get("__extn", {}).get("fn") != "unknown" and all(map(is_known, value.values()))
    return all(map(is_known, value)) if isinstance(value, list) else True


class ArgumentError(ValueError):
    """The arguments are not those that the tool's input schema names, so that no policy can judge them."""


def to_cedar(arguments: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as a record in Cedar's JSON form, e.g. `{"a": {"__extn": {"fn": "decimal", "arg": "1.5000"}}}`.

    What has no type in Cedar is left open in it.

    Args:
        arguments: The call's arguments, as parsed from JSON.
        inputs: The tool's input schema, in the API's form or as `json_schema.typed` makes one.

    Raises:
        ArgumentError: An argument is missing, unexpected, of another type, or larger than Cedar's type holds.
    """
    return _record("", arguments, inputs)


def _record(where: str, value: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ArgumentError(f"{where or 'arguments'}: not an object")
    properties = inputs.get("properties") or {}
    for name in inputs.get("required") or ():
        if name not in value:
            raise ArgumentError(f"{_at(where, name)}: missing")
    for name in value:
        if name not in properties:
            raise ArgumentError(f"{_at(where, name)}: the tool has no such argument")
    given = {name: item for name, item in value.items() if item is not None or NULLABLE not in properties[name]}
    return {name: _value(_at(where, name), item, properties[name]) for name, item in given.items()}


def _at(where: str, name: object) -> str:
    return f"{where}.{name}" if where else str(name)


def _value(where: str, value: Any, inputs: Mapping[str, Any]) -> Any:
    if inputs == UNTYPED:
        return unknown(where)
    convert = _CONVERTERS.get(inputs.get("type", ""))
    if convert is None:
        raise ArgumentError(f"{where}: {inputs.get('type')!r} is not a type of AgentCore's tool schemas")
    return convert(where, value, inputs)


def _set(where: str, value: Any, inputs: Mapping[str, Any]) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise ArgumentError(f"{where}: not an array")
    items = inputs.get("items") or {"type": "string"}
    return [_value(f"{where}[{number}]", item, items) for number, item in enumerate(value)]


def _string(where: str, value: Any, _inputs: Mapping[str, Any]) -> str:
    if not isinstance(value, str):
        raise ArgumentError(f"{where}: not a string")
    return value


def _boolean(where: str, value: Any, _inputs: Mapping[str, Any]) -> bool:
    if not isinstance(value, bool):
        raise ArgumentError(f"{where}: not a boolean")
    return value


def _long(where: str, value: Any, _inputs: Mapping[str, Any]) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ArgumentError(f"{where}: not an integer")
    if value not in _LONG:
        raise ArgumentError(f"{where}: beyond 64 bits")
    return value


def _decimal(where: str, value: Any, _inputs: Mapping[str, Any]) -> dict[str, Any]:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or (isinstance(value, float) and not math.isfinite(value)):
        raise ArgumentError(f"{where}: not a number")
    if not -_DECIMAL <= value < _DECIMAL:
        raise ArgumentError(f"{where}: beyond what Cedar's decimal holds")
    return {"__extn": {"fn": "decimal", "arg": f"{value:.4f}" if isinstance(value, float) else f"{value}.0000"}}


_CONVERTERS: Mapping[str, Callable[[str, Any, Mapping[str, Any]], Any]] = {
    "object": _record,
    "array": _set,
    "string": _string,
    "boolean": _boolean,
    "integer": _long,
    "number": _decimal,
}
