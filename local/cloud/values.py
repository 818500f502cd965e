"""The values of resource properties as the stand-in control plane sees them: JSON, and three kinds that JSON lacks."""

from collections.abc import Iterator, Mapping
from typing import Any, Final


class _Unknown:
    """The kind of `UNKNOWN`."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()
"""A value that a preview cannot know yet. Every check passes over it."""


class HiddenText(str):
    """A secret's text: checked like any other, never repeated in a message."""

    __slots__ = ()


class Package(str):
    """The digest of a file or archive that is handed over with a resource; stands for its content."""

    __slots__ = ()


type Properties = Mapping[str, Any]
"""A resource's properties by their Pulumi names (camelCase)."""


def is_known(value: Any) -> bool:
    """Whether nothing in `value` is unknown."""
    return all(leaf is not UNKNOWN for leaf in leaves(value))


def leaves(value: Any) -> Iterator[Any]:
    """Every value inside `value` that is neither a mapping nor a list."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def hidden(value: Any) -> Any:
    """`value` with every text in it `Hidden`."""
    if isinstance(value, Mapping):
        return {key: hidden(item) for key, item in value.items()}
    if isinstance(value, list):
        return [hidden(item) for item in value]
    return HiddenText(value) if isinstance(value, str) and not isinstance(value, Package) else value


def text(value: Any) -> str:
    """`value` as a message may show it: a secret is not shown, and a long text is cut."""
    if isinstance(value, HiddenText):
        return "[secret]"
    shown = str(value)
    return shown if len(shown) <= 120 else f"{shown[:117]}..."
