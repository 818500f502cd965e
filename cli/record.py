"""`toolgate record`: the tools of an MCP server of others, as it lists them now, in the file that plans read."""

import difflib
import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from toolgate.cli import options
from toolgate.cli.options import CommandError
from toolgate.cli.output import say

SAME, CHANGED = 0, 1
"""Exit codes; 2 is `options.FAILED`."""
_LONGEST_KEY = 8192


@click.command()
@options.program
@click.argument("file", type=options.FILE)
@click.option("--endpoint", metavar="URL", help="where AgentCore reaches the server (default: as the file says)")
@click.option("--from", "asked", metavar="URL", help="where to ask it now, if that is elsewhere: a test instance, say")
@click.option("--key-env", metavar="NAME", help="the environment variable with its key or token")
@click.option("--key-file", type=options.FILE, help="the file with its key or token, which only you may read")
@click.option("--header", default="Authorization", show_default=True, help="the header for it; of this one a Bearer")
@click.option("--check", is_flag=True, help="write nothing")
@click.pass_context
def record(
    context: click.Context,
    program: Path,
    file: Path,
    endpoint: str | None,
    asked: str | None,
    key_env: str | None,
    key_file: Path | None,
    header: str,
    check: bool,
) -> None:
    """Record in FILE the tools that an MCP server of others lists, and say what has changed.

    FILE is what `remoteServer` of a stack names, such as recorded/docs.json. Exit code 0: nothing has changed, 1:
    something has, 2: the server cannot be asked.
    """
    from toolgate.components.checks.arguments import UsageError
    from toolgate.components.targets import recorded_server, remote_server
    from toolgate.local.progress import waiting_for
    from toolgate.local.remote_tools import RemoteServerError, ask

    os.chdir(program)
    key = _key(key_env, key_file)
    before = _recorded(file)
    place = endpoint or before["endpoint"]
    if not place:
        raise CommandError(f"{file} is not there yet: say by --endpoint where AgentCore reaches the server")
    try:
        remote_server.check_endpoint(place, "--endpoint" if endpoint else f"{file}: endpoint")
        with waiting_for("the server's tools"):
            answer = ask(asked or place, _headers(header, key))
    except (UsageError, RemoteServerError) as error:
        raise CommandError(str(error)) from error
    kept = list(_kept(answer.tools))
    text = recorded_server.text(place, kept)
    if key and key in text:
        raise CommandError("the server gives its key back among its tools; nothing is written")
    for name in answer.undecided:
        say(f"note: it has {name}, too; a gateway passes them on, and no Cedar policy decides who gets them", err=True)
    changes = list(_changes(before, {"endpoint": place, "tools": kept}))
    for line in changes:
        say(line)
    if changes and not check:
        options.written(lambda path: path.write_text(text, encoding="utf-8"), file, "FILE")
    context.exit(CHANGED if changes else SAME)


def _key(variable: str | None, file: Path | None) -> str | None:
    """The key or token; it is in no argument, which other processes and the shell's history show."""
    if variable and file:
        raise CommandError("--key-env and --key-file: give one of them")
    if variable:
        key = os.environ.get(variable, "")
        where = f"the variable {variable}"
    elif file:
        key = _owners(file)
        where = str(file)
    else:
        return None
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable() or len(key) > _LONGEST_KEY:
        raise CommandError(f"{where} holds no key: it must be one line of ASCII")
    return key


def _owners(file: Path) -> str:
    with file.open("rb") as opened:
        status = os.fstat(opened.fileno())
        if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
            raise CommandError(f"{file}: others may read it, or it is not yours: chmod 600 {file}")
        return opened.read(_LONGEST_KEY + 2).decode("ascii", "replace")


def _headers(header: str, key: str | None) -> dict[str, str]:
    if not header.isascii() or not header.replace("-", "").isalnum():
        raise CommandError(f"--header {header!r} is no name of a header: write one like X-Api-Key")
    if key is None:
        return {}
    return {header: f"Bearer {key}" if header.lower() == "authorization" else key}


def _recorded(file: Path) -> Mapping[str, Any]:
    """What the file says so far; where it is not there yet, nothing."""
    from toolgate.components.checks.arguments import UsageError
    from toolgate.components.targets import recorded_server

    if not file.exists():
        return {"endpoint": None, "tools": []}
    try:
        target = recorded_server.read(file, "toolgate record")
    except UsageError as error:
        raise CommandError(f"{error} Mend it, or remove it and name its --endpoint") from error
    return {"endpoint": target["remote_server"]["endpoint"], "tools": target["remote_server"]["listing"]}


def _kept(tools: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The tools that a gateway could serve, and a model be offered; of the others it is said why not."""
    from toolgate.components.checks.arguments import UsageError
    from toolgate.components.targets import listed_tools

    seen: set[str] = set()
    for tool in tools:
        name = str(tool["name"])
        try:
            listed_tools.check([tool], f"left out: {name!r}")
        except UsageError as error:
            say(str(error), err=True)
            continue
        if name in seen:
            say(f"left out: {name!r}: is there a second time", err=True)
            continue
        seen.add(name)
        yield tool


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """What has changed, a tool after the other: what it says is what a model will read, so all of it is shown."""
    if before["endpoint"] != now["endpoint"]:
        yield f"endpoint: {before['endpoint'] or 'none'} -> {now['endpoint']}"
    then, since = ({tool["name"]: tool for tool in it["tools"]} for it in (before, now))
    for name in sorted(then.keys() | since.keys()):
        old, new = _lines(then.get(name)), _lines(since.get(name))
        if old == new:
            continue
        yield f"{name} {'new' if not old else 'gone' if not new else 'changed'}"
        marked = difflib.unified_diff(old, new, n=2, lineterm="")
        yield from (f"  {line}" for line in list(marked)[2:] if not line.startswith("@@"))


def _lines(tool: Mapping[str, Any] | None) -> list[str]:
    return [] if tool is None else json.dumps(tool, ensure_ascii=False, indent=2, sort_keys=True).splitlines()
