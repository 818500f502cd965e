"""A runtime in AgentCore: what an agent's and an MCP server's have alike."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import arguments
from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam import iam_documents
from toolgate.components.iam.iam_documents import AwsEnvironment, Document
from toolgate.components.runtime import network

# botocore bedrock-agentcore-control EnvironmentVariablesMap, EnvironmentVariableKey, EnvironmentVariableValue
MOST_VARIABLES, LONGEST_KEY, LONGEST_VALUE = 50, 100, 5000
# botocore bedrock-agentcore-control Description, LifecycleConfiguration
LONGEST_DESCRIPTION = 4096
SHORTEST_LIFE, LONGEST_LIFE = 60, 1_209_600


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


@dataclass(frozen=True)
class Runtime:
    """A runtime that is to be made, checked.

    Attributes:
        name: Its name in AWS.
        role_arn: ARN of its role.
        artifact: What it runs, as the provider takes it.
        environment: Its variables.
        lifecycle: How long its sessions live, as the provider takes it.
        platform: Its platform, in AWS's word.
        protocol: What it speaks, in AWS's word; None for AgentCore's own, HTTP.
    """

    name: str
    role_arn: pulumi.Output[str]
    artifact: Mapping[str, Any]
    environment: Mapping[str, pulumi.Input[str]]
    lifecycle: pulumi.Input[list[dict[str, int]]]
    platform: str
    protocol: str | None = None


def platform(args: Mapping[str, Any]) -> str:
    """The platform that the arguments name, in AWS's word."""
    return PlatformVersion(args.get("platform_version", PlatformVersion.V1)).value


def lifecycle(known: Mapping[str, int], where: str) -> list[dict[str, int]]:
    """The numbers of a `Lifecycle` as the provider takes them.

    Raises:
        UsageError: One is out of AWS's bounds, or they contradict each other.
    """
    for key, seconds in known.items():
        arguments.within(seconds, SHORTEST_LIFE, LONGEST_LIFE, f"{where}.lifecycle.{key}")
    idle, longest = known["idle_timeout"], known["max_lifetime"]
    if idle > longest:
        raise UsageError(
            f"{where}.lifecycle: idle_timeout is {idle}, more than max_lifetime, which is {longest}, so it would "
            "never end a session. Write at most the same."
        )
    return [{"idle_runtime_session_timeout": idle, "max_lifetime": longest}]


def check_environment(environment: Mapping[str, pulumi.Input[str]], ours: Sequence[str], most: int, where: str) -> None:
    """Check the variables that an author gives a runtime.

    Args:
        environment: They.
        ours: Names of those that the component writes.
        most: How many there may be besides those.
        where: The component, for messages.

    Raises:
        UsageError: AWS would refuse one, or it is the component's.
    """
    arguments.within(len(environment), 0, most, f"{where}.environment: number of variables")
    for key, value in environment.items():
        if key in ours:
            raise UsageError(f"{where}.environment: {key} is written by the component. Remove it.")
        arguments.within(key, 1, LONGEST_KEY, f"{where}.environment: name {key!r}")
        arguments.within(value, 0, LONGEST_VALUE, f"{where}.environment.{key}")


def decrypt(here: AwsEnvironment, args: Mapping[str, Any], code: aws.s3.BucketObjectv2 | None) -> dict[str, Document]:
    """What the role needs so that the runtime gets its code where that is encrypted with a key of the stack's.

    Args:
        here: Where the stack is deployed.
        args: The component's arguments.
        code: Its code in S3, if it is no image.
    """
    key_arn = args.get("kms_key_arn")
    if not code or not key_arn:
        return {}
    bucket_arn = here.arn("s3", code.bucket, region="", account="")
    return {"decrypt": iam_documents.decrypt_code(here, key_arn, bucket_arn)}


def make(
    name: str, wanted: Runtime, args: Mapping[str, Any], opts: pulumi.ResourceOptions
) -> aws.bedrock.AgentcoreAgentRuntime:
    """Make the runtime.

    Args:
        name: The component's name.
        wanted: The runtime.
        args: The component's arguments.
        opts: Parent, hooks, and what must be there before.
    """
    return aws.bedrock.AgentcoreAgentRuntime(
        f"{name}-runtime",
        agent_runtime_name=wanted.name,
        description=args.get("description"),
        role_arn=wanted.role_arn,
        agent_runtime_artifact=wanted.artifact,
        environment_variables=wanted.environment,
        lifecycle_configurations=wanted.lifecycle,
        network_configuration=network.configuration(args.get("network")),
        platform_version=wanted.platform,
        protocol_configuration={"server_protocol": wanted.protocol} if wanted.protocol else None,
        tags=args.get("tags"),
        # A replacement cannot be made while the old one holds the name.
        opts=opts.merge(pulumi.ResourceOptions(delete_before_replace=True)),
    )
