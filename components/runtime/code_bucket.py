"""The S3 bucket with an agent's deployment zip, which AgentCore Runtime takes it from."""

from pathlib import Path
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import tags
from toolgate.components.iam import component_role
from toolgate.components.runtime import private_bucket


class CodeArgs(TypedDict):
    """What the bucket takes of an agent's arguments."""

    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the KMS key that it encrypts with; S3's own key without it."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Its tags, and those of what is in it."""


def upload(
    component: pulumi.ComponentResource, name: str, path: Path, digest: str, args: CodeArgs
) -> aws.s3.BucketObjectv2:
    """The zip as an object in a private bucket of its own.

    Args:
        component: The agent.
        name: The component's name.
        path: The zip, relative to the program.
        digest: SHA-256 of the zip.
        args: The agent's arguments.
    """
    child = pulumi.ResourceOptions(parent=component)
    bucket = aws.s3.Bucket(
        # Its name in S3 begins with this one, and takes no underscores or capitals.
        f"{name}-code".replace("_", "-").lower(),
        # It holds what this program builds and nothing else, and must not outlive the stack. Where the stack is
        # protected, nothing may empty it but who takes the protection off.
        force_destroy=not component._protect,  # no other property has what is inherited, too
        tags=args.get("tags"),
        opts=child,
    )
    private, *others = private_bucket.closed(component, f"{name}-code", bucket)
    # What is put in later under an object's key is another version of it: the runtime names its own.
    versioned = aws.s3.BucketVersioning(
        f"{name}-code", bucket=bucket.bucket, versioning_configuration={"status": "Enabled"}, opts=child
    )
    by_tls = private_bucket.by_tls(component, f"{name}-code", bucket, private)
    ready: list[pulumi.Resource] = [private, *others, versioned, by_tls]
    if key_arn := args.get("kms_key_arn"):
        ready.append(private_bucket.encrypted(f"{name}-code", bucket, key_arn, child))
    return aws.s3.BucketObjectv2(
        f"{name}-code",
        bucket=bucket.bucket,
        # The digest in the key: a new zip at an old key would not be deployed.
        key=f"{name}/{digest}.zip",
        source=pulumi.FileAsset(path.as_posix()),
        tags=tags.of_object(args.get("tags")),
        opts=component_role.replaceable(component).merge(pulumi.ResourceOptions(depends_on=ready)),
    )
