"""What handing over a tool, or taking one away, would come to: planned with other settings, and applied nowhere.

The plan is `toolgate plan` itself, in a process of its own: what the program says or breaks reaches nothing that is
served.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.deployment.deployment import Deployment, read
from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.access.matrix.access_matrix import matrix, tools_of
from toolgate.access.output.access_difference import as_json, difference
from toolgate.console import places
from toolgate.console.places import NAMESPACE
from toolgate.console.source import Mistake, Unavailable
from toolgate.local.engine.settings_file import written
from toolgate.local.engine.stack_config import ConfigError, stack_config
from toolgate.policy.language.agentcore_facts import target_of

AGENTS = f"{NAMESPACE}:agents"
LONGEST_SECONDS = 60.0
"""How long planning may take, of both where there are two plans."""
_DEFAULT_AGENT = "assistant"
"""The agent of a stack that names none; it may call every tool (components/settings/agents.py)."""
_NO_SETTINGS = (
    f"this program does not take its agents from `{AGENTS}`: what an agent is handed stands in its source, and to see "
    "what a change does, make it there, and compare `toolgate plan --out` of before and after by `toolgate access diff`"
)

_ERROR = re.compile(r"^error: ", re.MULTILINE)

type Pairs = Sequence[tuple[str, str]]
type Json = dict[str, Any]


def what_if(
    program: Path,
    stack: str,
    give: Pairs,
    take: Pairs,
    served: Deployment | None = None,
) -> Mapping[str, Any]:
    """What the pack and the matrix would say if agents had other tools.

    Args:
        program: The folder of the project's file.
        stack: The stack.
        give: An agent and the full name of a tool that it would get, each; where several gateways have the tool, with
            the gateway's name and a slash before it.
        take: The same of tools that it would lose.
        served: What it is compared with; the stack as it is planned now when left out.

    Returns:
        `ok`, `violations`, `diff` (as `access diff --format json`), `error`, and the `settings` that would do it in
        `file`, at `line`.

    Raises:
        Unavailable: The program does not take its agents from settings.
        Mistake: There is no such agent, or no such tool.
    """
    if not places.has_settings(program):
        raise Unavailable(_NO_SETTINGS)
    end = time.monotonic() + LONGEST_SECONDS
    try:
        values = stack_config(program, stack, {}).values
        before = json.loads(values.get(AGENTS, "null"))
        if served is None:
            served = _planned(program, stack, {}, end).deployment
    except (_NotPlannedError, ConfigError, ValueError) as error:
        return _failed(str(error))
    agents = before if isinstance(before, dict) else {_DEFAULT_AGENT: {}}
    changed = _changed(agents, _Stack(served, named=f"{NAMESPACE}:gateways" in values), give, take)
    place = places.of_setting(program, stack, "agents")
    found = {
        "settings": written({AGENTS: changed}, as_json=bool(place and place.file.endswith(".json"))),
        "file": place.file if place else None,
        "line": place.line if place else None,
    }
    try:
        after = _planned(program, stack, {AGENTS: json.dumps(changed)}, end)
    except _NotPlannedError as error:
        return _failed(str(error)) | found
    told = json.loads(as_json(difference(matrix(served), matrix(after.deployment))))
    ok = all(it["level"] != "mandatory" for it in after.violations)
    return {"ok": ok, "violations": after.violations, "diff": told, "error": None, **found}


def _failed(error: str) -> Json:
    return {"ok": False, "violations": [], "diff": None, "error": error, "settings": None, "file": None, "line": None}


# --- the settings


@dataclass(frozen=True)
class _Stack:
    """The gateways that lists of tools name; `named` says whether they do so with the gateway's name."""

    deployment: Deployment
    named: bool

    @property
    def gateways(self) -> Mapping[str, Gateway]:
        """The gateways by the names that the settings have for them."""
        return {places.made_as(it.label, "-gateway"): it for it in self.deployment.gateways}

    def tools(self, gateway: str) -> tuple[str, ...]:
        """The full names of a gateway's tools."""
        return tools_of(self.deployment, self.gateways[gateway])

    def meant(self, tool: str) -> tuple[str, str]:
        """The gateway and the tool that are meant.

        Raises:
            Mistake: None is, or several are.
        """
        at, slash, plain = tool.rpartition("/")
        having = [it for it in self.gateways if plain in self.tools(it) and at in ("", it)]
        if len(having) == 1:
            return having[0], plain
        if having:
            choices = ", ".join(f"{it}/{plain}" for it in having)
            raise Mistake(f"several gateways have {plain}: name it as one of {choices}")
        every = sorted({name for it in self.gateways for name in self.tools(it)})
        where = f" at gateway {at}" if slash else ""
        raise Mistake(f"there is no tool {plain}{where}; the deployment has {', '.join(every) or 'none'}")

    def handed(self, entry: str) -> dict[str, tuple[str, ...]]:
        """What one entry of a list hands over, by gateway."""
        if not self.named:
            [gateway, *_] = self.gateways
            return {gateway: self._of(gateway, entry)}
        gateway, slash, rest = entry.partition("/")
        if gateway not in self.gateways:
            return {}
        return {gateway: self._of(gateway, rest) if slash else self.tools(gateway)}

    def _of(self, gateway: str, name: str) -> tuple[str, ...]:
        return tuple(it for it in self.tools(gateway) if name in (it, target_of(it)))

    def entries(self, gateway: str, tools: Iterable[str]) -> list[str]:
        """What a list says for tools of a gateway."""
        return [f"{gateway}/{it}" if self.named else it for it in tools]

    def whole(self, gateway: str) -> list[str]:
        """What a list says for all tools of a gateway."""
        targets = [it.name for it in self.deployment.targets_of(self.gateways[gateway])]
        return [gateway] if self.named else targets


def _changed(agents: Mapping[str, Any], stack: _Stack, give: Pairs, take: Pairs) -> dict[str, Any]:
    """The agents with other tools; what is not touched stays as it is written."""
    changed = dict(agents)
    for pairs, edit in ((take, _without), (give, _with)):
        for agent, tool in pairs:
            if agent not in changed:
                raise Mistake(f"there is no agent {agent}; the stack has {', '.join(changed)}")
            own = changed[agent] if isinstance(changed[agent], dict) else {}
            listed = own.get("tools")
            # Left out it is every tool, also one that comes later; a change has to write out which.
            entries = [it for name in stack.gateways for it in stack.whole(name)] if listed is None else listed
            edited = edit(stack, list(entries), *stack.meant(tool))
            if edited != entries:
                changed[agent] = {**own, "tools": edited}
    return changed


def _with(stack: _Stack, entries: list[str], gateway: str, tool: str) -> list[str]:
    """A list that also hands over a tool."""
    if any(tool in stack.handed(it).get(gateway, ()) for it in entries):
        return entries
    # Without a policy engine whoever comes in may call everything, so that only all of it can be handed over.
    by_tool = stack.gateways[gateway].policy_engine is not None
    more = stack.entries(gateway, [tool]) if by_tool else stack.whole(gateway)
    return [*entries, *(it for it in more if it not in entries)]


def _without(stack: _Stack, entries: list[str], gateway: str, tool: str) -> list[str]:
    """A list that does not hand over a tool: what handed it over with others is written out."""
    kept: list[str] = []
    for entry in entries:
        tools = stack.handed(entry).get(gateway, ())
        rest = [entry] if tool not in tools else stack.entries(gateway, (it for it in tools if it != tool))
        kept += (it for it in rest if it not in kept)
    return kept


# --- the plan


class _NotPlannedError(Exception):
    """The stack could not be planned; the text is what `toolgate plan` says."""


@dataclass(frozen=True)
class _Plan:
    deployment: Deployment
    violations: Sequence[Json]


def _planned(program: Path, stack: str, settings: Mapping[str, str], end: float) -> _Plan:
    """Run `toolgate plan`.

    Args:
        program: The program.
        stack: The stack.
        settings: Settings that go before those of the stack's file.
        end: When to give up, on the monotonic clock.

    Raises:
        _NotPlannedError: It says why not, or does not end.
    """
    with tempfile.TemporaryDirectory(prefix="toolgate-what-if-") as scratch:
        deployment, said, words = (Path(scratch, it) for it in ("deployment.json", "said.json", "words.txt"))
        command = [sys.executable, "-P", "-m", "toolgate.cli", "plan", "--program", str(program), "--stack", stack]
        command += ["--format", "json", "--out", str(deployment)]
        command += [part for key, text in settings.items() for part in ("--config", f"{key}={text}")]
        with said.open("wb") as out, words.open("wb") as err, _running(command, out, err) as process:
            code = _ended(process, end)
        told = words.read_text(encoding="utf-8", errors="replace").strip()
        if code not in (0, 1):
            raise _NotPlannedError(_ERROR.split(told)[-1] or f"`toolgate plan` ended with code {code}")
        try:
            return _Plan(read(deployment), json.loads(said.read_bytes())["violations"])
        except (DeploymentError, ValueError, KeyError) as error:
            raise _NotPlannedError(f"what `toolgate plan` wrote cannot be read ({error})") from error


@contextmanager
def _running(command: Sequence[str], out: Any, err: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own, of which nothing is left after the block."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
            # A plan is to leave the program's folder as it is.
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        )
    except OSError as error:  # more settings than a command line takes
        raise _NotPlannedError(f"`toolgate plan` cannot be started ({error.strerror})") from error
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _ended(process: subprocess.Popen[bytes], end: float) -> int:
    """The exit code; a process that takes too long, or for which nobody waits any more, is given up."""
    while time.monotonic() < end and threading.main_thread().is_alive():
        with suppress(subprocess.TimeoutExpired):
            return process.wait(0.2)
    raise _NotPlannedError("planning did not end in time, and was stopped")
