"""Ask a deployed agent, on AWS or served here, and read its answer as it comes: for the command, and the console."""

import json
import uuid
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolgate.local import pulumi_stack
from toolgate.local.pulumi_stack import NoPulumiError, StackError

# Longer than an agent takes for an answer (agent/settings.py, invocation_seconds).
READ_SECONDS = 120
# What an agent takes unless it is told otherwise (agent/settings.py, prompt_characters).
LONGEST_PROMPT = 32_000
SESSION_LENGTH = range(33, 257)
"""Characters of a session id (AgentCore developer guide, "Use isolated sessions for agents")."""


class AskError(Exception):
    """No answer; the text is one line and says what to do.

    Attributes:
        code: The code of who refused, which the text then ends with.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(f"{message} ({code})" if code else message)
        self.code = code


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


def new_session() -> str:
    """The id of a session that there was none of before."""
    return f"ask-{uuid.uuid4()}"  # 40 characters


def session_fault(session: str) -> str:
    """Why AgentCore would not take a session's id; empty where it would."""
    if len(session) not in SESSION_LENGTH:
        bounds = f"{SESSION_LENGTH.start} to {SESSION_LENGTH.stop - 1}"
        longer = f", such as {session}-{uuid.uuid4()}" if len(session) < SESSION_LENGTH.start else ""
        return f"a session id has {bounds} characters, this one has {len(session)}: give another{longer}"
    if not session.isascii() or not session.isprintable() or " " in session:
        return "a session id goes into a header: write it in ASCII letters, digits and signs"
    return ""


def check(prompt: str) -> None:
    """See that an agent will take the prompt; AgentCore does not pass on what an agent says of one it refuses.

    Raises:
        AskError: If it will not.
    """
    if not prompt.strip():
        raise AskError('the prompt is empty. Write a question: toolgate ask "What is 100 + 12?"')
    if len(prompt) > LONGEST_PROMPT:
        raise AskError(f"the prompt has {len(prompt)} characters. Write at most {LONGEST_PROMPT}.")


def stack_deployment(program: Path, stack: str) -> Deployment:
    """What a stack's outputs say.

    Raises:
        AskError: If Pulumi isn't there, or the stack has no agents.
    """
    try:
        found = pulumi_stack.outputs(program, stack)
    except NoPulumiError as error:
        raise AskError(f"{error}, or ask the local deployment: --local.") from None
    except StackError as error:
        raise AskError(str(error)) from None
    try:
        agents = {name: agent["runtime_arn"] for name, agent in found["agents"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        message = f"stack {stack} has no agents in its outputs. Deploy it with `pulumi up --stack {stack}`."
        raise AskError(message) from None
    return Deployment(agents, {}, f"stack {stack}")


def answer(
    runtime_arn: str, prompt: str, session: str, environment: Mapping[str, str], schema: Any = None
) -> Generator[str, None, dict[str, Any]]:
    """Ask in a session, and give the pieces of the answer as they come.

    Args:
        runtime_arn: The agent's runtime.
        prompt: What to ask.
        session: AgentCore's session.
        environment: See `Deployment`.
        schema: What its data is to fit; None for text alone.

    Returns:
        What the agent says at the end: `stop_reason`, `data`, `usage`, as far as it does.

    Raises:
        AskError: If the agent cannot be reached, or answers with an error.
    """
    with failing_in_words():
        response = sent(runtime_arn, question(prompt, schema), session, environment)
        with closing(events(response)) as said:
            for event in said:
                if "text" not in event:
                    return event
                yield event["text"]
    raise AskError("the answer broke off.")


def question(prompt: str, schema: Any = None) -> dict[str, Any]:
    """The request that asks for an answer as it comes (docs/agent.md, "The contract")."""
    return {"prompt": prompt, "stream": True} | ({} if schema is None else {"schema": schema})


def events(response: Mapping[str, Any]) -> Generator[dict[str, Any]]:
    """What an agent says, as it says it: `{"text"}` for each piece, and last what has no `text`.

    An agent of somebody's own may answer in one piece, and with the text alone.

    Args:
        response: botocore's answer to InvokeAgentRuntime.

    Raises:
        AskError: The agent answers with an error, or its answer breaks off.
    """
    # It is left at the last event, or by Ctrl-C: what is not read is closed here, and not whenever it is collected.
    with closing(response["response"]) as stream:
        if not response["contentType"].startswith("text/event-stream"):
            document = json.loads(stream.read())
            yield {"text": whole(document)}
            end = dict(document) if isinstance(document, dict) else {}
            end.pop("text", None)
            yield end
            return
        # botocore waits until a chunk is full before it gives any of it away.
        for line in stream.iter_lines(chunk_size=1):
            if not line.startswith(b"data:"):
                continue
            event = json.loads(line.removeprefix(b"data:"))
            if not isinstance(event, dict) or ("text" not in event and event.get("status") != "success"):
                raise _error(event)
            yield event
            if "text" not in event:
                return
    raise AskError("the answer broke off.")


def told(runtime_arn: str, body: Mapping[str, Any], session: str, environment: Mapping[str, str]) -> Any:
    """What the agent says to a request that is answered at once.

    Args:
        runtime_arn: The agent's runtime.
        body: The request (docs/agent.md, "Long work").
        session: AgentCore's session.
        environment: See `Deployment`.

    Raises:
        AskError: If the agent cannot be reached, or refuses.
    """
    with failing_in_words():
        return json.loads(sent(runtime_arn, body, session, environment)["response"].read())


def sent(runtime_arn: str, body: Mapping[str, Any], session: str, environment: Mapping[str, str]) -> Any:
    """Send a request, and give botocore's answer as soon as it begins; `failing_in_words` goes around it.

    Args:
        runtime_arn: The agent's runtime.
        body: The request.
        session: AgentCore's session.
        environment: See `Deployment`.
    """
    from botocore.config import Config  # noqa: PLC0415  # a mistake in the arguments needs no wait for AWS's SDK

    from toolgate.local.loopback_client import open_client  # noqa: PLC0415  # as above

    region = runtime_arn.split(":")[3]
    config = Config(read_timeout=READ_SECONDS, connect_timeout=10, retries={"total_max_attempts": 1})
    if environment:
        client = open_client("bedrock-agentcore", environment, config)
    else:
        import boto3  # noqa: PLC0415  # as above

        client = boto3.client("bedrock-agentcore", region_name=region, config=config)
    return client.invoke_agent_runtime(
        agentRuntimeArn=runtime_arn,
        runtimeSessionId=session,
        contentType="application/json",
        accept="text/event-stream, application/json",
        payload=json.dumps(body).encode(),
    )


@contextmanager
def failing_in_words() -> Iterator[None]:
    """Say in words why AWS's SDK fails.

    Raises:
        AskError: It does.
    """
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError  # noqa: PLC0415  # as below

    try:
        yield
    except ClientError as error:
        raise _refused(error.response) from None
    except (BotoCoreError, HTTPClientError) as error:
        raise AskError(f"the agent cannot be reached: {' '.join(str(error).split())}") from None
    except ValueError:
        raise AskError("the agent's answer cannot be read.") from None


def whole(document: Any) -> str:
    """The answer in one piece; an agent of somebody's own may answer with the text alone.

    Raises:
        AskError: It is none.
    """
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
        return AskError(str(error["message"]), str(error["code"]))
    except (KeyError, TypeError):
        return AskError("the agent's answer cannot be read.")


def _refused(response: Mapping[str, Any]) -> AskError:
    error = response.get("Error", {})
    return AskError(" ".join(str(error.get("Message", "refused")).split()), str(error.get("Code", "unknown")))
