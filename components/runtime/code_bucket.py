"""The S3 bucket with an agent's deployment zip, which AgentCore Runtime takes it from."""

from pathlib import Path
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import tags
from toolgate.components.iam import component_role, iam_documents


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
    ready = _closed(component, f"{name}-code", bucket)
    if key_arn := args.get("kms_key_arn"):
        ready.append(_encrypted(f"{name}-code", bucket, key_arn, child))
    return aws.s3.BucketObjectv2(
        f"{name}-code",
        bucket=bucket.bucket,
        # The digest in the key: a new zip at an old key would not be deployed.
        key=f"{name}/{digest}.zip",
        source=pulumi.FileAsset(path.as_posix()),
        tags=tags.of_object(args.get("tags")),
        opts=component_role.replaceable(component).merge(pulumi.ResourceOptions(depends_on=ready)),
    )


def _closed(component: pulumi.ComponentResource, name: str, bucket: aws.s3.Bucket) -> list[pulumi.Resource]:
    """Nobody but who IAM lets in, by TLS only; nobody owns what is in it but its account, and nothing is put over."""
    opts = pulumi.ResourceOptions(parent=component)
    private = aws.s3.BucketPublicAccessBlock(
        name,
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=opts,
    )
    owned = aws.s3.BucketOwnershipControls(
        name, bucket=bucket.bucket, rule={"object_ownership": "BucketOwnerEnforced"}, opts=opts
    )
    # What is put in later under an object's key is another version of it: the runtime names its own.
    versioned = aws.s3.BucketVersioning(
        name, bucket=bucket.bucket, versioning_configuration={"status": "Enabled"}, opts=opts
    )
    here = iam_documents.current_environment(component)
    by_tls = aws.s3.BucketPolicy(
        name,
        bucket=bucket.bucket,
        policy=pulumi.Output.json_dumps(iam_documents.tls_only(here.arn("s3", bucket.bucket, region="", account=""))),
        # S3 makes one change of a bucket's access at a time.
        opts=opts.merge(pulumi.ResourceOptions(depends_on=[private])),
    )
    return [private, owned, versioned, by_tls]


def _encrypted(
    name: str, bucket: aws.s3.Bucket, kms_key_arn: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> aws.s3.BucketServerSideEncryptionConfiguration:
    rule = {
        "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": kms_key_arn},
        # S3 asks KMS once for many objects, in the bucket's name (S3 user guide, "Configuring S3 Bucket Keys").
        "bucket_key_enabled": True,
        # What S3 itself says for new buckets since 2026 (Amazon S3 user guide, "Blocking or unblocking SSE-C"): without
        # it some versions of the provider see a difference that nobody made (terraform-provider-aws#47320).
        "blocked_encryption_types": ["SSE-C"],
    }
    return aws.s3.BucketServerSideEncryptionConfiguration(name, bucket=bucket.bucket, rules=[rule], opts=opts)
