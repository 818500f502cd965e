"""The command `toolgate`: its sub-commands, and how each of them ends.

A sub-command imports what it needs when it runs: Pulumi's SDK and the servers cost up to a second each.
"""

import importlib
import signal
import sys
from collections.abc import Sequence

import click
from click.shell_completion import get_completion_class

from toolgate.cli.options import FAILED, CommandError
from toolgate.cli.output import keep_logs_readable, say
from toolgate.components import __version__

PROGRAM = "toolgate"
_COMPLETE = "_TOOLGATE_COMPLETE"
_COMMANDS = {
    "plan": "plan",
    "up": "up",
    "call": "call",
    "ask": "ask",
    "credentials": "credentials",
    "access": "access",
    "review": "review",
    "approval": "review",
    "deployer": "deployer",
    "demo": "demo",
    "check": "check",
    "lock": "lock",
    "fetch": "lock",
    "bundle": "bundle",
}
"""Sub-commands in the order of their help, and the module of this folder that has each."""


class _Commands(click.Group):
    """The sub-commands, each loaded when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return [*_COMMANDS, *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The sub-command of a name."""
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(importlib.import_module(f"toolgate.cli.{_COMMANDS[cmd_name]}"), cmd_name)
        return command


@click.group(PROGRAM, cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name=PROGRAM)
def toolgate() -> None:
    """Agents on Amazon Bedrock AgentCore whose IAM role is their only credential."""


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code. An error is one line on standard error."""
    # As an exception the signal ends what was started on the way out; the default would leave the policy pack running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    keep_logs_readable()
    try:
        code = toolgate.main(arguments, PROGRAM, complete_var=_COMPLETE, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as shown:
        say(shown.format_message(), err=True)
        return FAILED
    except click.ClickException as error:
        return _failed(error.format_message(), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return 128 + signal.SIGINT
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == PROGRAM:
            raise
        return _failed(f"this command needs more than is installed: pip install 'toolgate[local]' ({error})", FAILED)
    return int(code or 0)


def _failed(message: str, code: int) -> int:
    say(f"error: {message}", err=True)
    return code
