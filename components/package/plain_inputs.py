"""Plain inputs as they come from an SDK that does not say which of a value's parts are outputs.

Java's (pulumi/pulumi-java issue 1662) sends the value of an output and, for the whole input, the resources that it came
from; Pulumi's host then makes one Output of it all, of which a component could read nothing before it makes something.
"""

from collections.abc import Mapping
from typing import Any

import pulumi

_REFERENCE = "#/types/"


def opened(inputs: Mapping[str, Any], component: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs of which the plain parts are plain, and the others Outputs with the dependencies of the whole.

    Args:
        inputs: A component's inputs as the host has them, by the names of the schema.
        component: The component's type token.
        schema: The package's schema, which says what is plain.
    """
    # The host refuses a type that the package has not.
    properties = schema["resources"].get(component, {}).get("inputProperties", {})
    return {name: _opened(value, properties.get(name, {}), schema) for name, value in inputs.items()}


def _opened(given: Any, described: Mapping[str, Any], schema: Mapping[str, Any]) -> Any:
    if not isinstance(given, pulumi.Output) or not described.get("plain"):
        return given
    # Private, as a constructor cannot wait: what the host wrapped is there already.
    data = given._data
    if not data.done() or not data.result().is_known or not isinstance(data.result().value, dict | list):
        return given
    return _parts(data.result().value, described, schema, given)


def _parts(value: Any, described: Mapping[str, Any], schema: Mapping[str, Any], whole: pulumi.Output[Any]) -> Any:
    """A part of a known Output, by its description.

    A plain leaf was no output in the program, so that it is nothing of what is secret in the whole. A part without a
    description is for the component to refuse.
    """
    if described and not described.get("plain"):
        return whole.apply(lambda _: value)
    if isinstance(value, list):
        return [_parts(item, described.get("items", {}), schema, whole) for item in value]
    if isinstance(value, dict):
        fields = schema["types"].get(described.get("$ref", "").removeprefix(_REFERENCE), {}).get("properties", {})
        others = described.get("additionalProperties", {})
        return {name: _parts(item, fields.get(name, others), schema, whole) for name, item in value.items()}
    return value
