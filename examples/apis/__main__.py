"""Two APIs behind one gateway, and an agent that may call three of their operations."""

import pulumi

from toolgate import AgentRuntime, Authorization, OpenApiTools, ToolGateway, agent_code

# Where each API is, how the gateway signs in, and which operations are tools: apis/<name>/.
prices = OpenApiTools("prices", {"directory": "apis/prices"})
orders = OpenApiTools("orders", {"directory": "apis/orders"})
gateway = ToolGateway(
    "shop",
    {
        "targets": {"prices": prices.target, "orders": orders.target},
        "authorization": Authorization.TOOL,
    },
)
granted = ["prices___getPrice", "orders___getOrder", "orders___placeOrder"]
clerk = AgentRuntime(
    "clerk",
    {
        "code": agent_code("../../agent", "../../requirements/agent.txt"),
        "model_id": "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "tools": [gateway.tools(*granted)],
    },
)

pulumi.export("gateway_url", gateway.gateway_url)
pulumi.export("agents", {"clerk": {"runtime_arn": clerk.runtime_arn, "role_arn": clerk.role_arn, "tools": granted}})
