"""A resource policy in the program: the snippet of docs/authorization.md, planned, judged and served."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from botocore.credentials import Credentials
from mcp_proxy_for_aws.sigv4_helper import SigV4HTTPXAuth  # type: ignore[import-untyped]

from tests.planning import copy_project
from toolgate.access.deployment.deployment import parse
from toolgate.local.invoke_agent import ask
from toolgate.local.plan import Plan, plan
from toolgate.local.serve.server import Serving

ROOT = Path(__file__).parents[2]
GUEST = """
guest = aws.iam.Role("guest", assume_role_policy=pulumi.Output.json_dumps({
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                   "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}],
}))
aws.iam.RolePolicy("guest", role=guest.name, policy=pulumi.Output.json_dumps({
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "bedrock-agentcore:InvokeGateway",
                   "Resource": gateways["tools"].gateway_arn}],
}))
"""
"""A role that may invoke the gateway by its own policy, as good as the agent's."""


def snippet() -> str:
    """The page's resource policy."""
    section = (
        (ROOT / "docs/authorization.md").read_text().partition("### A resource policy\n")[2].partition("\n### ")[0]
    )
    [code] = re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return str(code)


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(tmp_path_factory.mktemp("private"))


@pytest.fixture(scope="module")
def planned(private: Path) -> Plan:
    with (private / "__main__.py").open("a") as program:
        program.write(f"\nimport pulumi_aws as aws\n{GUEST}\n{snippet()}")
    return plan("dev", root=private)


@pytest.fixture(scope="module")
def running(planned: Plan, private: Path, served: Callable[..., AbstractContextManager[Serving]]) -> Iterator[Serving]:
    with served(planned.deployment, root=private) as serving:
        yield serving


def test_it_is_planned_and_no_rule_is_against_it(planned: Plan) -> None:
    kinds = [resource["type"] for resource in planned.deployment["deployment"]["resources"]]
    assert kinds.count("aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy") == 1
    assert planned.mandatory == ()


def test_the_agent_is_let_in(running: Serving) -> None:
    assert "112" in ask(running.environment, running.agents["assistant"], "What is 100 + 12?")


def test_another_role_with_the_same_grant_is_refused(planned: Plan, running: Serving) -> None:
    gateway = parse(planned.deployment).gateways[0]
    resources = planned.deployment["deployment"]["resources"]
    [guest] = [found for found in resources if found["urn"].endswith("aws:iam/role:Role::guest")]
    issued = running.session(guest["outputs"]["arn"])
    signer = SigV4HTTPXAuth(
        Credentials(issued.access_key_id, issued.secret_access_key, issued.session_token),
        "bedrock-agentcore",
        gateway.arn.split(":")[3],
    )
    with httpx.Client(trust_env=False, timeout=None, auth=signer) as client:
        answer = client.post(
            running.gateway_url(gateway.id),
            json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
            headers={"accept": "application/json, text/event-stream"},
        )
    assert answer.status_code == 403
    assert answer.json()["message"].endswith(
        f"on resource: {gateway.arn} with an explicit deny in a resource-based policy"
    )
