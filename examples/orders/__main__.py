"""A shop: five tools behind one gateway, and two agents of which each may call its own."""

import pulumi

from toolgate import AgentRuntime, Authorization, LambdaTools, ToolGateway, agent_code

MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"

# What the tools need stands in lambdas/orders/target.py.
orders = LambdaTools("orders", {"directory": "lambdas/orders"})
gateway = ToolGateway("shop", {"targets": {"orders": orders.target}, "authorization": Authorization.TOOL})

code = agent_code("../../agent", "../../requirements/agent.txt")
granted = {
    "shopper": ["orders___find_products", "orders___quote", "orders___place_order"],
    "support": ["orders___find_orders", "orders___cancel_order"],
}
agents = {
    name: AgentRuntime(name, {"code": code, "model_id": MODEL, "tools": [gateway.tools(*tools)]})
    for name, tools in granted.items()
}

pulumi.export("gateway_url", gateway.gateway_url)
pulumi.export(
    "agents",
    {
        name: {"runtime_arn": it.runtime_arn, "role_arn": it.role_arn, "tools": granted[name]}
        for name, it in agents.items()
    },
)
