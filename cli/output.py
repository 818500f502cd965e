"""The one way in which a command says something: nothing of anybody's text is a command to the terminal."""

import logging

import click

from toolgate.local.terminal import readable


def say(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a text.

    Args:
        text: The text.
        err: To standard error.
        nl: With an end of the line.
    """
    click.echo(readable(str(text)), err=err, nl=nl)


def keep_logs_readable() -> None:
    """Let what is logged, and nobody handles, be printed in the same way."""
    if logging.lastResort:
        logging.lastResort.setFormatter(_Readable())


class _Readable(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return readable(super().format(record))
