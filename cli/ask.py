"""`toolgate ask`: a question to a deployed agent, its answer printed as it comes."""

import json
import subprocess
import sys
import uuid
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from toolgate.access.deployment.text_file import json_of, text_of
from toolgate.cli import options
from toolgate.cli.output import say
from toolgate.local.serve.serving_file import serving_file

# Longer than an agent takes for an answer (agent/settings.py, invocation_seconds).
READ_SECONDS = 120
# What an agent takes unless it is told otherwise (agent/settings.py, prompt_characters).
LONGEST_PROMPT = 32_000


class AskError(click.ClickException):
    """No answer; the text is one line and says what to do."""


@dataclass(frozen=True)
class Deployment:
    """The agents that can be asked.

    Attributes:
        agents: Runtime ARN by agent name.
        environment: Variables with which AWS's SDK reaches them; empty for AWS itself.
        origin: Where the deployment was found, for messages.
    """

    agents: Mapping[str, str]
    environment: Mapping[str, str]
    origin: str


SESSION_LENGTH = range(33, 257)
"""Characters of a session id (AgentCore developer guide, "Use isolated sessions for agents")."""


@click.command()
@click.argument("prompt", required=False)
@options.program
@click.option("--agent", help="name of the agent; needed only where there are several")
@click.option("--stack", help="stack whose agent to ask (default: dev)")
@click.option("--local", is_flag=True, help="ask what `toolgate up` serves on this machine")
@click.option("--session", metavar="ID", help="AgentCore's session, 33 to 256 characters (default: a new one)")
@click.option("--chat", is_flag=True, help="go on asking, a prompt a line, in one session, until `exit` or Ctrl-D")
def ask(
    prompt: str | None,
    program: Path,
    agent: str | None,
    stack: str | None,
    local: bool,
    session: str | None,
    chat: bool,
) -> None:
    """Ask an agent, of a stack on AWS or of what is served here."""
    if local and stack is not None:
        raise click.UsageError("--stack and --local exclude each other; give one of them")
    if prompt is None and not chat:
        raise click.UsageError('give a prompt, such as "What is 100 + 12?", or --chat')
    if prompt is not None:
        check(prompt)
    session = checked_session(session)
    deployment = local_deployment(serving_file(program)) if local else stack_deployment(program, stack or "dev")
    arn = choose(deployment, agent)
    if not chat:
        show_answer(arn, str(prompt), session, deployment.environment)
        return
    for asked in _prompts(prompt):
        try:
            check(asked)
            show_answer(arn, asked, session, deployment.environment)
        except AskError as error:
            say(f"error: {error.message}", err=True)
    say(f"session: {session}", err=True)


def show_answer(runtime_arn: str, prompt: str, session: str, environment: Mapping[str, str]) -> None:
    """Ask, and print the answer as it comes; a stop reason but `end_turn` goes to standard error.

    Raises:
        AskError: See `answer`.
    """
    begun = False
    stop_reason: Any = None

    def pieces() -> Iterator[str]:
        nonlocal stop_reason
        stop_reason = yield from answer(runtime_arn, prompt, session, environment)

    try:
        for text in pieces():
            say(text, nl=False)
            begun = True
    finally:
        if begun:
            say()
    if stop_reason not in {None, "end_turn"}:
        say(f"stop reason: {stop_reason}", err=True)


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
        return f"ask-{uuid.uuid4()}"  # 40 characters
    if len(session) not in SESSION_LENGTH:
        bounds = f"{SESSION_LENGTH.start} to {SESSION_LENGTH.stop - 1}"
        longer = f", such as {session}-{uuid.uuid4()}" if len(session) < SESSION_LENGTH.start else ""
        raise click.UsageError(
            f"a session id has {bounds} characters, this one has {len(session)}: give another{longer}"
        )
    if not session.isascii() or not session.isprintable() or " " in session:
        raise click.UsageError("a session id goes into a header: write it in ASCII letters, digits and signs")
    return session


def check(prompt: str) -> None:
    """See that an agent will take the prompt; AgentCore does not pass on what an agent says of one it refuses.

    Raises:
        AskError: If it will not.
    """
    if not prompt.strip():
        raise AskError('the prompt is empty. Write a question: toolgate ask "What is 100 + 12?"')
    if len(prompt) > LONGEST_PROMPT:
        raise AskError(f"the prompt has {len(prompt)} characters. Write at most {LONGEST_PROMPT}.")


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


def stack_deployment(program: Path, stack: str) -> Deployment:
    """What a stack's outputs say.

    Raises:
        AskError: If Pulumi isn't there, or the stack has no agents.
    """
    command = ["pulumi", "stack", "output", "--json", "--stack", stack]
    try:
        done = subprocess.run(command, cwd=program, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise AskError(
            "`pulumi` is not on PATH, so the stack cannot be read. Install it, or ask the local deployment: --local."
        ) from None
    if done.returncode != 0:
        reason = next((line for line in done.stderr.splitlines() if line.strip()), "no reason given")
        raise AskError(f"stack {stack} cannot be read: {reason.removeprefix('error: ')}")
    try:
        outputs = json.loads(done.stdout)
        agents = {name: agent["runtime_arn"] for name, agent in outputs["agents"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        message = f"stack {stack} has no agents in its outputs. Deploy it with `pulumi up --stack {stack}`."
        raise AskError(message) from None
    return Deployment(agents, {}, f"stack {stack}")


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


def answer(
    runtime_arn: str, prompt: str, session: str, environment: Mapping[str, str]
) -> Generator[str, None, str | None]:
    """Ask in a session, and give the pieces of the answer as they come.

    Args:
        runtime_arn: The agent's runtime.
        prompt: What to ask.
        session: AgentCore's session.
        environment: See `Deployment`.

    Returns:
        Why the model stopped, if the agent says it.

    Raises:
        AskError: If the agent cannot be reached, or answers with an error.
    """
    # Imported here: a mistake in the arguments needs no wait for AWS's SDK.
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

    from toolgate.local.loopback_client import open_client

    region = runtime_arn.split(":")[3]
    config = Config(read_timeout=READ_SECONDS, connect_timeout=10, retries={"total_max_attempts": 1})
    try:
        if environment:
            client = open_client("bedrock-agentcore", environment, config)
        else:
            import boto3

            client = boto3.client("bedrock-agentcore", region_name=region, config=config)
        response = client.invoke_agent_runtime(
            agentRuntimeArn=runtime_arn,
            runtimeSessionId=session,
            contentType="application/json",
            accept="text/event-stream, application/json",
            payload=json.dumps({"prompt": prompt, "stream": True}).encode(),
        )
        if response["contentType"].startswith("text/event-stream"):
            # botocore waits until a chunk is full before it gives any of it away.
            return (yield from _pieces(response["response"].iter_lines(chunk_size=1)))
        document = json.loads(response["response"].read())
        yield _whole(document)
        return _stop_reason(document)
    except ClientError as error:
        raise AskError(_refusal(error.response)) from None
    except (BotoCoreError, HTTPClientError) as error:
        raise AskError(f"the agent cannot be reached: {' '.join(str(error).split())}") from None
    except ValueError:
        raise AskError("the agent's answer cannot be read.") from None


def _stop_reason(document: Any) -> str | None:
    reason = document.get("stop_reason") if isinstance(document, dict) else None
    return reason if isinstance(reason, str) else None


def _pieces(lines: Iterable[bytes]) -> Generator[str, None, str | None]:
    for line in lines:
        if not line.startswith(b"data:"):
            continue
        event = json.loads(line.removeprefix(b"data:"))
        if not isinstance(event, dict):
            raise _error(event)
        if "text" in event:
            yield event["text"]
        elif event.get("status") == "success":
            return _stop_reason(event)
        else:
            raise _error(event)
    raise AskError("the answer broke off.")


def _whole(document: Any) -> str:
    """The answer in one piece; an agent of somebody's own may answer with the text alone."""
    if isinstance(document, str):
        return document
    if isinstance(document, dict) and document.get("status", "success") == "success":
        response = document.get("response")
        if isinstance(response, str):
            return response
    raise _error(document)


def _error(document: Any) -> AskError:
    try:
        error = document["error"]
        return AskError(f"{error['message']} ({error['code']})")
    except (KeyError, TypeError):
        return AskError("the agent's answer cannot be read.")


def _refusal(response: Mapping[str, Any]) -> str:
    error = response.get("Error", {})
    return " ".join(f"{error.get('Message', 'refused')} ({error.get('Code', 'unknown')})".split())
