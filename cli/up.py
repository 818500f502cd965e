"""`toolgate up`: a deployment served on this machine until Ctrl-C."""

import os
import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from toolgate.cli import options
from toolgate.cli.options import CommandError
from toolgate.cli.output import say

if TYPE_CHECKING:
    from toolgate.local.serve.access_log import Entry
    from toolgate.local.serve.outbound.canned import Canned
    from toolgate.local.serve.server import Serving

_SCRIPTED = "scripted"
_LONGEST_WORDS = 300


def _model(_ctx: click.Context, _param: click.Parameter, choice: str) -> str:
    if choice == _SCRIPTED:
        return choice
    from toolgate.local.serve.model.models import ModelChoiceError, check

    try:
        check(choice)
    except ModelChoiceError as error:
        raise CommandError(f"--model: {error}") from error
    return choice


def _places(_ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]) -> Mapping[str, str]:
    from toolgate.local.serve.outbound.places import OPTION, misfit

    found = {}
    for text in given:
        name, equals, url = text.partition("=")
        if not (name and equals):
            raise CommandError(f"{OPTION} {text}: write NAME=URL")
        if wrong := misfit(url):
            raise CommandError(f"{OPTION} {name}: {wrong}")
        found[name] = url
    return found


def _canned(_ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]) -> Mapping[str, "Canned"]:
    from toolgate.access.deployment.stack_export import DeploymentError
    from toolgate.local.serve.outbound.canned import OPTION, read

    found = {}
    for text in given:
        name, _, file = text.partition("=")
        if not (name and file):
            raise CommandError(f"{OPTION} {text}: write NAME=FILE")
        try:
            found[name] = read(Path(file))
        except DeploymentError as error:
            raise CommandError(f"{OPTION} {name}: {error}") from error
    return found


@click.command()
@options.program
@options.stack
@click.option("--deployment", type=options.FILE, help="a deployment file; without it, the program is planned")
@options.rules
@click.option(
    "--target",
    "places",
    multiple=True,
    callback=_places,
    metavar="NAME=URL",
    help="where the target of this name leads, if that is not in the deployment: an API or an MCP server, such as"
    " http://127.0.0.1:9000; may be given several times",
)
@click.option(
    "--canned",
    multiple=True,
    callback=_canned,
    metavar="NAME=FILE",
    help="what the connector of this name (web search, a knowledge base) answers, since nobody searches here: a JSON"
    " file with a text or value by each tool's name; may be given several times",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="the port (default: a free one)")
@options.policies
@options.open_console
@options.console_port
@click.option(
    "--model",
    default=_SCRIPTED,
    show_default=True,
    callback=_model,
    metavar="scripted|bedrock|URL#MODEL",
    help="who answers: a script, Amazon Bedrock with your own credentials, or an OpenAI-compatible API such as"
    " Ollama's (http://127.0.0.1:11434/v1#llama3.2; its key, if it wants one, in TOOLGATE_MODEL_API_KEY)",
)
def up(
    program: Path,
    stack: str,
    deployment: Path | None,
    rules: Path | None,
    places: Mapping[str, str],
    canned: Mapping[str, "Canned"],
    port: int,
    policies: tuple[Mapping[str, Any], ...],
    opened: bool,
    console_port: int,
    model: str,
) -> int:
    """Serve a deployment on this machine until Ctrl-C.

    A program is watched: what is edited is served at the next call.
    """
    how = _How(program, program, None, _Ports(port, console_port), model, opened, places, canned)
    if deployment:
        return _serve(options.deployment_of(deployment, policies), how, None)
    from toolgate.access.deployment.supplied_policies import with_policies
    from toolgate.local.engine.stack_config import program_folder
    from toolgate.local.plan import describe

    planned = options.planned(program, stack, rules)
    if planned.mandatory:
        say(describe(planned), err=True)
        return options.VIOLATIONS
    first = with_policies(planned.deployment, policies)
    how = replace(how, folder=program_folder(program), stack=stack)
    return _serve(first, how, lambda: _planned_anew(program, stack, rules, policies))


def _planned_anew(
    program: Path, stack: str, rules: Path | None, policies: tuple[Mapping[str, Any], ...]
) -> Mapping[str, Any]:
    from toolgate.access.deployment.supplied_policies import with_policies
    from toolgate.local.plan import PackError, ProgramError, plan, violations
    from toolgate.local.watch import PlanError, forget_modules

    forget_modules(program)
    try:
        planned = plan(stack, rules=options.pack_config(rules), root=program)
    except (CommandError, PackError, ProgramError) as error:
        raise PlanError(str(error)) from error
    if planned.mandatory:
        raise PlanError("\n".join(violations(planned.mandatory)))
    return with_policies(planned.deployment, policies)


@dataclass(frozen=True)
class _Ports:
    """Where it is served; 0 for a free one."""

    data_plane: int
    console: int


@dataclass(frozen=True)
class _How:
    """What of the command's line says how a deployment is served."""

    program: Path
    folder: Path  # of its `__main__.py`: what the deployment's paths are relative to
    stack: str | None  # None of a deployment file
    ports: _Ports
    model: str
    opened: bool
    places: Mapping[str, str]
    canned: Mapping[str, "Canned"]


def _serve(deployment: Mapping[str, Any], how: _How, planned_anew: Callable[[], Mapping[str, Any]] | None) -> int:
    from toolgate.access.deployment.stack_export import DeploymentError
    from toolgate.console.served import Program, Served, Told
    from toolgate.console.server import console
    from toolgate.local.progress import waiting_for
    from toolgate.local.serve.agents.agent_process import AgentStartError
    from toolgate.local.serve.loopback_server import PortInUseError
    from toolgate.local.serve.model.models import ModelChoiceError
    from toolgate.local.serve.server import serve
    from toolgate.local.serve.serving_file import AlreadyServedError, announced, reserved, serving_file
    from toolgate.local.watch import Watching, until

    stop = threading.Event()
    failures = (AgentStartError, DeploymentError, ModelChoiceError, PortInUseError)
    with ExitStack() as stack:
        told = Told(Program(how.program, how.stack))
        stack.callback(told.live.close)

        def tell(line: Mapping[str, Any], entry: "Entry") -> None:
            _tell(line, entry)
            told.tell(line, entry)

        try:
            stack.enter_context(reserved(serving_file(how.program)))
            with waiting_for("gateways and agents"):
                serving = stack.enter_context(
                    serve(
                        deployment,
                        how.folder,
                        port=how.ports.data_plane,
                        model=how.model,
                        told=tell,
                        watched=told.watch,
                        places=how.places,
                        canned=how.canned,
                    )
                )
            source = Served(serving, told)
            page = stack.enter_context(console(source, how.ports.console))
        except (AlreadyServedError, *failures) as error:
            raise CommandError(str(error)) from error
        announce = stack.enter_context(announced(serving, serving_file(how.program)))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        _introduce(serving, page.address)
        if how.opened:
            options.opened(page.address)
        known = set(serving.notes)

        def say_on_both(text: str) -> None:
            _say(text)
            told.live.say("note", text=text)

        def announced_anew() -> None:
            announce()
            source.reloaded()
            for note in serving.notes:
                if note not in known:
                    say_on_both(note)
            known.update(serving.notes)

        if planned_anew:
            watching = Watching(how.folder, deployment, planned_anew, serving, announced_anew, say_on_both, failures)
            until(stop.is_set, watching)
        # A signal that comes just before an endless wait begins would not be seen: Python's handler runs after it.
        while not stop.wait(1.0):
            pass
    return options.OK


def _say(text: str) -> None:
    say(f"{datetime.now():%H:%M:%S} {text}", err=True)  # this machine's time, for who sits before it


def _introduce(serving: "Serving", console: str) -> None:
    from toolgate.local.serve.environment import shell_lines

    say(f"# model: {serving.model}")
    for line in shell_lines(serving.environment, os.environ):
        say(line)
    for url in dict.fromkeys(gateway.url for caller in serving.callers.values() for gateway in caller.gateways):
        say(f"# gateway: {url}")
    for note in serving.notes:
        say(f"# {note}")
    if serving.agents:
        say('# try: toolgate ask "..." --local; toolgate call --list; toolgate credentials --as AGENT')
    say(f"# console: {console}")  # here and nowhere else: it holds the token
    say(f"# logs: {serving.access_log.parent}")
    if serving.servers:
        say(f"# servers: {', '.join(serving.servers)}")
    say(f"# {serving.url} serves {', '.join(serving.agents) or 'no agent'}; Ctrl-C ends it")


def _tell(line: Mapping[str, Any], entry: "Entry") -> None:
    """Say in a line what was called or refused; what a tool was given and what it answered is not said."""
    from toolgate.local.serve.access_log import DENIED, interfered, why
    from toolgate.local.terminal import one_line

    denied = line["decision"] == DENIED
    decided = line.get("decided_by", ())
    told = decided if denied else interfered(decided)
    if line.get("method") != "tools/call" and not (denied or told):
        return
    who = line.get("agent") or line.get("principal", "nobody").rsplit(":", 1)[-1]
    said = [
        f"{datetime.fromtimestamp(entry.started):%H:%M:%S}",  # this machine's time, for who sits before it
        who,
        line.get("tool") or line.get("method", "?"),
        line["decision"],
        *([line["status"]] if "status" in line else []),
        *(["canned"] if "canned" in line else []),
        f"{line['milliseconds']:.0f} ms",
    ]
    text = one_line(" ".join(said) + (f" ({why(told)})" if told else ""))
    if entry.last_words:
        text += f"\n         {one_line(entry.last_words[:_LONGEST_WORDS])} ({entry.log})"
    with suppress(OSError):  # nobody looks any more
        say(text, err=True)
