"""The program: reads the settings, composes the components, exports. No resource of its own."""

from pathlib import Path

import pulumi

from components import bundle, settings, telemetry
from components.agent_runtime import AgentRuntime, AgentRuntimeArgs
from components.dashboard import Dashboard
from components.lambda_tools import LambdaTools
from components.settings import BundleKind
from components.targets import read_targets
from components.tool_gateway import ToolGateway, ToolGatewayArgs

LAMBDAS = Path("lambdas")
LOCK = Path("requirements/agent.txt")

# Everything that can be wrong is found out before the first resource.
targets = read_targets(LAMBDAS)
chosen = settings.load({target: [tool["name"] for tool in tools] for target, tools in targets.items()})
observability = chosen.observability
code = bundle.build(Path("agent"), LOCK if chosen.bundle is BundleKind.FULL else None)

functions = {target: LambdaTools(target, {"directory": str(LAMBDAS / target)}) for target in targets}
gateway_args: ToolGatewayArgs = {
    "targets": {target: function.target for target, function in functions.items()},
    "authorization": chosen.authorization,
    **observability.watched,  # type: ignore[typeddict-item] # mypy does not know that nothing else is in it
}
gateway = ToolGateway(settings.GATEWAY, gateway_args)
runtimes: dict[str, AgentRuntime] = {}
for name, agent in chosen.agents.items():
    args: AgentRuntimeArgs = {
        "code": str(code.path),
        "model_id": agent.model_id,
        "tools": [] if agent.tools == [] else [gateway.tools(*agent.tools or [])],
        **observability.watched,  # type: ignore[typeddict-item] # as above
    }
    if observability.telemetry:
        args["entry_points"] = telemetry.ENTRY_POINTS
        args["environment"] = telemetry.ENVIRONMENT
    if agent.system_prompt:
        args["system_prompt"] = agent.system_prompt
    runtimes[name] = AgentRuntime(name, args)
if observability.dashboard:
    Dashboard(
        settings.DASHBOARD,
        {
            "gateways": {settings.GATEWAY: gateway.gateway_arn},
            "runtimes": {name: runtime.runtime_arn for name, runtime in runtimes.items()},
            "functions": {target: function.function_arn for target, function in functions.items()},
        },
    )

pulumi.export("gateway_url", gateway.gateway_url)
pulumi.export("gateway_arn", gateway.gateway_arn)
pulumi.export(
    "agents",
    {
        name: {"runtime_arn": runtime.runtime_arn, "role_arn": runtime.role_arn, "tools": runtime.tool_names}
        for name, runtime in runtimes.items()
    },
)
