"""A gateway's or runtime's own policy counts beside the callers' identity policies."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from toolgate.local.serve.server import Serving, serve

Export = dict[str, Any]
Rpc = Callable[..., httpx.Response]

ROLES = "arn:aws:iam::123456789012:role/"
BASE = "arn:aws:bedrock-agentcore:us-east-1:123456789012"
GATEWAY = f"{BASE}:gateway/handmade-tools-abcdefghij"
INVOKE_GATEWAY = "bedrock-agentcore:InvokeGateway"


def attach(export: Export, arn: str, **statement: Any) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Resource": arn, **statement}]})
    kind = "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy"
    urn = f"urn:pulumi:dev::handmade::{kind}::on-{arn.rsplit(':', 1)[-1]}"
    outputs = {"resourceArn": arn, "policy": document}
    export["deployment"]["resources"].append({"urn": urn, "type": kind, "inputs": outputs, "outputs": outputs})


def without_agent(export: Export) -> Export:
    resources = export["deployment"]["resources"]
    export["deployment"]["resources"] = [r for r in resources if not r["type"].endswith(":AgentcoreAgentRuntime")]
    return export


def listed(serving: Serving, rpc: Rpc, role: str) -> httpx.Response:
    return rpc(serving.gateway_url(GATEWAY.rsplit("/", 1)[-1]), serving.session(f"{ROLES}{role}"), "tools/list")


def test_a_role_is_let_in_by_the_gateways_policy_alone(handmade: Export, project: Path, rpc: Rpc) -> None:
    attach(handmade, GATEWAY, Effect="Allow", Action=INVOKE_GATEWAY, Principal={"AWS": f"{ROLES}guest"})
    with serve(without_agent(handmade), root=project) as serving:
        assert listed(serving, rpc, "guest").status_code == 200
        assert listed(serving, rpc, "nobody").status_code == 403


@pytest.mark.parametrize("judged", [("Allow", "other-role", 200), ("Deny", "agents/assistant-role", 403)])
def test_an_incomplete_arn_is_completed(
    judged: tuple[str, str, int], handmade: Export, project: Path, rpc: Rpc
) -> None:
    effect, role, status = judged
    statement = {"Effect": effect, "Action": INVOKE_GATEWAY, "Resource": "arn:aws:bedrock-agentcore"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    policy = {"role": role.rpartition("/")[2], "name": "more", "policy": json.dumps(document)}
    kind = "aws:iam/rolePolicy:RolePolicy"
    more = {"urn": f"urn:pulumi:dev::handmade::{kind}::more", "type": kind, "inputs": policy, "outputs": policy}
    handmade["deployment"]["resources"].append(more)
    with serve(without_agent(handmade), root=project) as serving:
        assert listed(serving, rpc, role).status_code == status


def test_a_deny_in_the_gateways_policy_wins_over_the_grant(handmade: Export, project: Path, rpc: Rpc) -> None:
    except_one = {"ArnNotEquals": {"aws:PrincipalArn": f"{ROLES}another"}}
    attach(handmade, GATEWAY, Effect="Deny", Action=INVOKE_GATEWAY, Principal="*", Condition=except_one)
    with serve(without_agent(handmade), root=project) as serving:
        answer = listed(serving, rpc, "agents/assistant-role")
    assert answer.status_code == 403
    assert answer.json()["message"].endswith(f"on resource: {GATEWAY} with an explicit deny in a resource-based policy")


def test_a_runtimes_policy_must_allow_the_endpoint_too(handmade: Export, project: Path, tmp_path: Path) -> None:
    (found,) = [r for r in handmade["deployment"]["resources"] if r["type"].endswith(":AgentcoreAgentRuntime")]
    runtime = found["outputs"]["agentRuntimeArn"]
    grant = {"Effect": "Allow", "Action": "bedrock-agentcore:InvokeAgentRuntime", "Principal": {"AWS": f"{ROLES}guest"}}
    attach(handmade, runtime, **grant)
    with serve(handmade, root=project, logs=tmp_path) as serving, pytest.raises(ClientError) as caught:
        invoke(serving, runtime)
    assert f"on resource: {runtime}/runtime-endpoint/DEFAULT because no" in str(caught.value)
    attach(handmade, f"{runtime}/runtime-endpoint/DEFAULT", **grant)
    with serve(handmade, root=project, logs=tmp_path) as serving:
        assert b"x-amzn-bedrock-agentcore-runtime-session-id" in invoke(serving, runtime)


def invoke(serving: Serving, runtime: str) -> bytes:
    guest = serving.session(f"{ROLES}guest")
    client = boto3.client(
        "bedrock-agentcore",
        endpoint_url=serving.url,
        region_name="us-east-1",
        aws_access_key_id=guest.access_key_id,
        aws_secret_access_key=guest.secret_access_key,
        aws_session_token=guest.session_token,
    )
    answer = client.invoke_agent_runtime(agentRuntimeArn=runtime, payload=json.dumps({"prompt": "session"}).encode())
    content: bytes = answer["response"].read()
    return content
