"""The starting article's agent, first style: each request hands a client of the gateway to an agent of its own."""

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
    gateway = MCPClient(lambda: aws_iam_streamablehttp_client(url, "bedrock-agentcore", aws_region=region))
    agent = Agent(model=BedrockModel(model_id=os.environ["BEDROCK_MODEL_ID"], region_name=region), tools=[gateway])
    return {"status": "success", "response": str(agent(payload["prompt"])).strip()}


if __name__ == "__main__":
    app.run()
