"""The starting article's agent, second style: each request opens a client, lists its tools and closes it."""

import os
from typing import Any

from bedrock_agentcore import BedrockAgentCoreApp
from mcp_proxy_for_aws.client import aws_iam_streamablehttp_client
from strands import Agent
from strands.models import BedrockModel
from strands.tools.mcp import MCPClient

app = BedrockAgentCoreApp()


@app.entrypoint
def answer(payload: dict[str, Any]) -> dict[str, str]:
    """Answer a prompt with the gateway's tools."""
    url, region = os.environ["GATEWAY_URL"], os.environ["AWS_REGION"]
    model = BedrockModel(model_id=os.environ["BEDROCK_MODEL_ID"], region_name=region)
    with MCPClient(lambda: aws_iam_streamablehttp_client(url, "bedrock-agentcore", aws_region=region)) as gateway:
        agent = Agent(model=model, tools=gateway.list_tools_sync())
        return {"status": "success", "response": str(agent(payload["prompt"])).strip()}


if __name__ == "__main__":
    app.run()
