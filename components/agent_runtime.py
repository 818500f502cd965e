"""AgentRuntime: an agent in AgentCore Runtime, with exactly the tools it was handed."""

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import arguments, identifiers, names, tags
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import callers_table, cedar_permits, cedar_text
from toolgate.components.grants.cedar_permits import Handed
from toolgate.components.grants.cedar_text import Caller, IamRole
from toolgate.components.grants.tool_grants import GatewayTools
from toolgate.components.iam import bedrock_models, component_role, iam_documents, iam_propagation, role_statements
from toolgate.components.iam.role_statements import RoleStatement
from toolgate.components.observability import monitoring
from toolgate.components.observability.alarms import Alarms
from toolgate.components.observability.log_delivery import LogDelivery
from toolgate.components.observability.metrics import Monitored
from toolgate.components.runtime import artifact, code_bucket, network
from toolgate.components.runtime.network import Network
from toolgate.components.tokens import agent_tokens, issuers
from toolgate.components.tokens.agent_tokens import AgentTokens
from toolgate.components.tokens.client_credentials import ClientCredentials
from toolgate.components.tokens.issuers import Issuer

# botocore bedrock-agentcore-control EnvironmentVariablesMap, EnvironmentVariableKey, EnvironmentVariableValue
MOST_VARIABLES, LONGEST_KEY, LONGEST_VALUE = 50, 100, 5000
# botocore bedrock-agentcore-control Description, LifecycleConfiguration
LONGEST_DESCRIPTION = 4096
SHORTEST_LIFE, LONGEST_LIFE = 60, 1_209_600
_OF_EVERY_AGENT = ("GATEWAY_URL", "BEDROCK_MODEL_ID", "AWS_REGION", "SYSTEM_PROMPT")
OURS = (*_OF_EVERY_AGENT, agent_tokens.VARIABLE)
"""Environment variables the component writes itself (the agent contract)."""


class PlatformVersion(enum.Enum):
    """AgentCore Runtime's platform (botocore CreateAgentRuntime platformVersion)."""

    V1 = "V1"
    """The first platform, in every Region."""
    V2 = "V2"
    """The platform that gives idle memory back; not in every Region."""


class Lifecycle(TypedDict):
    """How long a session lives."""

    idle_timeout: pulumi.Input[int]
    """Seconds without a request after which a session ends; 60 to 1209600, and not more than `max_lifetime`."""
    max_lifetime: pulumi.Input[int]
    """Seconds after which a session ends in any case; 60 to 1209600."""


# botocore bedrock-agentcore-control LifecycleConfiguration, the members' defaults. Always given: the provider keeps the
# last numbers where none are, so that leaving them out would not take them back (terraform-provider-aws
# agent_runtime.go, lifecycle_configuration: Optional, Computed).
DEFAULT_LIFECYCLE: Lifecycle = {"idle_timeout": 900, "max_lifetime": 28_800}


class AgentRuntimeArgs(TypedDict):
    """An agent, its model and its tools."""

    code: NotRequired[str]
    """Path of the deployment zip, relative to the program; `toolgate bundle` builds it. Either this or `image`."""
    image: NotRequired[pulumi.Input[str]]
    """URI of a container image (linux/arm64) in a private repository of Amazon ECR, instead of `code`: best with its
    digest, `...@sha256:...`, as a tag can be moved."""
    model_id: str
    """Id or ARN of a Bedrock inference profile or foundation model."""
    tools: NotRequired[list[GatewayTools]]
    """What the agent is handed: the grant. In Python by `gateway.tools(...)`. Default: no tools."""
    credentials: NotRequired[list[ClientCredentials]]
    """Its clients at foreign issuers, one for each issuer whose tokens a gateway of `tools` takes. Default: none."""
    statements: NotRequired[list[RoleStatement]]
    """What the agent may do besides what every agent needs, with a table of its own, say. Never a way to a gateway, a
    model or a function: those are `tools` and `model_id`. Default: nothing."""
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
        lifecycle: How long its sessions live, as the provider takes it.
        inputs: The component's inputs. Rules read them, and a plain value says more than an enum.
    """

    where: str
    name: str
    platform: str
    digest: str | None
    handed: Handed
    issuers: Sequence[Issuer]
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
        runtime = aws.bedrock.AgentcoreAgentRuntime(
            f"{name}-runtime",
            agent_runtime_name=wanted.name,
            description=args.get("description"),
            role_arn=role.arn,
            agent_runtime_artifact=artifact.configuration(args, code),
            environment_variables=_environment(args, wanted, here.region, tokens),
            lifecycle_configurations=wanted.lifecycle,
            network_configuration=network.configuration(args.get("network")),
            platform_version=wanted.platform,
            tags=args.get("tags"),
            # A replacement cannot be made while the old one holds the name.
            opts=hooked.merge(
                pulumi.ResourceOptions(depends_on=[*policies, *known, *permitted], delete_before_replace=True)
            ),
        )
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
        if wanted.handed.signed():
            written["tools"] = iam_documents.invoke_gateways(wanted.handed.gateway_arns())
        if tokens:
            written["tokens"] = tokens.document(here)
        if statements := args.get("statements"):
            written["statements"] = role_statements.document(statements, "Agent")
        if code and (key_arn := args.get("kms_key_arn")):
            bucket_arn = here.arn("s3", code.bucket, region="", account="")
            written["decrypt"] = iam_documents.decrypt_code(here, key_arn, bucket_arn)
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
    needed = issuers.of_agent(grants, args.get("credentials", []), where)
    handed = cedar_permits.handed(grants, partial(names.policy, runtime_name), where)
    callers_table.check(name, grants, where)
    for issuer in needed:
        if issuer.credentials and any("callers" in grant for grant in issuer.grants):
            callers_table.check_client(issuer.credentials["client_id"], f"{where}.credentials: {issuer.name}")
    platform = PlatformVersion(args.get("platform_version", PlatformVersion.V1)).value
    lifecycle = _lifecycle(args.get("lifecycle", DEFAULT_LIFECYCLE), f"{where}.lifecycle")
    inputs = {**args, "platform_version": platform}
    return _Wanted(where, runtime_name, platform, artifact.zip_digest(args, where), handed, needed, lifecycle, inputs)


def _check_values(args: AgentRuntimeArgs, where: str) -> None:
    """Check what a type cannot say.

    Raises:
        UsageError: A value is out of AWS's bounds, or two of them contradict each other.
    """
    bedrock_models.checked(args["model_id"], f"{where}.model_id")
    network.check(args.get("network"), f"{where}.network")
    identifiers.check(identifiers.KMS_KEY, args.get("kms_key_arn"), f"{where}.kms_key_arn")
    component_role.check(args, where)
    component_role.check_only_user(args, where)
    arguments.within(args.get("description"), 1, LONGEST_DESCRIPTION, f"{where}.description")
    arguments.within(args.get("system_prompt"), 1, LONGEST_VALUE, f"{where}.system_prompt")
    monitoring.check(args, where)
    role_statements.check_of_agent(args.get("statements", []), f"{where}.statements")
    tags.check(args.get("tags"), f"{where}.tags")
    environment = args.get("environment", {})
    most = MOST_VARIABLES - len(_OF_EVERY_AGENT)
    if any("bearer" in grant for grant in args.get("tools", [])):
        most -= 1
    arguments.within(len(environment), 0, most, f"{where}.environment: number of variables")
    for key, value in environment.items():
        if key in OURS:
            raise UsageError(f"{where}.environment: {key} is written by the component. Remove it.")
        arguments.within(key, 1, LONGEST_KEY, f"{where}.environment: name {key!r}")
        arguments.within(value, 0, LONGEST_VALUE, f"{where}.environment.{key}")


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
    if prompt := args.get("system_prompt"):
        variables["SYSTEM_PROMPT"] = prompt
    if tokens:
        variables[agent_tokens.VARIABLE] = tokens.variable(LONGEST_VALUE, wanted.where)
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


def _lifecycle(lifecycle: Lifecycle, where: str) -> pulumi.Input[list[dict[str, int]]]:
    """The numbers as the provider takes them, checked: at once, or as soon as they are known."""

    def checked(known: Any) -> list[dict[str, int]]:
        for key, seconds in known.items():
            arguments.within(seconds, SHORTEST_LIFE, LONGEST_LIFE, f"{where}.{key}")
        idle, longest = known["idle_timeout"], known["max_lifetime"]
        if idle > longest:
            raise UsageError(
                f"{where}: idle_timeout is {idle}, more than max_lifetime, which is {longest}, so it would never end a "
                "session. Write at most the same."
            )
        return [{"idle_runtime_session_timeout": idle, "max_lifetime": longest}]

    return arguments.derived(lifecycle, Lifecycle, where, checked)
