"""An agent on BedrockAgentCoreApp as its documentation has it. Its IAM role signs what it asks of the gateway."""

import os
from typing import Any

import boto3
import httpx
from bedrock_agentcore import BedrockAgentCoreApp
from mcp.client.streamable_http import streamable_http_client
from mcp_proxy_for_aws.sigv4_helper import SigV4HTTPXAuth  # its `client` needs fastmcp, which is not shipped
from strands import Agent
from strands.models import BedrockModel
from strands.tools.mcp import MCPClient

app = BedrockAgentCoreApp()
model = BedrockModel(model_id=os.environ["BEDROCK_MODEL_ID"])


@app.entrypoint
def answer(payload: dict[str, Any]) -> str:
    """Answer a prompt with the gateway's tools."""
    signer = SigV4HTTPXAuth(boto3.Session().get_credentials(), "bedrock-agentcore", os.environ["AWS_REGION"])
    http = httpx.AsyncClient(auth=signer, timeout=30)
    gateway = MCPClient(lambda: streamable_http_client(os.environ["GATEWAY_URL"], http_client=http))
    with gateway:
        agent = Agent(model=model, tools=gateway.list_tools_sync(), callback_handler=None)
        return str(agent(payload["prompt"]))


app.run()
