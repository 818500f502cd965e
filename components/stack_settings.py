"""The stack's configuration, namespace `toolgate`: typed, and checked whole before anything is made."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

import pulumi

from toolgate.components.checks import arguments, identifiers, names, tags
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants.inbound import Inbound
from toolgate.components.grants.tool_grants import Authorization, Available
from toolgate.components.observability.configuration import Observability, ObservabilityConfig, observability
from toolgate.components.observability.log_levels import LogLevel
from toolgate.components.open_api_tools import ApiSettings
from toolgate.components.runtime.agent_bundle import BundleKind
from toolgate.components.runtime.network import Network
from toolgate.components.settings import (
    agents,
    apis,
    clients,
    gateways,
    handed_tools,
    interceptors,
    issuers,
    memory,
    places,
    servers,
    targets,
    values,
)
from toolgate.components.settings.agents import Agent, AgentConfig
from toolgate.components.settings.apis import Stage
from toolgate.components.settings.clients import ClientConfig
from toolgate.components.settings.gateways import GatewayConfig, Gateways
from toolgate.components.settings.handed_tools import Handed
from toolgate.components.settings.interceptors import InterceptorsConfig
from toolgate.components.settings.issuers import IssuerConfig
from toolgate.components.settings.memory import Conversations, MemoryConfig
from toolgate.components.settings.places import NetworkConfig
from toolgate.components.settings.servers import StackServer
from toolgate.components.settings.targets import TargetConfig
from toolgate.components.settings.values import NAMESPACE
from toolgate.components.targets import gateway_targets
from toolgate.components.targets.kinds import GatewayTarget
from toolgate.components.tools.target_settings import TargetSettings

DASHBOARD = "overview"
"""Name of the program's one dashboard."""
KEY = "data"
"""Name of the program's own encryption key."""
CREATE = "create"
"""What asks for a key of the stack's own, instead of a key's ARN."""
_JSON = {
    "agents": "a map of agents",
    "clients": "a map of clients",
    "gateways": "a map of gateways",
    "interceptors": "a map of request and response",
    "issuers": "a map of issuers",
    "memory": "a map of expiryDays and strategies",
    "network": "a map of subnets and securityGroups",
    "observability": "a map of settings",
    "protect": "true or false",
    "search": "true or false",
    "tags": "a map of texts",
    "targets": "a map of targets",
}


class Config(TypedDict):
    """The keys of the namespace."""

    modelId: NotRequired[str]
    """Model of every agent that names none."""
    authorization: NotRequired[Authorization]
    """What a caller with access to a gateway may call."""
    gateways: NotRequired[dict[str, GatewayConfig]]
    """Gateways by name. Default: one, `tools`, with every target."""
    inbound: NotRequired[str]
    """How callers come to a gateway: `iam`, `jwt` or one of `issuers`. Default: iam."""
    interceptors: NotRequired[InterceptorsConfig]
    """Whom each gateway asks about its requests and answers. Default: nobody."""
    search: NotRequired[bool]
    """Whether each gateway has the tool search. Default: with authorization `gateway`."""
    issuers: NotRequired[dict[str, IssuerConfig]]
    """Issuers of others by name. Default: none."""
    agents: NotRequired[dict[str, AgentConfig]]
    """Agents by name. Default: one, `assistant`, that may call every tool."""
    clients: NotRequired[dict[str, ClientConfig]]
    """Callers outside of AgentCore by name, with tokens of the stack's own issuer. Default: none."""
    memory: NotRequired[MemoryConfig]
    """How conversations are kept, for agents that keep them beyond a session. Default: for 30 days."""
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
    """ARN of an existing role for the one gateway of a stack without `gateways`, which nothing else of the stack has.
    Default: a role of its own."""
    permissionsBoundary: NotRequired[str]
    """ARN of the managed policy that is the boundary of every role that is made. Default: none."""
    tags: NotRequired[dict[str, str]]
    """Tags for whatever the program makes that takes tags. Default: none."""


@dataclass(frozen=True)
class StackSettings:
    """What the program deploys; a None stands for a key that was left out.

    `issuers` are those of others; the stack's own is one where a gateway's inbound is `jwt`.
    `shown_tools` are by gateway what each of its agents was handed, where an interceptor must be told.
    `targets` are the settings of those that have a folder, `existing_targets` those that have none.
    `apis` and `servers` are the settings of those whose folder is one of `apis/` or `servers/`; `stages` are those of
    API Gateway.
    """

    gateways: Gateways
    shown_tools: Mapping[str, list[str]]
    observability: Observability
    issuers: Mapping[str, Inbound]
    agents: dict[str, Agent]
    clients: Mapping[str, Handed]
    conversations: Conversations
    log_level: LogLevel
    kms_key: str | None
    network: Network | None
    targets: Mapping[str, TargetSettings]
    apis: Mapping[str, ApiSettings]
    servers: Mapping[str, StackServer]
    stages: Mapping[str, Stage]
    existing_targets: Mapping[str, GatewayTarget]
    protect: bool
    permissions_boundary: str | None
    tags: Mapping[str, str] | None


def load(available: Available, of_apis: Available | None = None, of_servers: Available | None = None) -> StackSettings:
    """The stack's settings.

    Args:
        available: By target that has a folder of `lambdas/`: its tool names.
        of_apis: By target that has one of `apis/`: likewise.
        of_servers: By target that has one of `servers/`: likewise.

    Raises:
        UsageError: A key is unknown, a value is of another type, a name is refused, a tool does not exist, or a model
            cannot be called from the stack's Region.
    """
    config = values.read(Config.__annotations__, _JSON)
    arguments.check(config, Config, f"{NAMESPACE}:")
    its_apis, its_servers = of_apis or {}, of_servers or {}
    folders = {**available, **its_apis, **its_servers}
    stages = apis.stages(config, folders)
    existing = targets.existing(config, {**folders, **stages})
    without_folder = existing | {name: it.target for name, it in stages.items()}
    tools: dict[str, Any] = {name: it["tools"] for name, it in without_folder.items()}
    others = gateway_targets.available(tools)
    every = {**folders, **others}
    inner = targets.inner_gateways(config, every)
    of_folders = targets.of_folders_only(config, {**others, **inner})
    settings_of_apis = apis.settings(of_folders, its_apis, {**available, **others})
    settings_of_servers = servers.settings(of_folders, its_servers, {**available, **its_apis, **others})
    of_targets = targets.of_folders(of_folders, available, {**its_apis, **its_servers})
    foreign = issuers.read(config)
    of_gateways = gateways.read(config, every, foreign, inner)
    servers.check_place(its_servers, of_gateways)
    issuers.check_used(foreign, {name: it.inbound for name, it in of_gateways.by_name.items()})
    if unused := [target for target in config.get("targets", {}) if target not in of_gateways.targets]:
        raise UsageError(
            f"{NAMESPACE}:targets.{unused[0]}: is behind no gateway. Write it into the targets of one "
            f"({NAMESPACE}:gateways), or remove it."
        )
    for target in available:
        names.function(pulumi.get_project(), pulumi.get_stack(), target)
    observed = observability(config.get("observability", {}), f"{NAMESPACE}:observability")
    of_agents = agents.read(config, of_gateways)
    servers.check_names(its_servers, of_agents)
    of_clients = clients.read(config, of_gateways)
    tags.check(config.get("tags"), f"{NAMESPACE}:tags")
    handed_tools.check_number(of_gateways, [*(agent.tools for agent in of_agents.values()), *of_clients.values()])
    _check_roles(of_agents, of_gateways, of_targets, settings_of_servers)
    return StackSettings(
        gateways=of_gateways,
        shown_tools=dict(_shown(of_gateways, of_agents)),
        observability=observed,
        issuers=foreign,
        agents=of_agents,
        clients=of_clients,
        conversations=memory.read(config, {name: agent.keeps for name, agent in of_agents.items()}),
        log_level=LogLevel(config.get("logLevel", LogLevel.INFO)),
        kms_key=_kms_key(config),
        network=places.read(config, f"{NAMESPACE}:network"),
        targets=of_targets,
        apis=settings_of_apis,
        servers=settings_of_servers,
        stages=stages,
        existing_targets=existing,
        protect=config.get("protect", False),
        permissions_boundary=_boundary(config),
        tags=config.get("tags"),
    )


def _shown(of_gateways: Gateways, of_agents: Mapping[str, Agent]) -> Iterator[tuple[str, list[str]]]:
    """What each agent may call of a gateway by IAM that decides per tool, where an interceptor asks for the caller."""
    for name, gateway in of_gateways.by_name.items():
        by_tool = gateway.authorization is Authorization.TOOL and gateway.inbound == issuers.IAM
        if by_tool and gateway.asked and gateway.asked.want_callers:
            where = f"{NAMESPACE}:gateways.{name}" if of_gateways.named else f"{NAMESPACE}:interceptors"
            handed = [agent.tools[name] for agent in of_agents.values() if name in agent.tools]
            yield name, interceptors.shared(gateway.available, handed, where)


def _kms_key(config: Mapping[str, Any]) -> str | None:
    key: str | None = config.get("kmsKey")
    if key == CREATE:
        names.key_alias(pulumi.get_project(), pulumi.get_stack(), KEY)
    else:
        identifiers.check(identifiers.KMS_KEY, key, f"{NAMESPACE}:kmsKey ({CREATE!r} makes one)")
    return key


def _boundary(config: Mapping[str, Any]) -> str | None:
    boundary: str | None = config.get("permissionsBoundary")
    identifiers.check(identifiers.MANAGED_POLICY, boundary, f"{NAMESPACE}:permissionsBoundary")
    return boundary


def _check_roles(
    of_agents: Mapping[str, Agent],
    of_gateways: Gateways,
    of_targets: Mapping[str, TargetSettings],
    of_servers: Mapping[str, StackServer],
) -> None:
    """A role that two have would let each do what the other was handed."""
    given = {f"{NAMESPACE}:agents.{name}.roleArn": agent.role_arn for name, agent in of_agents.items()}
    for name, gateway in of_gateways.by_name.items():
        key = f"gateways.{name}.roleArn" if of_gateways.named else "gatewayRoleArn"
        given[f"{NAMESPACE}:{key}"] = gateway.role_arn
    for name, server in of_servers.items():
        given[f"{NAMESPACE}:targets.{name}.roleArn"] = server.get("role_arn")
    seen: dict[str, str] = {}
    of_functions = {f"{NAMESPACE}:targets.{name}.roleArn": it.get("role_arn") for name, it in of_targets.items()}
    # Functions may share one among them.
    seen |= {arn: where for where, arn in of_functions.items() if isinstance(arn, str)}
    for where, arn in given.items():
        identifiers.check(identifiers.ROLE, arn, where)
        if arn in seen:
            raise UsageError(f"{where}: {arn} is the role of {seen[arn]} as well. Give each a role that no other has.")
        if arn is not None:
            seen[arn] = where
