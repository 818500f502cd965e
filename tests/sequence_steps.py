"""Programs one after another, and what comes of each: how the sequences of `tests/sequences.py` are written."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

type Inputs = Mapping[str, Any]


@dataclass(frozen=True)
class Out:
    """An output of another resource of the step."""

    resource: str
    name: str


@dataclass(frozen=True)
class With:
    """A text or document made of outputs."""

    outs: tuple[Out, ...]
    make: Callable[..., Any]


@dataclass(frozen=True)
class Step:
    """A program, and what an update with it does.

    Attributes:
        resources: By name: type and inputs; earlier ones come first.
        does: By name, what happens to it; nothing happens to the others.
        error: What the update fails with; a pattern.
    """

    resources: Mapping[str, tuple[str, Inputs]]
    does: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


def outs(value: Any) -> list[Out]:
    """The outputs that inputs refer to."""
    if isinstance(value, Out):
        return [value]
    if isinstance(value, With):
        return list(value.outs)
    if isinstance(value, Mapping):
        return [found for item in value.values() for found in outs(item)]
    return [found for item in value for found in outs(item)] if isinstance(value, list) else []


def without(resources: Mapping[str, tuple[str, Inputs]], *names: str) -> dict[str, tuple[str, Inputs]]:
    """The resources but some."""
    return {name: it for name, it in resources.items() if name not in names}


def pattern(step: Step) -> re.Pattern[str]:
    """The error that a step expects."""
    return re.compile(step.error, re.DOTALL)
