"""AgentRuntime: an agent in AgentCore Runtime, with exactly the tools it was handed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import arguments, identifiers, names, tags
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import asked_agents, callers_table, cedar_permits, cedar_text
from toolgate.components.grants.asked_agents import AskedAgent
from toolgate.components.grants.cedar_permits import Handed
from toolgate.components.grants.cedar_text import Caller, IamRole
from toolgate.components.grants.tool_grants import GatewayTools
from toolgate.components.iam import bedrock_models, component_role, iam_documents, iam_propagation, role_statements
from toolgate.components.iam.role_statements import RoleStatement
from toolgate.components.memory import agent_memory
from toolgate.components.memory.agent_memory import AgentMemory
from toolgate.components.observability import monitoring
from toolgate.components.observability.alarms import Alarms
from toolgate.components.observability.log_delivery import LogDelivery
from toolgate.components.observability.metrics import Monitored
from toolgate.components.runtime import agent_model, agentcore_runtime, artifact, code_bucket, network
from toolgate.components.runtime.agent_model import Guardrail
from toolgate.components.runtime.agentcore_runtime import (
    DEFAULT_LIFECYCLE,
    LONGEST_DESCRIPTION,
    LONGEST_VALUE,
    MOST_VARIABLES,
    Lifecycle,
    PlatformVersion,
    Runtime,
)
from toolgate.components.runtime.network import Network
from toolgate.components.tokens import agent_tokens, issuers
from toolgate.components.tokens.agent_tokens import AgentTokens
from toolgate.components.tokens.client_credentials import ClientCredentials
from toolgate.components.tokens.issuers import Issuer

_OF_EVERY_AGENT = ("GATEWAY_URL", "BEDROCK_MODEL_ID", "AWS_REGION", "SYSTEM_PROMPT")
_OF_SOME = (agent_tokens.VARIABLE, asked_agents.VARIABLE, agent_memory.VARIABLE, *agent_model.VARIABLES.values())
OURS = (*_OF_EVERY_AGENT, *_OF_SOME)
"""Environment variables the component writes itself (the agent contract)."""


INVOCATION, DEFAULT_INVOCATION = "AGENT_INVOCATION_SECONDS", "75"
"""The environment variable with the seconds that an invocation may take, and the agent's own (the agent contract)."""


TASK = "AGENT_TASK_SECONDS"
"""The environment variable with the seconds that a turn may take which outlives its request (the agent contract)."""


class _Times(TypedDict):
    """Numbers of which one says whether another is right."""

    lifecycle: Lifecycle
    invocation: pulumi.Input[str]
    task: NotRequired[pulumi.Input[str]]


class AgentRuntimeArgs(TypedDict):
    """An agent, its model and its tools."""

    code: NotRequired[str]
    """Path of the deployment zip, relative to the program; `toolgate bundle` builds it. Either this or `image`."""
    image: NotRequired[pulumi.Input[str]]
    """URI of a container image (linux/arm64) in a private repository of Amazon ECR, instead of `code`: best with its
    digest, `...@sha256:...`, as a tag can be moved."""
    model_id: str
    """Id or ARN of a Bedrock inference profile or foundation model."""
    fallback_model_ids: NotRequired[list[str]]
    """Models that are asked in this order, at most 4, where that one gives no answer; the agent may invoke them, too.
    Default: none."""
    guardrail: NotRequired[Guardrail]
    """The guardrail that each of its model calls goes through; the agent may apply it. Default: none."""
    prompt_caching: NotRequired[bool]
    """Whether its model caches tools, system prompt and conversation from one call to the next. Default: false."""
    tools: NotRequired[list[GatewayTools]]
    """What the agent is handed: the grant. In Python by `gateway.tools(...)`. Default: no tools."""
    agents: NotRequired[list[AskedAgent]]
    """The agents that it may ask, as tools: the grant. In Python by `agent.ask(...)`. Default: none."""
    credentials: NotRequired[list[ClientCredentials]]
    """Its clients at foreign issuers, one for each issuer whose tokens a gateway of `tools` takes. Default: none."""
    memory: NotRequired[AgentMemory]
    """Where its conversations are kept: the grant. In Python by `memory.events()` or `bucket.conversations()`. Default:
    in its process, for as long as its session lives."""
    statements: NotRequired[list[RoleStatement]]
    """What the agent may do besides what every agent needs, with a table of its own, say. Never a way to a gateway, an
    agent, a model or a function: those are `tools`, `agents` and `model_id`. Default: nothing."""
    system_prompt: NotRequired[str]
    """The agent's system prompt, instead of its own."""
    environment: NotRequired[dict[str, pulumi.Input[str]]]
    """Further environment variables."""
    entry_points: NotRequired[list[str]]
    """What the runtime starts. Default: main.py."""
    platform_version: NotRequired[PlatformVersion]
    """The platform it runs on. Default V1."""
    lifecycle: NotRequired[Lifecycle]
    """How long its sessions live. Default: AWS's, 900 s without a request and 28800 s in any case."""
    network: NotRequired[Network]
    """The VPC that it reaches things through. Default: the internet."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the KMS key that encrypts its code in S3 and its delivered logs. Default: keys of AWS's own."""
    role_arn: NotRequired[pulumi.Input[str]]
    """ARN of an existing execution role, instead of one of its own. It must let AgentCore Runtime assume it; what the
    agent may do is written into it, and whatever else it may do is its owner's affair. No other agent may have it."""
    permissions_boundary: NotRequired[pulumi.Input[str]]
    """ARN of the managed policy that is the boundary of the role that is made for it. Default: none."""
    description: NotRequired[pulumi.Input[str]]
    """What the agent is for."""
    logs: NotRequired[LogDelivery]
    """Delivery of its application logs, which hold requests and answers. Default: none."""
    traces: NotRequired[bool]
    """Whether AgentCore's own spans of it go to X-Ray; takes CloudWatch Transaction Search. Default: false."""
    alarms: NotRequired[Alarms]
    """Alarms on its errors and throttling. Default: none."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Tags for whatever is made for it that takes tags. Its code in S3 has none where there are more than 10."""


@dataclass(frozen=True)
class _Wanted:
    """What the arguments come to, checked.

    Attributes:
        where: The component, for messages.
        name: The runtime's name in AWS.
        platform: Its platform, in AWS's word.
        digest: SHA-256 of its zip; None where it is an image.
        handed: The tools it is handed.
        issuers: Whose tokens it needs for them.
        depth: How many agents in a row there are from it on, of which each may ask the next.
        lifecycle: How long its sessions live, as the provider takes it.
        inputs: The component's inputs. Rules read them, and a plain value says more than an enum.
    """

    where: str
    name: str
    platform: str
    digest: str | None
    handed: Handed
    issuers: Sequence[Issuer]
    depth: int
    lifecycle: pulumi.Input[list[dict[str, int]]]
    inputs: dict[str, Any]


class AgentRuntime(pulumi.ComponentResource):
    """An agent in AgentCore Runtime whose IAM role is its only credential, also for the tokens that it takes."""

    runtime_arn: pulumi.Output[str]
    """ARN of the runtime."""
    role_arn: pulumi.Output[str]
    """ARN of its execution role."""
    tool_names: pulumi.Output[list[str]]
    """Full names of the tools it was handed."""

    def ask(self, description: str | None = None) -> AskedAgent:
        """Hand this agent to another one, which may then ask it.

        Args:
            description: What it is asked for: the model reads it. Default: what the agent is for, where that is plain.

        Raises:
            UsageError: There is neither.
        """
        said = description if description is not None else self._description
        if not isinstance(said, str) or not said.strip():
            raise UsageError(
                f"AgentRuntime {self._asked_as!r}: say what the agent is asked for, `ask('Answers questions about "
                "orders.')`, or give it a description: a model chooses by it."
            )
        return {"name": self._asked_as, "runtime_arn": self.runtime_arn, "description": said, "depth": self._depth}

    def __init__(self, name: str, args: AgentRuntimeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        wanted = _checked(name, args)
        super().__init__("toolgate:index:AgentRuntime", name, wanted.inputs, opts)
        here = iam_documents.current_environment(self)
        code = code_bucket.upload(self, name, Path(args["code"]), wanted.digest, args) if wanted.digest else None
        hooked = pulumi.ResourceOptions(parent=self, hooks=iam_propagation.retry(self, name, here))
        tokens = None
        if wanted.issuers:
            tokens = agent_tokens.make(name, wanted.name, wanted.issuers, args.get("tags"), hooked)
        role, policies = self._role(name, args, wanted, code, tokens)
        caller = _callers(here, role, tokens)
        known = callers_table.write(name, wanted.handed, caller, hooked, args.get("tags"))
        permitted = cedar_permits.write(name, wanted.handed, caller, hooked)
        hosted = Runtime(
            wanted.name,
            role.arn,
            artifact.configuration(args, code),
            _environment(args, wanted, here.region, tokens),
            wanted.lifecycle,
            wanted.platform,
        )
        ready = pulumi.ResourceOptions(depends_on=[*policies, *known, *permitted])
        runtime = agentcore_runtime.make(name, hosted, args, hooked.merge(ready))
        self._asked_as, self._depth, self._description = name, wanted.depth, args.get("description")
        self.runtime_arn = runtime.agent_runtime_arn
        self.role_arn = role.arn
        self.tool_names = wanted.handed.names()
        observed = Monitored("runtime", wanted.name, self.runtime_arn, args.get("tags"), args.get("kms_key_arn"))
        monitoring.watch(self, name, observed, args)
        self.register_outputs(
            {"runtime_arn": self.runtime_arn, "role_arn": self.role_arn, "tool_names": self.tool_names}
        )

    def _role(
        self,
        name: str,
        args: AgentRuntimeArgs,
        wanted: _Wanted,
        code: aws.s3.BucketObjectv2 | None,
        tokens: AgentTokens | None,
    ) -> tuple[component_role.Role, list[aws.iam.RolePolicy]]:
        here = iam_documents.current_environment(self)
        role = component_role.made_or_given(self, name, iam_documents.runtime_trust(here, wanted.name), args)
        model = bedrock_models.access(self, here, args["model_id"], f"AgentRuntime {name!r}.model_id")
        runs = artifact.grant(here, args, code, wanted.where)
        written = {"policy": iam_documents.runtime_minimum(here, wanted.name, runs, model)}
        written |= agent_model.documents(self, here, args, wanted.where)
        if wanted.handed.signed():
            written["tools"] = iam_documents.invoke_gateways(wanted.handed.gateway_arns())
        if asked := args.get("agents"):
            written["agents"] = asked_agents.document(asked)
        if tokens:
            written["tokens"] = tokens.document(here)
        if memory := args.get("memory"):
            written["memory"] = agent_memory.document(memory, here, wanted.name)
        if statements := args.get("statements"):
            written["statements"] = role_statements.document(statements, "Agent")
        written |= agentcore_runtime.decrypt(here, args, code)
        return role, component_role.write(self, name, role, written)


def _checked(name: str, args: AgentRuntimeArgs) -> _Wanted:
    """Derive all that can be wrong, before anything is made.

    Raises:
        UsageError: AWS would refuse a value or a name, a grant cannot be written, or the zip cannot be read.
    """
    where = f"AgentRuntime {name!r}"
    arguments.check(args, AgentRuntimeArgs, where)
    runtime_name = names.runtime(pulumi.get_project(), pulumi.get_stack(), name)
    _check_values(args, where)
    grants = args.get("tools", [])
    depth = asked_agents.check(args.get("agents", []), where)
    needed = issuers.of_agent(grants, args.get("credentials", []), where)
    handed = cedar_permits.handed(grants, partial(names.policy, runtime_name), where)
    callers_table.check(name, grants, where)
    for issuer in needed:
        if issuer.credentials and any("callers" in grant for grant in issuer.grants):
            callers_table.check_client(issuer.credentials["client_id"], f"{where}.credentials: {issuer.name}")
    platform = agentcore_runtime.platform(args)
    times: _Times = {
        "lifecycle": args.get("lifecycle", DEFAULT_LIFECYCLE),
        "invocation": args.get("environment", {}).get(INVOCATION, DEFAULT_INVOCATION),
    }
    if TASK in args.get("environment", {}):
        times["task"] = args["environment"][TASK]
    digest = artifact.zip_digest(args, where)
    inputs = {**args, "platform_version": platform}
    return _Wanted(where, runtime_name, platform, digest, handed, needed, depth, _lifecycle(times, where), inputs)


def _check_values(args: AgentRuntimeArgs, where: str) -> None:
    """Check what a type cannot say.

    Raises:
        UsageError: A value is out of AWS's bounds, or two of them contradict each other.
    """
    bedrock_models.checked(args["model_id"], f"{where}.model_id")
    agent_model.check(args, where)
    network.check(args.get("network"), f"{where}.network")
    identifiers.check(identifiers.KMS_KEY, args.get("kms_key_arn"), f"{where}.kms_key_arn")
    component_role.check(args, where)
    component_role.check_only_user(args, where)
    arguments.within(args.get("description"), 1, LONGEST_DESCRIPTION, f"{where}.description")
    arguments.within(args.get("system_prompt"), 1, LONGEST_VALUE, f"{where}.system_prompt")
    monitoring.check(args, where)
    role_statements.check_of_agent(args.get("statements", []), f"{where}.statements")
    agent_memory.check(args.get("memory"), f"{where}.memory")
    tags.check(args.get("tags"), f"{where}.tags")
    environment = args.get("environment", {})
    most = MOST_VARIABLES - len(_OF_EVERY_AGENT) - len(agent_model.VARIABLES.keys() & args.keys())
    if any("bearer" in grant for grant in args.get("tools", [])):
        most -= 1
    most -= sum(key in args for key in ("agents", "memory"))
    agentcore_runtime.check_environment(environment, OURS, most, where)


def _environment(
    args: AgentRuntimeArgs, wanted: _Wanted, region: pulumi.Input[str], tokens: AgentTokens | None
) -> dict[str, pulumi.Input[str]]:
    signed = wanted.handed.signed()
    variables: dict[str, pulumi.Input[str]] = {
        "AWS_REGION": region,
        "BEDROCK_MODEL_ID": args["model_id"],
        "GATEWAY_URL": _urls(signed) if signed else "",
        **args.get("environment", {}),
    }
    variables |= agent_model.variables(args, wanted.where)
    if prompt := args.get("system_prompt"):
        variables["SYSTEM_PROMPT"] = prompt
    if asked := args.get("agents"):
        variables[asked_agents.VARIABLE] = asked_agents.variable(asked, LONGEST_VALUE, wanted.where)
    if tokens:
        variables[agent_tokens.VARIABLE] = tokens.variable(LONGEST_VALUE, wanted.where)
    if memory := args.get("memory"):
        variables[agent_memory.VARIABLE] = agent_memory.variable(memory, wanted.name)
    return variables


def _callers(
    here: iam_documents.AwsEnvironment, role: component_role.Role, tokens: AgentTokens | None
) -> Callable[[GatewayTools], pulumi.Output[Caller]]:
    """As whom a grant's gateway knows the agent: by its role, or by its client where the gateway takes tokens."""
    entity = cedar_text.given_role_entity(role.arn) if role.given else cedar_text.role_entity(here, role.name)

    def caller(grant: GatewayTools) -> pulumi.Output[Caller]:
        if tokens and "bearer" in grant:
            return tokens.caller(grant)
        return entity.apply(IamRole)

    return caller


def _urls(handed: Sequence[GatewayTools]) -> pulumi.Output[str]:
    """The gateways' URLs, each once: one gateway may have handed over tools several times."""
    urls = pulumi.Output.all(*[grant["gateway_url"] for grant in handed])
    return urls.apply(lambda known: " ".join(dict.fromkeys(known)))


def _lifecycle(times: _Times, where: str) -> pulumi.Input[list[dict[str, int]]]:
    """The numbers as the provider takes them, checked: at once, or as soon as they are known."""

    def checked(known: Any) -> list[dict[str, int]]:
        found = agentcore_runtime.lifecycle(known["lifecycle"], where)
        idle, longest = known["lifecycle"]["idle_timeout"], known["lifecycle"]["max_lifetime"]
        _check_invocation(known["invocation"], idle, where)
        if "task" in known:
            _check_task(known["task"], longest, where)
        return found

    return arguments.derived(times, _Times, where, checked)


def _check_invocation(invocation: str, idle: int, where: str) -> None:
    """A request under way does not keep its session alive by itself: it must be over before the session is idle.

    Measured on AWS by others (fastagent-sh/fastagent#314): a session whose agent is not known to be busy ends in the
    middle of a request.
    """
    if not _seconds(INVOCATION, invocation, where) <= idle:
        raise UsageError(
            f"{where}.lifecycle: idle_timeout is {idle}, and an invocation may take {invocation} s ({INVOCATION} of "
            f"its environment, {DEFAULT_INVOCATION} without it): AgentCore could end the session under it. Write at "
            "least the same."
        )


def _check_task(task: str, longest: int, where: str) -> None:
    """A session ends with its longest life whatever its agent does: a task could never take as long as it is told.

    Only where the seconds are given: many an agent has no tasks, and one's default says nothing of its program. That a
    task which begins late in a session has less time cannot be seen in a plan.
    """
    if not _seconds(TASK, task, where) <= longest:
        raise UsageError(
            f"{where}.lifecycle: max_lifetime is {longest}, and a task may take {task} s ({TASK} of its environment): "
            "AgentCore would end the session under it. Write at least the same."
        )


def _seconds(variable: str, text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{where}.environment.{variable}: must be a number of seconds, not {text!r}.") from None
