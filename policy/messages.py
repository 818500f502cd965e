"""Text of a violation, safe to send and to print.

Only names are quoted: actions, ARN patterns, principals, resource names. Values that a program may hold as secrets
(environment, condition values, the text of a broken document) never are.
"""

LONGEST_QUOTE = 200


def clean(text: str) -> str:
    """The text without what breaks the reply or the terminal: unpaired surrogates and control characters."""
    return "".join(char if char.isprintable() else " " for char in text)


def quote(name: str) -> str:
    """A name from the program in quotes, shortened to what a reader needs to find it."""
    shown = name if len(name) <= LONGEST_QUOTE else name[:LONGEST_QUOTE] + "…"
    return f'"{clean(shown)}"'


def listed(words: list[str], last: str = "and") -> str:
    """The words as an enumeration in a sentence."""
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
