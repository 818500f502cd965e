"""An S3 bucket that nobody reaches but whom IAM lets in, by TLS."""

import pulumi
import pulumi_aws as aws

from toolgate.components.iam import iam_documents


def closed(component: pulumi.ComponentResource, name: str, bucket: aws.s3.Bucket) -> list[pulumi.Resource]:
    """Nobody gets in who is not of the account, and nobody owns what is in it but its account.

    Args:
        component: The bucket's parent.
        name: What its settings are named.
        bucket: The bucket.

    Returns:
        First what its policy must wait for: S3 makes one change of a bucket's access at a time.
    """
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
    return [private, owned]


def by_tls(
    component: pulumi.ComponentResource, name: str, bucket: aws.s3.Bucket, after: pulumi.Resource
) -> aws.s3.BucketPolicy:
    """Nobody reaches it by plain HTTP.

    Args:
        component: The bucket's parent.
        name: What its settings are named.
        bucket: The bucket.
        after: What keeps the public out of it.
    """
    here = iam_documents.current_environment(component)
    return aws.s3.BucketPolicy(
        name,
        bucket=bucket.bucket,
        policy=pulumi.Output.json_dumps(iam_documents.tls_only(here.arn("s3", bucket.bucket, region="", account=""))),
        opts=pulumi.ResourceOptions(parent=component, depends_on=[after]),
    )


def encrypted(
    name: str, bucket: aws.s3.Bucket, kms_key_arn: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> aws.s3.BucketServerSideEncryptionConfiguration:
    """What is put into it is encrypted with this key.

    Args:
        name: What its settings are named.
        bucket: The bucket.
        kms_key_arn: The key.
        opts: Options of a child of the bucket's parent.
    """
    rule = {
        "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": kms_key_arn},
        # S3 asks KMS once for many objects, in the bucket's name (S3 user guide, "Configuring S3 Bucket Keys").
        "bucket_key_enabled": True,
        # What S3 itself says for new buckets since 2026 (Amazon S3 user guide, "Blocking or unblocking SSE-C"): without
        # it some versions of the provider see a difference that nobody made (terraform-provider-aws#47320).
        "blocked_encryption_types": ["SSE-C"],
    }
    return aws.s3.BucketServerSideEncryptionConfiguration(name, bucket=bucket.bucket, rules=[rule], opts=opts)
