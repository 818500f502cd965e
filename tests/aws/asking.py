"""InvokeAgentRuntime by boto3, as any program would call it."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.aws.masking import masked
from tests.aws.world import World
from toolgate.access.deployment.agentcore_resources import Runtime


@dataclass(frozen=True)
class Reply:
    """What a caller of a runtime gets.

    Attributes:
        status: The HTTP status.
        document: The agent's answer; None where there is none.
        code: The error's code, or "".
        message: The error's message, or "".
    """

    status: int
    document: Any
    code: str = ""
    message: str = ""

    def words(self, world: World) -> str:
        """The outcome in one line, masked."""
        if self.document is not None:
            return f"HTTP {self.status}, answered"
        return masked(f"HTTP {self.status}, {self.code}: {self.message}", world)


def ask(
    world: World,
    runtime: Runtime,
    payload: Mapping[str, Any],
    credentials: Credentials | None = None,
    user: str | None = None,
) -> Reply:
    """Invoke a runtime in a session of its own, as a caller or as whoever runs the suite, and for a user if named."""
    client = world.runtimes(runtime, credentials)
    return ask_in(client, runtime, new_session(), payload, **({"runtimeUserId": user} if user else {}))


def new_session() -> str:
    """The id of a session."""
    return f"probe-{uuid.uuid4()}"  # 42 characters; the API takes 33 to 256


def ask_in(client: Any, runtime: Runtime, session: str, payload: Mapping[str, Any], **named: str) -> Reply:
    """Invoke a runtime in a session, with a client of `World.runtimes` and further members of the request."""
    try:
        reply = client.invoke_agent_runtime(
            agentRuntimeArn=runtime.arn,
            runtimeSessionId=session,
            contentType="application/json",
            payload=json.dumps(payload).encode(),
            **named,
        )
    except ClientError as error:
        said = error.response.get("Error", {})
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return Reply(status, None, said.get("Code", ""), said.get("Message", ""))
    return Reply(reply["ResponseMetadata"]["HTTPStatusCode"], json.loads(reply["response"].read()))
