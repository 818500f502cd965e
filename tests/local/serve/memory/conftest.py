"""A served deployment with two memories, and a role for each way of being allowed something."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from toolgate.local.serve.server import Serving, serve

LOCAL = Path(__file__).parents[1]
EXPORT = json.loads((LOCAL.parents[1] / "access" / "deployment.json").read_text())
ARN = "arn:aws:bedrock-agentcore:us-east-1:123456789012:memory/"
MEMORY, OTHER = "conversations-ABCDEFGHIJ", "others-ABCDEFGHIJ"
URN = "urn:pulumi:dev::handmade::"


def memory(memory_id: str, days: int = 30) -> dict[str, Any]:
    """A memory as an export has it."""
    inputs = {"name": memory_id[:-11], "eventExpiryDuration": days}
    kind = "aws:bedrock/agentcoreMemory:AgentcoreMemory"
    outputs = {**inputs, "arn": f"{ARN}{memory_id}"}
    return {"urn": f"{URN}{kind}::{memory_id}", "custom": True, "type": kind, "id": memory_id} | {
        "inputs": inputs,
        "outputs": outputs,
    }


def role(name: str, *statements: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A role that may do what the statements say, as an export has it."""
    trust = {
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "x.amazonaws.com"}, "Action": "sts:AssumeRole"}]
    }
    properties = {"name": name, "assumeRolePolicy": json.dumps(trust), "path": "/"}
    kind, arn = "aws:iam/role:Role", f"arn:aws:iam::123456789012:role/{name}"
    yield {"urn": f"{URN}{kind}::{name}", "custom": True, "type": kind, "id": name} | {
        "inputs": properties,
        "outputs": {**properties, "arn": arn},
    }
    document = {"role": name, "policy": json.dumps({"Version": "2012-10-17", "Statement": list(statements)})}
    kind = "aws:iam/rolePolicy:RolePolicy"
    yield {"urn": f"{URN}{kind}::{name}", "custom": True, "type": kind, "id": name} | {
        "inputs": document,
        "outputs": {**document, "name": name},
    }


def allowed(*operations: str, on: str = f"{ARN}{MEMORY}", **like: str | list[str]) -> dict[str, Any]:
    """A statement that allows operations, under conditions on AgentCore's own keys."""
    actions = [f"bedrock-agentcore:{it}" for it in operations]
    condition = {"StringLike": {f"bedrock-agentcore:{key}": value for key, value in like.items()}} if like else {}
    return {"Effect": "Allow", "Action": actions, "Resource": on} | ({"Condition": condition} if condition else {})


def deployment() -> dict[str, Any]:
    """The export with the memories and the roles."""
    made: dict[str, Any] = copy.deepcopy(EXPORT)
    added = [
        memory(MEMORY),
        memory(OTHER),
        *role("everything", allowed("*", on=f"{ARN}*")),
        *role("agent", allowed("CreateEvent", "ListEvents", actorId=["assistant", "assistant:*"])),
        *role("session", allowed("CreateEvent", "GetEvent", sessionId="one")),
        *role("recall", allowed("RetrieveMemoryRecords", namespacePath=["/facts/assistant/*"])),
    ]
    made["deployment"]["resources"] += added
    return made


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serve(deployment(), root=LOCAL / "project", logs=tmp_path_factory.mktemp("logs")) as running:
        yield running


@pytest.fixture(scope="module")
def memory_of(serving: Serving) -> Callable[..., Any]:
    """A plain boto3 client in a role's name; unless it says otherwise, what it sends is checked by the server alone."""

    def make(name: str = "everything") -> Any:
        variables = serving.session(f"arn:aws:iam::123456789012:role/{name}").environment()
        return boto3.client(
            "bedrock-agentcore",
            endpoint_url=serving.url,
            region_name="us-east-1",
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=variables["AWS_SESSION_TOKEN"],
            config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
        )

    return make
