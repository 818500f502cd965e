"""Every sub-command there is, and a command line for it: what is new is found, not named."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from toolgate.cli.main import toolgate

_WORDS = {"tool": "math___add_numbers", "base": "HEAD"}
_OTHERS = {"agent": "assistant", "principal": "*", "prompt": "sum", "deployment": None}
"""What a command wants although its options do not say so."""


def every(group: click.Group = toolgate, before: Sequence[str] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """The words that name each command without sub-commands, and the command."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from every(command, (*before, name))
        else:
            yield (*before, name), command


def files(command: click.Command) -> list[str]:
    """The names of what a command takes as a file or folder."""
    return [str(it.name) for it in command.params if isinstance(it.type, click.Path)]


def line(words: Sequence[str], command: click.Command, given: str, file: Path, good: Path) -> list[str]:
    """A command line in which one parameter is a file, and every other that is needed has something that will do.

    Args:
        words: What names the command.
        command: It.
        given: The parameter's name.
        file: What it is given.
        good: A program's folder, for the others that are files.
    """
    found = [*words]
    for it in command.params:
        name = str(it.name)
        value = str(file) if name == given else _filled(it, good)
        if value is not None:
            found += [value] if isinstance(it, click.Argument) else [it.opts[0], value]
    return found


def _filled(it: click.Parameter, good: Path) -> str | None:
    if it.name == "program":
        return str(good)
    if isinstance(it, click.Argument) and it.name == "targets":
        return None
    if not it.required and it.name not in {"agent", "prompt"}:
        return None
    if isinstance(it.type, click.Path):
        return str(good / "summary.json")
    if isinstance(it.type, click.Choice):
        return str(next(iter(it.type.choices)))
    return _WORDS.get(str(it.name)) or _OTHERS.get(str(it.name)) or "x"
