"""MCP servers behind tools: what the gateway's role may do decides the call, and who else gets there is told."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from tests.access import servers
from tests.access.servers import GATE, MAY_SERVE, SERVER, Part, allow, role
from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import Matrix, matrix
from toolgate.access.output.explanation import explain, explain_principal
from toolgate.access.output.table import as_table

CALL = {"Effect": "Allow", "Action": "bedrock-agentcore:InvokeGateway", "Resource": "*"}
OPS = "arn:aws:iam::123456789012:role/ops"
AGENT = "arn:aws:iam::123456789012:role/agents/caller"
TOOL = "stock___count"
COMMANDS = "bedrock-agentcore:InvokeAgentRuntimeCommand"
CALLS, SHELL = servers.INVOKE_RUNTIME, "commands in server stock"


@pytest.fixture
def judge(case: Callable[..., Any]) -> Callable[..., Matrix]:
    def judged(*more: Part, **documents: Any) -> Matrix:
        return matrix(parse(case(more=more, gateway={"roleArn": GATE}, **documents).export()))

    return judged


def cell(found: Matrix, tool: str = TOOL) -> str:
    (entry,) = (it for it in found.entries if it.tool == tool and it.agent == "caller")
    return str(entry.decision)


def ways(found: Matrix) -> list[tuple[str, str, str]]:
    of_server = (it for it in found.bypasses if it.target == SERVER)
    return [(it.principal.rpartition("/")[2], it.way, str(it.access.decision)) for it in of_server]


@pytest.mark.parametrize(
    ("statements", "decision"),
    [
        ([MAY_SERVE], "allow"),
        ([allow("bedrock-agentcore:*", "*")], "allow"),
        ([CALL], "deny"),
        ([allow(servers.INVOKE_RUNTIME, f"{SERVER}x", f"{SERVER}x/*")], "deny"),
        # The endpoint's ARN is written in two ways.
        ([allow(servers.INVOKE_RUNTIME, SERVER)], "undecided"),
        ([MAY_SERVE, {**MAY_SERVE, "Effect": "Deny"}], "deny"),
        ([{**MAY_SERVE, "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}}], "conditional"),
    ],
)
def test_a_tool_is_called_only_if_the_gateways_role_may_invoke_the_server(
    judge: Callable[..., Matrix], statements: list[Any], decision: str
) -> None:
    found = judge(*servers.served(*statements), identity=[CALL])
    assert cell(found) == decision
    assert cell(found, "math___add") == "allow"
    assert any("may invoke" in it for it in found.unsupported) is (decision == "undecided")


def test_a_server_whose_own_policy_spares_somebody_else_is_not_called(judge: Callable[..., Matrix]) -> None:
    parts = [*servers.served(private=False), servers.resource_policy(servers.only(OPS))]
    assert cell(judge(*parts, identity=[CALL])) == "deny"


def test_a_server_that_is_not_in_the_deployment_is_undecided(judge: Callable[..., Matrix]) -> None:
    found = judge(servers.target(), *role(GATE, MAY_SERVE), identity=[CALL])
    assert cell(found) == "undecided"
    assert any("is not in the deployment: only identity policies" in it for it in found.unsupported)


def test_tools_that_are_not_listed_are_not_called_past_the_server_either(judge: Callable[..., Matrix]) -> None:
    parts = [servers.target(tools=None), servers.runtime(), *role(GATE, CALL)]
    assert cell(judge(*parts, identity=[CALL]), "stock___*") == "deny"


def test_cedar_decides_before_the_server(judge: Callable[..., Matrix]) -> None:
    permit = 'permit(principal, action == AgentCore::Action::"math___add", resource);'
    assert cell(judge(*servers.served(), identity=[CALL], cedar={"one": permit})) == "deny"


@pytest.mark.parametrize(
    ("statements", "rows"),
    [
        ([allow(servers.INVOKE_RUNTIME, SERVER, f"{SERVER}/*")], [("ops", CALLS, "allow")]),
        ([allow("bedrock-agentcore:InvokeAgentRuntimeWithWebSocketStream", f"{SERVER}*")], [("ops", CALLS, "allow")]),
        ([allow("bedrock-agentcore:*", f"{SERVER}*")], [("ops", CALLS, "allow"), ("ops", SHELL, "allow")]),
        ([allow(COMMANDS, f"{SERVER}*")], [("ops", SHELL, "allow")]),
        ([allow(servers.INVOKE_RUNTIME, SERVER)], [("ops", CALLS, "undecided")]),
        ([allow("bedrock-agentcore:GetAgentRuntime", f"{SERVER}*")], []),
        ([allow(servers.INVOKE_RUNTIME, "*"), {**MAY_SERVE, "Effect": "Deny"}], []),
    ],
)
def test_who_may_invoke_the_server_calls_its_tools_past_the_gateway(
    judge: Callable[..., Matrix], statements: Sequence[Any], rows: list[Any]
) -> None:
    found = judge(*servers.served(private=False), *role(OPS, *statements))
    assert ways(found) == rows
    assert {it.tools for it in found.bypasses} <= {(TOOL,)}
    # The policy on the server keeps all others out.
    assert ways(judge(*servers.served(), *role(OPS, *statements))) == []


def test_the_gateways_own_role_has_to_and_whoever_takes_it_has_not(judge: Callable[..., Matrix]) -> None:
    assert ways(judge(*servers.served())) == []
    parts = [servers.target(), servers.runtime(), *role(GATE, MAY_SERVE, trust={"AWS": AGENT})]
    found = judge(*parts, servers.resource_policy(servers.only(GATE)))
    assert ways(found) == [("caller", f"assumes role gate, {CALLS}", "allow")]
    commanding = judge(*servers.served(MAY_SERVE, allow(COMMANDS, f"{SERVER}*")))
    assert ways(commanding) == [("gate", SHELL, "allow")]


def test_another_gateways_role_may_not(judge: Callable[..., Matrix]) -> None:
    other = role("arn:aws:iam::123456789012:role/other-gate", MAY_SERVE)
    assert ways(judge(*servers.served(private=False), *other)) == [("other-gate", CALLS, "allow")]


def test_a_server_is_no_agent(judge: Callable[..., Matrix]) -> None:
    found = judge(*servers.served(private=False), *role(OPS, allow("bedrock-agentcore:*", f"{SERVER}*")))
    assert {it.agent for it in found.blocks} == {"caller"}
    assert found.asks == ()
    alone = judge(servers.runtime(), *role(OPS, MAY_SERVE))
    assert [(it.principal, it.agent) for it in alone.asks] == [(OPS, "stock")]


def test_a_shell_in_the_server_has_its_role(judge: Callable[..., Matrix]) -> None:
    parts = [*servers.served(private=False), *role(OPS, allow(COMMANDS, f"{SERVER}*"))]
    own = ("aws:iam/rolePolicy:RolePolicy", "more", {"role": "stock", "name": "more", "policy": servers.document(CALL)})
    found = judge(*parts, own)
    assert [(it.way, it.tools) for it in found.bypasses if it.principal == OPS and ":gateway/" in it.target] == [
        (SHELL, ("math___add", "math___repeat", "math___tag", TOOL))
    ]


def test_the_explanation_says_what_the_server_answers(case: Callable[..., Any]) -> None:
    def told(*statements: Any) -> str:
        parts = [*servers.served(*statements), *role(OPS, MAY_SERVE)]
        return explain(parse(case(identity=[CALL], more=parts, gateway={"roleArn": GATE}).export()), "caller", TOOL)

    assert f"server: IAM {CALLS} as gate, the gateway's role: allow" in told()
    lacking = told(CALL)
    assert lacking.startswith("deny: caller")
    assert f"server: IAM {CALLS} as gate, the gateway's role: deny" in lacking


def test_the_explanation_has_the_ways_past_the_gateway(case: Callable[..., Any]) -> None:
    parts = [*servers.served(private=False), *role(OPS, MAY_SERVE)]
    told = explain_principal(parse(case(more=parts, gateway={"roleArn": GATE}).export()), OPS, TOOL)
    assert f"allow: ops ({OPS}) reaching {SERVER}: {CALLS}" in told
    assert "Allow in identity policy 'ops-grants' (statement 1)" in told


def test_the_table_names_the_server(judge: Callable[..., Matrix]) -> None:
    found = judge(*servers.served(private=False), *role(OPS, MAY_SERVE))
    assert f"server stock-abcdefghij ({TOOL})" in as_table(found)


BY_URL, HOST = "arn:aws:lambda:us-east-1:123456789012:function:stock", "https://abc123.lambda-url.us-east-1.on.aws/"
VIA_URL, ITSELF = "function URL", "lambda:InvokeFunction"
LAMBDA = {"gatewayIamRole": {"service": "lambda"}}
OF_API = json.dumps({"servers": [{"url": HOST}], "paths": {"/": {"get": {"operationId": "count"}}}})


def at_url(auth: str, configuration: Mapping[str, Any], sign_in: Mapping[str, Any] = LAMBDA) -> list[Part]:
    """A function with a URL, and a target of another kind that leads there."""
    kind, name, made = servers.target(sign_in=sign_in)
    made = {**made, "targetConfiguration": {"mcp": configuration}}
    own = {"arn": BY_URL, "name": "stock", "role": servers.OF_SERVER}
    url = {"functionName": "stock", "authorizationType": auth, "functionUrl": HOST}
    parts = [("aws:lambda/function:Function", "stock", own), ("aws:lambda/functionUrl:FunctionUrl", "stock", url)]
    return [(kind, name, made), *parts, *role(servers.OF_SERVER), *role(GATE, allow("lambda:*", BY_URL))]


def server_at(url: str) -> dict[str, Any]:
    payload = json.dumps({"tools": [servers.TOOL]})
    return {"mcpServer": {"endpoint": url, "mcpToolSchema": {"inlinePayload": {"payload": payload}}}}


@pytest.mark.parametrize(
    "configuration",
    [
        server_at(f"{HOST}mcp"),
        server_at(f"{HOST.upper().replace('HTTPS', 'https')}mcp?a=b"),
        {"openApiSchema": {"inlinePayload": {"payload": OF_API}}},
    ],
)
@pytest.mark.parametrize(
    ("auth", "statements", "found"),
    [
        ("NONE", [], [("*", VIA_URL, "allow")]),
        ("AWS_IAM", [], []),
        ("AWS_IAM", [allow("lambda:InvokeFunctionUrl", BY_URL)], [("ops", VIA_URL, "undecided")]),
        (
            "AWS_IAM",
            [allow(["lambda:InvokeFunctionUrl", ITSELF], BY_URL)],
            [("ops", ITSELF, "allow"), ("ops", VIA_URL, "allow")],
        ),
        ("AWS_IAM", [allow(ITSELF, BY_URL)], [("ops", ITSELF, "allow")]),
    ],
)
def test_a_function_whose_url_a_target_leads_to_is_reached_past_the_gateway(
    judge: Callable[..., Matrix], configuration: Any, auth: str, statements: Any, found: Any
) -> None:
    judged = judge(*at_url(auth, configuration), *role(OPS, *statements), identity=[CALL])
    rows = [it for it in judged.bypasses if it.target == BY_URL]
    assert [(it.principal.rpartition("/")[2], it.way, str(it.access.decision)) for it in rows] == found
    assert {it.tools for it in rows} <= {(TOOL,)}


def test_a_function_whose_url_leads_elsewhere_is_no_tool(judge: Callable[..., Matrix]) -> None:
    for url in ("https://abc123.lambda-url.eu-west-1.on.aws/mcp", f"https://example.com/?{HOST}", "https://[", ""):
        judged = judge(*at_url("NONE", server_at(url)), identity=[CALL])
        assert [it for it in judged.bypasses if it.target == BY_URL] == []


@pytest.mark.parametrize(("sign_in", "told"), [(LAMBDA, True), ({}, False)])
def test_how_the_gateways_role_is_let_in_at_the_url(
    case: Callable[..., Any], sign_in: Mapping[str, Any], *, told: bool
) -> None:
    parts = at_url("AWS_IAM", server_at(f"{HOST}mcp"), sign_in)
    deployment = parse(case(more=parts, gateway={"roleArn": GATE}, identity=[CALL]).export())
    lines = explain(deployment, "caller", TOOL)
    assert ("function: IAM lambda:InvokeFunctionUrl as gate, the gateway's role: allow" in lines) is told
