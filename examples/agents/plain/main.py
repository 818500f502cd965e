"""An agent without a framework: a loop over Bedrock's Converse and a session with the gateway."""

import asyncio
import os
from typing import Any

import boto3
from bedrock_agentcore import BedrockAgentCoreApp
from mcp import ClientSession
from mcp_proxy_for_aws.client import aws_iam_streamablehttp_client

MOST_TURNS = 8

app = BedrockAgentCoreApp()
bedrock = boto3.client("bedrock-runtime")


@app.entrypoint
async def answer(payload: dict[str, Any]) -> dict[str, str]:
    """Answer a prompt with the gateway's tools."""
    prompt = payload.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        return {"status": "error", "response": "prompt must be a text that is not empty"}
    # Signed access to the gateway: the role's credentials are where boto3 looks for them, here and on AWS.
    url, region = os.environ["GATEWAY_URL"], os.environ["AWS_REGION"]
    signed = aws_iam_streamablehttp_client(url, "bedrock-agentcore", aws_region=region)
    async with signed as (read, write, _), ClientSession(read, write) as gateway:
        await gateway.initialize()
        return {"status": "success", "response": await _answered(prompt, gateway)}


async def _answered(prompt: str, gateway: ClientSession) -> str:
    tools = [
        {"toolSpec": {"name": it.name, "description": it.description, "inputSchema": {"json": it.inputSchema}}}
        for it in (await gateway.list_tools()).tools
    ]
    messages: list[dict[str, Any]] = [{"role": "user", "content": [{"text": prompt}]}]
    for _ in range(MOST_TURNS):
        said = await asyncio.to_thread(
            bedrock.converse, modelId=os.environ["BEDROCK_MODEL_ID"], messages=messages, toolConfig={"tools": tools}
        )
        messages.append(said["output"]["message"])
        if said["stopReason"] != "tool_use":
            break
        uses = [block["toolUse"] for block in messages[-1]["content"] if "toolUse" in block]
        messages.append({"role": "user", "content": [await _result(use, gateway) for use in uses]})
    return "".join(block.get("text", "") for block in messages[-1]["content"])


async def _result(use: dict[str, Any], gateway: ClientSession) -> dict[str, Any]:
    result = await gateway.call_tool(use["name"], use["input"])
    texts = [{"text": part.text} for part in result.content if part.type == "text"]
    status = "error" if result.isError else "success"
    return {"toolResult": {"toolUseId": use["toolUseId"], "status": status, "content": texts}}


if __name__ == "__main__":
    app.run()
