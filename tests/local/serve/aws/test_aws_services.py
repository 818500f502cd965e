"""What the table does not say row by row: condition keys, policies on resources, keys, refusals, what is there."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

from tests.local.cloud.conftest import GOOD, QUEUE, SECRET, SECRET_VERSION, TABLE
from tests.local.serve.aws.conftest import (
    ENV,
    FOUND_PARAMETER,
    FOUND_SECRET,
    Asking,
    Resources,
    allow,
    arn_of,
    data,
    parsed,
    resource,
    role,
)
from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.local.serve.aws.aws_services import AwsServices

ORDERS = ENV.arn("dynamodb", "table/orders")
NAMED = {"Bucket": "orders-data", "Key": "seed/1.json"}
URL = {"QueueUrl": f"https://sqs.{ENV.region}.amazonaws.com/{ENV.account}/orders"}


def error(call: Callable[..., Any], **parameters: Any) -> dict[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    found: dict[str, str] = refused.value.response["Error"]
    return found


def with_customer(parameters: Any, value: Any) -> Any:
    """The parameters with another value where `X` stands."""
    if isinstance(parameters, dict):
        return value if parameters == {"X": ""} else {name: with_customer(it, value) for name, it in parameters.items()}
    return [with_customer(it, value) for it in parameters] if isinstance(parameters, list) else parameters


def item(customer: str) -> dict[str, Any]:
    return {"customer": {"S": customer}, "placed": {"S": "1"}}


# What is there


def test_the_deployments_resources_are_there_under_its_own_arns(asking: Asking, resources: Resources) -> None:
    table = asking.client("dynamodb", allow("dynamodb:*")).describe_table(TableName="orders")["Table"]
    assert table["TableArn"] == ORDERS
    assert [it["AttributeName"] for it in table["KeySchema"]] == ["customer", "placed"]
    assert {it["IndexName"] for it in table["GlobalSecondaryIndexes"]} == {"by-state"}
    queue = asking.client("sqs", allow("sqs:*"))
    assert queue.get_queue_url(QueueName="orders")["QueueUrl"] == URL["QueueUrl"]
    attributes = queue.get_queue_attributes(**URL, AttributeNames=["All"])["Attributes"]
    assert (attributes["QueueArn"], attributes["VisibilityTimeout"]) == (ENV.arn("sqs", "orders"), "60")
    secret = asking.client("secretsmanager", allow("secretsmanager:*")).get_secret_value(SecretId="orders/api-key")
    assert (secret["ARN"], secret["SecretString"]) == (arn_of(resources, SECRET), "open sesame")
    assert asking.client("s3", allow("s3:*")).get_object(**NAMED)["Body"].read() == b"[1]"
    value = asking.client("ssm", allow("ssm:*")).get_parameter(Name="plain", WithDecryption=True)["Parameter"]
    assert (value["Value"], value["ARN"]) == ("11", ENV.arn("ssm", "parameter/plain"))


def test_what_a_variable_leads_to_is_there_with_a_value_that_is_made_up(asking: Asking, services: AwsServices) -> None:
    secret = asking.client("secretsmanager", allow("secretsmanager:*", FOUND_SECRET))
    found = secret.get_secret_value(SecretId=FOUND_SECRET)
    assert found["ARN"] == FOUND_SECRET
    assert found["SecretString"].startswith("made-up-")
    parameter = asking.client("ssm", allow("ssm:*", FOUND_PARAMETER))
    value = parameter.get_parameter(Name=FOUND_PARAMETER, WithDecryption=True)["Parameter"]
    assert value["Value"].startswith("made-up-")
    assert len(services.notes) == 2
    assert '.local/secrets.json: {"by-hand/token": "..."}' in services.notes[0]
    assert not any(value["Value"] in note or found["SecretString"] in note for note in services.notes)


@pytest.mark.parametrize("key", ["a b/ü//c", "/lead", "..", "a/./b", "x+y%20z", "q?x=1#f", "uploads", "moto-api/reset"])
def test_any_key_of_an_object_is_the_one_that_is_decided_on(key: str, asking: Asking) -> None:
    client = asking.client("s3", allow(["s3:PutObject", "s3:GetObject"], f"arn:aws:s3:::orders-data/{key}"))
    named = {"Bucket": "orders-data", "Key": key}
    client.put_object(**named, Body=key.encode(), Metadata={"made": "here"})
    assert client.get_object(**named)["Body"].read() == key.encode()
    copied = asking.client("s3", allow("s3:*"))
    copied.copy_object(Bucket="orders-data", Key="copied", CopySource=named)
    assert copied.get_object(Bucket="orders-data", Key="copied")["Body"].read() == key.encode()


def test_messages_go_through_a_queue(asking: Asking) -> None:
    client = asking.client("sqs", allow("sqs:*"))
    client.send_message(**URL, MessageBody="first")
    [message] = client.receive_message(**URL)["Messages"]
    assert message["Body"] == "first"
    client.delete_message(**URL, ReceiptHandle=message["ReceiptHandle"])


# Condition keys


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("get_item", lambda who: {"TableName": "orders", "Key": item(who)}),
        ("put_item", lambda who: {"TableName": "orders", "Item": item(who)}),
        (
            "batch_get_item",
            lambda who: {"RequestItems": {"orders": {"Keys": [{**item("ada"), "placed": {"S": "2"}}, item(who)]}}},
        ),
        ("batch_write_item", lambda who: {"RequestItems": {"orders": [{"DeleteRequest": {"Key": item(who)}}]}}),
        ("transact_get_items", lambda who: {"TransactItems": [{"Get": {"TableName": "orders", "Key": item(who)}}]}),
    ],
)
def test_a_role_may_have_the_items_of_one_partition_key(
    operation: str, parameters: Callable[[str], Any], asking: Asking
) -> None:
    own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["ada"]}}
    call = getattr(asking.client("dynamodb", allow("dynamodb:*", ORDERS, Condition=own)), operation)
    call(**parameters("ada"))
    for other in ({"S": "eve"}, {"B": b"ada"}):  # of what is no text nobody says how it is written
        asked = json.loads(json.dumps(parameters("eve")).replace('"customer": {"S": "eve"}', '"customer": {"X": ""}'))
        assert error(call, **with_customer(asked, other))["Code"] == "AccessDeniedException"


def test_a_key_that_is_not_known_here_is_no_allow(asking: Asking) -> None:
    own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["ada"]}}
    client = asking.client("dynamodb", allow("dynamodb:*", ORDERS, Condition=own))
    query = {"KeyConditionExpression": "customer = :c", "ExpressionAttributeValues": {":c": {"S": "ada"}}}
    message = error(client.query, TableName="orders", **query)["Message"]
    assert "because the local deployment cannot decide it" in message


def test_a_list_of_a_bucket_may_be_for_one_prefix(asking: Asking) -> None:
    within = {"StringLike": {"s3:prefix": "seed/*"}}
    client = asking.client("s3", allow("s3:ListBucket", "arn:aws:s3:::orders-data", Condition=within))
    assert [it["Key"] for it in client.list_objects_v2(Bucket="orders-data", Prefix="seed/")["Contents"]]
    for given in ({}, {"Prefix": "other/"}):
        assert error(client.list_objects_v2, Bucket="orders-data", **given)["Code"] == "AccessDenied"


@pytest.mark.parametrize(("region", "account"), [(ENV.region, ENV.account), ("us-east-1", None), (None, "9" * 12)])
def test_region_and_account_are_known_where_no_arn_says_them(
    region: str | None, account: str | None, asking: Asking
) -> None:
    wanted = {"aws:RequestedRegion": region, "aws:ResourceAccount": account}
    condition = {"StringEquals": {key: value for key, value in wanted.items() if value}}
    read = asking.client("s3", allow("s3:GetObject", Condition=condition)).get_object
    if region and account:
        read(**NAMED)
        asking.client(
            "dynamodb", allow("dynamodb:*", Condition={"StringEquals": {"aws:RequestedRegion": region}})
        ).list_tables()
    else:
        assert "because no identity-based policy" in error(read, **NAMED)["Message"]


def test_only_transactions_may_be_allowed(asking: Asking) -> None:
    enclosed = {"ForAnyValue:StringEquals": {"dynamodb:EnclosingOperation": ["TransactGetItems"]}}
    client = asking.client("dynamodb", allow("dynamodb:GetItem", ORDERS, Condition=enclosed))
    client.transact_get_items(TransactItems=[{"Get": {"TableName": "orders", "Key": item("ada")}}])
    assert error(client.get_item, TableName="orders", Key=item("ada"))["Code"] == "AccessDeniedException"


def test_a_secret_may_be_read_in_one_stage(asking: Asking) -> None:
    current = {"StringEquals": {"secretsmanager:VersionStage": "AWSCURRENT"}}
    client = asking.client("secretsmanager", allow("secretsmanager:GetSecretValue", Condition=current))
    client.get_secret_value(SecretId="orders/api-key", VersionStage="AWSCURRENT")
    assert error(client.get_secret_value, SecretId="orders/api-key", VersionStage="AWSPREVIOUS")["Code"]
    assert "cannot decide" in error(client.get_secret_value, SecretId="orders/api-key")["Message"]


# What is refused


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "code"),
    [
        ("dynamodb", "delete_table", {"TableName": "orders"}, "UnknownOperationException"),
        ("dynamodb", "execute_statement", {"Statement": "SELECT * FROM orders"}, "UnknownOperationException"),
        ("dynamodb", "get_item", {"TableName": ORDERS.replace("2109", "9999"), "Key": {}}, "UnknownOperationException"),
        ("dynamodb", "get_item", {"TableName": ORDERS.replace("eu-", "us-"), "Key": {}}, "UnknownOperationException"),
        ("s3", "get_bucket_policy", {"Bucket": "orders-data"}, "NotImplemented"),
        ("s3", "create_bucket", {"Bucket": "another"}, "NotImplemented"),
        ("s3", "put_object", {**NAMED, "ACL": "public-read"}, "NotImplemented"),
        ("s3", "put_object", {**NAMED, "SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}, "NotImplemented"),
        ("sqs", "purge_queue", URL, "UnknownOperationException"),
        ("sqs", "send_message", {"QueueUrl": "https://x/999999999999/orders", "MessageBody": "x"}, "UnknownOperation"),
        ("sns", "subscribe", {"TopicArn": ENV.arn("sns", "orders"), "Protocol": "https"}, "InvalidAction"),
        ("sns", "publish", {"PhoneNumber": "+12025550123", "Message": "x"}, "InvalidAction"),
        ("sns", "publish", {"TargetArn": ENV.arn("sns", "endpoint/x/y"), "Message": "x"}, "InvalidAction"),
        ("secretsmanager", "get_random_password", {}, "UnknownOperationException"),
        ("secretsmanager", "get_secret_value", {"SecretId": FOUND_SECRET.replace("2109", "9999")}, "UnknownOperation"),
        ("ssm", "send_command", {"DocumentName": "x"}, "UnknownOperationException"),
        ("ssm", "get_parameter", {"Name": FOUND_PARAMETER.replace("2109", "9999")}, "UnknownOperationException"),
        ("ssm", "put_parameter", {"Name": "/new", "Value": "x", "KeyId": "alias/own"}, "UnknownOperationException"),
    ],
)
def test_what_is_not_reproduced_is_said_whoever_asks(
    service: str, operation: str, parameters: dict[str, Any], code: str, asking: Asking
) -> None:
    refused = error(getattr(asking.client(service, allow("*")), operation), **parameters)
    assert refused["Code"].startswith(code)
    assert refused["Message"].startswith("The local deployment does not reproduce ")
    assert "docs/local.md" in refused["Message"]


def test_what_moto_fails_at_is_said_the_same_way(asking: Asking) -> None:
    client = asking.client("s3", allow("s3:*"))
    refused = error(client.upload_part, **NAMED, UploadId="none", PartNumber=1, Body=b"1")
    assert refused["Code"] == "NotImplemented"
    assert "does not reproduce what s3:UploadPart asks for here" in refused["Message"]


def test_presigned_urls_are_refused_with_a_sentence(asking: Asking) -> None:
    url = asking.client("s3", allow("s3:*")).generate_presigned_url("get_object", NAMED)
    answer = asking.send(AWSRequest("GET", url).prepare())
    assert answer.status_code == 403
    text = b"<Error><Code>NotImplemented</Code><Message>The local deployment does not take presigned URLs"
    assert text in answer.content


def test_a_body_in_chunks_with_a_checksum_behind_it_arrives_whole(asking: Asking) -> None:
    sent: list[str] = []
    client = asking.client(
        "s3", allow("s3:*"), endpoint_url="https://127.0.0.1:1", alone=True
    )  # over TLS botocore sends it so

    def look(request: Any, **_event: Any) -> None:
        sent.append(str(request.headers.get("X-Amz-Content-SHA256")))

    client.meta.events.register_first("before-send", look)
    client.put_object(Bucket="orders-data", Key="chunked", Body=b"[1, 2,3", ContentEncoding="own")
    assert "STREAMING-UNSIGNED-PAYLOAD-TRAILER" in sent[0]
    found = client.get_object(Bucket="orders-data", Key="chunked")
    assert (found["Body"].read(), found["ContentEncoding"]) == (b"[1, 2,3", "own")


@pytest.mark.parametrize(
    ("header", "body", "code"),
    [
        (None, b"changed", "SignatureDoesNotMatch"),
        ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", b"", "NotImplemented"),
        ("UNSIGNED-PAYLOAD", b"changed", "SignatureDoesNotMatch"),  # the header is signed
    ],
)
def test_what_was_changed_on_the_way_is_refused(header: str | None, body: bytes, code: str, asking: Asking) -> None:
    client = asking.client("s3", allow("s3:*"), alone=True)

    def change(request: Any, **_event: Any) -> None:
        request.body = body
        if header:
            request.headers["X-Amz-Content-SHA256"] = header

    client.meta.events.register_first("before-send", change)
    assert error(client.put_object, **NAMED, Body=b"x")["Code"] == code


@pytest.mark.parametrize(
    ("service", "shape"),
    [
        ("dynamodb", "com.amazon.coral.service#AccessDeniedException"),
        ("sqs", "com.amazon.coral.service#AccessDeniedException"),
        ("secretsmanager", "AccessDeniedException"),
        ("ssm", "AccessDeniedException"),
    ],
)
def test_a_refusal_has_the_protocols_own_shape(service: str, shape: str, asking: Asking) -> None:
    answers: list[Any] = []
    client = asking.client(service, alone=True)
    client.meta.events.register("response-received", lambda response_dict, **_event: answers.append(response_dict))
    call = {
        "dynamodb": lambda: client.get_item(TableName="orders", Key=item("ada")),
        "sqs": lambda: client.receive_message(**URL),
        "secretsmanager": lambda: client.get_secret_value(SecretId="x"),
        "ssm": lambda: client.get_parameter(Name="x"),
    }[service]
    assert error(call)["Code"] in {"AccessDeniedException", "AccessDenied"}
    raw = answers[0]
    assert raw["status_code"] == 400
    assert json.loads(raw["body"])["__type"] == shape
    assert ("x-amzn-query-error" in raw["headers"]) is (service == "sqs")


# Policies on resources, and keys


@pytest.fixture
def anew(services: AwsServices, resources: Resources) -> Iterator[Callable[[Resources], AwsServices]]:
    """The services told of another deployment; afterwards of the first one again."""

    def load(changed: Resources) -> AwsServices:
        services.load(parsed(changed))
        services.wait()
        return services

    yield load
    load(resources)


def policy_on(token: str, by: str, owner: str, **statement: Any) -> dict[str, Any]:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", **statement}]}
    return resource(token, "policy", {by: owner, "policy": json.dumps(document)}, {})


def test_a_queues_policy_grants_and_a_buckets_denies(
    asking: Asking, resources: Resources, anew: Callable[[Resources], AwsServices]
) -> None:
    receive, read = asking.client("sqs").receive_message, asking.client("s3", allow("s3:*")).get_object
    assert error(receive, **URL)["Code"] == "AccessDenied"
    read(**NAMED)
    caller = {"AWS": f"arn:aws:iam::{ENV.account}:role/caller"}
    queue = policy_on(
        "aws:sqs/queuePolicy:QueuePolicy",
        "queueUrl",
        URL["QueueUrl"],
        Principal=caller,
        Action="sqs:ReceiveMessage",
        Resource=ENV.arn("sqs", "orders"),
    )
    bucket = policy_on(
        "aws:s3/bucketPolicy:BucketPolicy",
        "bucket",
        "orders-data",
        Effect="Deny",
        Action="s3:GetObject",
        Resource="arn:aws:s3:::orders-data/seed/*",
    )
    anew([*resources, queue, bucket])
    receive(**URL)
    refused = error(read, **NAMED)
    assert refused["Code"] == "AccessDenied"
    assert "explicit deny in a resource-based policy" in refused["Message"]


def test_a_policy_on_what_is_not_there_is_an_error(
    resources: Resources, anew: Callable[[Resources], AwsServices]
) -> None:
    policy = policy_on("aws:sqs/queuePolicy:QueuePolicy", "queueUrl", "https://elsewhere", Action="*", Resource="*")
    with pytest.raises(DeploymentError, match="QueuePolicy 'policy': it is on https://elsewhere, which is not in the"):
        anew([*resources, policy])


def test_a_customer_managed_key_must_be_allowed_too(
    asking: Asking, resources: Resources, anew: Callable[[Resources], AwsServices]
) -> None:
    key = ENV.arn("kms", "key/1234abcd")
    keyed = json.loads(json.dumps(resources))
    for it in keyed:
        if it["type"] == SECRET:
            it["inputs"]["kmsKeyId"] = key
        if it["type"] == QUEUE:
            it["inputs"]["kmsMasterKeyId"] = "alias/aws/sqs"  # AWS's own asks nothing of the caller
    anew(keyed)
    read = allow("secretsmanager:GetSecretValue")
    refused = error(asking.client("secretsmanager", read).get_secret_value, SecretId="orders/api-key")
    assert f"perform: kms:Decrypt on resource: {key}" in refused["Message"]
    through = {"StringEquals": {"kms:ViaService": f"secretsmanager.{ENV.region}.amazonaws.com"}}
    decrypt = allow("kms:Decrypt", key, Condition=through)
    asking.client("secretsmanager", read, decrypt).get_secret_value(SecretId="orders/api-key")
    asking.client("sqs", allow("sqs:*")).send_message(**URL, MessageBody="x")


def test_another_deployment_gets_its_own_and_what_stays_keeps_its_data(
    asking: Asking, resources: Resources, anew: Callable[[Resources], AwsServices]
) -> None:
    everything = [allow("*")]
    asking.client("dynamodb", *everything).put_item(TableName="orders", Item=item("kept"))
    secrets = asking.client("secretsmanager", *everything)
    for one in (FOUND_SECRET, "orders/api-key"):
        secrets.put_secret_value(SecretId=one, SecretString="rotated")
    changed = json.loads(json.dumps(resources))
    table = next(it for it in changed if it["type"] == TABLE)
    table["inputs"]["tags"] = {"changed": "yes"}
    more = {**GOOD[QUEUE], "name": "more"}
    url = URL["QueueUrl"].replace("/orders", "/more")
    changed.append(resource(QUEUE, "more", more, {"arn": ENV.arn("sqs", "more"), "url": url}))
    notes = anew(changed).notes
    found = asking.client("dynamodb", *everything).get_item(TableName="orders", Key=item("kept"))
    assert found["Item"] == item("kept")
    for one in (FOUND_SECRET, "orders/api-key"):
        assert secrets.get_secret_value(SecretId=one)["SecretString"] == "rotated"
    assert asking.client("sqs", *everything).get_queue_url(QueueName="more")["QueueUrl"] == url
    [note] = [note for note in notes if "its data are kept" in note]
    assert note.startswith("Table 'r0'")


def test_what_cannot_be_made_leaves_everything_as_it_was(
    asking: Asking, services: AwsServices, resources: Resources, anew: Callable[[Resources], AwsServices]
) -> None:
    before = services.notes
    gone = ENV.arn("secretsmanager", "secret:gone-AbCdE1")
    version = resource(SECRET_VERSION, "v", {"secretId": gone, "secretString": "open sesame"}, {"arn": gone})
    with pytest.raises(DeploymentError, match="SecretVersion 'v': PutSecretValue was refused") as refused:
        anew([*[it for it in resources if it["type"] != SECRET], version])
    assert "sesame" not in str(refused.value)
    assert services.notes == before
    known = allow("secretsmanager:GetSecretValue", arn_of(resources, SECRET))  # its name still stands for its ARN
    asking.client("secretsmanager", known).get_secret_value(SecretId="orders/api-key")


def test_no_second_emulator_runs_beside_the_first(services: AwsServices, tmp_path: Path) -> None:
    second = AwsServices(ENV, tmp_path)
    second.load(parsed(data()))
    with pytest.raises(DeploymentError, match="another deployment with AWS services is being served"):
        second.wait()
    second.close()


def test_nothing_is_loaded_for_roles_that_may_use_nothing(tmp_path: Path) -> None:
    idle = AwsServices(ENV, tmp_path)
    without = [it for it in data() if "Policy" not in it["type"]]
    idle.load(parsed([*without, *role("admin", allow("*"))]))
    idle.wait()
    asking = Asking(idle)
    refused = error(asking.client("dynamodb", allow("*")).list_tables)
    assert "calls to dynamodb by a role that no function or agent has" in refused["Message"]
    asking.close()
