"""The rules about MCP servers and APIs behind gateways: what they say, of whom, and what they leave alone."""

import json
from typing import Any

import pytest

from tests.policy import making, making_servers
from tests.policy.driver import UNKNOWN, Pack, Registration, Violation
from tests.policy.making import ACCOUNT, document, statement
from tests.policy.making_servers import CALL, GATE, OTHER, SERVER, denial, mcp_target, resource_policy, runtime, stack

PRIVATE, EXACT = "server-called-by-gateway-only", "gateway-role-exact-targets"
BEYOND = "server-beyond-policy-engine"
EVERYWAY = [CALL, f"{CALL}WithWebSocketStream"]
TOOLS, PROMPTS = "lists no tools", "prompts and resources are for whoever may invoke"
OPS = f"arn:aws:iam::{ACCOUNT}:role/ops"


def said(found: list[Violation], rule: str) -> list[str]:
    return [it.message for it in found if it.rule == rule]


@pytest.mark.parametrize(
    "policies",
    [
        [resource_policy(denial(GATE))],
        [resource_policy(denial(GATE, actions=EVERYWAY))],
        [resource_policy(denial(GATE, actions="bedrock-agentcore:InvokeAgentRuntime*"))],
        [resource_policy(denial(GATE, operator="StringNotEquals"))],
        [resource_policy(denial(GATE, operator="ArnNotLike"))],
        [resource_policy({**denial(GATE), "Resource": "*"})],
        [resource_policy(denial(GATE), statement(CALL, SERVER, Principal={"AWS": GATE}))],
        # AgentCore asks for the endpoint as well: a denial there is one.
        [resource_policy({**denial(GATE), "Resource": "*"}, on=f"{SERVER}/runtime-endpoint/DEFAULT")],
    ],
)
def test_a_server_that_is_kept_for_its_gateway_passes(pack: Pack, policies: list[Registration]) -> None:
    assert said(pack.run(stack(*policies)), PRIVATE) == []


@pytest.mark.parametrize(
    ("policies", "what"),
    [
        ([], f"denies {CALL} to all but"),
        ([resource_policy(statement(CALL, SERVER, Principal={"AWS": GATE}))], f"denies {CALL} to all but"),
        ([resource_policy(denial(GATE), on=OTHER)], f"denies {CALL} to all but"),
        ([resource_policy(denial(GATE, actions=CALL))], f"denies {CALL}WithWebSocketStream to all but"),
        ([resource_policy(denial(GATE, actions=EVERYWAY[1:]))], f"denies {CALL} to all but"),
        ([resource_policy({**denial(GATE), "Principal": {"AWS": OPS}})], f"denies {CALL} to all but"),
        ([resource_policy({**denial(GATE), "Resource": OTHER})], f"denies {CALL} to all but"),
        (
            [resource_policy({**denial(GATE), "Condition": {"Bool": {"aws:SecureTransport": "false"}}})],
            f"denies {CALL} to all but",
        ),
        ([resource_policy(denial(GATE, operator="ArnEquals"))], f"denies {CALL} to all but"),
        ([resource_policy(denial(GATE, OPS))], f'spares "{OPS}"'),
        ([resource_policy(denial(OPS))], f'spares "{OPS}"'),
        ([resource_policy(denial(f"arn:aws:iam::{ACCOUNT}:role/*", operator="ArnNotLike"))], "spares"),
    ],
)
def test_a_server_that_others_may_call_violates(pack: Pack, policies: list[Registration], what: str) -> None:
    found = pack.run(stack(*policies))
    assert any(what in message for message in said(found, PRIVATE))
    assert {it.level for it in found if it.rule == PRIVATE} == {"mandatory"}


def test_what_is_behind_no_target_or_takes_tokens_is_no_such_server(pack: Pack) -> None:
    alone = [making.role("gateway"), making.gateway(), runtime()]
    assert said(pack.run(alone), PRIVATE) == []
    assert said(pack.run([*alone, mcp_target(making_servers.endpoint(OTHER))]), PRIVATE) == []
    assert said(pack.run([*alone, mcp_target("https://mcp.example.com/mcp")]), PRIVATE) == []
    by_token = runtime(authorizerConfiguration={"customJwtAuthorizer": {"discoveryUrl": "https://a.example"}})
    assert said(pack.run([making.role("gateway"), making.gateway(), by_token, mcp_target()]), PRIVATE) == []


def in_preview(policy: Any = UNKNOWN, **inputs: Any) -> list[Registration]:
    """As a first preview sees the stack: no ARN is known, and the graph says what a value is made of."""
    role, gateway = making.role("gateway"), making.gateway(roleArn=UNKNOWN)
    role = Registration(role.type, role.name, role.inputs)
    gateway = Registration(gateway.type, gateway.name, gateway.inputs, {}, "", {"roleArn": [role.urn]})
    server = runtime(roleArn=UNKNOWN, **inputs)
    server = Registration(server.type, server.name, server.inputs)
    made = mcp_target(UNKNOWN, targetConfiguration=[server.urn], gatewayIdentifier=[gateway.urn])
    target = Registration(
        made.type, made.name, {**made.inputs, "gatewayIdentifier": UNKNOWN}, {}, "", made.property_dependencies
    )
    parts = [role, gateway, server, target]
    if policy is None:
        return parts
    made = resource_policy(on=UNKNOWN, policy=policy)
    of = {"resourceArn": [server.urn], "policy": [role.urn, server.urn]}
    return [*parts, Registration(made.type, made.name, made.inputs, {}, "", of)]


def test_a_preview_says_nothing_of_what_it_does_not_know(pack: Pack) -> None:
    assert said(pack.run(in_preview()), PRIVATE) == []
    unknown = {**denial(UNKNOWN), "Resource": UNKNOWN}
    assert said(pack.run(in_preview(document(unknown))), PRIVATE) == []
    # That there is no policy it does know, or that one denies nothing.
    assert len(said(pack.run(in_preview(None)), PRIVATE)) == 1
    assert len(said(pack.run(in_preview(document({**unknown, "Effect": "Allow"}))), PRIVATE)) == 1
    assert said(pack.run(in_preview(None, authorizerConfiguration=UNKNOWN)), PRIVATE) == []


def test_what_a_preview_does_not_know_is_said(pack: Pack) -> None:
    made = mcp_target(UNKNOWN)
    found = said(pack.run([making.role("gateway"), making.gateway(), made]), "undecided-in-preview")
    assert ["which server it calls" in it for it in found] == [True]
    found = said(pack.run(in_preview(None, authorizerConfiguration=UNKNOWN)), "undecided-in-preview")
    assert any("takes signatures" in it for it in found)
    assert not any("which server" in it for it in found)


APIS = f"arn:aws:execute-api:us-east-1:{ACCOUNT}"
VAULT = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:token-vault/default/apikeycredentialprovider"


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        (statement(CALL, f"{SERVER[:-4]}*"), "on"),
        (statement("bedrock-agentcore:*", "*"), 'on "*"'),
        (statement("bedrock-agentcore:InvokeAgentRuntimeWith*", SERVER.replace("stock", "*")), "on"),
        (statement(CALL, OTHER), f'on "{OTHER}", which is behind no target'),
        (statement("execute-api:Invoke", f"{APIS}:*"), "execute-api:Invoke"),
        (statement("execute-api:Invoke", f"{APIS}:abc123/*/GET/orders"), "execute-api:Invoke"),
        (statement("execute-api:*", f"{APIS}:*/prod/GET/orders"), "execute-api:Invoke"),
        (statement("bedrock-agentcore:GetResourceApiKey", f"{VAULT}/*"), "GetResourceApiKey"),
    ],
)
def test_more_than_the_targets_need_violates(pack: Pack, entry: Any, what: str) -> None:
    policy = making.role_policy(document(entry), "gateway")
    parts = stack(resource_policy(denial(GATE)), runtime("other", OTHER), policy)
    found = said(pack.run(parts), EXACT)
    assert found
    assert all(what in message for message in found)


@pytest.mark.parametrize(
    "entry",
    [
        statement(CALL, [SERVER, f"{SERVER}/*"]),
        statement(CALL, [SERVER, f"{SERVER}/runtime-endpoint/DEFAULT"]),
        # One that is not in the stack, of a target whose endpoint says the same.
        statement(CALL, SERVER.replace("stock", "elsewhere")),
        statement("execute-api:Invoke", [f"{APIS}:abc123/prod/*/*", f"{APIS}:abc123/prod/GET/orders/*"]),
        statement("bedrock-agentcore:GetResourceApiKey", f"{VAULT}/shop"),
        statement("bedrock-agentcore:GetAgentRuntime", "*"),
    ],
)
def test_what_the_targets_need_passes(pack: Pack, entry: Any) -> None:
    policy = making.role_policy(document(entry), "gateway")
    assert said(pack.run(stack(resource_policy(denial(GATE)), policy)), EXACT) == []


def test_other_roles_are_not_bound(pack: Pack) -> None:
    policy = making.role_policy(document(statement(CALL, OTHER)), "agent")
    parts = stack(resource_policy(denial(GATE)), runtime("other", OTHER), making.role(), policy)
    assert said(pack.run(parts), EXACT) == []


def engine_stack(*targets: Registration, engine: bool = True) -> list[Registration]:
    attached: dict[str, Any] = (
        {"policyEngineConfiguration": {"arn": making.ENGINE, "mode": "ENFORCE"}} if engine else {}
    )
    return [making.role("gateway"), making.engine(), making.gateway(**attached), *targets]


@pytest.mark.parametrize(
    ("target", "engine", "what"),
    [
        (mcp_target(), True, [PROMPTS]),
        (mcp_target(tools=None), True, [TOOLS, PROMPTS]),
        (mcp_target("https://mcp.example.com/mcp", tools=None), True, [TOOLS, PROMPTS]),
        (mcp_target(tools=None), False, []),
        (making_servers.api_target("orders"), True, []),
        (making.target(), True, []),
    ],
)
def test_what_a_policy_engine_does_not_decide_is_advice(
    pack: Pack, target: Registration, engine: bool, what: list[str]
) -> None:
    parts = engine_stack(target, engine=engine)
    found = [it for it in pack.run(parts) if it.rule == BEYOND]
    assert [words in it.message for words, it in zip(what, found, strict=True)] == [True] * len(what)
    assert {it.level for it in found} <= {"advisory"}
    pack.configure({BEYOND: {"promptsAccepted": ["stock"]}})
    assert len(said(pack.run(parts), BEYOND)) == len([it for it in what if it == TOOLS])


def test_our_own_component_has_checked_it(pack: Pack) -> None:
    made = mcp_target(tools=None)
    urn = "urn:pulumi:dev::shop::toolgate:index:ToolGateway::tools"
    ours = Registration(made.type, made.name, made.inputs, made.outputs, parent=urn)
    assert said(pack.run(engine_stack(ours)), BEYOND) == []


@pytest.mark.parametrize(
    ("target", "tool", "exists"),
    [
        (mcp_target(), "stock___count", True),
        (mcp_target(), "stock___counts", False),
        (mcp_target(tools=None), "stock___counts", True),
        (making_servers.api_target("list_orders"), "shop___list_orders", True),
        (making_servers.api_target("list_orders"), "shop___orders", False),
    ],
)
def test_cedar_names_tools_of_every_kind(pack: Pack, target: Registration, tool: str, exists: bool) -> None:
    parts = [*engine_stack(target), making.role(), making.cedar(making.permit(tool))]
    assert bool(said(pack.run(parts), "cedar-names-exist")) is not exists


ODD: list[Any] = [
    None,
    3,
    "x",
    [],
    {},
    {"endpoint": 3},
    {"endpoint": UNKNOWN, "mcpToolSchema": UNKNOWN},
    {"mcpToolSchema": []},
]


@pytest.mark.parametrize("server", ODD, ids=str)
@pytest.mark.parametrize("payload", ["[", "3", '{"tools": 3}', '[{"name": 3}]', UNKNOWN], ids=str)
def test_odd_targets_raise_nothing(pack: Pack, server: Any, payload: str) -> None:
    made = mcp_target()
    listed = {"inlinePayload": {"payload": payload}}
    for mcp in ({"mcpServer": server}, {"mcpServer": {"mcpToolSchema": listed}}, {"openApiSchema": listed}):
        target = Registration(made.type, made.name, {**made.inputs, "targetConfiguration": {"mcp": mcp}})
        found = pack.run(engine_stack(target))
        assert not any("rule itself failed" in it.message for it in found), json.dumps(mcp)


SIGNED = {"x-amazon-apigateway-auth": {"type": "AWS_IAM"}}


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(("method", "lacking"), [(SIGNED, True), ({}, False)])
def test_a_method_that_takes_no_signature_needs_no_right(
    pack: Pack, method: Any, *, lacking: bool, known: bool
) -> None:
    body = json.dumps({"openapi": "3.0.3", "paths": {"/orders": {"get": {"operationId": "list", **method}}}})
    arn = {"executionArn": f"arn:aws:execute-api:us-east-1:{ACCOUNT}:a1b2c3d4e5"} if known else {}
    api = Registration("aws:apigateway/restApi:RestApi", "orders", {"body": body}, arn)
    override = {"path": "/orders", "method": "GET", "name": "list"}
    stage = {
        "restApiId": "a1b2c3d4e5" if known else UNKNOWN,
        "stage": "prod",
        "apiGatewayToolConfiguration": {"toolOverrides": [override]},
    }
    made = mcp_target(targetConfiguration=[api.urn])
    inputs = {
        **made.inputs,
        "targetConfiguration": {"mcp": {"apiGateway": stage}},
        "credentialProviderConfiguration": {"gatewayIamRole": {}},
    }
    target = Registration(made.type, made.name, inputs, {}, "", made.property_dependencies)
    found = said(pack.run([making.role("gateway"), making.gateway(), api, target]), EXACT)
    assert any("execute-api:Invoke" in message for message in found) is lacking
