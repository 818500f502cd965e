"""The stack's configuration, namespace `toolgate`: typed, and checked whole before anything is made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

import pulumi

from toolgate.components.checks import arguments, identifiers, names, tags
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import tool_grants
from toolgate.components.grants.tool_grants import Authorization
from toolgate.components.observability.configuration import Observability, ObservabilityConfig, observability
from toolgate.components.observability.log_levels import LogLevel
from toolgate.components.runtime.agent_bundle import BundleKind
from toolgate.components.runtime.network import Network
from toolgate.components.settings import agents, places, targets, values
from toolgate.components.settings.agents import Agent, AgentConfig
from toolgate.components.settings.places import NetworkConfig
from toolgate.components.settings.targets import TargetConfig
from toolgate.components.settings.values import NAMESPACE
from toolgate.components.tool_gateway import GatewayTarget
from toolgate.components.tools.target_settings import TargetSettings

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
    config = values.read(Config.__annotations__, _JSON)
    arguments.check(config, Config, f"{NAMESPACE}:")
    authorization = Authorization(config.get("authorization", Authorization.GATEWAY))
    existing = targets.existing(config, available)
    of_targets = targets.of_folders(config, available, existing)
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
    of_agents = agents.read(config, available, authorization)
    tags.check(config.get("tags"), f"{NAMESPACE}:tags")
    agents.check_number(of_agents, authorization)
    _check_roles(of_agents, config.get("gatewayRoleArn"), of_targets)
    return StackSettings(
        authorization=authorization,
        observability=observed,
        agents=of_agents,
        log_level=LogLevel(config.get("logLevel", LogLevel.INFO)),
        kms_key=_kms_key(config),
        network=places.read(config, f"{NAMESPACE}:network"),
        targets=of_targets,
        existing_targets={name: {"function_arn": arn, "tools": tools} for name, (arn, tools) in existing.items()},
        protect=config.get("protect", False),
        gateway_role_arn=config.get("gatewayRoleArn"),
        permissions_boundary=_boundary(config),
        tags=config.get("tags"),
    )


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
    of_agents: Mapping[str, Agent], of_gateway: str | None, of_targets: Mapping[str, TargetSettings]
) -> None:
    """A role that two have would let each do what the other was handed."""
    given = {f"{NAMESPACE}:agents.{name}.roleArn": agent.role_arn for name, agent in of_agents.items()}
    given[f"{NAMESPACE}:gatewayRoleArn"] = of_gateway
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
