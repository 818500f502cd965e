"""Every row of the table with a real client: granted it passes, without any one of its permissions it is refused."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from tests.local.cloud.conftest import SECRET
from tests.local.serve.aws.conftest import ENV, Asking, Resources, allow, arn_of
from toolgate.local.serve.aws.operations import ACTIONS, OPERATIONS

TABLE = ENV.arn("dynamodb", "table/orders")
KEY = {"customer": {"S": "ada"}, "placed": {"S": "1"}}
ONE = {"TableName": "orders", "Key": KEY}
BUCKET, OBJECT = "arn:aws:s3:::orders-data", "arn:aws:s3:::orders-data/seed/1.json"
NAMED = {"Bucket": "orders-data", "Key": "seed/1.json"}
QUEUE = ENV.arn("sqs", "orders")
URL = {"QueueUrl": f"https://sqs.{ENV.region}.amazonaws.com/{ENV.account}/orders"}
TOPIC = ENV.arn("sns", "orders")
LIMIT = ENV.arn("ssm", "parameter/orders/limit")
UPLOAD = {"UploadId": "UPLOAD"}
HANDLE = {"ReceiptHandle": "none"}


@dataclass(frozen=True)
class Row:
    """A call of an operation, what it needs, and the service's own answer when it is no success."""

    service: str
    operation: str
    parameters: Mapping[str, Any]
    needs: tuple[tuple[str, str], ...]
    answer: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.service}-{self.operation}-{len(self.needs)}"


def row(service: str, operation: str, parameters: Mapping[str, Any], *needs: tuple[str, str], answer: str = "") -> Row:
    return Row(service, operation, parameters, needs, answer or None)


def one(operation: str, parameters: Mapping[str, Any], on: str = TABLE) -> Row:
    return row("dynamodb", operation, parameters, (operation, on))


ROWS = [
    one("PutItem", {"TableName": "orders", "Item": KEY}),
    one("GetItem", ONE),
    one("GetItem", {**ONE, "TableName": TABLE}),
    one(
        "UpdateItem",
        {**ONE, "UpdateExpression": "SET amount = :n", "ExpressionAttributeValues": {":n": {"N": "1"}}},
    ),
    one(
        "Query",
        {
            "TableName": "orders",
            "KeyConditionExpression": "customer = :c",
            "ExpressionAttributeValues": {":c": {"S": "ada"}},
        },
    ),
    one(
        "Query",
        {
            "TableName": "orders",
            "IndexName": "by-state",
            "KeyConditionExpression": "#s = :c",
            "ExpressionAttributeNames": {"#s": "state"},
            "ExpressionAttributeValues": {":c": {"S": "new"}},
        },
        f"{TABLE}/index/by-state",
    ),
    one("Scan", {"TableName": "orders"}),
    one("Scan", {"TableName": "orders", "IndexName": "by-state"}, f"{TABLE}/index/by-state"),
    one("BatchGetItem", {"RequestItems": {"orders": {"Keys": [KEY]}}}),
    one("BatchWriteItem", {"RequestItems": {"orders": [{"PutRequest": {"Item": KEY}}]}}),
    row("dynamodb", "TransactGetItems", {"TransactItems": [{"Get": ONE}]}, ("GetItem", TABLE)),
    row(
        "dynamodb",
        "TransactWriteItems",
        {
            "TransactItems": [
                {"Put": {"TableName": "orders", "Item": {**KEY, "placed": {"S": "2"}}}},
                {"Delete": {**ONE, "Key": {**KEY, "placed": {"S": "3"}}}},
                {
                    "Update": {
                        **ONE,
                        "Key": {**KEY, "placed": {"S": "4"}},
                        "UpdateExpression": "SET amount = :n",
                        "ExpressionAttributeValues": {":n": {"N": "1"}},
                    }
                },
                {"ConditionCheck": {**ONE, "ConditionExpression": "attribute_exists(customer)"}},
            ]
        },
        *((action, TABLE) for action in ("PutItem", "DeleteItem", "UpdateItem", "ConditionCheckItem")),
    ),
    one("DeleteItem", ONE),
    one("DescribeTable", {"TableName": "orders"}),
    one("ListTables", {}, "*"),
    row("s3", "PutObject", {**NAMED, "Body": b"[1]"}, ("PutObject", OBJECT)),
    row(
        "s3",
        "PutObject",
        {**NAMED, "Body": b"[1]", "Tagging": "a=b"},
        ("PutObject", OBJECT),
        ("PutObjectTagging", OBJECT),
    ),
    row("s3", "GetObject", NAMED, ("GetObject", OBJECT)),
    row("s3", "GetObject", {**NAMED, "VersionId": "none"}, ("GetObjectVersion", OBJECT), answer="NoSuchVersion"),
    row("s3", "HeadObject", NAMED, ("GetObject", OBJECT)),
    row(
        "s3",
        "CopyObject",
        {"Bucket": "orders-data", "Key": "copy", "CopySource": NAMED},
        ("GetObject", OBJECT),
        ("PutObject", f"{BUCKET}/copy"),
    ),
    row("s3", "GetObjectTagging", NAMED, ("GetObjectTagging", OBJECT)),
    row(
        "s3",
        "PutObjectTagging",
        {**NAMED, "Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]}},
        ("PutObjectTagging", OBJECT),
    ),
    row("s3", "DeleteObjectTagging", NAMED, ("DeleteObjectTagging", OBJECT)),
    row("s3", "CreateMultipartUpload", NAMED, ("PutObject", OBJECT)),
    row(
        "s3",
        "UploadPart",
        {**NAMED, **UPLOAD, "PartNumber": 1, "Body": b"1"},
        ("PutObject", OBJECT),
    ),
    row(
        "s3",
        "UploadPartCopy",
        {"Bucket": "orders-data", "Key": "copy", **UPLOAD, "PartNumber": 1, "CopySource": NAMED},
        ("GetObject", OBJECT),
        ("PutObject", f"{BUCKET}/copy"),
    ),
    row(
        "s3",
        "CompleteMultipartUpload",
        {**NAMED, **UPLOAD, "MultipartUpload": {"Parts": [{"ETag": "PART", "PartNumber": 1}]}},
        ("PutObject", OBJECT),
    ),
    row("s3", "AbortMultipartUpload", {**NAMED, **UPLOAD}, ("AbortMultipartUpload", OBJECT)),
    row("s3", "ListParts", {**NAMED, **UPLOAD}, ("ListMultipartUploadParts", OBJECT)),
    row("s3", "ListMultipartUploads", {"Bucket": "orders-data"}, ("ListBucketMultipartUploads", BUCKET)),
    row("s3", "ListObjects", {"Bucket": "orders-data"}, ("ListBucket", BUCKET)),
    row("s3", "ListObjectsV2", {"Bucket": "orders-data", "Prefix": "seed/"}, ("ListBucket", BUCKET)),
    row("s3", "HeadBucket", {"Bucket": "orders-data"}, ("ListBucket", BUCKET)),
    row("s3", "GetBucketLocation", {"Bucket": "orders-data"}, ("GetBucketLocation", BUCKET)),
    row("s3", "ListBuckets", {}, ("ListAllMyBuckets", "*")),
    row("s3", "DeleteObject", {**NAMED, "Key": "gone"}, ("DeleteObject", f"{BUCKET}/gone")),
    row(
        "s3",
        "DeleteObjects",
        {"Bucket": "orders-data", "Delete": {"Objects": [{"Key": "a"}, {"Key": "b"}]}},
        ("DeleteObject", f"{BUCKET}/a"),
        ("DeleteObject", f"{BUCKET}/b"),
    ),
    row("sqs", "SendMessage", {**URL, "MessageBody": "x"}, ("SendMessage", QUEUE)),
    row(
        "sqs",
        "SendMessageBatch",
        {**URL, "Entries": [{"Id": "1", "MessageBody": "x"}]},
        ("SendMessage", QUEUE),
    ),
    row("sqs", "ReceiveMessage", URL, ("ReceiveMessage", QUEUE)),
    row("sqs", "DeleteMessage", {**URL, **HANDLE}, ("DeleteMessage", QUEUE), answer="ReceiptHandleIsInvalid"),
    row("sqs", "DeleteMessageBatch", {**URL, "Entries": [{"Id": "1", **HANDLE}]}, ("DeleteMessage", QUEUE)),
    row(
        "sqs",
        "ChangeMessageVisibility",
        {**URL, **HANDLE, "VisibilityTimeout": 1},
        ("ChangeMessageVisibility", QUEUE),
        answer="ReceiptHandleIsInvalid",
    ),
    row(
        "sqs",
        "ChangeMessageVisibilityBatch",
        {**URL, "Entries": [{"Id": "1", **HANDLE, "VisibilityTimeout": 1}]},
        ("ChangeMessageVisibility", QUEUE),
    ),
    row("sqs", "GetQueueUrl", {"QueueName": "orders"}, ("GetQueueUrl", QUEUE)),
    row("sqs", "GetQueueAttributes", {**URL, "AttributeNames": ["All"]}, ("GetQueueAttributes", QUEUE)),
    row("sns", "Publish", {"TopicArn": TOPIC, "Message": "x"}, ("Publish", TOPIC)),
    row("sns", "Publish", {"TargetArn": TOPIC, "Message": "x"}, ("Publish", TOPIC)),
    row(
        "sns",
        "PublishBatch",
        {"TopicArn": TOPIC, "PublishBatchRequestEntries": [{"Id": "1", "Message": "x"}]},
        ("Publish", TOPIC),
    ),
    row("sns", "GetTopicAttributes", {"TopicArn": TOPIC}, ("GetTopicAttributes", TOPIC)),
    row("secretsmanager", "GetSecretValue", {"SecretId": "orders/api-key"}, ("GetSecretValue", "SECRET")),
    row("secretsmanager", "GetSecretValue", {"SecretId": "SECRET"}, ("GetSecretValue", "SECRET")),
    row("secretsmanager", "GetSecretValue", {"SecretId": "PARTIAL"}, ("GetSecretValue", "SECRET")),
    row("secretsmanager", "DescribeSecret", {"SecretId": "SECRET"}, ("DescribeSecret", "SECRET")),
    row(
        "secretsmanager",
        "PutSecretValue",
        {"SecretId": "SECRET", "SecretString": "x"},
        ("PutSecretValue", "SECRET"),
    ),
    row("ssm", "GetParameter", {"Name": "/orders/limit"}, ("GetParameter", LIMIT)),
    row("ssm", "GetParameter", {"Name": LIMIT}, ("GetParameter", LIMIT)),
    row("ssm", "GetParameter", {"Name": "plain:1"}, ("GetParameter", ENV.arn("ssm", "parameter/plain"))),
    row(
        "ssm",
        "GetParameter",
        {"Name": ENV.arn("ssm", "parameter/plain"), "WithDecryption": True},
        ("GetParameter", ENV.arn("ssm", "parameter/plain")),
    ),
    row(
        "ssm",
        "GetParameters",
        {"Names": ["/orders/limit", "plain"]},
        ("GetParameters", LIMIT),
        ("GetParameters", ENV.arn("ssm", "parameter/plain")),
    ),
    row("ssm", "GetParametersByPath", {"Path": "/orders"}, ("GetParametersByPath", LIMIT.removesuffix("/limit"))),
    row(
        "ssm",
        "PutParameter",
        {"Name": "/orders/limit", "Value": "12", "Overwrite": True},
        ("PutParameter", LIMIT),
    ),
]
DENIED = {"dynamodb": "AccessDeniedException", "s3": "AccessDenied", "sqs": "AccessDenied", "sns": "AuthorizationError"}


def test_every_operation_of_the_table_has_its_row() -> None:
    table = {(service, operation) for service, operations in OPERATIONS.items() for operation in operations}
    assert {(it.service, it.operation) for it in ROWS} == table
    asked = {f"{it.service}:{action}" for it in ROWS for action, _on in it.needs}
    of_versions = {f"s3:{it}ObjectVersion{tags}" for it in ("Delete", "Get", "Put") for tags in ("", "Tagging")}
    assert frozenset().union(*ACTIONS.values()) - asked <= of_versions


def _pattern(form: str) -> str:
    """The ARNs of a form; some of its words stand for names with slashes."""
    with_slashes = re.sub(r"\$\{(ObjectName|SecretId|ParameterNameWithoutLeadingSlash)\}", "\0", form)
    return re.escape(re.sub(r"\$\{\w+\}", "\1", with_slashes)).replace("\0", "[^:]+").replace("\1", "[^:/]+")


def test_actions_and_resources_are_those_of_the_authorization_reference() -> None:
    reference = json.loads((Path(__file__).parent / "authorization_reference.json").read_text())
    assert set(reference["actions"]) == frozenset().union(*ACTIONS.values())
    secret = ENV.arn("secretsmanager", "secret:orders/api-key-AbCdE1")
    for given in ROWS:
        for action, on in given.needs:
            types = reference["actions"][f"{given.service}:{action}"]
            forms = [reference["resource_types"][f"{given.service}/{kind}"] for kind in types] or ["*"]
            arn = secret if on == "SECRET" else on
            patterns = [_pattern(form) for form in forms]
            assert any(re.fullmatch(pattern, arn) for pattern in patterns), (given, action)


def put_in(words: Mapping[str, str], value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: put_in(words, it) for name, it in value.items()}
    if isinstance(value, list):
        return [put_in(words, it) for it in value]
    return words.get(value, value) if isinstance(value, str) else value


def upload(asking: Asking, key: str) -> dict[str, str]:
    """An upload that has begun."""
    client, named = asking.client("s3", allow("s3:*")), {"Bucket": "orders-data", "Key": key}
    begun = client.create_multipart_upload(**named)["UploadId"]
    part = client.upload_part(**named, UploadId=begun, PartNumber=1, Body=b"1")
    return {"UPLOAD": begun, "PART": part["ETag"]}


@pytest.mark.parametrize("given", ROWS, ids=str)
def test_a_call_needs_exactly_what_the_table_says(given: Row, asking: Asking, resources: Resources) -> None:
    secret = arn_of(resources, SECRET)
    words = {"SECRET": secret, "PARTIAL": secret[:-7]}
    if "UploadId" in given.parameters:
        words |= upload(asking, given.parameters["Key"])
    statements = [allow(f"{given.service}:{action}", words.get(on, on)) for action, on in given.needs]
    parameters, method = put_in(words, given.parameters), xform_name(given.operation)
    for number, (action, on) in enumerate(given.needs):
        client = asking.client(given.service, *statements[:number], *statements[number + 1 :])
        with pytest.raises(ClientError) as refused:
            getattr(client, method)(**parameters)
        error = refused.value.response["Error"]
        if given.operation in {"HeadObject", "HeadBucket"}:  # an answer without a body
            assert error["Code"] == "403"
            continue
        assert error["Code"] == DENIED.get(given.service, "AccessDeniedException")
        text = f"is not authorized to perform: {given.service}:{action} on resource: {words.get(on, on)} because no"
        assert text in error["Message"]
    client = asking.client(given.service, *statements)
    if given.answer is None:
        getattr(client, method)(**parameters)
        return
    with pytest.raises(ClientError) as answered:
        getattr(client, method)(**parameters)
    assert answered.value.response["Error"]["Code"] == given.answer
