"""`toolgate:agents`: the agents, and what each is handed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from toolgate.components import agent_runtime
from toolgate.components.checks import arguments, names
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import cedar_text, tool_grants
from toolgate.components.grants.tool_grants import Authorization, Available, GatewayTools
from toolgate.components.iam import bedrock_models, role_statements
from toolgate.components.iam.role_statements import RoleStatement
from toolgate.components.settings import other_gateways
from toolgate.components.settings.other_gateways import OtherGatewayConfig
from toolgate.components.settings.values import NAMESPACE

DEFAULT_MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
DEFAULT_AGENT = "assistant"


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
    gateways: NotRequired[list[OtherGatewayConfig]]
    """Tools of other gateways. Default: none."""


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


def read(config: Mapping[str, Any], available: Available, authorization: Authorization) -> dict[str, Agent]:
    """The agents by name.

    Args:
        config: The stack's configuration.
        available: The tools of the stack's gateway.
        authorization: What that enforces.

    Raises:
        UsageError: Two get one name in AWS, one is handed what cannot be handed over, or its model is none.
    """
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


def check_number(agents: Mapping[str, Agent], authorization: Authorization) -> None:
    """Check that the agents' Cedar policies fit into one engine.

    Raises:
        UsageError: There are too many.
    """
    writing = sum(agent.tools != [] for agent in agents.values())
    if authorization is Authorization.TOOL and writing > cedar_text.MOST_POLICIES:
        raise UsageError(
            f"{NAMESPACE}:agents: {writing} agents have tools, and each needs a Cedar policy; a policy engine takes "
            f"{cedar_text.MOST_POLICIES}. Spread the agents over several stacks."
        )


def _tools(entry: AgentConfig, available: Available, authorization: Authorization, where: str) -> list[str] | None:
    return tool_grants.resolve(available, entry["tools"], authorization, where) if "tools" in entry else None


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
    of_stack = dict.fromkeys(own, "the stack's own gateway")
    gateways = other_gateways.read(entry.get("gateways", []), of_stack, f"{where}.gateways")
    return Agent(tools, model, prompt, statements, entry.get("roleArn"), gateways)
