"""The references: the same agent in the two plain styles of the documentation, with a client for each invocation.

As a process (`python agent_plain.py`) it is the first style, served the plain way.
"""

import os
from typing import Any

from bedrock_agentcore.runtime import BedrockAgentCoreApp
from mcp_proxy_for_aws.client import aws_iam_streamablehttp_client  # type: ignore[import-untyped]
from strands import Agent
from strands.models import BedrockModel, Model
from strands.tools.mcp import MCPClient

app = BedrockAgentCoreApp()


def client() -> MCPClient:
    """A client of the gateway."""
    url, region = os.environ["GATEWAY_URL"], os.environ["AWS_REGION"]
    return MCPClient(lambda: aws_iam_streamablehttp_client(url, "bedrock-agentcore", aws_region=region))


def handed_over(model: Model, prompt: str) -> str:
    """First style: the client is handed to the agent, which opens and closes it."""
    return str(Agent(model=model, tools=[client()], callback_handler=None)(prompt))


def listed(model: Model, prompt: str) -> str:
    """Second style: `with` and `list_tools_sync()`."""
    with client() as opened:
        return str(Agent(model=model, tools=[*opened.list_tools_sync()], callback_handler=None)(prompt))


@app.entrypoint
def invoke(payload: dict[str, Any]) -> dict[str, str]:
    """Answer a request."""
    model = BedrockModel(model_id=os.environ["BEDROCK_MODEL_ID"], region_name=os.environ["AWS_REGION"])
    return {"status": "success", "response": handed_over(model, payload["prompt"])}


if __name__ == "__main__":
    app.run(port=int(os.environ["PORT"]), host="127.0.0.1")
