"""What is read of a request is what the emulator gets; and what only one of the two would read is refused."""

import json
from typing import Any

import pytest
from botocore.session import Session

from tests.local.serve.aws.conftest import ENV
from toolgate.local.serve.aws.emulator import Emulator, NotEmulatedError
from toolgate.local.serve.aws.protocols import JSON_TARGETS, QUERY_VERSIONS, Forwarded, read_post
from toolgate.local.serve.aws.s3_requests import read_s3
from toolgate.local.serve.guards.iam_guard import RequestRefused
from toolgate.local.serve.guards.sigv4 import Received


def s3(method: str, path: str, query: str = "", body: bytes = b"", **headers: str) -> Received:
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Received(method, path, query, named, body)


def post(body: str | bytes, *, query: str = "", **headers: str) -> Received:
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Received("POST", "/123456789012/other-queue", query, named, body.encode() if isinstance(body, str) else body)


def test_targets_and_versions_are_those_of_the_service_models() -> None:
    for service, (prefix, version) in JSON_TARGETS.items():
        metadata = Session().get_service_model(service).metadata
        assert (metadata["targetPrefix"], metadata["jsonVersion"]) == (prefix, version)
    for service, version in QUERY_VERSIONS.items():
        assert Session().get_service_model(service).metadata["apiVersion"] == version


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "operation"),
    [
        ("GET", "/", "", {}, "ListBuckets"),
        ("GET", "/data", "", {}, "ListObjects"),
        ("GET", "/data/", "list-type=2&prefix=a", {}, "ListObjectsV2"),
        ("HEAD", "/data", "", {}, "HeadBucket"),
        ("GET", "/data/a", "x-id=GetObject", {}, "GetObject"),
        ("GET", "/data/a", "uploadId=1", {}, "ListParts"),
        ("GET", "/data/a", "tagging", {}, "GetObjectTagging"),
        ("GET", "/data/a", "acl", {}, "GetObjectAcl"),
        ("PUT", "/data/a", "", {}, "PutObject"),
        ("PUT", "/data/a", "", {"x-amz-copy-source": "/data/b"}, "CopyObject"),
        ("PUT", "/data/a", "uploadId=1&partNumber=2", {}, "UploadPart"),
        ("PUT", "/data/a", "uploadId=1&partNumber=2", {"x-amz-copy-source": "data/b"}, "UploadPartCopy"),
        ("POST", "/data/a", "uploads", {}, "CreateMultipartUpload"),
        ("POST", "/data/a", "uploadId=1", {}, "CompleteMultipartUpload"),
        ("DELETE", "/data/a", "uploadId=1", {}, "AbortMultipartUpload"),
        ("DELETE", "/data/a", "versionId=1", {}, "DeleteObject"),
    ],
)
def test_an_operation_of_s3_is_told_by_what_only_it_has(
    method: str, path: str, query: str, headers: dict[str, str], operation: str
) -> None:
    given = Received(method, path, query, tuple(headers.items()), b"")
    assert read_s3(given).operation == operation


def test_s3_gets_bucket_key_and_source_as_they_were_understood() -> None:
    call = read_s3(s3("PUT", "/data/a+b%2Fc%20d//", x_amz_copy_source="/data/x+y%2Bz?versionId=1", authorization="x"))
    assert call.parameters["Key"] == "a+b/c d//"
    assert call.parameters["CopySource"] == {"Bucket": "data", "Key": "x+y+z", "VersionId": "1"}
    assert call.forwarded.path == "/data/a%2Bb/c%20d//"
    assert call.forwarded.headers == {"x-amz-copy-source": "data/x%2By%2Bz?versionId=1"}


@pytest.mark.parametrize(
    "request_",
    [
        s3("GET", "/data/a", "acl&tagging"),
        s3("GET", "/data/a", "prefix=x"),
        s3("GET", "/data/a", "versionId=1&versionId=2"),
        s3("GET", "/data/a", x_amz_made_up="1"),
        s3("GET", "/data/a", x_moto_account_id="999999999999"),
        s3("GET", "/Data_/a"),
        s3("GET", "/data%2Fb/a"),
        s3("GET", "//a"),
        s3("GET", "/data/%ff"),
        s3("PATCH", "/data/a"),
        Received("GET", "/data/a", "", (("x-amz-meta-a", "1"), ("x-amz-meta-a", "2")), b""),
        s3("PUT", "/data/a", x_amz_copy_source="arn:aws:s3:::data/b"),
        s3("PUT", "/data/a", x_amz_copy_source="data/b?versionId=1&acl=2"),
        s3("POST", "/data", "delete", b"<!DOCTYPE x []><Delete><Object><Key>a</Key></Object></Delete>"),
        s3("POST", "/data", "delete", b"<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>"),
        s3("POST", "/data", "delete", b"<Delete></Delete>"),
        s3("POST", "/data", "delete", b"<Delete"),
        s3("PUT", "/data/a", body=b"3\r\nabcd\r\n0\r\n", x_amz_content_sha256="STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        s3("PUT", "/data/a", body=b"whole", x_amz_content_sha256="STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
    ],
)
def test_what_s3_could_understand_in_two_ways_is_refused(request_: Received) -> None:
    with pytest.raises(RequestRefused):
        read_s3(request_)


TARGET = {"x_amz_target": "DynamoDB_20120810.GetItem"}
FORM = "Action=Publish&Version=2010-03-31&Message=a+b"


def test_a_post_is_written_anew_without_its_path() -> None:
    call = read_post("dynamodb", post('{"TableName": "a", "TableName": "b"}', **TARGET, x_other="1"))
    assert (call.operation, call.parameters) == ("GetItem", {"TableName": "b"})
    assert json.loads(call.forwarded.body) == {"TableName": "b"}
    assert (call.forwarded.path, sorted(call.forwarded.headers)) == ("/", ["content-type", "x-amz-target"])
    called = read_post("sns", post(FORM))
    assert (called.operation, called.parameters) == ("Publish", {"Message": "a b"})
    assert called.forwarded.body.decode() == FORM


@pytest.mark.parametrize(
    ("service", "request_"),
    [
        ("dynamodb", post("{}", query="Action=GetItem", **TARGET)),
        ("dynamodb", post("{}", x_amz_target="DynamoDB_20111205.GetItem")),
        ("dynamodb", post("{}", x_amz_target="DynamoDBStreams_20120810.GetRecords")),
        ("dynamodb", post("{}")),
        ("dynamodb", post("[]", **TARGET)),
        ("dynamodb", post("{", **TARGET)),
        ("dynamodb", post("[" * 100_000, **TARGET)),
        ("dynamodb", post("{}", content_encoding="gzip", **TARGET)),
        ("sqs", post("Action=SendMessage&Version=2012-11-05")),
        ("sns", post("Action=Publish&Version=2010-03-31&TopicArn=a&TopicArn=b")),
        ("sns", post("Action=Publish&Version=1")),
        ("sns", post("Version=2010-03-31")),
        ("sns", post(b"\xff")),
        ("sns", Received("GET", "/", FORM, (), b"")),
    ],
)
def test_what_a_post_could_mean_in_two_ways_is_refused(service: str, request_: Received) -> None:
    with pytest.raises(RequestRefused):
        read_post(service, request_)


@pytest.mark.parametrize("status", ["500 Internal Server Error", "501 Not Implemented"])
def test_an_error_of_motos_own_is_no_answer(status: str) -> None:
    def failing(_environ: Any, start_response: Any) -> list[bytes]:
        start_response(status, [])
        return [b"Traceback"]

    emulator = Emulator(ENV)
    emulator._apps["sqs"], emulator._holds = failing, True  # as if it were loaded
    with pytest.raises(NotEmulatedError):
        emulator.answer("sqs", Forwarded("POST", "/", "", {}, b""))
