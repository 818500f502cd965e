"""How a command ends when it does not end well: the line that is said, and the exit code."""

import signal

import click

from toolgate.cli.options import FAILED
from toolgate.cli.output import ClosedOutputError
from toolgate.local.asking import AskError

INTERNAL = 70
"""Exit code of a fault of ours (sysexits.h, EX_SOFTWARE)."""
_SIGNALLED = 128
"""What a shell adds to the number of the signal that ended a process."""
_PACKAGE = __package__.partition(".")[0]


def ending(error: BaseException) -> tuple[str, int]:  # noqa: PLR0911  # a table: a row for each kind of error
    """The line for the person at the terminal, empty where there is nothing to tell, and the exit code."""
    match error:
        case click.exceptions.NoArgsIsHelpError():
            return error.format_message(), FAILED
        case click.ClickException():
            return f"error: {error.format_message()}", error.exit_code
        case AskError():
            return f"error: {error}", 1
        case click.Abort() | KeyboardInterrupt():
            return "", _SIGNALLED + signal.SIGINT
        case SystemExit(code=int(code)):
            return "", code
        case ClosedOutputError():  # as of a program that knows nothing of it; a shell hears of `head` alone
            return "", _SIGNALLED + signal.SIGPIPE
        case ModuleNotFoundError() if (error.name or "").partition(".")[0] != _PACKAGE:
            return (
                f"error: this command needs more than is installed: pip install 'toolgate[local]' ({error})",
                FAILED,
            )
        case OSError(strerror=str(reason)):
            where = f"{error.filename}: " if error.filename is not None else ""
            return f"error: {where}{reason}. With --debug the command says what it was doing", FAILED
    said = " ".join(str(error).split())
    kind = type(error).__name__
    return f"error: internal error: {kind}{said and f': {said}'}. Run it again with --debug, and report that", INTERNAL
