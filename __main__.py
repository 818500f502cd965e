"""The program: reads the settings, composes the components, exports. No resource of its own."""

# mypy: no-extra-checks
# That check forbids `**` of arguments that may be left out, as a dictionary may hold keys that its type does not name.
# Ours come from this file and hold no others; a key that a component does not take is found all the same.

from pathlib import Path
from typing import NotRequired, TypedDict

import pulumi

from toolgate.components import stack_settings
from toolgate.components.agent_runtime import AgentRuntime, AgentRuntimeArgs
from toolgate.components.api_gateway_tools import ApiGatewayTools
from toolgate.components.dashboard import Dashboard
from toolgate.components.encryption_key import EncryptionKey, EncryptionKeyArgs
from toolgate.components.grants.tool_grants import GatewayTools
from toolgate.components.lambda_tools import LambdaTools, LambdaToolsArgs
from toolgate.components.machine_client import MachineClient, MachineClientArgs
from toolgate.components.mcp_server import McpServer, McpServerArgs
from toolgate.components.memory.agentcore_memory import Memory, MemoryArgs
from toolgate.components.memory.conversation_bucket import ConversationBucket, ConversationBucketArgs
from toolgate.components.observability import configuration, log_levels
from toolgate.components.observability.log_levels import LogLevel
from toolgate.components.open_api_tools import OpenApiTools, OpenApiToolsArgs
from toolgate.components.runtime.agent_bundle import agent_code, has_telemetry, own_lock
from toolgate.components.settings import apis, issuers, servers
from toolgate.components.settings.agents import Agent
from toolgate.components.settings.gateways import Gateway
from toolgate.components.settings.handed_tools import Handed
from toolgate.components.settings.memory import CONVERSATIONS, MemoryKind
from toolgate.components.targets import gateway_targets
from toolgate.components.targets.kinds import GatewayTarget
from toolgate.components.token_issuer import TokenIssuer, TokenIssuerArgs
from toolgate.components.tool_gateway import ExceptionLevel, ToolGateway, ToolGatewayArgs
from toolgate.components.tools.tool_schema import read_targets

LAMBDAS = Path("lambdas")
AGENT, LOCK = "agent", "requirements/agent.txt"


class Shared(TypedDict):
    """What every component takes, with one value in the whole stack."""

    kms_key_arn: NotRequired[pulumi.Input[str]]
    tags: NotRequired[dict[str, pulumi.Input[str]]]


class WithRole(Shared):
    """The same, and what is said of a role: which one is there already, or what is the boundary of one that is made."""

    role_arn: NotRequired[str]
    permissions_boundary: NotRequired[pulumi.Input[str]]


class Runs(TypedDict):
    """What an agent's runtime runs: one of these."""

    code: NotRequired[str]
    image: NotRequired[str]


def with_role(role_arn: str | None = None) -> WithRole:
    """What a component takes that has this role."""
    if role_arn is not None:
        return {**shared, "role_arn": role_arn}
    return {**shared, "permissions_boundary": boundary} if (boundary := chosen.permissions_boundary) else {**shared}


# Everything that can be wrong is found out before the first resource.
its_apis, its_servers = apis.read_apis(), servers.read_servers()
targets = read_targets(LAMBDAS) if LAMBDAS.is_dir() or not (its_apis or its_servers) else {}
chosen = stack_settings.load(*map(gateway_targets.available, (targets, its_apis, its_servers)))
for folder, its in ((LAMBDAS, targets), (apis.FOLDERS, its_apis), (servers.FOLDERS, its_servers)):
    for target in sorted(its.keys() - chosen.gateways.targets):
        pulumi.warn(f"{folder / target} is behind no gateway of this stack (toolgate:gateways): it is left out.")
        del its[target]
seen = chosen.observability
folders = sorted({agent.code or AGENT for agent in chosen.agents.values() if not agent.image})
codes = {it: agent_code(it, None if own_lock(Path(it)) else LOCK) for it in folders}

opts = pulumi.ResourceOptions(protect=chosen.protect)
shared: Shared = {}
key_args: EncryptionKeyArgs = {}
if chosen.tags:
    shared["tags"] = key_args["tags"] = {**chosen.tags}
if chosen.kms_key:
    create = chosen.kms_key == stack_settings.CREATE
    shared["kms_key_arn"] = EncryptionKey(stack_settings.KEY, key_args, opts).key_arn if create else chosen.kms_key

level = log_levels.of_functions(chosen.log_level)
functions: dict[str, LambdaTools] = {}
for target in targets:
    own = chosen.targets.get(target, {})
    args: LambdaToolsArgs = {"directory": str(LAMBDAS / target), "log_level": level, **own, **with_role()}
    functions[target] = LambdaTools(target, args, opts)
inbounds = {**chosen.issuers}
issuer: TokenIssuer | None = None
if any(gateway.inbound == issuers.JWT for gateway in chosen.gateways.by_name.values()):
    issuer_args: TokenIssuerArgs = {"deletion_protection": chosen.protect}
    if chosen.tags:
        issuer_args["tags"] = {**chosen.tags}
    issuer = TokenIssuer(issuers.OWN_ISSUER, issuer_args, opts)
    inbounds[issuers.JWT] = issuer.inbound
behind: dict[str, GatewayTarget] = {
    target: {"function_arn": it.function_arn, "tools": targets[target]} for target, it in functions.items()
}
for target in its_apis:
    api_args: OpenApiToolsArgs = {"directory": str(apis.FOLDERS / target), **chosen.apis.get(target, {})}
    behind[target] = OpenApiTools(target, api_args, opts).target
for target, stage in chosen.stages.items():
    behind[target] = ApiGatewayTools(target, stage.args, opts).target
made_servers: dict[str, McpServer] = {}
for target in its_servers:
    of_server = chosen.servers.get(target, {})
    server_args: McpServerArgs = {
        "directory": str(servers.FOLDERS / target),
        **of_server,
        "environment": {log_levels.SERVER_VARIABLE: chosen.log_level.value, **of_server.get("environment", {})},
        **with_role(of_server.get("role_arn")),
        **seen.watched,
    }
    made_servers[target] = McpServer(target, server_args, opts)
    behind[target] = made_servers[target].target
behind |= chosen.existing_targets
gateways: dict[str, ToolGateway] = {}


def of_gateway(gateway: Gateway, target: str) -> GatewayTarget:
    """A gateway's target with the tools that it has of it; those behind another gateway are that one's to hand over."""
    tools = gateway.available[target]
    inner = gateways[gateway.inner[target]].target(*tools) if target in gateway.inner else behind[target]
    return gateway_targets.only(inner, tools)


for name, gateway in chosen.gateways.by_name.items():
    gateway_args: ToolGatewayArgs = {
        "targets": {target: of_gateway(gateway, target) for target in gateway.available},
        "authorization": gateway.authorization,
        **with_role(gateway.role_arn),
        **seen.watched,
    }
    if gateway.inbound != issuers.IAM:
        gateway_args["inbound"] = inbounds[gateway.inbound]
    if gateway.asked:
        gateway_args["interceptors"] = gateway.asked.args
    if gateway.search is not None:
        gateway_args["search"] = gateway.search
    if name in chosen.shown_tools:
        gateway_args["shown_tools"] = chosen.shown_tools[name]
    if chosen.log_level is LogLevel.DEBUG:
        gateway_args["exception_level"] = ExceptionLevel.DEBUG
    gateways[name] = ToolGateway(name, gateway_args, opts)


def handed(tools: Handed) -> list[GatewayTools]:
    """The grants of what an agent or a client is handed, one for each gateway."""
    return [gateways[it].tools(*named or []) for it, named in tools.items()]


def runs(agent: Agent) -> Runs:
    """The zip of an agent's folder, or its image."""
    return {"image": agent.image} if agent.image else {"code": codes[agent.code or AGENT]}


clients: dict[str, MachineClient] = {}
for name, tools in chosen.clients.items():
    client_args: MachineClientArgs = {"tools": handed(tools), **shared}
    clients[name] = MachineClient(name, client_args, opts)
kept_in = {agent.keeps.kind for agent in chosen.agents.values()}
bucket: ConversationBucket | None = None
if MemoryKind.S3 in kept_in:
    bucket_args: ConversationBucketArgs = {"expiry_days": chosen.conversations.days, **shared}
    bucket = ConversationBucket(CONVERSATIONS, bucket_args, opts)
memory: Memory | None = None
if MemoryKind.AGENTCORE in kept_in:
    memory_args: MemoryArgs = {"expiry_days": chosen.conversations.days, **shared}
    if chosen.conversations.strategies:
        memory_args["strategies"] = {**chosen.conversations.strategies}
    memory = Memory(CONVERSATIONS, memory_args, opts)
runtimes: dict[str, AgentRuntime] = {}
for name, agent in chosen.agents.items():
    runtime_args: AgentRuntimeArgs = {
        **runs(agent),
        "model_id": agent.model_id,
        "tools": [*handed(agent.tools), *agent.gateways],
        "environment": {log_levels.AGENT_VARIABLE: chosen.log_level.value},
        **agent.of_model,
        **with_role(agent.role_arn),
        **seen.watched,
    }
    if seen.telemetry and (agent.image or has_telemetry(Path(agent.code or AGENT))):
        if not agent.image:  # which says itself how it starts
            runtime_args["entry_points"] = configuration.TELEMETRY_ENTRY_POINTS
        runtime_args["environment"] |= configuration.TELEMETRY_ENVIRONMENT
    if agent.asks:
        runtime_args["agents"] = [runtimes[other].ask() for other in agent.asks]
    if agent.description:
        runtime_args["description"] = agent.description
    if agent.credentials:
        runtime_args["credentials"] = agent.credentials
    if agent.system_prompt:
        runtime_args["system_prompt"] = agent.system_prompt
    if agent.statements:
        runtime_args["statements"] = agent.statements
    if bucket and agent.keeps.kind is MemoryKind.S3:
        runtime_args["memory"] = bucket.conversations()
    if memory and agent.keeps.kind is MemoryKind.AGENTCORE:
        runtime_args["memory"] = memory.events(agent.keeps.recall)
    if chosen.network:
        runtime_args["network"] = chosen.network
    runtimes[name] = AgentRuntime(name, runtime_args, opts)
if seen.dashboard:
    Dashboard(
        stack_settings.DASHBOARD,
        {
            "gateways": {name: made.gateway_arn for name, made in gateways.items()},
            "runtimes": {name: runtime.runtime_arn for name, runtime in (runtimes | made_servers).items()},
            "functions": {target: function.function_arn for target, function in functions.items()},
        },
        opts,
    )

if chosen.gateways.named:
    pulumi.export(
        "gateways", {name: {"url": made.gateway_url, "arn": made.gateway_arn} for name, made in gateways.items()}
    )
else:
    [one] = gateways.values()
    pulumi.export("gateway_url", one.gateway_url)
    pulumi.export("gateway_arn", one.gateway_arn)
pulumi.export(
    "agents",
    {
        name: {"runtime_arn": runtime.runtime_arn, "role_arn": runtime.role_arn, "tools": runtime.tool_names}
        for name, runtime in runtimes.items()
    },
)
if issuer:
    pulumi.export("token_issuer", {"discovery_url": issuer.discovery_url, "token_endpoint": issuer.token_endpoint})
if clients:
    pulumi.export(
        "clients",
        {
            name: {"client_id": client.client_id, "secret_arn": client.secret_arn, "tools": client.tool_names}
            for name, client in clients.items()
        },
    )
