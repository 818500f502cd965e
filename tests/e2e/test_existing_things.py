"""A stack of the sample with roles, a function and a gateway that others made: planned, judged, and not served."""

import json
from typing import Any

import pytest

from tests.deployer.deciding import ACCOUNT as DEPLOYERS
from tests.deployer.deciding import allowed
from tests.planning import planned
from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import matrix
from toolgate.deployer import deployer_policy
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.plan import Plan, describe
from toolgate.local.serve.unsupported import notes, unsupported
from toolgate.review.access_summary import sentences
from toolgate.review.planning import Planned
from toolgate.review.stack_review import Verdict, judge

ACCOUNT = "111122223333"
AGENT, GATE = (f"arn:aws:iam::{ACCOUNT}:role/platform/{name}" for name in ("librarian", "gate"))
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:orders"
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/notes"
SHARED = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:gateway/shared-a1b2c3d4e5"
URL = "https://shared-a1b2c3d4e5.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp"
AGENTS = {
    "librarian": {
        "tools": ["math", "orders"],
        "roleArn": AGENT,
        "statements": [{"actions": ["dynamodb:GetItem"], "resources": [TABLE]}],
    },
    "reader": {
        "tools": ["math___greeting"],
        "gateways": [{"arn": SHARED, "url": URL, "tools": ["crm___find"]}],
    },
}
CONFIG = {
    "toolgate:tags": json.dumps({"team": "agents"}),
    "toolgate:gatewayRoleArn": GATE,
    "toolgate:agents": json.dumps(AGENTS),
    "toolgate:targets": json.dumps({"orders": {"functionArn": FUNCTION, "tools": "orders.json"}}),
    "toolgate:permissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/agents-boundary",
}


@pytest.fixture(scope="module")
def plan() -> Plan:
    return planned("agents", CONFIG)


def test_the_rules_hold_and_the_plan_says_what_it_takes_as_given(plan: Plan) -> None:
    assert plan.mandatory == ()
    given = [line for line in describe(plan).splitlines() if line.startswith("Taken as given")]
    assert given == [
        f"Taken as given: {GATE}, of AgentcoreGateway 'tools-gateway'",
        f"Taken as given: {AGENT}, of AgentcoreAgentRuntime 'librarian-runtime'",
        f"Taken as given: {FUNCTION}, of AgentcoreGatewayTarget 'tools-orders'",
    ]


def test_the_deployer_hands_over_such_a_role_and_writes_into_it_and_no_more(plan: Plan) -> None:
    # A deployer of the roles' own account.
    document = json.loads(json.dumps(deployer_policy.permissions(plan.deployment)).replace(ACCOUNT, DEPLOYERS))
    agentcore = {"iam_PassedToService": "bedrock-agentcore.amazonaws.com"}
    for role in (AGENT.replace(ACCOUNT, DEPLOYERS), GATE.replace(ACCOUNT, DEPLOYERS)):
        assert allowed(document, "iam:PassRole", role, **agentcore)
        assert not allowed(document, "iam:PassRole", role, iam_PassedToService="lambda.amazonaws.com")
        for action in ("PutRolePolicy", "GetRolePolicy", "DeleteRolePolicy"):
            assert allowed(document, f"iam:{action}", role)
            assert not allowed(document, f"iam:{action}", role + "x")
        for action in ("CreateRole", "DeleteRole", "UpdateAssumeRolePolicy", "TagRole", "PutRolePermissionsBoundary"):
            assert not allowed(document, f"iam:{action}", role)
    assert "function:orders" not in json.dumps(document)


def test_who_may_call_what_is_said_as_far_as_it_is_known(plan: Plan) -> None:
    found = matrix(parse(plan.deployment))
    decided: dict[tuple[str | None, str], Any] = {(it.agent, it.tool): it.decision for it in found.entries}
    assert decided["librarian", "math___greeting"] == "undecided"
    assert decided["librarian", "orders___find_order"] == "undecided"
    assert decided["reader", "orders___find_order"] == "deny"
    assert [(it.agent, it.tool) for it in found.entries if it.gateway == SHARED] == [("reader", "*")]
    assert any(AGENT in reason and "is allowed, unless" in reason for reason in found.unsupported)


def test_a_reviewer_reads_what_such_an_agent_may_newly_do(plan: Plan) -> None:
    found = judge(Planned(planned("agents").deployment), Planned(plan.deployment, plan.violations))
    assert isinstance(found, Verdict)
    told = list(sentences(found.access.gains, several_gateways=found.several_gateways))
    assert "agent `reader` may newly call `*` at `shared-a1b2c3d4e5`, or not: the deployment does not decide it" in told
    assert any(it.startswith("agent `librarian` may newly call") and "`orders___find_order`" in it for it in told)
    added = [str(it.cells) for it in found.permissions.added]
    assert any("dynamodb:GetItem" in text and TABLE in text for text in added)
    assert any(SHARED in text for text in added)


def test_what_others_made_is_not_served_but_for_functions_beside_which_the_rest_is(plan: Plan) -> None:
    deployment = parse(plan.deployment)
    refused = unsupported(deployment, CloudEnvironment())
    assert f"AgentcoreAgentRuntime 'librarian-runtime': its role {AGENT} is not in the deployment" in refused
    assert f"AgentcoreGateway 'tools-gateway': its role {GATE} is not in the deployment" in refused
    assert any(f"GATEWAY_URL leads to {URL}" in reason for reason in refused)
    assert not any(FUNCTION in reason for reason in refused)
    assert any(FUNCTION in note for note in notes(deployment, CloudEnvironment()))
