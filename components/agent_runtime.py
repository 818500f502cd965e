"""AgentRuntime: an agent in AgentCore Runtime, with exactly the tools it was handed."""

import enum
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import arguments, identifiers, names
from toolgate.components.checks.errors import UsageError
from toolgate.components.grants import cedar_permits, cedar_text
from toolgate.components.iam import aws_environment, bedrock_models, component_role, iam_documents, iam_propagation
from toolgate.components.observability import monitoring
from toolgate.components.observability.alarms import Alarms
from toolgate.components.observability.log_delivery import LogDelivery
from toolgate.components.observability.observed import Monitored
from toolgate.components.runtime import code_bucket, interpreter, network
from toolgate.components.runtime.network import Network
from toolgate.components.tool_gateway import GatewayTools

# botocore bedrock-agentcore-control EnvironmentVariablesMap, EnvironmentVariableKey, EnvironmentVariableValue
MOST_VARIABLES, LONGEST_KEY, LONGEST_VALUE = 50, 100, 5000
# botocore bedrock-agentcore-control Description, LifecycleConfiguration
LONGEST_DESCRIPTION = 4096
SHORTEST_LIFE, LONGEST_LIFE = 60, 1_209_600
OURS = ("GATEWAY_URL", "BEDROCK_MODEL_ID", "AWS_REGION", "SYSTEM_PROMPT")
"""Environment variables the component writes itself (the agent contract)."""


class PlatformVersion(enum.Enum):
    """AgentCore Runtime's platform (botocore CreateAgentRuntime platformVersion)."""

    V1 = "V1"
    """The first platform, in every Region."""
    V2 = "V2"
    """The platform that gives idle memory back; not in every Region."""


class Lifecycle(TypedDict):
    """How long a session lives; the provider wants both values or neither."""

    idle_timeout: pulumi.Input[int]
    """Seconds without a request after which a session ends; 60 to 1209600."""
    max_lifetime: pulumi.Input[int]
    """Seconds after which a session ends in any case; 60 to 1209600."""


class AgentRuntimeArgs(TypedDict):
    """An agent, its model and its tools."""

    code: str
    """Path of the deployment zip, relative to the program; `toolgate bundle` builds it."""
    model_id: str
    """Id or ARN of a Bedrock inference profile or foundation model."""
    tools: NotRequired[list[GatewayTools]]
    """What the agent is handed: the grant. In Python by `gateway.tools(...)`. Default: no tools."""
    system_prompt: NotRequired[str]
    """The agent's system prompt, instead of its own."""
    environment: NotRequired[dict[str, pulumi.Input[str]]]
    """Further environment variables."""
    entry_points: NotRequired[list[str]]
    """What the runtime starts. Default: main.py."""
    platform_version: NotRequired[PlatformVersion]
    """The platform it runs on. Default V1."""
    lifecycle: NotRequired[Lifecycle]
    """How long its sessions live. Default: the service's."""
    network: NotRequired[Network]
    """The VPC that it reaches things through. Default: the internet."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the KMS key that encrypts its code in S3 and its delivered logs. Default: keys of AWS's own."""
    permissions_boundary: NotRequired[pulumi.Input[str]]
    """ARN of the managed policy that is the boundary of its execution role. Default: none."""
    description: NotRequired[pulumi.Input[str]]
    """What the agent is for."""
    logs: NotRequired[LogDelivery]
    """Delivery of its application logs, which hold requests and answers. Default: none."""
    traces: NotRequired[bool]
    """Whether AgentCore's own spans of it go to X-Ray; takes CloudWatch Transaction Search. Default: false."""
    alarms: NotRequired[Alarms]
    """Alarms on its errors and throttling. Default: none."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Tags for whatever is made for it that takes tags."""


class AgentRuntime(pulumi.ComponentResource):
    """An agent in AgentCore Runtime whose IAM role is its only credential."""

    runtime_arn: pulumi.Output[str]
    """ARN of the runtime."""
    role_arn: pulumi.Output[str]
    """ARN of its execution role."""
    tool_names: pulumi.Output[list[str]]
    """Full names of the tools it was handed."""

    def __init__(self, name: str, args: AgentRuntimeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        where = f"AgentRuntime {name!r}"
        arguments.check(args, AgentRuntimeArgs, where)
        runtime_name = names.runtime(pulumi.get_project(), pulumi.get_stack(), name)
        _check(args, where)
        handed = _handed(args.get("tools", []), runtime_name, where)
        platform = PlatformVersion(args.get("platform_version", PlatformVersion.V1)).value
        zip_path = Path(args["code"])
        digest = _digest(zip_path, where)
        super().__init__("toolgate:index:AgentRuntime", name, {**args, "platform_version": platform}, opts)
        here = aws_environment.current(self)
        code = code_bucket.upload(self, name, zip_path, digest, args)
        role, policies = self._role(name, runtime_name, here, code, {**args, "tools": handed})
        hooked = pulumi.ResourceOptions(parent=self, hooks=iam_propagation.retry(self, name))
        permitted = cedar_permits.write(name, runtime_name, cedar_text.role_entity(here, role.name), handed, hooked)
        runtime = aws.bedrock.AgentcoreAgentRuntime(
            f"{name}-runtime",
            agent_runtime_name=runtime_name,
            description=args.get("description"),
            role_arn=role.arn,
            agent_runtime_artifact={"code_configuration": _code_configuration(args, code)},
            environment_variables=_environment(args, handed, here.region),
            lifecycle_configurations=_lifecycle(args.get("lifecycle")),
            network_configuration=network.configuration(args.get("network")),
            platform_version=platform,
            tags=args.get("tags"),
            # A replacement cannot be made while the old one holds the name.
            opts=hooked.merge(pulumi.ResourceOptions(depends_on=[*policies, *permitted], delete_before_replace=True)),
        )
        key_arn, tags = args.get("kms_key_arn"), args.get("tags")
        monitoring.watch(self, name, Monitored("runtime", runtime_name, runtime.agent_runtime_arn, tags, key_arn), args)
        self.runtime_arn = runtime.agent_runtime_arn
        self.role_arn = role.arn
        self.tool_names = pulumi.Output.all(*[it["tools"] for it in handed]).apply(_flat)
        self.register_outputs(
            {"runtime_arn": self.runtime_arn, "role_arn": self.role_arn, "tool_names": self.tool_names}
        )

    def _role(
        self,
        name: str,
        runtime_name: str,
        here: iam_documents.AwsEnvironment,
        code: aws.s3.BucketObjectv2,
        args: AgentRuntimeArgs,
    ) -> tuple[aws.iam.Role, list[aws.iam.RolePolicy]]:
        role = component_role.make(self, name, iam_documents.runtime_trust(here, runtime_name), args)
        model = bedrock_models.access(self, here, args["model_id"])
        written = {"policy": iam_documents.runtime_minimum(here, runtime_name, code.arn, model)}
        if arns := [it["gateway_arn"] for it in args.get("tools", [])]:
            written["tools"] = iam_documents.invoke_gateways(_each_once(arns))
        if key_arn := args.get("kms_key_arn"):
            bucket_arn = here.arn("s3", code.bucket, region="", account="")
            written["decrypt"] = iam_documents.decrypt_code(here, key_arn, bucket_arn)
        return role, component_role.write(self, name, role, written)


def _handed(handed: Sequence[GatewayTools], runtime_name: str, where: str) -> list[GatewayTools]:
    """The grants, the tools of each checked: before anything is made, or as soon as they are known.

    Raises:
        UsageError: A tool is handed over twice, or a grant cannot be written.
    """

    def checked(tools: list[list[str]]) -> list[list[str]]:
        every = _flat(tools)
        if twice := sorted({tool for tool in every if every.count(tool) > 1}):
            raise UsageError(f"{where}.tools: {', '.join(twice)} handed over twice. Hand each tool over once.")
        cedar_permits.check(handed, tools, runtime_name, where)
        return tools

    given = [it["tools"] for it in handed]
    tools = pulumi.Output.from_input(arguments.derived(given, list[list[str]], f"{where}.tools", checked))
    # Its ARN by way of the check: a grant that is found wrong only when it is known is not written either.
    return [
        {**it, "tools": tools[index], "gateway_arn": pulumi.Output.all(it["gateway_arn"], tools).apply(_first)}
        for index, it in enumerate(handed)
    ]


def _first(values: Sequence[Any]) -> str:
    return str(values[0])


def _flat(tools: Sequence[Sequence[str]]) -> list[str]:
    return [tool for each in tools for tool in each]


def _check(args: AgentRuntimeArgs, where: str) -> None:
    """Check what a type cannot say, before anything is made.

    Raises:
        UsageError: A value is out of AWS's bounds, or two of them contradict each other.
    """
    bedrock_models.checked(args["model_id"], f"{where}.model_id")
    network.check(args.get("network"), f"{where}.network")
    identifiers.check(identifiers.KMS_KEY, args.get("kms_key_arn"), f"{where}.kms_key_arn")
    identifiers.check(identifiers.MANAGED_POLICY, args.get("permissions_boundary"), f"{where}.permissions_boundary")
    arguments.within(args.get("description"), 1, LONGEST_DESCRIPTION, f"{where}.description")
    arguments.within(args.get("system_prompt"), 1, LONGEST_VALUE, f"{where}.system_prompt")
    monitoring.check(args, where)
    for key, seconds in args.get("lifecycle", {}).items():
        arguments.within(seconds, SHORTEST_LIFE, LONGEST_LIFE, f"{where}.lifecycle.{key}")
    environment = args.get("environment", {})
    arguments.within(len(environment), 0, MOST_VARIABLES - len(OURS), f"{where}.environment: number of variables")
    for key, value in environment.items():
        if key in OURS:
            raise UsageError(f"{where}.environment: {key} is written by the component. Remove it.")
        arguments.within(key, 1, LONGEST_KEY, f"{where}.environment: name {key!r}")
        arguments.within(value, 0, LONGEST_VALUE, f"{where}.environment.{key}")


def _code_configuration(args: AgentRuntimeArgs, code: aws.s3.BucketObjectv2) -> dict[str, object]:
    return {
        "code": {"s3": {"bucket": code.bucket, "prefix": code.key}},
        "entry_points": args.get("entry_points", ["main.py"]),
        "runtime": interpreter.AGENTCORE,
    }


def _environment(
    args: AgentRuntimeArgs, handed: Sequence[GatewayTools], region: pulumi.Input[str]
) -> dict[str, pulumi.Input[str]]:
    variables: dict[str, pulumi.Input[str]] = {
        "AWS_REGION": region,
        "BEDROCK_MODEL_ID": args["model_id"],
        "GATEWAY_URL": _each_once([it["gateway_url"] for it in handed]).apply(" ".join) if handed else "",
        **args.get("environment", {}),
    }
    if prompt := args.get("system_prompt"):
        variables["SYSTEM_PROMPT"] = prompt
    return variables


def _each_once(values: Sequence[pulumi.Input[str]]) -> pulumi.Output[list[str]]:
    """One gateway may have handed over tools several times."""
    return pulumi.Output.all(*values).apply(lambda known: list(dict.fromkeys(known)))


def _lifecycle(lifecycle: Lifecycle | None) -> list[dict[str, pulumi.Input[int]]] | None:
    if lifecycle is None:
        return None
    idle, longest = lifecycle["idle_timeout"], lifecycle["max_lifetime"]
    return [{"idle_runtime_session_timeout": idle, "max_lifetime": longest}]


def _digest(path: Path, where: str) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"{where}.code: {path} cannot be read ({error}). `make bundle` builds it.") from error
