"""`python -m scripts.release TAG`: print what CHANGELOG.md says of the tagged version, or why it cannot be released."""

import re
import sys
from pathlib import Path

from toolgate.components import __version__

CHANGELOG = Path(__file__).resolve().parent.parent / "CHANGELOG.md"
UNRELEASED = "Unreleased"


class ReleaseError(Exception):
    """The tag cannot be released; the text says what to write instead."""


def sections(changelog: str) -> dict[str, str]:
    """What a changelog says under each of its headings, the newest first."""
    _, *parts = re.split(r"^## (.*)$", changelog, flags=re.MULTILINE)
    return dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))


def notes(tag: str, version: str, changelog: str) -> str:
    """What the changelog says of the version that a tag releases.

    Raises:
        ReleaseError: The tag is another version's, or the changelog does not say what changed in this one.
    """
    if tag != f"v{version}":
        raise ReleaseError(f"the tag {tag} is not the version {version}: tag v{version}, or change the version first.")
    found = sections(changelog)
    if found.pop(UNRELEASED, ""):
        raise ReleaseError(f"CHANGELOG.md has lines under {UNRELEASED}: move them under the heading of {version}.")
    newest = next(iter(found), "")
    if not re.fullmatch(re.escape(version) + r" \(\d{4}-\d\d-\d\d\)", newest) or not found[newest]:
        raise ReleaseError(f"CHANGELOG.md must begin with what changed, under the heading `## {version} (YYYY-MM-DD)`.")
    return found[newest]


def main(arguments: list[str]) -> int:
    """Print the notes; return the exit code."""
    try:
        [tag] = arguments
    except ValueError:
        print("usage: python -m scripts.release TAG", file=sys.stderr)
        return 2
    try:
        print(notes(tag, __version__, CHANGELOG.read_text(encoding="utf-8")))
    except ReleaseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
