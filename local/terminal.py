"""What may stand on a terminal: texts of tools, models and requests hold whatever somebody put there."""

import re
import sys

# C0 and C1 (ECMA-48), DEL, what turns the direction of writing (Unicode annex 9), other ends of a line, half surrogate
# pairs, which no stream takes. A line's end and a tab are what a text needs.
_COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def readable(text: str) -> str:
    """The text with what a terminal would take for a command written out as JSON writes it, by `u` and its number.

    A JSON document means the same afterwards.
    """
    return _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def one_line(text: str) -> str:
    """The same on one line, so that nobody writes further ones."""
    return readable(text).replace("\n", "\\n")


def say(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a text, so that nothing in it is a command to the terminal.

    Args:
        text: The text.
        err: To standard error.
        nl: With an end of the line.
    """
    print(readable(str(text)), file=sys.stderr if err else sys.stdout, end="\n" if nl else "", flush=True)
