"""Two MCP servers behind a gateway: their tools are read from the servers themselves."""

import pulumi

from toolgate import AgentRuntime, Authorization, McpServer, ToolGateway, agent_code

MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"

stock = McpServer("stock", {"directory": "servers/stock"})
shipping = McpServer("shipping", {"directory": "servers/shipping"})
gateway = ToolGateway(
    "shop", {"targets": {"stock": stock.target, "shipping": shipping.target}, "authorization": Authorization.TOOL}
)
# What is handed over is the grant: it may reserve no more than ten pieces, and look up whatever it likes.
may = [
    gateway.tools("stock___find_items", "shipping"),
    gateway.tools("stock___reserve", when="context.input.pieces <= 10"),
]
clerk = AgentRuntime("clerk", {"code": agent_code("../../agent"), "model_id": MODEL, "tools": may})

pulumi.export("gateway_url", gateway.gateway_url)
pulumi.export("agents", {"clerk": {"runtime_arn": clerk.runtime_arn, "role_arn": clerk.role_arn}})
