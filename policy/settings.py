"""A rule's part of the policy configuration, read without trusting it.

The engine checks a configuration against the schema, but other drivers may not; a value of the wrong type counts as not
given, so that no configuration can switch a rule off by accident. `exceptions` is every rule's.

A list names what is let past, a number is the most that is (by the name `min...` the least), and a switch asks for
more: by that a review tells a setting that opens a rule from one that is stricter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolgate.policy.language import patterns

EXCEPTIONS_SCHEMA: dict[str, Any] = {
    "type": "array",
    "description": "Resources the rule does not bind, each with the reason.",
    "items": {
        "type": "object",
        "properties": {
            "resource": {"type": "string", "minLength": 1, "description": "Name, or URN pattern with * and ?."},
            "reason": {"type": "string", "minLength": 1, "description": "Why this is acceptable, for the reviewer."},
        },
        "required": ["resource", "reason"],
        "additionalProperties": False,
    },
}


def strings_schema(description: str, default: list[str]) -> dict[str, Any]:
    """JSON schema of a setting that is a list of texts."""
    return {"type": "array", "items": {"type": "string"}, "description": description, "default": default}


def flag_schema(description: str) -> dict[str, Any]:
    """JSON schema of a setting that is off unless asked for."""
    return {"type": "boolean", "description": description, "default": False}


def number_schema(description: str, default: int) -> dict[str, Any]:
    """JSON schema of a setting that is a whole number."""
    return {"type": "integer", "minimum": 1, "description": description, "default": default}


@dataclass(frozen=True)
class RuleSettings:
    """The configuration of one rule."""

    data: Mapping[str, Any]

    def strings(self, key: str, default: list[str]) -> list[str]:
        """A list of texts."""
        value = self.data.get(key)
        is_list = isinstance(value, list) and all(isinstance(member, str) for member in value)
        return list(value) if is_list and value is not None else default

    def number(self, key: str, default: int) -> float:
        """A number above zero; what comes over the wire is a float."""
        value = self.data.get(key)
        return value if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else default

    def flag(self, key: str) -> bool:
        """A switch; off unless it is on."""
        return self.data.get(key) is True

    def exception(self, name: str, urn: str) -> str | None:
        """The reason why this resource is excepted, if it is."""
        entries = self.data.get("exceptions")
        for entry in entries if isinstance(entries, list) else []:
            if not isinstance(entry, dict):
                continue
            resource, reason = entry.get("resource"), entry.get("reason")
            if not isinstance(resource, str) or not isinstance(reason, str) or not reason.strip():
                continue
            if resource == name or (resource.startswith("urn:") and patterns.read(resource).matches(urn)):
                return reason
        return None
