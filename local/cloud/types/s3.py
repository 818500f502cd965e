"""S3 buckets and objects."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

from toolgate.local.cloud.api_requests import Member, Table, key_value_list, translate
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import Failure
from toolgate.local.cloud.resource_type import ALPHANUMERIC, ApiRequest, Existing, Made, Making, Record, ResourceType
from toolgate.local.cloud.types.key_use import Need, key_in_region
from toolgate.local.cloud.types.policy_documents import bucket_policy
from toolgate.local.cloud.values import Properties

BUCKET = "aws:s3/bucket:Bucket"
OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"
OBJECT_TAGS = 10


LONGEST_BUCKET_NAME = 63
"""S3 user guide, "General purpose bucket naming rules"."""


def _make_bucket(inputs: Properties, making: Making) -> Made:
    name, env = inputs["bucket"], making.env
    return Made(
        name,
        {
            "arn": f"arn:{env.partition}:s3:::{name}",
            "bucketDomainName": f"{name}.s3.{env.dns_suffix}",
            "bucketRegionalDomainName": env.host(f"{name}.s3"),
            "bucketRegion": env.region,
            # Route 53's zone of S3, one for each Region (made up), and what only a website has.
            "hostedZoneId": Making(env, env.region).characters(14, ALPHANUMERIC.upper(), "zone"),
            "websiteDomain": "",
            "websiteEndpoint": "",
        },
    )


def _bucket_name(inputs: Properties) -> Iterator[Failure]:
    """S3 user guide, "General purpose bucket naming rules"; the service model has no pattern for it."""
    name = inputs.get("bucket")
    if not isinstance(name, str):
        return
    shaped = re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name) and ".." not in name
    address = re.fullmatch(r"\d+\.\d+\.\d+\.\d+", name)
    kept_back = name.startswith(("xn--", "sthree-", "amzn-s3-demo-")) or name.endswith(("-s3alias", "--ol-s3", ".mrap"))
    if not shaped or address or kept_back:
        allowed = "3 to 63 lower-case letters, digits, dots and hyphens, a letter or digit at either end"
        yield Failure("bucket", f"InvalidBucketName: The specified bucket is not valid: '{name}' ({allowed})")


def _must_be_empty(bucket: Record, existing: Existing) -> Iterator[str]:
    if not bucket.inputs.get("forceDestroy") and any(item.inputs["bucket"] == bucket.id for item in existing(OBJECT)):
        yield "BucketNotEmpty: The bucket you tried to delete is not empty"


def _bucket_exists(inputs: Properties, _made: Made, _env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    if not any(bucket.id == inputs["bucket"] for bucket in existing(BUCKET)):
        yield f"NoSuchBucket: The specified bucket does not exist: {inputs['bucket']}"


_CHECKSUMS = ("checksumCrc32", "checksumCrc32c", "checksumCrc64nvme", "checksumSha1", "checksumSha256")


def _make_object(inputs: Properties, making: Making) -> Made:
    where = f"{inputs['bucket']}/{inputs['key']}"
    etag = hashlib.md5(inputs["source"].encode(), usedforsecurity=False).hexdigest()
    checksums = dict.fromkeys(_CHECKSUMS, "")
    arn = f"arn:{making.env.partition}:s3:::{where}"
    # What S3 makes of the bytes is made up: their digest is known here, they are not.
    return Made(where, {"arn": arn, "etag": etag, "versionId": _version(inputs["bucket"], making), **checksums})


def _version(bucket: str, making: Making) -> str:
    """S3 user guide, "How S3 Versioning works"."""
    found = (it.inputs for it in making.existing(VERSIONING.type) if it.id == bucket)
    status = next((it["versioningConfiguration"].get("status") for it in found), "")
    if status == "Enabled":
        return making.characters(32, ALPHANUMERIC, f"version {making.version}")
    return "null" if status == "Suspended" else ""


def _has_content(inputs: Properties) -> Iterator[Failure]:
    if inputs.get("source") is None:
        yield Failure("source", "the object needs a content: give a FileAsset, StringAsset or FileArchive as `source`")


def _tags(inputs: Properties) -> Iterator[Failure]:
    """S3 user guide, "Categorizing your objects using tags"; seen live: hashicorp/terraform-provider-aws#19895."""
    tags = inputs.get("tags")
    if isinstance(tags, Mapping) and len(tags) > OBJECT_TAGS:
        yield Failure("tags", f"BadRequest: Object tags cannot be greater than {OBJECT_TAGS}")


def _ownership_rules(rule: Any) -> Any:
    return [translate({"objectOwnership": "ObjectOwnership"}, rule, "rule.")] if isinstance(rule, dict) else rule


BUCKET_TYPE = ResourceType(
    type=BUCKET,
    requests=(
        ApiRequest("s3", "CreateBucket", {"bucket": "Bucket"}),
        ApiRequest(
            "s3",
            "PutBucketTagging",
            {"bucket": "Bucket", "tags": Member("Tagging.TagSet", key_value_list)},
            when="tags",
        ),
    ),
    kept=frozenset({"forceDestroy"}),
    make=_make_bucket,
    computed=(
        *("arn", "bucketDomainName", "bucketRegionalDomainName", "bucketRegion", "hostedZoneId"),
        *("websiteDomain", "websiteEndpoint"),
    ),
    replaces=frozenset({"bucket"}),
    auto_name="bucket",
    # As the provider does (pulumi/pulumi-aws, provider/resource_overrides.go).
    auto_name_form=lambda name: name.lower()[:LONGEST_BUCKET_NAME],
    defaults={"forceDestroy": False},
    rules=(_bucket_name,),
    unique=("bucket",),
    conflict="BucketAlreadyOwnedByYou: Your previous request to create the named bucket succeeded: {bucket}",
    in_use=_must_be_empty,
)


def _setting(
    kind: str, operation: str, table: Table, needs: tuple[Need, ...] = (), defaults: Mapping[str, Any] | None = None
) -> ResourceType:
    """A setting of a bucket that Pulumi has as a resource of its own: the bucket's name is its id."""
    return ResourceType(
        type=kind,
        requests=(ApiRequest("s3", operation, table),),
        make=lambda inputs, _making: Made(inputs["bucket"], {}),
        computed=(),
        replaces=frozenset({"bucket"}),
        defaults=defaults or {},
        unordered=frozenset({"rules"}),
        needs=(_bucket_exists, *needs),
    )


PUBLIC_ACCESS_BLOCK = _setting(
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "PutPublicAccessBlock",
    {
        "bucket": "Bucket",
        "blockPublicAcls": "PublicAccessBlockConfiguration.BlockPublicAcls",
        "ignorePublicAcls": "PublicAccessBlockConfiguration.IgnorePublicAcls",
        "blockPublicPolicy": "PublicAccessBlockConfiguration.BlockPublicPolicy",
        "restrictPublicBuckets": "PublicAccessBlockConfiguration.RestrictPublicBuckets",
    },
    defaults=dict.fromkeys(
        ("blockPublicAcls", "ignorePublicAcls", "blockPublicPolicy", "restrictPublicBuckets"), False
    ),
)

OWNERSHIP_CONTROLS = _setting(
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "PutBucketOwnershipControls",
    {"bucket": "Bucket", "rule": Member("OwnershipControls.Rules", _ownership_rules)},
)

_DEFAULT: Table = {"sseAlgorithm": "SSEAlgorithm", "kmsMasterKeyId": "KMSMasterKeyID"}
_RULE: Table = {
    "applyServerSideEncryptionByDefault": Member("ApplyServerSideEncryptionByDefault", _DEFAULT),
    "bucketKeyEnabled": "BucketKeyEnabled",
    "blockedEncryptionTypes": "BlockedEncryptionTypes.EncryptionType",
}


def _key_of_rule(inputs: Properties, made: Made, env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    for rule in inputs["rules"]:
        yield from key_in_region("kmsMasterKeyId")(
            rule.get("applyServerSideEncryptionByDefault") or {}, made, env, existing
        )


ENCRYPTION = _setting(
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "PutBucketEncryption",
    {"bucket": "Bucket", "rules": Member("ServerSideEncryptionConfiguration.Rules", _RULE)},
    needs=(_key_of_rule,),
)

VERSIONING = _setting(
    "aws:s3/bucketVersioning:BucketVersioning",
    "PutBucketVersioning",
    {
        "bucket": "Bucket",
        "versioningConfiguration": Member("VersioningConfiguration", {"status": "Status", "mfaDelete": "MFADelete"}),
    },
)

# Of a rule what makes objects go; the provider waits until S3 gives the rules back as they were put.
_LIFECYCLE_RULE: Table = {
    "id": "ID",
    "status": "Status",
    "filter": Member("Filter", {"prefix": "Prefix"}),
    "expiration": Member("Expiration", {"days": "Days"}),
    "noncurrentVersionExpiration": Member("NoncurrentVersionExpiration", {"noncurrentDays": "NoncurrentDays"}),
    "abortIncompleteMultipartUpload": Member(
        "AbortIncompleteMultipartUpload", {"daysAfterInitiation": "DaysAfterInitiation"}
    ),
}
_DOES_SOMETHING = ("expiration", "noncurrentVersionExpiration", "abortIncompleteMultipartUpload")


def _lifecycle_rules(inputs: Properties) -> Iterator[Failure]:
    """Amazon S3 API reference, LifecycleRule and LifecycleExpiration; the service model has no bounds for them."""
    rules = inputs.get("rules")
    for rule in rules if isinstance(rules, list) else ():
        if not isinstance(rule, Mapping):
            continue
        if not any(rule.get(name) is not None for name in _DOES_SOMETHING):
            yield Failure("rules", "InvalidRequest: At least one action needs to be specified in a rule.")
        expiration = rule.get("expiration")
        days = expiration.get("days") if isinstance(expiration, Mapping) else None
        if isinstance(days, int | float) and days < 1:
            yield Failure("rules", "InvalidArgument: 'Days' for Expiration action must be a positive integer")


# Of the newer half of the provider (internal/service/s3/bucket_lifecycle_configuration.go, from version 5.86 on).
LIFECYCLE = replace(
    _setting(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "PutBucketLifecycleConfiguration",
        {"bucket": "Bucket", "rules": Member("LifecycleConfiguration.Rules", _LIFECYCLE_RULE)},
    ),
    framework=True,
    rules=(_lifecycle_rules,),
    reported=lambda _inputs: {"transitionDefaultMinimumObjectSize": "all_storage_classes_128K"},
)

POLICY = replace(
    _setting("aws:s3/bucketPolicy:BucketPolicy", "PutBucketPolicy", {"bucket": "Bucket", "policy": "Policy"}),
    documents=frozenset({"policy"}),
    rules=(partial(bucket_policy, "policy"),),
)

OBJECT_TYPE = ResourceType(
    type=OBJECT,
    requests=(
        ApiRequest(
            "s3",
            "PutObject",
            {
                "bucket": "Bucket",
                "key": "Key",
                "source": "Body",
                "contentType": "ContentType",
                "serverSideEncryption": "ServerSideEncryption",
                "tags": Member("Tagging", urlencode),
            },
        ),
    ),
    kept=frozenset({"sourceHash"}),
    make=_make_object,
    computed=("arn", "etag", "versionId", *_CHECKSUMS),
    defaults={"forceDestroy": False},
    fixed=frozenset({"forceDestroy"}),
    reported=lambda _inputs: {
        "bucketKeyEnabled": False,
        "contentType": "application/octet-stream",
        "kmsKeyId": "",
        "serverSideEncryption": "AES256",
        "storageClass": "STANDARD",
    },
    replaces=frozenset({"bucket", "key"}),
    refreshed=frozenset({"etag", "versionId"}),
    rules=(_has_content, _tags),
    needs=(_bucket_exists,),
)
