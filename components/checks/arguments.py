"""Checks what a component, or a stack's configuration, was given against the TypedDict that describes it."""

import difflib
import enum
import inspect
import reprlib
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pulumi

_WRAPPERS = (typing.NotRequired, typing.Required, typing.Union, types.UnionType)
_WORDS = {
    str: "a string",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    dict: "a map",
    list: "a list",
}
# What Pulumi puts in the place of an Output that is written into a text, with a warning (pulumi/pulumi#4650, #6747).
_OUTPUT_AS_TEXT = "Calling __str__ on an Output[T] is not supported."


_HINTS: tuple[tuple[type, type, str], ...] = (
    (list, str, " Write each item on a line of its own, after `- `, or all of them in [ ], without quotes around it."),
    (dict, list, " Write a `name: value` a line, without `- `."),
    (dict, str, " Write a `name: value` a line below it, without quotes around it."),
    (int, str, " Write it without quotes and without a unit."),
    (str, int, " Put it in quotes."),
    (str, float, " Put it in quotes."),
)
"""What was expected of a stack's file, what was given, and what is likely to help."""


class UsageError(pulumi.RunError):
    """What was asked for cannot be deployed; the text says what is wrong, where, and what to write instead.

    Pulumi shows a `RunError` as its message alone, without a stack trace.
    """


def check(given: Any, expected: Any, where: str) -> None:
    """Check a value against a type, all the way down.

    Args:
        given: What was given. Outputs are taken where the type is `pulumi.Input[...]`; their values come later.
        expected: A TypedDict class, or any type its fields may have.
        where: The value's place, for the message; a namespace of Pulumi's configuration ends in a colon.

    Raises:
        UsageError: A field is unknown, missing or of another type.
    """
    origin, parts = typing.get_origin(expected), typing.get_args(expected)
    if isinstance(given, pulumi.Output) and expected is not Any and origin not in _WRAPPERS:
        raise UsageError(f"{where}: must be a plain value, not an Output: it is needed before anything is made.")
    if typing.is_typeddict(expected):
        _check_fields(given, expected, where)
        return
    if origin in (typing.NotRequired, typing.Required):
        check(given, parts[0], where)
    elif origin in (typing.Union, types.UnionType):
        _check_union(given, parts, where)
    elif origin in (list, Sequence):
        _expect(isinstance(given, Sequence) and not isinstance(given, str), given, list, where)
        for index, item in enumerate(given):
            check(item, parts[0], f"{where}[{index}]")
    elif origin in (dict, Mapping):
        _expect(isinstance(given, Mapping), given, dict, where)
        for key, item in given.items():
            _expect(isinstance(key, str), key, str, f"{where} key")
            check(item, parts[1], _at(where, key))
    elif isinstance(expected, type):
        _check_plain(given, expected, where)


def derived[R](given: Any, expected: Any, where: str, derive: Callable[[Any], R]) -> R | pulumi.Output[R]:
    """What is made of a value: at once if all of it is plain, else once it is known.

    Args:
        given: The value, already checked as far as it is plain. What a component hands to one in another process comes
            as Outputs, also where it is known.
        expected: Its type, against which Outputs are checked once they are known.
        where: Its place, for the message.
        derive: Makes the result; it may raise UsageError.
    """
    if not _holds_output(given):
        return derive(given)

    def check_and_derive(known: Any) -> R:
        check(known, expected, where)
        return derive(known)

    return _resolved(given).apply(check_and_derive)


def as_output[T](known: T) -> pulumi.Output[T]:
    """An Output of a plain value.

    `Output.from_input` makes an Output of each leaf first, which takes a hundred times as long for a tool's schema.
    """
    return pulumi.Output.from_input(True).apply(lambda _: known)


def plain(given: Any) -> Any:
    """The value with the plain values of its enumerations: Pulumi takes no others as a component's inputs."""
    if isinstance(given, Mapping):
        return {key: plain(item) for key, item in given.items()}
    if isinstance(given, list | tuple):
        return [plain(item) for item in given]
    return given.value if isinstance(given, enum.Enum) else given


def _resolved(given: Any) -> pulumi.Output[Any]:
    """What is given, with the values of its Outputs in their places."""
    values = as_output(list[Any]())
    for output in _outputs(given):
        # Not by `Output.all`, which makes an Output of each leaf of their values.
        values = values.apply(partial(_with_next, output))

    def filled(known: list[Any]) -> Any:
        whole = _filled(given, iter(known))
        return _resolved(whole) if _holds_output(whole) else whole

    return values.apply(filled)


def _with_next(output: pulumi.Output[Any], before: list[Any]) -> pulumi.Output[list[Any]]:
    return output.apply(lambda value: [*before, value])


def _filled(given: Any, values: Iterator[Any]) -> Any:
    if isinstance(given, Mapping):
        return {key: _filled(item, values) for key, item in given.items()}
    if isinstance(given, list | tuple):
        return [_filled(item, values) for item in given]
    return next(values) if isinstance(given, pulumi.Output) else given


def _outputs(given: Any) -> Iterator[pulumi.Output[Any]]:
    if isinstance(given, pulumi.Output):
        yield given
    elif isinstance(given, Mapping):
        for item in given.values():
            yield from _outputs(item)
    elif isinstance(given, list | tuple):
        for item in given:
            yield from _outputs(item)


def _holds_output(given: Any) -> bool:
    return any(True for _ in _outputs(given))


def within(value: Any, least: float, most: float, where: str) -> None:
    """Check a number, or the length of a text, against AWS's bounds. An Output's value comes later.

    Raises:
        UsageError: It is out of bounds.
    """
    size = len(value) if isinstance(value, str) else value
    if isinstance(size, int | float) and not least <= size <= most:
        # Through the plugin every number comes as one with a point.
        number = int(size) if isinstance(size, float) and size.is_integer() else size
        found = f"has {size} characters" if isinstance(value, str) else f"is {number}"
        raise UsageError(f"{where}: {found}; {least} to {most} are allowed.")


def did_you_mean(key: Any, known: Iterable[str]) -> str:
    """The known key that somebody may have meant, as a sentence after a space; empty where none is near."""
    near = difflib.get_close_matches(str(key), known, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _check_fields(given: Any, expected: Any, where: str) -> None:
    fields = expected.__annotations__
    _expect(isinstance(given, Mapping), given, dict, where)
    for name in given:
        if name not in fields:
            raise UsageError(
                f"{_at(where)}: unknown key {name!r}.{did_you_mean(name, fields)} Known: {', '.join(sorted(fields))}."
            )
    missing = sorted(expected.__required_keys__ - given.keys())
    if missing:
        raise UsageError(f"{_at(where)}: missing {', '.join(map(repr, missing))}.")
    for name, value in given.items():
        check(value, fields[name], _at(where, name))


def _at(where: str, name: str = "") -> str:
    """The place of a field: `toolgate:agents` in a configuration's namespace, `a.b` elsewhere."""
    return f"{where}{name}" if where.endswith(":") and name else ".".join(filter(None, (where.rstrip(":"), name)))


def _check_union(given: Any, parts: Sequence[Any], where: str) -> None:
    # pulumi.Input[T] is Union[T, Awaitable[T], "Output[T]"]; the last is a forward reference.
    is_input = any(isinstance(part, typing.ForwardRef) for part in parts)
    if is_input and (isinstance(given, pulumi.Output) or inspect.isawaitable(given)):
        return
    check(given, parts[0], where)


def _check_plain(given: Any, expected: type, where: str) -> None:
    if issubclass(expected, enum.Enum):
        allowed = [member.value for member in expected]
        if not isinstance(given, expected) and given not in allowed:
            raise UsageError(f"{where}: {given!r} is not one of {', '.join(map(repr, allowed))}.")
    elif expected in _WORDS:
        if isinstance(given, str) and _OUTPUT_AS_TEXT in given:
            raise UsageError(
                f"{where}: an Output was written into this text, where its value is not known yet. Write "
                '`pulumi.Output.format("...{0}...", output)` instead of an f-string.'
            )
        # bool is a subclass of int, and a hosted component gets whole numbers as floats.
        whole = expected is int and isinstance(given, float) and given.is_integer()
        right = isinstance(given, expected) and (expected is bool or not isinstance(given, bool))
        _expect(right or whole or (expected is float and type(given) is int), given, expected, where)


def _expect(right: bool, given: Any, expected: type, where: str) -> None:
    if not right:
        written = where.partition(".")[0].partition(":")[0].isidentifier() and ":" in where  # in a stack's file
        hints = _HINTS if written else ()
        hint = next((text for wanted, kind, text in hints if wanted is expected and isinstance(given, kind)), "")
        if given is None:
            hint = f" Leave the key out instead{', or write {} for an empty one' if expected is dict else ''}."
        raise UsageError(f"{where}: must be {_WORDS[expected]}, not {reprlib.repr(given)}.{hint}")
