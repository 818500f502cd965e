"""An agent on BedrockAgentCoreApp as its documentation has it. Its IAM role signs what it asks of the gateway."""

import os
from typing import Any

from bedrock_agentcore import BedrockAgentCoreApp
from mcp_proxy_for_aws.client import aws_iam_streamablehttp_client
from strands import Agent
from strands.models import BedrockModel
from strands.tools.mcp import MCPClient

app = BedrockAgentCoreApp()
model = BedrockModel(model_id=os.environ["BEDROCK_MODEL_ID"])


@app.entrypoint
def answer(payload: dict[str, Any]) -> str:
    """Answer a prompt with the gateway's tools."""
    gateway = MCPClient(
        lambda: aws_iam_streamablehttp_client(
            os.environ["GATEWAY_URL"], aws_service="bedrock-agentcore", aws_region=os.environ["AWS_REGION"]
        )
    )
    with gateway:
        agent = Agent(model=model, tools=gateway.list_tools_sync(), callback_handler=None)
        return str(agent(payload["prompt"]))


app.run()
