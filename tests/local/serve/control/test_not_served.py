"""What is not here is said in the protocol of the service that was meant: boto3 reads code and sentence of each."""

from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.local.serve.control.conftest import ClientOf

SIGNED = "AWS4-HMAC-SHA256 Credential=AKIA/20261129/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"


@pytest.mark.parametrize(
    ("service", "operation", "given", "protocol"),
    [
        ("ec2", "describe_instances", {}, "ec2"),
        ("iam", "list_roles", {}, "query"),
        ("logs", "describe_log_groups", {}, "json"),
        ("lambda", "list_functions", {}, "rest-json"),
        ("bedrock", "list_foundation_models", {}, "rest-json"),
        ("route53", "list_hosted_zones", {}, "rest-xml"),
        ("s3", "list_buckets", {}, "rest-xml"),
        ("eventbridgev2", None, {}, "smithy-rpc-v2-cbor"),
    ],
)
def test_an_error_that_the_sdk_can_read(
    client_as: ClientOf, service: str, operation: str | None, given: dict[str, Any], protocol: str
) -> None:
    client = client_as(service)
    assert client.meta.service_model.resolved_protocol == protocol
    name = operation or min(client.meta.method_to_api_mapping)
    with pytest.raises(ClientError) as caught:
        getattr(client, name)(**given)
    response = caught.value.response
    assert response["Error"]["Code"] == "UnknownOperationException"
    named = client.meta.service_model.signing_name
    text = f"The local deployment has no such operation of {named}: docs/local.md lists those that it has"
    assert response["Error"]["Message"] == text
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 404


@pytest.mark.parametrize(
    ("service", "headers", "begins"),
    [
        (
            "ec2",
            {"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
            b"<Response><Errors><Error><Code>",
        ),
        (
            "iam",
            {"content-type": "application/x-www-form-urlencoded"},
            b"<ErrorResponse><Error><Type>Sender</Type><Code>",
        ),
        ("s3", {}, b"<Error><Code>"),
        ("route53", {}, b"<ErrorResponse><Error><Type>Sender</Type><Code>"),
        ("logs", {"x-amz-target": "Logs_20140328.DescribeLogGroups"}, b'{"__type": "UnknownOperationException", "mess'),
        ("lambda", {}, b'{"message": '),
    ],
)
def test_the_form_is_the_protocols_for_sdks_that_are_stricter_than_botocore(
    client_as: ClientOf, service: str, headers: dict[str, str], begins: bytes
) -> None:
    url = client_as("sts").meta.endpoint_url
    answer = httpx.post(url, headers={**headers, "authorization": SIGNED.format(service)})
    assert answer.content.startswith(begins)


def test_who_signs_for_nothing_that_is_known_gets_json(client_as: ClientOf) -> None:
    url = client_as("sts").meta.endpoint_url
    for headers, says in (({}, "operation:"), ({"authorization": SIGNED.format("x/../y")}, "operation:")):
        answer = httpx.get(f"{url}/favicon.ico", headers=headers)
        assert answer.status_code == 404
        assert says in answer.json()["message"]
    answer = httpx.get(url, headers={"authorization": SIGNED.format("nobody's")})
    assert answer.json()["message"].startswith("The local deployment has no such operation of nobody's")
