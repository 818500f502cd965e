"""A stack of the sample whose tools are elsewhere: planned with the stand-in, judged by the pack, decided by access."""

import json

import pytest

from tests.planning import planned
from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import matrix
from toolgate.local.plan import Plan

BASE = "arn:aws:bedrock:us-east-1:123456789012:knowledge-base/A1B2C3D4E5"
TARGETS = {
    "docs": {"remoteServer": "recorded/docs.json"},
    "shared": {"gateway": "inner"},
    "web": {"webSearch": {"excludeDomains": ["example.com"]}},
    "book": {"knowledgeBase": {"arn": BASE, "agentic": True}},
}
GATEWAYS = {
    "inner": {"targets": ["math"], "authorization": "tool"},
    "outer": {"targets": ["shared___math___add_numbers", "docs", "web", "book"], "authorization": "tool"},
}
AGENTS = {"asker": {"tools": ["outer/docs", "outer/shared", "outer/web"]}}
CONFIG = {
    "toolgate:targets": json.dumps(TARGETS),
    "toolgate:gateways": json.dumps(GATEWAYS),
    "toolgate:agents": json.dumps(AGENTS),
}


@pytest.fixture(scope="module")
def plan() -> Plan:
    return planned("dev", CONFIG)


def test_the_rules_hold(plan: Plan) -> None:
    assert plan.mandatory == ()


def test_each_gateway_lets_in_exactly_who_was_handed_its_tools(plan: Plan) -> None:
    found = matrix(parse(plan.deployment))
    assert found.unsupported == ()
    allowed = {(it.agent or it.principal.rpartition("/")[2], it.tool) for it in found.entries if it.decision == "allow"}
    role = next(who for who, _ in allowed if who.startswith("toolgate-dev-outer-role"))
    tools = ["docs___find", "shared___math___add_numbers", "web___WebSearch"]
    assert allowed == {(role, "math___add_numbers"), *(("asker", tool) for tool in tools)}
