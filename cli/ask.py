"""`toolgate ask`: a question to a deployed agent, its answer printed as it comes."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from toolgate.access.deployment.text_file import json_of, text_of
from toolgate.cli import options
from toolgate.cli.output import say
from toolgate.local.asking import (
    AskError,
    Deployment,
    answer,
    check,
    new_session,
    session_fault,
    stack_deployment,
    told,
    whole,
)
from toolgate.local.serve.serving_file import serving_file


@click.command()
@click.argument("prompt", required=False)
@options.program
@click.option("--agent", help="name of the agent; needed only where there are several")
@click.option("--stack", help="stack whose agent to ask (default: dev)")
@click.option("--local", is_flag=True, help="ask what `toolgate up` serves on this machine")
@click.option("--session", metavar="ID", help="AgentCore's session, 33 to 256 characters (default: a new one)")
@click.option("--chat", is_flag=True, help="go on asking, a prompt a line, in one session, until `exit` or Ctrl-D")
@click.option(
    "--schema",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="JSON Schema that the answer is to fit: its data is printed, and its text goes to standard error",
)
@click.option("--background", is_flag=True, help="do not wait: print the id of a task, to ask for with --task")
@click.option("--task", metavar="ID", help="print a task's answer, if it has ended; needs the task's --session")
@click.option("--cancel", is_flag=True, help="with --task: cancel it")
def ask(
    prompt: str | None,
    program: Path,
    agent: str | None,
    stack: str | None,
    local: bool,
    session: str | None,
    chat: bool,
    schema: Path | None,
    background: bool,
    task: str | None,
    cancel: bool,
) -> None:
    """Ask an agent, of a stack on AWS or of what is served here."""
    if wrong := _contradiction(click.get_current_context().params):
        raise click.UsageError(wrong)
    if local and stack is not None:
        raise click.UsageError("--stack and --local exclude each other; give one of them")
    if prompt is None and not chat and task is None:
        raise click.UsageError('give a prompt, such as "What is 100 + 12?", or --chat')
    if prompt is not None:
        check(prompt)
    session = checked_session(session)
    form = None if schema is None else schema_in(schema)
    deployment = local_deployment(serving_file(program)) if local else stack_deployment(program, stack or "dev")
    arn = choose(deployment, agent)
    if task is not None:
        show_task(arn, {"task": task, "cancel": cancel}, session, deployment.environment)
        return
    if background:
        begun = {"prompt": prompt, "background": True} | ({} if form is None else {"schema": form})
        accepted = told(arn, begun, session, deployment.environment)
        show_accepted(accepted, session, "--local" if local else f"--stack {stack or 'dev'}", agent)
        return
    if not chat:
        show_answer(arn, str(prompt), session, deployment.environment, form)
        return
    for asked in _prompts(prompt):
        try:
            check(asked)
            show_answer(arn, asked, session, deployment.environment, form)
        except AskError as error:
            say(f"error: {error}", err=True)
    say(f"session: {session}", err=True)


def show_answer(
    runtime_arn: str, prompt: str, session: str, environment: Mapping[str, str], schema: Any = None
) -> None:
    """Ask, and print the answer as it comes; a stop reason but `end_turn` goes to standard error.

    With a schema the answer's data is what is printed, as JSON in one line, and its text goes to standard error.

    Raises:
        AskError: See `answer`; or there is no data.
    """
    begun = False
    end: dict[str, Any] = {}

    def pieces() -> Iterator[str]:
        nonlocal end
        end = yield from answer(runtime_arn, prompt, session, environment, schema)

    try:
        for text in pieces():
            say(text, nl=False, err=schema is not None)
            begun = True
    finally:
        if begun:
            say(err=schema is not None)
    stop_reason = end.get("stop_reason")
    if isinstance(stop_reason, str) and stop_reason != "end_turn":
        say(f"stop reason: {stop_reason}", err=True)
    if schema is not None:
        if "data" not in end:
            raise AskError("the agent answers without data: it takes no schema. Ask without --schema.")
        say(json.dumps(end["data"], ensure_ascii=False))


def _contradiction(given: Mapping[str, Any]) -> str:
    """What is wrong with options that do not go together; empty where nothing is."""
    if given["cancel"] and given["task"] is None:
        return "--cancel needs --task: it cancels a task"
    if given["task"] is not None and given["session"] is None:
        return "--task needs --session: a task belongs to the session that it was begun in"
    beside = [name for name in ("prompt", "chat", "background", "schema") if given[name]]
    if given["task"] is not None and beside:
        named = "a prompt" if beside[0] == "prompt" else f"--{beside[0]}"
        return f"--task and {named} exclude each other; give one of them"
    if given["background"] and given["chat"]:
        return "--background and --chat exclude each other; give one of them"
    return ""


def show_accepted(accepted: Any, session: str, where: str, agent: str | None) -> None:
    """Print a task's id, and on standard error how to ask for it.

    Args:
        accepted: What the agent answered.
        session: The session that it was begun in.
        where: The option that names the deployment.
        agent: The agent, if it was named.

    Raises:
        AskError: The agent has begun no task.
    """
    task = accepted.get("task") if isinstance(accepted, dict) else None
    if not isinstance(task, str):
        raise AskError("the agent has begun no task. An agent of your own must know `background` (docs/agent.md).")
    say(task)
    named = f" --agent {agent}" if agent else ""
    say(f"ask for it: toolgate ask --task {task} --session {session} {where}{named}", err=True)


def show_task(runtime_arn: str, body: Mapping[str, Any], session: str, environment: Mapping[str, str]) -> None:
    """Print a task's answer; on standard error, that there is none yet, or will be none.

    Where the task was begun with a schema its data is printed, and its text goes to standard error.

    Raises:
        AskError: See `told`; or the task has ended with an error.
    """
    document = told(runtime_arn, body, session, environment)
    status = document.get("status") if isinstance(document, dict) else None
    if status == "running":
        say(f"the task runs, for {document.get('seconds')} s so far", err=True)
    elif status == "cancelled":
        say("the task was cancelled", err=True)
    else:
        has_data = isinstance(document, dict) and "data" in document
        say(whole(document), err=has_data)
        if has_data:
            say(json.dumps(document["data"], ensure_ascii=False))


def _prompts(first: str | None) -> Iterator[str]:
    """What is asked, line by line; who types sees where."""
    if first is not None:
        yield first
    mark = "> " if sys.stdin.isatty() else ""
    while True:
        try:
            line = input(mark).strip()
        except EOFError:
            return
        if line == "exit":
            return
        if line:
            yield line


def checked_session(session: str | None) -> str:
    """The session's id: the one that is given, or a new one.

    Raises:
        click.UsageError: AgentCore would not take it.
    """
    if session is None:
        return new_session()
    if fault := session_fault(session):
        raise click.UsageError(fault)
    return session


def schema_in(file: Path) -> dict[str, Any]:
    """The schema in a file, as far as it is looked at here; the agent says the rest (docs/agent.md, "Answers as data").

    Raises:
        AskError: It cannot be read, or is none of an object.
    """
    try:
        schema = json_of(text_of(file.read_bytes()))
    except OSError as error:
        raise AskError(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise AskError(f"{file} is no JSON: {' '.join(str(error).split())}") from None
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise AskError(f'{file} is no schema of an object. Write {{"type": "object", "properties": {{...}}}} into it.')
    return schema


def local_deployment(serving: Path) -> Deployment:
    """What `toolgate up` serves.

    Raises:
        AskError: If nothing is served.
    """
    try:
        document = json_of(text_of(serving.read_bytes()))
        return Deployment(document["agents"], document["environment"], "the local deployment")
    except FileNotFoundError:
        raise AskError("nothing is served on this machine. Start it with `toolgate up`.") from None
    except (ValueError, KeyError, TypeError):
        raise AskError(f"{serving} is damaged. Start again with `toolgate up`.") from None


def choose(deployment: Deployment, name: str | None) -> str:
    """The runtime ARN of the agent that is meant.

    Raises:
        AskError: If there is no such agent, or several and none is named.
    """
    names = ", ".join(sorted(deployment.agents))
    if not deployment.agents:
        raise AskError(f"{deployment.origin} has no agents.")
    if name is None and len(deployment.agents) > 1:
        raise AskError(f"{deployment.origin} has several agents. Name one with --agent: {names}.")
    if name is not None and name not in deployment.agents:
        raise AskError(f"{deployment.origin} has no agent {name!r}. It has: {names}.")
    return deployment.agents[name or next(iter(deployment.agents))]
