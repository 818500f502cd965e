"""A shop's orders: one target of its own, one agent of its own, and the grant between them."""

import pulumi

from toolgate import AgentRuntime, LambdaTools, ToolGateway, agent_code

orders = LambdaTools("orders", {"directory": "lambdas/orders"})
gateway = ToolGateway("tools", {"targets": {"orders": orders.target}})
clerk = AgentRuntime(
    "clerk",
    {
        "code": agent_code("agent"),
        "model_id": "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "tools": [gateway.tools()],  # handing over a gateway's tools is the grant
    },
)

pulumi.export("gateway_url", gateway.gateway_url)
pulumi.export("agents", {"clerk": {"runtime_arn": clerk.runtime_arn, "role_arn": clerk.role_arn}})
