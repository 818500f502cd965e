"""A stack of Pulumi's, asked of its CLI."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class StackError(Exception):
    """The stack cannot be read; the text says why, and what to do."""


class NoPulumiError(StackError):
    """Pulumi's CLI is not there."""


def outputs(program: Path, stack: str) -> Any:
    """A stack's outputs, without what is secret.

    Args:
        program: The program's folder.
        stack: The stack.

    Raises:
        StackError: It cannot be read.
    """
    return _read(program, stack, "output", "--json")


def export(program: Path, stack: str) -> Mapping[str, Any]:
    """A stack's export, in which secrets stay encrypted; arguments as of `outputs`.

    Raises:
        StackError: It cannot be read.
    """
    document = _read(program, stack, "export")
    if not isinstance(document, dict):
        raise StackError(f"stack {stack} cannot be read: `pulumi stack export` gives no deployment")
    return document


def _read(program: Path, stack: str, *words: str) -> Any:
    command = ["pulumi", "stack", *words, "--stack", stack]
    try:
        done = subprocess.run(command, cwd=program, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NoPulumiError("`pulumi` is not on PATH, so the stack cannot be read. Install it") from None
    if done.returncode != 0:
        reason = next((line for line in done.stderr.splitlines() if line.strip()), "no reason given")
        raise StackError(f"stack {stack} cannot be read: {reason.removeprefix('error: ')}")
    try:
        return json.loads(done.stdout)
    except ValueError:
        return None  # what is no JSON has nothing that anybody looks for
