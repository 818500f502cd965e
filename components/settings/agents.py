"""`toolgate:agents`: the agents, and what each is handed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import arguments, identifiers, names
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import asked_agents
from toolgate.components.grants.tool_grants import GatewayTools
from toolgate.components.iam import bedrock_models, role_statements
from toolgate.components.iam.role_statements import RoleStatement
from toolgate.components.runtime import agent_model, agentcore_runtime
from toolgate.components.runtime.agent_model import Guardrail
from toolgate.components.settings import credentials, handed_tools, issuers, memory, other_gateways
from toolgate.components.settings.credentials import CredentialsConfig
from toolgate.components.settings.gateways import Gateways
from toolgate.components.settings.handed_tools import Handed
from toolgate.components.settings.memory import AgentKeeps, MemoryKind
from toolgate.components.settings.other_gateways import OtherGatewayConfig
from toolgate.components.settings.values import NAMESPACE
from toolgate.components.tokens.client_credentials import ClientCredentials

DEFAULT_MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
DEFAULT_AGENT = "assistant"


class AgentConfig(TypedDict):
    """One entry of `toolgate:agents`."""

    tools: NotRequired[list[str]]
    """Target names and full tool names; with `toolgate:gateways` each after its gateway and a slash, and a gateway's
    name alone is all of its tools. Default: every tool; an empty list: none."""
    agents: NotRequired[list[str]]
    """Agents of this stack that it may ask. Default: none."""
    description: NotRequired[str]
    """What it is for; an agent that may ask it goes by it. Default: nothing."""
    modelId: NotRequired[str]
    """Its model. Default: `toolgate:modelId`."""
    fallbackModelIds: NotRequired[list[str]]
    """The models that are asked, in this order, where that one gives no answer. Default: none."""
    guardrail: NotRequired[Guardrail]
    """The guardrail that its model calls go through. Default: none."""
    promptCaching: NotRequired[bool]
    """Whether its model caches what one call has in common with the next. Default: false."""
    systemPrompt: NotRequired[str]
    """Its system prompt. Default: the agent's own."""
    statements: NotRequired[list[RoleStatement]]
    """What else it may do. Default: nothing."""
    code: NotRequired[str]
    """Its folder, relative to the program. Default: `agent`, which every agent has that names none."""
    image: NotRequired[str]
    """URI of its container image in Amazon ECR, instead of a folder. Default: none."""
    roleArn: NotRequired[str]
    """ARN of an existing role, which nothing else of the stack has. Default: a role of its own."""
    gateways: NotRequired[list[OtherGatewayConfig]]
    """Tools of gateways that are there already. Default: none."""
    credentials: NotRequired[dict[str, CredentialsConfig]]
    """Its client at each of `toolgate:issuers` whose tokens a gateway of its tools takes. Default: none."""
    memory: NotRequired[MemoryKind]
    """Where its conversations are kept: `session`, `s3` or `agentcore`. Default: session."""
    recall: NotRequired[list[str]]
    """Names of `toolgate:memory.strategies` whose records it is shown. Default: none."""


@dataclass(frozen=True)
class Agent:
    """One agent.

    Attributes:
        tools: What it is handed of the stack's gateways.
        model_id: Its model.
        system_prompt: Its system prompt, if not its own.
        statements: What else it may do.
        role_arn: Its role, if that is not to be made.
        gateways: Its grants on gateways of others.
        credentials: Its clients at issuers of others.
        asks: The agents that it may ask.
        description: What it is for.
        of_model: How its model is asked, and which others are: arguments of an `AgentRuntime`.
        keeps: Where its conversations are kept.
        code: Its folder, if not the one of all.
        image: Its container image, instead of a folder.
    """

    tools: Handed
    model_id: str
    system_prompt: str | None
    statements: list[RoleStatement]
    role_arn: str | None
    gateways: list[GatewayTools]
    credentials: list[ClientCredentials]
    asks: list[str] = field(default_factory=list)
    description: str | None = None
    of_model: agent_model.ModelArgs = field(default_factory=agent_model.ModelArgs)
    keeps: AgentKeeps = field(default_factory=AgentKeeps)
    code: str | None = None
    image: str | None = None


def read(config: Mapping[str, Any], of_stack: Gateways) -> dict[str, Agent]:
    """The agents by name, each after those that it asks.

    Args:
        config: The stack's configuration.
        of_stack: The stack's gateways.

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
        agents[name] = _agent(entry, default, of_stack, runtime, where)
    credentials.check_apart({name: agent.credentials for name, agent in agents.items()})
    asks = {name: agent.asks for name, agent in agents.items()}
    ordered = asked_agents.order(asks, f"{NAMESPACE}:agents")
    for name in (other for others in asks.values() for other in others):
        described = (agents[name].description or "").strip()
        if not described:
            raise UsageError(
                f"{NAMESPACE}:agents.{name}.description: is not set, and another agent may ask it: its model goes "
                "by it. Say in a sentence what the agent is for."
            )
        arguments.within(described, 1, asked_agents.LONGEST_DESCRIPTION, f"{NAMESPACE}:agents.{name}.description")
    return {name: agents[name] for name in ordered}


def _agent(entry: AgentConfig, default: str, of_stack: Gateways, runtime: str, where: str) -> Agent:
    """One agent.

    Args:
        entry: It, as configured.
        default: The model where it names none.
        of_stack: The stack's gateways.
        runtime: Its name in AWS.
        where: Its place, for messages.
    """
    tools = handed_tools.read(of_stack, entry.get("tools"), f"{where}.tools")
    handed_tools.check_policies(of_stack, tools, partial(names.policy, runtime), f"{where}.tools")
    own = handed_tools.by_tool(of_stack, tools, f"{where}.tools")
    ways_in = {of_stack.by_name[gateway].inbound: gateway for gateway in tools}
    foreign = {way_in: gateway for way_in, gateway in ways_in.items() if way_in not in (issuers.IAM, issuers.JWT)}
    prompt = entry.get("systemPrompt")
    arguments.within(prompt, 1, agentcore_runtime.LONGEST_VALUE, f"{where}.systemPrompt")
    statements = entry.get("statements", [])
    role_statements.check_of_agent(statements, f"{where}.statements")
    arguments.within(entry.get("description"), 1, agentcore_runtime.LONGEST_DESCRIPTION, f"{where}.description")
    model_id = _model(entry, default, where)
    return Agent(
        tools,
        model_id,
        prompt,
        statements,
        entry.get("roleArn"),
        other_gateways.read(entry.get("gateways", []), own, f"{where}.gateways"),
        credentials.read(entry.get("credentials", {}), foreign, f"{where}.credentials"),
        of_model=_of_model(entry, model_id, where),
        asks=entry.get("agents", []),
        description=entry.get("description"),
        keeps=memory.of_agent(entry, where),
        code=_code(entry, where),
        image=entry.get("image"),
    )


def _of_model(entry: AgentConfig, model_id: str, where: str) -> agent_model.ModelArgs:
    fallbacks, caching = entry.get("fallbackModelIds", []), entry.get("promptCaching", False)
    agent_model.check_models(model_id, fallbacks, caching, where, ("fallbackModelIds", "promptCaching"))
    chosen: agent_model.ModelArgs = {}
    if fallbacks:
        chosen["fallback_model_ids"] = fallbacks
        for index, fallback in enumerate(fallbacks if aws.config.region else []):
            bedrock_models.callable_from(str(aws.config.region), fallback, f"{where}.fallbackModelIds[{index}]")
    if caching:
        chosen["prompt_caching"] = True
    if "guardrail" in entry:
        agent_model.check_guardrail(entry["guardrail"], f"{where}.guardrail")
        chosen["guardrail"] = entry["guardrail"]
    return chosen


def _code(entry: AgentConfig, where: str) -> str | None:
    identifiers.check(identifiers.IMAGE, entry.get("image"), f"{where}.image")
    if "code" in entry and "image" in entry:
        raise UsageError(f"{where}: has both code and image. Write code, its folder, or image, its image's URI.")
    if (folder := entry.get("code")) is None:
        return None
    if not Path(folder).is_dir():
        raise UsageError(
            f"{where}.code: there is no folder {folder!r}. Write that of the agent, relative to the program; its "
            "main.py is what AgentCore Runtime starts."
        )
    return Path(folder).as_posix()


def _model(entry: AgentConfig, default: str, where: str) -> str:
    model = bedrock_models.checked(entry.get("modelId", default), f"{where}.modelId")
    named_in = f"{where}.modelId" if "modelId" in entry else f"{NAMESPACE}:modelId"
    # Of the default provider. Another one's Region is not known yet; bedrock_models.access checks it then.
    if region := aws.config.region:
        bedrock_models.callable_from(region, model, named_in)
    return model
