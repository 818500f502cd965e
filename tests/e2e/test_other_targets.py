"""A stack of the sample whose tools are elsewhere: planned with the stand-in, judged by the pack, decided by access."""

import functools
import json
from pathlib import Path
from typing import Any

import pytest
from mcp import ClientSession

from tests.local.serve.gateway.test_mcp_gateway import _with_session
from tests.local.serve.outbound.test_canned_answers import texts
from tests.planning import SAMPLE, planned
from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import matrix
from toolgate.local.plan import Plan
from toolgate.local.serve.outbound.canned import read
from toolgate.local.serve.server import serve

BASE = "arn:aws:bedrock:us-east-1:123456789012:knowledge-base/A1B2C3D4E5"
TARGETS = {
    "docs": {"remoteServer": "recorded/docs.json"},
    "orders": {
        "restApi": "a1b2c3d4e5",
        "stage": "prod",
        "document": "recorded/orders.json",
        "operations": {"getOrder": {}, "listOrders": {"path": "/orders", "method": "GET"}},
    },
    "shared": {"gateway": "inner"},
    "web": {"webSearch": {"excludeDomains": ["example.com"]}},
    "book": {"knowledgeBase": {"arn": BASE, "agentic": True}},
}
GATEWAYS = {
    "inner": {"targets": ["math"], "authorization": "tool"},
    "outer": {"targets": ["shared___math___add_numbers", "docs", "orders", "web", "book"], "authorization": "tool"},
}
AGENTS = {"asker": {"tools": ["outer/docs", "outer/orders", "outer/shared", "outer/web"]}}
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
    of_stage = ["orders___getOrder", "orders___listOrders"]
    tools = ["docs___find", *of_stage, "shared___math___add_numbers", "web___WebSearch"]
    assert allowed == {(role, "math___add_numbers"), *(("asker", tool) for tool in tools)}


AWS_TOOLS: dict[str, dict[str, Any]] = {
    "web___WebSearch": {"query": "q"},
    "book___Retrieve": {"retrievalQuery": {"text": "q"}},
    "book___AgenticRetrieveStream": {"messages": [{"role": "user", "content": {"text": "q"}}]},
}


def test_what_the_components_grant_is_what_an_answer_of_aws_tools_takes(tmp_path: Path) -> None:
    agents = json.dumps({"asker": {"tools": ["outer/web", "outer/book"]}})
    made = planned("dev", CONFIG | {"toolgate:agents": agents}).deployment
    as_planned = json.dumps(made)
    (file := tmp_path / "answers.json").write_text(json.dumps({name.partition("___")[2]: name for name in AWS_TOOLS}))
    with serve(made, SAMPLE, logs=tmp_path, canned={name: read(file) for name in ("web", "book")}) as serving:
        [asker] = serving.deployment.agents
        [gateway] = [it for it in serving.deployment.gateways if "-outer-" in it.id]
        for name, arguments in AWS_TOOLS.items():
            call = functools.partial(ClientSession.call_tool, name=name, arguments=arguments)
            result = _with_session(serving.gateway_url(gateway.id), serving.session(asker.role_arn), call)
            assert texts(result) == ["canned answer from answers.json, nobody searched", name]
    assert json.dumps(made) == as_planned
