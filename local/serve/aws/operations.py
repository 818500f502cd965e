"""The one table of what tools call at run time: each operation's IAM actions, and on which resources.

Sources. Actions, resource types and condition keys: Service Authorization Reference, pages "Amazon DynamoDB", "Amazon
S3", "Amazon SQS", "Amazon SNS", "AWS Secrets Manager", "AWS Systems Manager". Which actions an operation of S3 needs:
S3 user guide, "Required permissions for Amazon S3 API operations"; of a transaction: DynamoDB developer guide,
"Managing complex workflows with transactions". What else a customer managed key asks for: each service's page on
encryption at rest.

An operation that is not here is refused. So is what names another account or Region: those are not in the deployment.
"""

from collections.abc import Mapping
from dataclasses import replace

from toolgate.local.serve.aws.needs import ANYTHING, DataAccount, Operation, all_of, anything, needs
from toolgate.local.serve.aws.protocols import Call, not_reproduced
from toolgate.local.serve.aws.resources import (
    DELETE_OBJECT,
    below,
    bucket,
    decrypted,
    deleted,
    item,
    keys_of,
    listed,
    object_,
    parameter,
    parameter_written,
    parameters_,
    path,
    queue,
    queue_by_name,
    requested,
    secret,
    table,
    table_or_index,
    tagged,
    topic,
    transaction,
    versioned,
    writes_of,
    written,
)
from toolgate.local.serve.guards.iam_guard import NeededPermission
from toolgate.policy.language.arns import account_in
from toolgate.policy.language.request_facts import Fact

_PUT_OBJECT = all_of(needs("s3:PutObject", written, ("kms:GenerateDataKey",)), needs("s3:PutObjectTagging", tagged))
# The parts of an upload are put together: S3 reads them (S3 user guide, "Uploading and copying objects using multipart
# upload", "Multipart upload API and permissions").
_PUT_PART = needs("s3:PutObject", object_, ("kms:GenerateDataKey", "kms:Decrypt"))
_COPY_FROM = versioned("s3:GetObject", "s3:GetObjectVersion", "CopySource", ("kms:Decrypt",))
_GET_OBJECT = versioned("s3:GetObject", "s3:GetObjectVersion", kms=("kms:Decrypt",))


def needed(call: Call, account: DataAccount) -> list[NeededPermission]:
    """The permissions that a call needs, all of them.

    Raises:
        RequestRefused: The operation is not in the table, or the request does not say what it is about.
    """
    operation = OPERATIONS[call.service].get(call.operation)
    if operation is None:
        raise not_reproduced(f"{call.service}:{call.operation}")
    return [_placed(it, account) for it in operation.needs(call.parameters, account)]


def _placed(permission: NeededPermission, account: DataAccount) -> NeededPermission:
    """With where it is, which the ARN of a bucket and `*` do not say."""
    place: dict[str, Fact] = {"aws:RequestedRegion": account.env.region}
    if permission.resource != ANYTHING and account_in(permission.resource) is None:
        place["aws:ResourceAccount"] = account.env.account
    return replace(permission, facts={**place, **permission.facts})


OPERATIONS: Mapping[str, Mapping[str, Operation]] = {
    "dynamodb": {
        "GetItem": needs("dynamodb:GetItem", item("Key")),
        "PutItem": needs("dynamodb:PutItem", item("Item")),
        "UpdateItem": needs("dynamodb:UpdateItem", item("Key")),
        "DeleteItem": needs("dynamodb:DeleteItem", item("Key")),
        "Query": needs("dynamodb:Query", table_or_index),
        "Scan": needs("dynamodb:Scan", table_or_index),
        "BatchGetItem": needs("dynamodb:BatchGetItem", requested(keys_of)),
        "BatchWriteItem": needs("dynamodb:BatchWriteItem", requested(writes_of)),
        "TransactGetItems": transaction("TransactGetItems"),
        "TransactWriteItems": transaction("TransactWriteItems"),
        "DescribeTable": needs("dynamodb:DescribeTable", table),
        "ListTables": needs("dynamodb:ListTables", anything),
    },
    "s3": {
        "GetObject": _GET_OBJECT,
        "HeadObject": _GET_OBJECT,
        "PutObject": _PUT_OBJECT,
        "CopyObject": all_of(_COPY_FROM, _PUT_OBJECT),
        "DeleteObject": DELETE_OBJECT,
        "DeleteObjects": Operation(DELETE_OBJECT.actions, deleted),
        "GetObjectTagging": versioned("s3:GetObjectTagging", "s3:GetObjectVersionTagging"),
        "PutObjectTagging": versioned("s3:PutObjectTagging", "s3:PutObjectVersionTagging"),
        "DeleteObjectTagging": versioned("s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"),
        "CreateMultipartUpload": _PUT_OBJECT,
        "UploadPart": _PUT_PART,
        "UploadPartCopy": all_of(_COPY_FROM, _PUT_PART),
        "CompleteMultipartUpload": _PUT_PART,
        "AbortMultipartUpload": needs("s3:AbortMultipartUpload", object_),
        "ListParts": needs("s3:ListMultipartUploadParts", object_),
        "ListMultipartUploads": needs("s3:ListBucketMultipartUploads", bucket),
        "ListObjects": needs("s3:ListBucket", listed),
        "ListObjectsV2": needs("s3:ListBucket", listed),
        "HeadBucket": needs("s3:ListBucket", bucket),
        "GetBucketLocation": needs("s3:GetBucketLocation", bucket),
        "ListBuckets": needs("s3:ListAllMyBuckets", anything),
    },
    "sqs": {
        "SendMessage": needs("sqs:SendMessage", queue, ("kms:GenerateDataKey", "kms:Decrypt")),
        "SendMessageBatch": needs("sqs:SendMessage", queue, ("kms:GenerateDataKey", "kms:Decrypt")),
        "ReceiveMessage": needs("sqs:ReceiveMessage", queue, ("kms:Decrypt",)),
        "DeleteMessage": needs("sqs:DeleteMessage", queue),
        "DeleteMessageBatch": needs("sqs:DeleteMessage", queue),
        "ChangeMessageVisibility": needs("sqs:ChangeMessageVisibility", queue),
        "ChangeMessageVisibilityBatch": needs("sqs:ChangeMessageVisibility", queue),
        "GetQueueUrl": needs("sqs:GetQueueUrl", queue_by_name),
        "GetQueueAttributes": needs("sqs:GetQueueAttributes", queue),
    },
    "sns": {
        "Publish": needs("sns:Publish", topic, ("kms:GenerateDataKey", "kms:Decrypt")),
        "PublishBatch": needs("sns:Publish", topic, ("kms:GenerateDataKey", "kms:Decrypt")),
        "GetTopicAttributes": needs("sns:GetTopicAttributes", topic),
    },
    "secretsmanager": {
        "GetSecretValue": needs("secretsmanager:GetSecretValue", secret, ("kms:Decrypt",)),
        "DescribeSecret": needs("secretsmanager:DescribeSecret", secret),
        "PutSecretValue": needs("secretsmanager:PutSecretValue", secret, ("kms:GenerateDataKey", "kms:Decrypt")),
    },
    "ssm": {
        "GetParameter": decrypted(needs("ssm:GetParameter", parameter), parameter),
        "GetParameters": decrypted(needs("ssm:GetParameters", parameters_), parameters_),
        "GetParametersByPath": decrypted(needs("ssm:GetParametersByPath", path), below),
        "PutParameter": needs("ssm:PutParameter", parameter_written, ("kms:Encrypt",)),
    },
}

ACTIONS: Mapping[str, frozenset[str]] = {
    service: frozenset().union(*(it.actions for it in operations.values()))
    for service, operations in OPERATIONS.items()
}
"""All actions of each service's rows."""
