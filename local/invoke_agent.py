"""Ask an agent of the local deployment as any program would: AWS's SDK with an endpoint URL."""

import json
import uuid
from collections.abc import Mapping

from botocore.config import Config

from toolgate.local.loopback_client import open_client

READ_SECONDS = 120


class AgentError(Exception):
    """The runtime refused or failed; the text is the service's own message."""


def ask(environment: Mapping[str, str], runtime_arn: str, prompt: str) -> str:
    """Invoke a runtime and return the agent's answer.

    Args:
        environment: `Serving.environment`: endpoint, Region and credentials.
        runtime_arn: The agent's runtime.
        prompt: What to ask.

    Raises:
        AgentError: The runtime refused the caller, or the agent answered with an error.
    """
    client = open_client("bedrock-agentcore", environment, Config(read_timeout=READ_SECONDS))
    try:
        reply = client.invoke_agent_runtime(
            agentRuntimeArn=runtime_arn,
            runtimeSessionId=f"demo-{uuid.uuid4()}",  # 41 characters; the API takes 33 to 256
            payload=json.dumps({"prompt": prompt}).encode(),
        )
    except client.exceptions.ClientError as error:
        raise AgentError(error.response["Error"]["Message"]) from error
    return str(json.loads(reply["response"].read())["response"])
