"""AgentCore runtimes."""

from collections.abc import Iterator
from typing import Any

from toolgate.local.cloud.api_requests import Member, Table, same
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import Failure
from toolgate.local.cloud.resource_type import ALPHANUMERIC, ApiRequest, Existing, Made, Making, ResourceType
from toolgate.local.cloud.types.permissions import role_of, trusts
from toolgate.local.cloud.types.s3 import OBJECT
from toolgate.local.cloud.values import UNKNOWN, Properties
from toolgate.policy.language.agentcore_facts import RUNTIME, SERVICE_PRINCIPAL


def _make(inputs: Properties, making: Making) -> Made:
    env = making.env
    runtime_id = f"{inputs['agentRuntimeName']}-{making.characters(10, ALPHANUMERIC)}"
    return Made(
        runtime_id,
        {
            "agentRuntimeId": runtime_id,
            "agentRuntimeArn": env.arn("bedrock-agentcore", f"runtime/{runtime_id}"),
            "agentRuntimeVersion": str(making.version),
            "workloadIdentityDetails": env.workload_identity(runtime_id),
        },
    )


def _role_is_valid(inputs: Properties, made: Made, env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    role = role_of(inputs["roleArn"], existing)
    # One that the program does not make is taken as it is given: whom it trusts nobody here can know.
    if role is not None and not trusts(role, SERVICE_PRINCIPAL, made.outputs["agentRuntimeArn"], env):
        yield (
            f"ValidationException: Role validation failed for '{inputs['roleArn']}'. Please verify that the role "
            "exists and its trust policy allows assumption by this service"
        )


def _package_exists(inputs: Properties, _made: Made, _env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    code = inputs["agentRuntimeArtifact"].get("codeConfiguration")
    if code is None:
        return
    where = code["code"]["s3"]
    key = f"{where['bucket']}/{where['prefix']}"
    found = next((it for it in existing(OBJECT) if it.id == key), None)
    if found is None:
        yield f"ValidationException: The specified S3 object does not exist: s3://{key}"
    elif where.get("versionId") not in (None, found.outputs["versionId"]):
        # AWS's words are not known.
        yield f"ValidationException: The specified version of the S3 object does not exist: s3://{key}"


def _network(inputs: Properties) -> Iterator[Failure]:
    """In a VPC and nowhere else subnets and security groups are given (AgentCore developer guide, "agentcore-vpc")."""
    network = inputs.get("networkConfiguration")
    if not isinstance(network, dict):
        return
    mode, inside = network.get("networkMode"), network.get("networkModeConfig")
    if UNKNOWN in (mode, inside):
        return
    if mode == "VPC" and inside is None:
        yield Failure(
            "networkConfiguration", "ValidationException: networkModeConfig is required when networkMode is VPC"
        )
    if mode == "PUBLIC" and inside is not None:
        text = "ValidationException: networkModeConfig must not be provided when networkMode is PUBLIC"
        yield Failure("networkConfiguration", text)


def _other_artifact(known: Properties, inputs: Properties) -> Iterator[str]:
    """A zip instead of an image, or the other way round, makes a new runtime (terraform-provider-aws#45091)."""
    before, after = (it.get("agentRuntimeArtifact") or {} for it in (known, inputs))
    if UNKNOWN not in (before, after) and before.keys() != after.keys():
        yield "agentRuntimeArtifact"


def _only(blocks: Any) -> Any:
    return blocks[0] if isinstance(blocks, list) and len(blocks) == 1 else blocks


_S3 = Member("s3", same("bucket", "prefix", "versionId"))
_ARTIFACT: Table = {
    "codeConfiguration": Member(
        "codeConfiguration", {"runtime": "runtime", "entryPoints": "entryPoint", "code": Member("code", {"s3": _S3})}
    ),
    "containerConfiguration": Member("containerConfiguration", same("containerUri")),
}
_NETWORK: Table = {
    "networkMode": "networkMode",
    "networkModeConfig": Member("networkModeConfig", same("securityGroups", "subnets")),
}

RUNTIME_TYPE = ResourceType(
    type=RUNTIME,
    requests=(
        ApiRequest(
            "bedrock-agentcore-control",
            "CreateAgentRuntime",
            {
                **same("agentRuntimeName", "description", "roleArn", "environmentVariables", "platformVersion", "tags"),
                "agentRuntimeArtifact": Member("agentRuntimeArtifact", _ARTIFACT),
                "networkConfiguration": Member("networkConfiguration", _NETWORK),
                "protocolConfiguration": Member("protocolConfiguration", same("serverProtocol")),
                # The provider's block is a list of at most one.
                "lifecycleConfigurations": Member("lifecycleConfiguration", _only),
            },
        ),
    ),
    make=_make,
    computed=("agentRuntimeId", "agentRuntimeArn", "agentRuntimeVersion", "workloadIdentityDetails"),
    replaces=frozenset({"agentRuntimeName"}),
    replaced_by=_other_artifact,
    framework=True,
    # AgentCore developer guide, "Use isolated sessions": the defaults, in seconds.
    reported=lambda _inputs: {
        "lifecycleConfigurations": [{"idleRuntimeSessionTimeout": 900, "maxLifetime": 28_800}],
        "platformVersion": "V1",
    },
    unordered=frozenset({"subnets", "securityGroups"}),
    refreshed=frozenset({"agentRuntimeVersion"}),
    rules=(_network,),
    needs=(_role_is_valid, _package_exists),
    unique=("agentRuntimeName",),
    conflict="ConflictException: An agent with the specified name already exists: {agentRuntimeName}",
)
