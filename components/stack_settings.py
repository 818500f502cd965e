"""The stack's configuration, namespace `toolgate`: typed, and checked whole before anything is made."""

import difflib
import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws
from pulumi.runtime import config as pulumi_config

from toolgate.components import agent_runtime
from toolgate.components.checks import arguments, identifiers, names, tags
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import cedar_text, tool_grants
from toolgate.components.grants.tool_grants import Authorization, GatewayTools
from toolgate.components.iam import bedrock_models, role_statements
from toolgate.components.iam.role_statements import RoleStatement
from toolgate.components.observability.configuration import Observability, ObservabilityConfig, observability
from toolgate.components.observability.log_levels import LogLevel
from toolgate.components.runtime import network
from toolgate.components.runtime.agent_bundle import BundleKind
from toolgate.components.runtime.network import Network
from toolgate.components.tool_gateway import GatewayTarget
from toolgate.components.tools import tools_file
from toolgate.components.tools.listed_schema import ToolSchema
from toolgate.components.tools.target_settings import TargetSettings

NAMESPACE = "toolgate"
DEFAULT_MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
DEFAULT_AGENT = "assistant"
GATEWAY = "tools"
"""Name of the program's one gateway."""
DASHBOARD = "overview"
"""Name of the program's one dashboard."""
KEY = "data"
"""Name of the program's own encryption key."""
CREATE = "create"
"""What asks for a key of the stack's own, instead of a key's ARN."""
_JSON = {
    "agents": "a map of agents",
    "network": "a map of subnets and securityGroups",
    "observability": "a map of settings",
    "protect": "true or false",
    "tags": "a map of texts",
    "targets": "a map of targets",
}


class GatewayConfig(TypedDict):
    """One entry of an agent's `gateways`: tools of a gateway that is there already. This is the grant."""

    arn: str
    """ARN of the gateway."""
    url: str
    """Its MCP endpoint."""
    tools: list[str]
    """Full names of the tools that are meant."""


class AgentConfig(TypedDict):
    """One entry of `toolgate:agents`."""

    tools: NotRequired[list[str]]
    """Target names and full tool names. Default: every tool; an empty list: none."""
    modelId: NotRequired[str]
    """Its model. Default: `toolgate:modelId`."""
    systemPrompt: NotRequired[str]
    """Its system prompt. Default: the agent's own."""
    statements: NotRequired[list[RoleStatement]]
    """What else it may do. Default: nothing."""
    roleArn: NotRequired[str]
    """ARN of an existing role, which nothing else of the stack has. Default: a role of its own."""
    gateways: NotRequired[list[GatewayConfig]]
    """Tools of other gateways. Default: none."""


class NetworkConfig(TypedDict):
    """`toolgate:network`."""

    subnets: list[str]
    """Ids of private subnets."""
    securityGroups: list[str]
    """Ids of security groups."""


class TargetConfig(TypedDict):
    """One entry of `toolgate:targets`: what differs in this stack from what the target's own `target.py` says."""

    memorySize: NotRequired[int]
    """Memory of its function in MB."""
    timeout: NotRequired[int]
    """Longest run in seconds."""
    environment: NotRequired[dict[str, str]]
    """Environment variables; the target's others stay."""
    secrets: NotRequired[dict[str, str]]
    """By environment variable: ARN of what may be read; the target's others stay."""
    network: NotRequired[NetworkConfig]
    """The VPC of its function."""
    reservedConcurrency: NotRequired[int]
    """So many may run at once."""
    roleArn: NotRequired[str]
    """ARN of an existing role."""
    functionArn: NotRequired[str]
    """ARN of an existing function, for a target that has no folder; with `tools`, and nothing else."""
    tools: NotRequired[str]
    """Path of the JSON file with that function's tools, relative to the program."""


class Config(TypedDict):
    """The keys of the namespace."""

    modelId: NotRequired[str]
    """Model of every agent that names none."""
    authorization: NotRequired[Authorization]
    """What a caller with access to the gateway may call."""
    agents: NotRequired[dict[str, AgentConfig]]
    """Agents by name. Default: one, `assistant`, that may call every tool."""
    bundle: NotRequired[BundleKind]
    """What the agent's zip holds."""
    observability: NotRequired[ObservabilityConfig]
    """What can be seen afterwards. Default: what the agents send."""
    logLevel: NotRequired[LogLevel]
    """The lowest level of what agents, functions and the gateway say. Default: info."""
    kmsKey: NotRequired[str]
    """`create` for a key of the stack's own, or the ARN of a KMS key. Default: keys of AWS's own."""
    network: NotRequired[NetworkConfig]
    """The VPC of the agents. Default: the internet."""
    targets: NotRequired[dict[str, TargetConfig]]
    """Settings of targets by name. Default: what each target's `target.py` says."""
    protect: NotRequired[bool]
    """Whether what has an identity or keeps data cannot be deleted. Default: false."""
    gatewayRoleArn: NotRequired[str]
    """ARN of an existing role for the gateway, which nothing else of the stack has. Default: a role of its own."""
    permissionsBoundary: NotRequired[str]
    """ARN of the managed policy that is the boundary of every role that is made. Default: none."""
    tags: NotRequired[dict[str, str]]
    """Tags for whatever the program makes that takes tags. Default: none."""


@dataclass(frozen=True)
class Agent:
    """One agent.

    Attributes:
        tools: The full names of its tools; None for every tool.
        model_id: Its model.
        system_prompt: Its system prompt, if not its own.
        statements: What else it may do.
        role_arn: Its role, if that is not to be made.
        gateways: Its grants on gateways of others.
    """

    tools: list[str] | None
    model_id: str
    system_prompt: str | None
    statements: list[RoleStatement]
    role_arn: str | None
    gateways: list[GatewayTools]


@dataclass(frozen=True)
class StackSettings:
    """What the program deploys; a None stands for a key that was left out.

    `targets` are the settings of those that have a folder, `existing_targets` those whose functions are there already.
    """

    authorization: Authorization
    observability: Observability
    agents: dict[str, Agent]
    log_level: LogLevel
    kms_key: str | None
    network: Network | None
    targets: Mapping[str, TargetSettings]
    existing_targets: Mapping[str, GatewayTarget]
    protect: bool
    gateway_role_arn: str | None
    permissions_boundary: str | None
    tags: Mapping[str, str] | None


def load(available: tool_grants.Available) -> StackSettings:
    """The stack's settings.

    Args:
        available: By target that has a folder: its tool names.

    Raises:
        UsageError: A key is unknown, a value is of another type, a name is refused, a tool does not exist, or a model
            cannot be called from the stack's Region.
    """
    config = _read()
    arguments.check(config, Config, f"{NAMESPACE}:")
    authorization = Authorization(config.get("authorization", Authorization.GATEWAY))
    existing = _existing(config, available)
    targets = _targets(config, available, existing)
    of_folders = available
    available = {**available, **{name: [tool["name"] for tool in tools] for name, (_, tools) in existing.items()}}
    tool_grants.full_names(available, "lambdas")
    project, stack = pulumi.get_project(), pulumi.get_stack()
    names.gateway(project, stack, GATEWAY)
    if authorization is Authorization.TOOL:
        names.policy_engine(project, stack, GATEWAY, own_key="kmsKey" in config)
    for target in of_folders:
        names.function(project, stack, target)
    observed = observability(config.get("observability", {}), f"{NAMESPACE}:observability")
    agents = _agents(config, available, authorization)
    tags.check(config.get("tags"), f"{NAMESPACE}:tags")
    _check_number(agents, authorization)
    _check_roles(agents, config.get("gatewayRoleArn"), targets)
    return StackSettings(
        authorization=authorization,
        observability=observed,
        agents=agents,
        log_level=LogLevel(config.get("logLevel", LogLevel.INFO)),
        kms_key=_kms_key(config),
        network=_network(config, f"{NAMESPACE}:network"),
        targets=targets,
        existing_targets={name: {"function_arn": arn, "tools": tools} for name, (arn, tools) in existing.items()},
        protect=config.get("protect", False),
        gateway_role_arn=config.get("gatewayRoleArn"),
        permissions_boundary=_boundary(config),
        tags=config.get("tags"),
    )


def _agents(
    config: Mapping[str, Any], available: tool_grants.Available, authorization: Authorization
) -> dict[str, Agent]:
    project, stack = pulumi.get_project(), pulumi.get_stack()
    default = bedrock_models.checked(config.get("modelId", DEFAULT_MODEL), f"{NAMESPACE}:modelId")
    agents: dict[str, Agent] = {}
    runtimes: dict[str, str] = {}
    for name, entry in config.get("agents", {DEFAULT_AGENT: {}}).items():
        where = f"{NAMESPACE}:agents.{name}"
        runtime = names.runtime(project, stack, name)
        if runtime in runtimes:
            raise UsageError(f"{where}: gets the same runtime name {runtime!r} as {runtimes[runtime]!r}. Rename one.")
        runtimes[runtime] = name
        tools = _tools(entry, available, authorization, f"{where}.tools")
        if authorization is Authorization.TOOL and tools != []:
            names.policy(runtime, 1)
            cedar_text.check(tools or list(available), None, f"{where}.tools")
        own = tool_grants.full_names(available, where) if tools is None else tools
        agents[name] = _agent(entry, default, tools, own, where)
    return agents


def _agent(entry: AgentConfig, default: str, tools: list[str] | None, own: Sequence[str], where: str) -> Agent:
    """One agent.

    Args:
        entry: It, as configured.
        default: The model where it names none.
        tools: What it is handed of the stack's own gateway; None is everything.
        own: The same by name.
        where: Its place, for messages.
    """
    prompt = entry.get("systemPrompt")
    arguments.within(prompt, 1, agent_runtime.LONGEST_VALUE, f"{where}.systemPrompt")
    model = bedrock_models.checked(entry.get("modelId", default), f"{where}.modelId")
    named_in = f"{where}.modelId" if "modelId" in entry else f"{NAMESPACE}:modelId"
    # Of the default provider. Another one's Region is not known yet; bedrock_models.access checks it then.
    if region := aws.config.region:
        bedrock_models.callable_from(region, model, named_in)
    statements = entry.get("statements", [])
    role_statements.check_of_agent(statements, f"{where}.statements")
    gateways = _gateways(entry.get("gateways", []), own, f"{where}.gateways")
    return Agent(tools, model, prompt, statements, entry.get("roleArn"), gateways)


def _gateways(given: Sequence[GatewayConfig], own: Sequence[str], where: str) -> list[GatewayTools]:
    """The grants on gateways of others.

    Args:
        given: They, as configured.
        own: The tools that the agent is handed besides.
        where: Their place, for messages.
    """
    seen = dict.fromkeys(own, "the stack's own gateway")
    arns: set[str] = set()
    for index, entry in enumerate(given):
        here, arn = f"{where}[{index}]", entry["arn"]
        identifiers.check(identifiers.GATEWAY, arn, f"{here}.arn")
        if arn in arns:
            raise UsageError(f"{here}.arn: {arn} is there twice. Write its tools into one entry.")
        arns.add(arn)
        if entry["url"] != (endpoint := _endpoint(arn)):
            raise UsageError(f"{here}.url: {entry['url']!r} is not the endpoint of {arn}. Write {endpoint!r}.")
        if not entry["tools"]:
            raise UsageError(f"{here}.tools: is empty. Name the tools that are meant, or leave the entry out.")
        for tool in entry["tools"]:
            names.checked(names.FULL_TOOL, tool, advice=f"{here}.tools: write a full name, '<target>___<tool>'.")
            if tool in seen:
                raise UsageError(f"{here}.tools: {tool} is handed over by {seen[tool]} as well. Name it once.")
            seen[tool] = arn
    return [{"gateway_arn": it["arn"], "gateway_url": it["url"], "tools": [*it["tools"]]} for it in given]


def _endpoint(gateway_arn: str) -> str:
    """The MCP endpoint of a gateway: its host is made of id and Region (AgentCore developer guide, its examples).

    What is signed for one gateway must not be sent anywhere else.
    """
    _, partition, _, region, _, resource = gateway_arn.split(":")
    suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    return f"https://{resource.removeprefix('gateway/')}.gateway.bedrock-agentcore.{region}.{suffix}/mcp"


def _kms_key(config: Mapping[str, Any]) -> str | None:
    key: str | None = config.get("kmsKey")
    if key == CREATE:
        names.key_alias(pulumi.get_project(), pulumi.get_stack(), KEY)
    else:
        identifiers.check(identifiers.KMS_KEY, key, f"{NAMESPACE}:kmsKey ({CREATE!r} makes one)")
    return key


def _network(config: Mapping[str, Any], where: str, most_groups: int = network.MOST) -> Network | None:
    if "network" not in config:
        return None
    subnets, groups = config["network"]["subnets"], config["network"]["securityGroups"]
    network.check_ids(identifiers.SUBNET, subnets, f"{where}.subnets")
    network.check_ids(identifiers.SECURITY_GROUP, groups, f"{where}.securityGroups", most_groups)
    return {"subnets": subnets, "security_groups": groups}


# In a stack's configuration -> of LambdaTools.
_TARGET_KEYS = {
    "memorySize": "memory_size",
    "timeout": "timeout",
    "environment": "environment",
    "secrets": "secrets",
    "reservedConcurrency": "reserved_concurrency",
    "roleArn": "role_arn",
}


def _existing(config: Mapping[str, Any], available: tool_grants.Available) -> dict[str, tuple[str, list[ToolSchema]]]:
    """The targets whose functions are there already: the function's ARN, and its tools."""
    found: dict[str, tuple[str, list[ToolSchema]]] = {}
    for name, entry in config.get("targets", {}).items():
        where = f"{NAMESPACE}:targets.{name}"
        if not {"functionArn", "tools"} & entry.keys():
            continue
        if name in available:
            raise UsageError(
                f"{where}: has a folder, of which its function is made. Rename it, or remove 'functionArn'."
            )
        for key in ("functionArn", "tools"):
            if key not in entry:
                raise UsageError(f"{where}: missing {key!r}: a function that is there already has both.")
        if others := sorted(entry.keys() - {"functionArn", "tools"}):
            raise UsageError(f"{where}: {', '.join(others)} is for a function that is made here. Remove it.")
        identifiers.check(identifiers.FUNCTION, entry["functionArn"], f"{where}.functionArn")
        found[name] = entry["functionArn"], tools_file.read(Path(entry["tools"]), f"{where}.tools")
    return found


def _targets(
    config: Mapping[str, Any], available: tool_grants.Available, existing: Container[str]
) -> dict[str, TargetSettings]:
    settings: dict[str, TargetSettings] = {}
    for name, entry in config.get("targets", {}).items():
        where = f"{NAMESPACE}:targets.{name}"
        if name in existing:
            continue
        if name not in available:
            raise UsageError(
                f"{where}: there is no such target. There are: {', '.join(sorted(available))}. One whose function is "
                "there already has 'functionArn' and 'tools'."
            )
        said: dict[str, Any] = {ours: entry[key] for key, ours in _TARGET_KEYS.items() if key in entry}
        if place := _network(entry, f"{where}.network", network.MOST_GROUPS_OF_FUNCTION):
            said["network"] = place
        settings[name] = said  # type: ignore[assignment]  # by its keys, which the table has
    return settings


def _boundary(config: Mapping[str, Any]) -> str | None:
    boundary: str | None = config.get("permissionsBoundary")
    identifiers.check(identifiers.MANAGED_POLICY, boundary, f"{NAMESPACE}:permissionsBoundary")
    return boundary


def _tools(
    entry: AgentConfig, available: tool_grants.Available, authorization: Authorization, where: str
) -> list[str] | None:
    return tool_grants.resolve(available, entry["tools"], authorization, where) if "tools" in entry else None


def _check_number(agents: Mapping[str, Agent], authorization: Authorization) -> None:
    writing = sum(agent.tools != [] for agent in agents.values())
    if authorization is Authorization.TOOL and writing > cedar_text.MOST_POLICIES:
        raise UsageError(
            f"{NAMESPACE}:agents: {writing} agents have tools, and each needs a Cedar policy; a policy engine takes "
            f"{cedar_text.MOST_POLICIES}. Spread the agents over several stacks."
        )


def _check_roles(agents: Mapping[str, Agent], of_gateway: str | None, targets: Mapping[str, TargetSettings]) -> None:
    """A role that two have would let each do what the other was handed."""
    given = {f"{NAMESPACE}:agents.{name}.roleArn": agent.role_arn for name, agent in agents.items()}
    given[f"{NAMESPACE}:gatewayRoleArn"] = of_gateway
    seen: dict[str, str] = {}
    of_functions = {f"{NAMESPACE}:targets.{name}.roleArn": it.get("role_arn") for name, it in targets.items()}
    # Functions may share one among them.
    seen |= {arn: where for where, arn in of_functions.items() if isinstance(arn, str)}
    for where, arn in given.items():
        identifiers.check(identifiers.ROLE, arn, where)
        if arn in seen:
            raise UsageError(f"{where}: {arn} is the role of {seen[arn]} as well. Give each a role that no other has.")
        if arn is not None:
            seen[arn] = where


def _read() -> Mapping[str, Any]:
    """The namespace's raw values; Pulumi hands every value over as text, what is no text as JSON."""
    everything = {**pulumi_config.get_config_env(), **pulumi_config.CONFIG.get()}
    prefix = f"{NAMESPACE}:"
    values = {key.removeprefix(prefix): value for key, value in everything.items() if key.startswith(prefix)}
    for key in everything:
        namespace, _, name = key.partition(":")
        near = difflib.get_close_matches(namespace, [NAMESPACE], cutoff=0.8)
        if namespace != NAMESPACE and near and name in Config.__annotations__:
            raise UsageError(f"{key}: nothing reads the namespace {namespace!r}. Did you mean {prefix}{name}?")
    for key in values:
        if pulumi_config.is_config_secret(prefix + key) or prefix + key in pulumi_config.get_config_secret_keys_env():
            raise UsageError(f"{prefix}{key}: cannot be a secret: it is written into plans and documents as it is.")
    for key, shape in _JSON.items():
        if isinstance(text := values.get(key), str):
            try:
                values[key] = json.loads(text)
            except (ValueError, RecursionError) as error:
                raise UsageError(f"{prefix}{key}: must be {shape} ({error}).") from error
    return values
