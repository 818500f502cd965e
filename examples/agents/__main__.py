"""Four agents of their authors' own on one gateway: each is a folder with its program and its packages."""

import pulumi

from toolgate import AgentRuntime, LambdaTools, ToolGateway, agent_code

MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
FOLDERS = {"plain": "plain", "graph": "langgraph", "direct": "article_direct", "listed": "article_with"}

math = LambdaTools("math", {"directory": "../../lambdas/math"})
gateway = ToolGateway("tools", {"targets": {"math": math.target}})
agents = {
    name: AgentRuntime(name, {"code": agent_code(folder), "model_id": MODEL, "tools": [gateway.tools()]})
    for name, folder in FOLDERS.items()
}

pulumi.export("gateway_url", gateway.gateway_url)
pulumi.export("agents", {name: {"runtime_arn": it.runtime_arn, "role_arn": it.role_arn} for name, it in agents.items()})
