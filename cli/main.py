"""The command `toolgate`: its sub-commands, and how each of them ends.

A sub-command imports what it needs when it runs: Pulumi's SDK and the servers cost up to a second each.
"""

import importlib
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import click
from click.shell_completion import get_completion_class

from toolgate.cli.endings import ending
from toolgate.cli.options import CommandError
from toolgate.cli.output import ClosedOutputError, Descriptor, keep_logs_readable, say, standard_streams
from toolgate.components import __version__

PROGRAM = "toolgate"
_COMPLETE = "_TOOLGATE_COMPLETE"
_COMMANDS = {
    "plan": "plan",
    "up": "up",
    "call": "call",
    "ask": "ask",
    "console": "console",
    "credentials": "credentials",
    "access": "access",
    "review": "review",
    "approval": "review",
    "deployer": "deployer",
    "demo": "demo",
    "check": "check",
    "lock": "lock",
    "fetch": "lock",
    "record": "record",
    "bundle": "bundle",
}
"""Sub-commands in the order of their help, and the module of this folder that has each."""


class _PastClickError(Exception):
    """What was raised is the cause."""


@contextmanager
def _past_click() -> Iterator[None]:
    """Let nothing be raised that click ends a command with by itself, in its own words and codes."""
    try:
        yield
    except (EOFError, KeyboardInterrupt, OSError) as error:
        raise _PastClickError from error


class _Commands(click.Group):
    """The sub-commands, each loaded when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return [*_COMMANDS, *self.commands]

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """As click does it, but for what it would take for the end of the command."""
        with _past_click():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """The same."""
        with _past_click():
            return super().invoke(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The sub-command of a name."""
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(importlib.import_module(f"toolgate.cli.{_COMMANDS[cmd_name]}"), cmd_name)
        return _with_debug(command)


_DEBUG = "--debug"
_DEBUG_VARIABLE = "TOOLGATE_DEBUG"
_SHOW_TRACE = click.Option(
    [_DEBUG], is_flag=True, expose_value=False, help=f"show where an error comes from [env: {_DEBUG_VARIABLE}=1]"
)


def _debugging(words: Sequence[str]) -> bool:
    """Whether traces are wanted; also of what is wrong with the words themselves, before anybody has parsed them."""
    ours = words[: words.index("--")] if "--" in words else words
    return _DEBUG in ours or os.environ.get(_DEBUG_VARIABLE, "") not in {"", "0", "false"}


def _with_debug(command: click.Command) -> click.Command:
    """The command and those below it, each with --debug."""
    if _SHOW_TRACE not in command.params:
        command.params.append(_SHOW_TRACE)
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        _with_debug(below)
    return command


@click.group(PROGRAM, cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name=PROGRAM)
def toolgate() -> None:
    """Agents on Amazon Bedrock AgentCore whose IAM role is their only credential."""


_with_debug(toolgate)


@toolgate.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes this command in a shell.

    For bash: eval "$(toolgate completion bash)"
    """
    found = get_completion_class(shell)
    if found is None:
        raise CommandError(f"there is no completion for {shell}")
    say(found(toolgate, {}, PROGRAM, _COMPLETE).source())


_with_debug(completion)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code. An error is one line on standard error."""
    # As an exception the signal ends what was started on the way out; the default would leave the policy pack running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    keep_logs_readable()
    words = sys.argv[1:] if arguments is None else [*arguments]
    with standard_streams() as output:
        try:
            code = int(toolgate.main(words, PROGRAM, complete_var=_COMPLETE, standalone_mode=False) or 0)
            raised = None
        except BaseException as error:  # however it ends: this is the last that hears of it
            code, raised = 0, error.__cause__ if isinstance(error, _PastClickError) else error
        raised = _not_written(output) or raised  # whoever met it may have taken it for something else
        if raised is None:
            return code
        if _debugging(words):
            say("".join(traceback.format_exception(raised)), err=True, nl=False)
        line, code = ending(raised)
        if line:
            say(line, err=True)
        return code


def _not_written(output: Descriptor | None) -> Exception | None:
    """That standard output took nothing more, if it did not."""
    with suppress(OSError):
        sys.stdout.flush()
    failure = output.failure if output else None
    if failure is None:
        return None
    if isinstance(failure, BrokenPipeError):
        return ClosedOutputError()
    return CommandError(f"standard output cannot be written ({failure.strerror}); let it go elsewhere")
