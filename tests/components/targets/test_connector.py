"""AWS's own tools behind a gateway: what is fixed of their parameters, and exactly the rights that they take."""

import json
from typing import Any

import pulumi
import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants.tool_grants import Authorization
from toolgate.components.targets.connector import TOOLS, ConnectorId
from toolgate.components.targets.connectors import knowledge_base, web_search
from toolgate.components.tool_gateway import ToolGateway

BASE = "arn:aws:bedrock:us-east-1:123456789012:knowledge-base/A1B2C3D4E5"
WEB = "arn:aws:bedrock-agentcore:us-east-1:aws:tool/web-search.v1"
FOUND = TOOLS[ConnectorId.WEB_SEARCH]


def gateway(target: Any, **others: Any) -> ToolGateway:
    args: Any = {"targets": {"own": target}, **others}
    return ToolGateway("tools", args)


def made(recorded: Any) -> tuple[Any, Any]:
    inputs = recorded.one("AgentcoreGatewayTarget", "tools-own").inputs
    assert inputs["credentialProviderConfiguration"] == {"gatewayIamRole": {}}
    connector = inputs["targetConfiguration"]["mcp"]["connector"]
    values = {it["name"]: json.loads(it["parameterValues"]) for it in connector.pop("configurations")}
    return connector, values


def test_web_search(run: Any, allows: Any) -> None:
    recorded = run(lambda: gateway(web_search(exclude_domains=["a.example"])))
    connector, values = made(recorded)
    assert connector == {"source": {"connectorId": "web-search"}, "enableds": ["WebSearch"]}
    assert values == {"WebSearch": {"domainFilter": {"exclude": ["a.example"]}}}
    document = recorded.one("RolePolicy", "tools-invoke").document()
    assert allows(document, "bedrock-agentcore:InvokeWebSearch", WEB)
    for action, arn in (
        ("bedrock-agentcore:InvokeWebSearch", WEB.replace("v1", "v2")),
        ("bedrock-agentcore:InvokeGateway", "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/x-a1b2c3d4e5"),
        ("bedrock:Retrieve", BASE),
    ):
        assert not allows(document, action, arn)


@pytest.mark.parametrize("agentic", [False, True])
def test_a_knowledge_base(run: Any, allows: Any, agentic: bool) -> None:
    recorded = run(lambda: gateway(knowledge_base(pulumi.Output.from_input(BASE), agentic=agentic, results=5)))
    connector, values = made(recorded)
    assert connector["source"] == {"connectorId": "bedrock-knowledge-bases"}
    assert connector["enableds"] == ["Retrieve", *(["AgenticRetrieveStream"] if agentic else [])]
    assert values["Retrieve"] == {
        "knowledgeBaseId": "A1B2C3D4E5",
        "retrievalConfiguration": {"managedSearchConfiguration": {"numberOfResults": 5}},
    }
    document = recorded.one("RolePolicy", "tools-invoke").document()
    for action in ("bedrock:GetKnowledgeBase", "bedrock:Retrieve"):
        assert allows(document, action, BASE)
        assert not allows(document, action, BASE[:-1] + "6")
    assert allows(document, "bedrock:AgenticRetrieveStream", "*") is agentic
    assert not allows(document, "bedrock-agentcore:InvokeWebSearch", WEB)
    if agentic:
        assert values["AgenticRetrieveStream"] == {
            "retrievers": [{"configuration": {"knowledgeBase": {"knowledgeBaseId": "A1B2C3D4E5"}}}],
            "agenticRetrieveConfiguration": {},
        }


def test_a_condition_names_a_documented_argument(run: Any) -> None:
    def handed(when: str) -> Any:
        return gateway(web_search(), authorization=Authorization.TOOL).tools("own___WebSearch", when=when)

    run(lambda: handed("context.input has maxResults && context.input.maxResults < 6"))
    with pytest.raises(UsageError, match="does not fit"):
        run(lambda: handed("context.input.count < 6"))


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"connector": {"id": "smithy"}, "tools": FOUND}, "'smithy' is not one of"),
        ({"smithy": {}, "tools": FOUND}, "unknown key 'smithy'"),
        ({"connector": {"id": "bedrock-knowledge-bases"}, "tools": []}, "missing 'knowledge_base_arn'"),
        (knowledge_base("kb"), "'kb' is no ARN of a knowledge base"),
        (knowledge_base(BASE, results=101), r"results: is 101; 1 to 100"),
        ({"connector": {"id": "web-search", "results": 3}, "tools": FOUND}, "results is for 'bedrock-knowledge-bases'"),
        (web_search(version="1.1"), "'1.1' is none"),
        (web_search(include_domains=["a.example"]), "takes a newer connector"),
        (web_search(exclude_domains=["a.example"] * 101), "number of domains: is 101; 1 to 100"),
        ({"connector": {"id": "web-search"}, "tools": [{**FOUND[0], "name": "x"}]}, "'x' is none of 'web-search'"),
    ],
)
def test_what_no_connector_takes_is_refused(run: Any, target: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run(lambda: gateway(target))
