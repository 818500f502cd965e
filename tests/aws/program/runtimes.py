"""Runtimes of the small agent beside this file, made without what the component always writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws

from tests.aws.program.scratch import Scratch, underscored
from toolgate.components.iam import iam_documents
from toolgate.components.iam.iam_documents import Statement
from toolgate.components.runtime import agent_bundle, wheels

ROOT = Path(__file__).parents[3]
READ_CODE = "ReadCode"
"""The statement of `documents.runtime_minimum` that lets a runtime's role read its zip."""


@dataclass(frozen=True)
class Tokens:
    """What a runtime takes its tokens with: what its role may do besides, and what the agent is told."""

    allowed: Sequence[Statement]
    told: Mapping[str, pulumi.Input[str]]


NO_TOKENS = Tokens((), {})


def code(
    scratch: Scratch, lock: Path | None = None, name: str = "probe-code", folder: str = "agent"
) -> aws.s3.BucketObjectv2:
    """The zip of a folder beside this file in a private bucket; with the packages of a lock where it needs some."""
    built = agent_bundle.build(Path(__file__).parent / folder, lock, dist=ROOT / "dist")
    bucket = aws.s3.Bucket(name, force_destroy=True, opts=scratch.unhooked)
    private = aws.s3.BucketPublicAccessBlock(
        name,
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=scratch.unhooked,
    )
    return aws.s3.BucketObjectv2(
        name,
        bucket=bucket.bucket,
        key=f"{built.digest}.zip",
        source=pulumi.FileAsset(built.path.as_posix()),
        opts=scratch.after(private),
    )


def runtime(
    scratch: Scratch,
    name: str,
    zipped: aws.s3.BucketObjectv2,
    *,
    reads_code: bool = True,
    tokens: Tokens = NO_TOKENS,
    protocol: str | None = None,
) -> pulumi.Output[str]:
    """Make a runtime that names no platform version; its ARN.

    Args:
        scratch: Its parent.
        name: Its name in the program.
        zipped: The agent's zip.
        reads_code: Whether its role may read the zip.
        tokens: What it takes its tokens with.
        protocol: What it speaks, where that is not HTTP.
    """
    full = underscored(name)
    trust = pulumi.Output.json_dumps(iam_documents.runtime_trust(scratch.here, full))
    role = aws.iam.Role(f"{name}-role", assume_role_policy=trust, opts=scratch.unhooked)
    allowed = iam_documents.runtime_minimum(scratch.here, full, iam_documents.read_code(zipped.arn), [])["Statement"]
    kept = [statement for statement in allowed if reads_code or statement["Sid"] != READ_CODE]
    kept += tokens.allowed
    policy = aws.iam.RolePolicy(
        f"{name}-policy",
        role=role.name,
        policy=pulumi.Output.json_dumps(iam_documents.document(*kept)),
        opts=scratch.unhooked,
    )
    made = aws.bedrock.AgentcoreAgentRuntime(
        f"{name}-runtime",
        agent_runtime_name=full,
        role_arn=role.arn,
        agent_runtime_artifact={
            "code_configuration": {
                "code": {"s3": {"bucket": zipped.bucket, "prefix": zipped.key}},
                "entry_points": ["main.py"],
                "runtime": wheels.AGENTCORE_RUNTIME,
            }
        },
        environment_variables={"AWS_REGION": scratch.here.region, **tokens.told},
        # A session that nobody asks anything costs memory until it ends.
        lifecycle_configurations=[{"idle_runtime_session_timeout": 60, "max_lifetime": 3600}],
        network_configuration={"network_mode": "PUBLIC"},
        protocol_configuration={"server_protocol": protocol} if protocol else None,
        opts=scratch.after(policy),
    )
    arn: pulumi.Output[str] = made.agent_runtime_arn
    return arn
