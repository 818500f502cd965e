"""The program: reads the settings, composes the components, exports. No resource of its own."""

# mypy: no-extra-checks
# That check forbids `**` of arguments that may be left out, as a dictionary may hold keys that its type does not name.
# Ours come from this file and hold no others; a key that a component does not take is found all the same.

from pathlib import Path
from typing import NotRequired, TypedDict

import pulumi

from toolgate.components import stack_settings
from toolgate.components.agent_runtime import AgentRuntime, AgentRuntimeArgs
from toolgate.components.dashboard import Dashboard
from toolgate.components.encryption_key import EncryptionKey, EncryptionKeyArgs
from toolgate.components.lambda_tools import LambdaTools, LambdaToolsArgs
from toolgate.components.observability import configuration, log_levels
from toolgate.components.observability.log_levels import LogLevel
from toolgate.components.runtime.agent_bundle import agent_code
from toolgate.components.tool_gateway import ExceptionLevel, ToolGateway, ToolGatewayArgs
from toolgate.components.tools.tool_schema import read_targets

LAMBDAS = Path("lambdas")


class Shared(TypedDict):
    """What every component takes, with one value in the whole stack."""

    kms_key_arn: NotRequired[pulumi.Input[str]]
    permissions_boundary: NotRequired[pulumi.Input[str]]
    tags: NotRequired[dict[str, pulumi.Input[str]]]


class WithRole(Shared):
    """The same, and a role that is there already."""

    role_arn: NotRequired[str]


def with_role(shared: Shared, role_arn: str | None) -> WithRole:
    """What a component takes that has this role: a boundary is only for roles that are made."""
    if role_arn is None:
        return {**shared}
    rest: WithRole = {**shared, "role_arn": role_arn}
    rest.pop("permissions_boundary", None)
    return rest


# Everything that can be wrong is found out before the first resource.
targets = read_targets(LAMBDAS)
chosen = stack_settings.load({target: [tool["name"] for tool in tools] for target, tools in targets.items()})
seen = chosen.observability
code = agent_code("agent", "requirements/agent.txt")

opts = pulumi.ResourceOptions(protect=chosen.protect)
shared: Shared = {}
key_args: EncryptionKeyArgs = {}
if chosen.tags:
    shared["tags"] = key_args["tags"] = {**chosen.tags}
if chosen.kms_key:
    create = chosen.kms_key == stack_settings.CREATE
    shared["kms_key_arn"] = EncryptionKey(stack_settings.KEY, key_args, opts).key_arn if create else chosen.kms_key
if chosen.permissions_boundary:
    shared["permissions_boundary"] = chosen.permissions_boundary

level = log_levels.of_functions(chosen.log_level)
functions: dict[str, LambdaTools] = {}
for target in targets:
    own = chosen.targets.get(target, {})
    args: LambdaToolsArgs = {"directory": str(LAMBDAS / target), "log_level": level, **own, **shared}
    functions[target] = LambdaTools(target, args, opts)
gateway_args: ToolGatewayArgs = {
    "targets": {**{target: function.target for target, function in functions.items()}, **chosen.existing_targets},
    "authorization": chosen.authorization,
    **with_role(shared, chosen.gateway_role_arn),
    **seen.watched,
}
if chosen.log_level is LogLevel.DEBUG:
    gateway_args["exception_level"] = ExceptionLevel.DEBUG
gateway = ToolGateway(stack_settings.GATEWAY, gateway_args, opts)

runtimes: dict[str, AgentRuntime] = {}
for name, agent in chosen.agents.items():
    runtime_args: AgentRuntimeArgs = {
        "code": code,
        "model_id": agent.model_id,
        "tools": [*([] if agent.tools == [] else [gateway.tools(*agent.tools or [])]), *agent.gateways],
        "environment": {log_levels.AGENT_VARIABLE: chosen.log_level.value},
        **with_role(shared, agent.role_arn),
        **seen.watched,
    }
    if seen.telemetry:
        runtime_args["entry_points"] = configuration.TELEMETRY_ENTRY_POINTS
        runtime_args["environment"] |= configuration.TELEMETRY_ENVIRONMENT
    if agent.system_prompt:
        runtime_args["system_prompt"] = agent.system_prompt
    if agent.statements:
        runtime_args["statements"] = agent.statements
    if chosen.network:
        runtime_args["network"] = chosen.network
    runtimes[name] = AgentRuntime(name, runtime_args, opts)
if seen.dashboard:
    Dashboard(
        stack_settings.DASHBOARD,
        {
            "gateways": {stack_settings.GATEWAY: gateway.gateway_arn},
            "runtimes": {name: runtime.runtime_arn for name, runtime in runtimes.items()},
            "functions": {target: function.function_arn for target, function in functions.items()},
        },
        opts,
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
