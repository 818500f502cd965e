"""`make record`: what the demos print, written into docs/demo.md where their commands stand, and README's images.

Recorded is the sample that the tests stand on, so that the page stays true whichever tools `lambdas/` has.
"""

import argparse
import io
import re
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from scripts import images
from scripts.chromium import NoBrowserError
from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import matrix
from toolgate.access.output.picture import picture
from toolgate.access.output.svg import as_svg
from toolgate.local.demo import main as demo
from toolgate.local.plan import plan

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "tests" / "sample"
PAGE = ROOT / "docs" / "demo.md"
PICTURE = ROOT / "docs" / "images" / "agents.svg"
STACKS = {"dev": "make demo", "agents": "make demo-agents", "gateways": "make demo-gateways", "jwt": "make demo-jwt"}
"""The demo's stacks, and the command of each as a reader types it."""


def main() -> int:
    """Run the demos and record them; return 1 when one of them failed."""
    text = PAGE.read_text(encoding="utf-8")
    for stack, command in STACKS.items():
        shown = io.StringIO()
        with redirect_stdout(shown):
            failed = demo(stack, SAMPLE)
        if failed:
            print(f"error: `{command}` failed, nothing is recorded:\n{shown.getvalue()}", file=sys.stderr)
            return 1
        before, after = _around(text, command)
        text = before + shown.getvalue() + after
    PAGE.write_text(text, encoding="utf-8")
    PICTURE.write_text(picture_of(plan("agents", root=SAMPLE).deployment), encoding="utf-8")
    print(f"recorded in {PAGE.relative_to(ROOT)} and {PICTURE.relative_to(ROOT)}")
    try:
        images.record()
    except NoBrowserError as error:
        print(f"error: {error}; the console's images stay as they are", file=sys.stderr)
        return 1
    return 0


def picture_of(planned: Mapping[str, Any]) -> str:
    """README's picture: what `toolgate access picture` draws of the stack `agents`."""
    deployment = parse(planned)
    return as_svg(picture(deployment, matrix(deployment))) + "\n"


def recorded(command: str) -> str:
    """What the page says that the command prints."""
    text = PAGE.read_text(encoding="utf-8")
    before, after = _around(text, command)
    return text[len(before) : len(text) - len(after)]


def without_times(shown: str) -> str:
    """A demo's output without what is another each time: how long things took."""
    return re.sub(r"\b\d+(\.\d+)? (ms|s)\b", r"- \2", shown)


def _around(text: str, command: str) -> tuple[str, str]:
    """The page before and after what the command prints."""
    before, start, rest = text.partition(f"```text\n$ {command}\n")
    _, end, after = rest.partition("```\n")
    if not start or not end:
        raise ValueError(f"{PAGE.name} has no block ```text that begins with `$ {command}`")
    return before + start, end + after


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m scripts.record", description=__doc__).parse_args()
    sys.exit(main())
