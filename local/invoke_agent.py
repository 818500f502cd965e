"""Ask an agent of the local deployment as any program would: boto3 with an endpoint URL."""

import json
import uuid
from collections.abc import Mapping

import boto3
from botocore.config import Config

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
    client = boto3.client(
        "bedrock-agentcore",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=environment["AWS_SESSION_TOKEN"],
        config=Config(read_timeout=READ_SECONDS, retries={"total_max_attempts": 1}),
    )
    try:
        reply = client.invoke_agent_runtime(
            agentRuntimeArn=runtime_arn,
            runtimeSessionId=f"demo-{uuid.uuid4()}",  # 41 characters; the API takes 33 to 256
            payload=json.dumps({"prompt": prompt}).encode(),
        )
    except client.exceptions.ClientError as error:
        raise AgentError(error.response["Error"]["Message"]) from error
    return str(json.loads(reply["response"].read())["response"])
