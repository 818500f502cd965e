"""An agent on LangGraph: the model and the gateway's tools in turns, until the model has its answer."""

import os
from typing import Any

from bedrock_agentcore import BedrockAgentCoreApp
from langchain_aws import ChatBedrockConverse
from langchain_mcp_adapters.tools import load_mcp_tools
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from mcp import ClientSession
from mcp_proxy_for_aws.client import aws_iam_streamablehttp_client

MOST_STEPS = 16

app = BedrockAgentCoreApp()
model = ChatBedrockConverse(model=os.environ["BEDROCK_MODEL_ID"], provider="anthropic")


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
        graph = _graph(await load_mcp_tools(gateway))
        said = await graph.ainvoke({"messages": [("user", prompt)]}, {"recursion_limit": MOST_STEPS})
    return {"status": "success", "response": said["messages"][-1].text}


def _graph(tools: list[Any]) -> Any:
    asked = model.bind_tools(tools)

    async def think(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await asked.ainvoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("model", think)
    graph.add_node("tools", ToolNode(tools))
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", tools_condition)
    graph.add_edge("tools", "model")
    return graph.compile()


if __name__ == "__main__":
    app.run()
