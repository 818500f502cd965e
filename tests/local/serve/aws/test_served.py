"""Over the wire: a tool's own boto3, in the function's process, and a client beside it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from tests.local.cloud.conftest import GOOD, TABLE
from tests.local.serve.aws.conftest import MARK
from toolgate.access.deployment.stack_export import ARCHIVE, SIGNATURE
from toolgate.local.serve.guards.credentials import Credentials
from toolgate.local.serve.server import Serving, serve

ROLE = "arn:aws:iam::123456789012:role/"
ORDERS = "arn:aws:dynamodb:us-east-1:123456789012:table/orders"
HANDLER = """
import os
import boto3
from botocore.exceptions import ClientError

def handle(event, context):
    tables = boto3.client("dynamodb")
    item = {"customer": {"S": "ada"}, "placed": {"S": "1"}, "amount": {"N": str(event["a"])}}
    tables.put_item(TableName="orders", Item=item)
    key = {name: item[name] for name in ("customer", "placed")}
    read = tables.get_item(TableName="orders", Key=key)["Item"]["amount"]["N"]
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["TOKEN"])["SecretString"]
    try:
        tables.scan(TableName="orders")
    except ClientError as error:
        return {"read": read, "secret": secret, "scan": error.response["Error"]["Code"]}
"""
TOKEN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:by-hand-AbCdE1"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    export = json.loads((Path(__file__).parents[3] / "access" / "deployment.json").read_text())
    resources = [it for it in export["deployment"]["resources"] if not it["type"].endswith(":AgentcoreAgentRuntime")]
    function = next(it for it in resources if it["urn"].endswith("::math") and it["type"].endswith(":Function"))
    code = {SIGNATURE: ARCHIVE, "assets": {"handler.py": {**MARK, "text": HANDLER}}}
    variables = {"environment": {"variables": {"TOKEN": TOKEN}}, "timeout": 60}
    for side in ("inputs", "outputs"):
        function[side] |= {"code": code, **variables}
    own = [
        {"Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:GetItem"], "Resource": ORDERS},
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": TOKEN},
        {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::data", "arn:aws:s3:::data/*"]},
    ]
    added: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
        (TABLE, "orders", GOOD[TABLE], {"arn": ORDERS}),
        ("aws:s3/bucket:Bucket", "data", {"bucket": "data"}, {"arn": "arn:aws:s3:::data"}),
        (
            "aws:iam/rolePolicy:RolePolicy",
            "own",
            {"role": "math-role", "name": "own", "policy": {"Statement": own}},
            {},
        ),
    ]
    for kind, name, inputs, outputs in added:
        urn = f"urn:pulumi:dev::handmade::{kind}::{name}"
        resources.append({"urn": urn, "type": kind, "inputs": inputs, "outputs": {**inputs, **outputs}})
    export["deployment"]["resources"] = resources
    root = tmp_path_factory.mktemp("program")
    values = root / ".local" / "secrets.json"
    values.parent.mkdir()
    values.touch(0o600)
    values.write_text(json.dumps({"by-hand": "open sesame"}))
    with serve(export, root=root) as serving:
        yield serving


def client(running: Serving, service: str, role: str) -> Any:
    keys = running.session(f"{ROLE}{role}")
    return boto3.client(
        service,
        endpoint_url=running.url,
        region_name="us-east-1",
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        aws_session_token=keys.session_token,
    )


def test_a_tool_uses_its_table_and_its_secret_with_its_role_and_no_more(
    running: Serving, rpc: Callable[..., httpx.Response]
) -> None:
    caller: Credentials = running.session(f"{ROLE}agents/assistant-role")
    call = {"name": "math___add_numbers", "arguments": {"a": 7, "b": 0}}
    answer = rpc(running.gateway_url("handmade-tools-abcdefghij"), caller, "tools/call", call)
    [content] = answer.json()["result"]["content"]
    found = json.loads(content["text"])
    assert found == {"read": "7", "secret": "open sesame", "scan": "AccessDeniedException"}


def test_a_client_with_the_roles_credentials_sees_the_same(running: Serving) -> None:
    tables = client(running, "dynamodb", "math-role")
    tables.put_item(TableName="orders", Item={"customer": {"S": "eve"}, "placed": {"S": "1"}})
    objects = client(running, "s3", "math-role")
    objects.put_object(Bucket="data", Key="a b/c", Body=b"x" * 100_000)
    assert len(objects.get_object(Bucket="data", Key="a b/c")["Body"].read()) == 100_000
    assert objects.head_object(Bucket="data", Key="a b/c")["ContentLength"] == 100_000
    with pytest.raises(ClientError) as refused:
        client(running, "s3", "other-role").head_object(Bucket="data", Key="a b/c")
    assert refused.value.response["Error"]["Code"] == "403"
    answer = refused.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert answer["x-amzn-requestid"]
    # Known from the file: nothing is made up, and nothing said.
    assert not any("made up" in note for note in running.notes)
