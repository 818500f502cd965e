"""Limits of arguments, per tool and per agent, as a file says them: standard library only.

    {"tools": {"math___add_numbers": {"a": {"maximum": 1000}}},
     "agents": {"calculator": {"math___add_numbers": {"a": {"maximum": 10}}}}}

The bounds are JSON Schema's: `minimum` and `maximum` of a number, `maxLength` of a text in characters, `maxItems` of a
list, `enum` of any. They are of a tool's own arguments, not of what is inside of one. What an agent's limits say holds
beside what the tool's say. A missing argument has no limit: whether it may be missing the tool says. An argument of
another type than its bound's is refused.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

Bounds = Mapping[str, Mapping[str, Any]]
"""Of each argument: name of the bound -> its value."""


class LimitsError(Exception):
    """The file does not say limits; the text says all places, what is wrong, and what to write instead."""


@dataclass(frozen=True)
class Limits:
    """What a file says.

    Attributes:
        tools: Full name of a tool -> limits of its arguments.
        agents: Name of an agent -> the same, for its calls.
    """

    tools: Mapping[str, Bounds]
    agents: Mapping[str, Mapping[str, Bounds]]

    def refusal(self, tool: str, arguments: Mapping[str, Any], agent: str = "") -> str | None:
        """Why a call is refused; None where all limits are kept. No value of an argument is in it.

        Args:
            tool: The tool's full name.
            arguments: What it is called with.
            agent: Who calls; "" where nobody knows. Then a tool that is limited for some agent is refused to all.
        """
        if not agent and any(tool in tools for tools in self.agents.values()):
            return "it is limited per agent, and who calls is not known here"
        for bounds in (self.tools.get(tool, {}), self.agents.get(agent, {}).get(tool, {})):
            for argument, bound in bounds.items():
                for name, value in bound.items():
                    if argument in arguments and not _BOUNDS[name].holds(arguments[argument], value):
                        return f"{argument} is {_BOUNDS[name].broken.format(value)}"
        return None


def read(file: Path) -> Limits:
    """The limits that a file says.

    Raises:
        LimitsError: It is not there, or something in it is no limit.
    """
    try:
        said = json.loads(file.read_text("utf-8"), object_pairs_hook=_once)
    except (OSError, ValueError) as error:
        raise LimitsError(f"{file.name}: {error}") from None
    if faults := list(_faults(said)):
        raise LimitsError("\n".join(f"{file.name}: {fault}" for fault in faults))
    return Limits(said.get("tools", {}), said.get("agents", {}))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # The first of two would be read by people only.
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError(f"a name stands twice in one object, of: {', '.join(name for name, _ in pairs)}")
    return made


def _faults(said: Any) -> Iterator[str]:
    if not isinstance(said, dict) or not said or said.keys() - {"tools", "agents"}:
        yield 'write {"tools": {...}}, and beside it "agents": {...} if you like'
        return
    yield from _of_tools(said.get("tools", {}), "tools")
    agents = said.get("agents", {})
    if not isinstance(agents, dict):
        yield "agents: write an object, name of an agent -> tools"
        return
    for agent, tools in agents.items():
        yield from _of_tools(tools, f"agents.{agent}")


def _of_tools(tools: Any, place: str) -> Iterator[str]:
    if not isinstance(tools, dict):
        yield f"{place}: write an object, full name of a tool -> arguments"
        return
    for tool, arguments in tools.items():
        target, separator, name = tool.partition("___")
        if not (target and separator and name) or "*" in tool:
            yield f"{place}.{tool}: write the full name of one tool, <target>___<tool>"
        if not isinstance(arguments, dict) or not arguments:
            yield f"{place}.{tool}: write an object, name of an argument -> bounds"
            continue
        for argument, bounds in arguments.items():
            yield from _of_argument(bounds, f"{place}.{tool}.{argument}")


def _of_argument(bounds: Any, place: str) -> Iterator[str]:
    if not isinstance(bounds, dict) or not bounds:
        yield f'{place}: write bounds, such as {{"maximum": 100}}'
        return
    for name, value in bounds.items():
        if name not in _BOUNDS:
            yield f"{place}.{name}: there is no such bound. Write one of: {', '.join(_BOUNDS)}"
        elif not _BOUNDS[name].fits(value):
            yield f"{place}.{name}: write {_BOUNDS[name].wanted}"
    lowest, highest = bounds.get("minimum"), bounds.get("maximum")
    if _is_number(lowest) and _is_number(highest) and lowest > highest:
        yield f"{place}: no number is at least {lowest} and at most {highest}"
    kinds = {_BOUNDS[name].of for name in bounds if name in _BOUNDS and _BOUNDS[name].of}
    if len(kinds) > 1:
        yield f"{place}: one argument is not both a {' and a '.join(sorted(kinds))}"


@dataclass(frozen=True)
class _Bound:
    """A bound.

    Attributes:
        of: Type of the arguments that may have it; "" for any.
        wanted: What its value is to be, and `fits` whether it is.
        holds: Whether an argument keeps it, the argument and the bound's value given.
        broken: What an argument is that does not.
    """

    of: str
    wanted: str
    fits: Callable[[Any], bool]
    holds: Callable[[Any, Any], bool]
    broken: str


def _is_number(value: Any) -> TypeGuard[float]:
    # True is 1 to Python; NaN is greater and smaller than nothing.
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


_BOUNDS = {
    "minimum": _Bound(
        "number", "a number", _is_number, lambda it, bound: _is_number(it) and it >= bound, "no number of at least {}"
    ),
    "maximum": _Bound(
        "number", "a number", _is_number, lambda it, bound: _is_number(it) and it <= bound, "no number of at most {}"
    ),
    "maxLength": _Bound(
        "text",
        "a whole number of characters",
        _is_count,
        lambda it, bound: isinstance(it, str) and len(it) <= bound,
        "no text of at most {} characters",
    ),
    "maxItems": _Bound(
        "list",
        "a whole number of items",
        _is_count,
        lambda it, bound: isinstance(it, list) and len(it) <= bound,
        "no list of at most {} items",
    ),
    "enum": _Bound(
        "",
        "a list of the texts, numbers, true and false that it may be",
        lambda it: (
            isinstance(it, list) and bool(it) and all(isinstance(one, str | bool) or _is_number(one) for one in it)
        ),
        lambda it, bound: any(_same(it, one) for one in bound),
        "none of {}",
    ),
}
