"""Ways around a gateway, each with its innocent twin; decided from whole deployments."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import Matrix, matrix

ACCOUNT, OTHERS = "123456789012", "999999999999"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
GATEWAY = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:gateway/tools-abcdefghij"
RUNTIME = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:runtime/c-1"
AGENT = f"arn:aws:iam::{ACCOUNT}:role/agents/caller"
STRANGER = f"arn:aws:iam::{OTHERS}:role/stranger"
CALL = {"Effect": "Allow", "Action": "bedrock-agentcore:InvokeGateway", "Resource": GATEWAY}
INVOKE = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": FUNCTION}
ASSUME = "sts:AssumeRole"
MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
SERVICE = {"Service": "ec2.amazonaws.com"}

type Part = tuple[str, str, Mapping[str, Any]]


def _arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def _document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _allow(action: str | Sequence[str], resource: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def _role(name: str, *statements: Mapping[str, Any], trust: Any = SERVICE, **more: Any) -> list[Part]:
    let_in = {"Effect": "Allow", "Principal": trust, "Action": ASSUME}
    role = {"name": name, "arn": _arn(name), "assumeRolePolicy": _document(let_in), **more}
    policy = {"role": name, "name": f"{name}-grants", "policy": _document(*statements)}
    parts: list[Part] = [("aws:iam/role:Role", name, role)]
    return [*parts, ("aws:iam/rolePolicy:RolePolicy", f"{name}-grants", policy)] if statements else parts


def _permission(principal: str, **more: Any) -> Part:
    given = {"function": "f", "action": "lambda:InvokeFunction", "principal": principal, **more}
    return "aws:lambda/permission:Permission", "permission", given


def _url(auth: str, **more: Any) -> Part:
    return "aws:lambda/functionUrl:FunctionUrl", "url", {"functionName": "f", "authorizationType": auth, **more}


# Of a provider that lets nobody in by itself.
NATIVE_URL: Part = ("aws-native:lambda:Url", "url", {"targetFunctionArn": "f", "authType": "NONE"})


@pytest.fixture
def judge(case: Callable[..., Any]) -> Callable[..., Matrix]:
    def judged(*more: Part, **documents: Any) -> Matrix:
        return matrix(parse(case(more=more, **documents).export()))

    return judged


def _short(arn: str) -> str:
    return arn if arn == "*" else arn.rsplit(":", 1)[-1]


def _rows(found: Matrix) -> list[tuple[str, str, str, str]]:
    return [(_short(b.principal), b.way, _short(b.target), str(b.access.decision)) for b in found.bypasses]


def _asks(found: Matrix) -> list[tuple[str, str, str, str]]:
    return [(_short(a.principal), a.how, a.agent, str(a.access.decision)) for a in found.asks]


DIRECT, URL, F = "lambda:InvokeFunction", "function URL", "f"


@pytest.mark.parametrize(
    ("statements", "decisions"),
    [
        ([INVOKE], ["allow"]),
        ([_allow("lambda:*", "*")], ["allow"]),
        ([_allow("lambda:Invoke*", f"{FUNCTION}*")], ["allow"]),
        # What a qualifier reaches is the function, too.
        ([_allow("lambda:InvokeFunction", f"{FUNCTION}:*")], ["allow"]),
        ([_allow("lambda:InvokeFunction", f"{FUNCTION}:$LATEST")], ["allow"]),
        ([_allow("lambda:InvokeFunction", FUNCTION, Condition=MFA)], ["conditional"]),
        ([_allow("lambda:InvokeFunction", "arn:aws:lambda:*:*:function:${aws:PrincipalTag/f}")], ["undecided"]),
        ([INVOKE, {**_allow("lambda:*", "*"), "Effect": "Deny"}], []),
        # A denial of the function itself denies none of its versions.
        ([_allow("lambda:*", "*"), {**INVOKE, "Effect": "Deny"}], ["allow"]),
        ([_allow("lambda:InvokeFunction", f"{FUNCTION}2")], []),
        # Of an alias that nothing else names nobody knows whether it is there.
        ([_allow("lambda:InvokeFunction", f"{FUNCTION}:live")], ["undecided"]),
        ([_allow("lambda:GetFunction", FUNCTION)], []),
        ([_allow("lambda:InvokeFunctionUrl", FUNCTION)], []),
        ([CALL], []),
    ],
)
def test_a_function_invoked_by_the_agent_itself(
    judge: Callable[..., Matrix], statements: list[Any], decisions: list[str]
) -> None:
    found = judge(identity=[CALL, *statements])
    assert _rows(found) == [("role/agents/caller", DIRECT, F, decision) for decision in decisions]
    assert [b.agent for b in found.bypasses] == ["caller"] * len(decisions)


def test_a_boundary_closes_the_way_and_one_that_is_not_known_leaves_it_open(judge: Callable[..., Matrix]) -> None:
    assert _rows(judge(identity=[INVOKE], boundary=[CALL])) == []
    role = _role("ops", INVOKE, permissionsBoundary="arn:aws:iam::aws:policy/Limit")
    assert _rows(judge(*role)) == [("role/ops", DIRECT, F, "undecided")]


def test_an_alias_of_the_deployment_is_a_way_in(judge: Callable[..., Matrix]) -> None:
    alias = ("aws:lambda/alias:Alias", "live", {"functionName": "f", "name": "live", "functionVersion": "1"})
    statement = _allow("lambda:InvokeFunction", f"{FUNCTION}:live")
    assert _rows(judge(*_role("ops", statement))) == [("role/ops", DIRECT, F, "undecided")]
    assert _rows(judge(alias, *_role("ops", statement))) == [("role/ops", DIRECT, F, "allow")]


def test_the_gateways_own_role_has_to_invoke_its_functions(judge: Callable[..., Matrix]) -> None:
    role, gateway = _role("gate", INVOKE), {"roleArn": _arn("gate")}
    assert _rows(judge(*role, gateway=gateway)) == []
    assert _rows(judge(*role)) == [("role/gate", DIRECT, F, "allow")]
    # An agent with the gateway's role is no gateway, nor is whoever may take that role.
    shared = judge(identity=[CALL, INVOKE], gateway={"roleArn": AGENT})
    assert _rows(shared) == [("role/agents/caller", DIRECT, F, "allow")]
    found = judge(*_role("gate", INVOKE, trust={"AWS": AGENT}), gateway=gateway)
    assert _rows(found) == [("role/agents/caller", f"assumes role gate, {DIRECT}", F, "allow")]
    assert _rows(judge(*_role("gate", INVOKE, trust={"AWS": _arn("ops")}), *_role("ops"))) != []


@pytest.mark.parametrize(
    ("permission", "rows"),
    [
        (_permission("*"), [("*", DIRECT, F, "allow")]),
        (_permission("*", principalOrgId="o-123"), [("*", DIRECT, F, "conditional")]),
        (_permission("*", sourceAccount=ACCOUNT), [("*", DIRECT, F, "conditional")]),
        (_permission(_arn("ops")), [("role/ops", DIRECT, F, "allow")]),
        (_permission(OTHERS), [("root", DIRECT, F, "undecided")]),
        (_permission(STRANGER), [("role/stranger", DIRECT, F, "undecided")]),
        (_permission(STRANGER, qualifier="live"), [("role/stranger", DIRECT, F, "undecided")]),
        # The account itself lets its identity policies count, and grants nothing.
        (_permission(ACCOUNT), []),
        (_permission("*", function="another"), []),
        (_permission("*", action="lambda:GetFunction"), []),
        # Who came over a URL is not who invokes.
        (_permission("*", invokedViaFunctionUrl=True), []),
        (_permission("*", action="lambda:InvokeFunctionUrl", functionUrlAuthType="NONE"), []),
    ],
)
def test_a_permission(judge: Callable[..., Matrix], permission: Part, rows: list[Any]) -> None:
    assert _rows(judge(permission, *_role("ops"))) == rows


@pytest.mark.parametrize("name", ["f", FUNCTION, f"{ACCOUNT}:function:f", f"{FUNCTION}:$LATEST", "f:$LATEST"])
def test_a_permission_names_its_function_in_every_form_that_lambda_takes(
    judge: Callable[..., Matrix], name: str
) -> None:
    assert _rows(judge(_permission("*", function=name))) == [("*", DIRECT, F, "allow")]


def test_a_service_that_invokes_is_said(judge: Callable[..., Matrix]) -> None:
    found = judge(_permission("apigateway.amazonaws.com"))
    assert _rows(found) == []
    assert found.unsupported == (
        f"Function {FUNCTION}: permission 'permission' lets Service apigateway.amazonaws.com invoke it; not judged",
    )


@pytest.mark.parametrize(
    ("parts", "rows"),
    [
        ([_url("NONE")], [("*", URL, F, "allow")]),
        ([_url("NONE", qualifier="live")], [("*", URL, F, "allow")]),
        ([_url("NONE", functionName="another")], []),
        ([_url("AWS_IAM")], []),
        ([NATIVE_URL], []),
        (
            [NATIVE_URL, _permission("*", action="lambda:InvokeFunctionUrl", functionUrlAuthType="NONE")],
            [("*", URL, F, "undecided")],
        ),
        # A signature says nothing at a URL that asks for none: everybody's row says all.
        ([_url("NONE"), *_role("ops", _allow("lambda:InvokeFunctionUrl", FUNCTION))], [("*", URL, F, "allow")]),
        (
            [_url("AWS_IAM"), *_role("ops", _allow(["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"], FUNCTION))],
            [("role/ops", DIRECT, F, "allow"), ("role/ops", URL, F, "allow")],
        ),
        (
            [
                _url("AWS_IAM"),
                *_role(
                    "ops",
                    _allow("lambda:InvokeFunctionUrl", FUNCTION),
                    _allow(
                        "lambda:InvokeFunction", FUNCTION, Condition={"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}
                    ),
                ),
            ],
            [("role/ops", URL, F, "allow")],
        ),
        # Whether AWS asks for the second action already depends on the URL's age.
        (
            [_url("AWS_IAM"), *_role("ops", _allow("lambda:InvokeFunctionUrl", FUNCTION))],
            [("role/ops", URL, F, "undecided")],
        ),
        (
            [
                _url("AWS_IAM"),
                *_role("ops", _allow("lambda:InvokeFunctionUrl", FUNCTION), {**INVOKE, "Effect": "Deny"}),
            ],
            [],
        ),
        (
            [
                _url("AWS_IAM"),
                _permission(STRANGER, action="lambda:InvokeFunctionUrl", functionUrlAuthType="AWS_IAM"),
            ],
            [("role/stranger", URL, F, "undecided")],
        ),
        (
            [
                _url("AWS_IAM"),
                _permission(STRANGER, action="lambda:InvokeFunctionUrl", functionUrlAuthType="NONE"),
            ],
            [],
        ),
    ],
)
def test_a_function_url(judge: Callable[..., Matrix], parts: list[Part], rows: list[Any]) -> None:
    assert _rows(judge(*parts)) == rows


HOLDER, MAY = _role("holder", INVOKE, trust={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}), _allow(ASSUME, _arn("holder"))
AS_HOLDER = f"assumes role holder, {DIRECT}"


@pytest.mark.parametrize(
    ("parts", "decision"),
    [
        ([*HOLDER, *_role("ops", MAY)], "allow"),
        ([*HOLDER, *_role("ops", _allow("sts:*", "*"))], "allow"),
        ([*HOLDER, *_role("ops", {**MAY, "Condition": MFA})], "conditional"),
        ([*_role("holder", INVOKE, trust={"AWS": _arn("ops")}), *_role("ops")], "allow"),
        ([*HOLDER, *_role("ops")], None),
        ([*HOLDER, *_role("ops", MAY, {**MAY, "Effect": "Deny"})], None),
        ([*_role("holder", INVOKE), *_role("ops", MAY)], None),
        ([*_role("holder", trust={"AWS": _arn("ops")}), *_role("ops")], None),
        ([*_role("holder", INVOKE, trust={"AWS": STRANGER}), *_role("ops", MAY)], None),
    ],
)
def test_a_role_that_may_be_assumed(judge: Callable[..., Matrix], parts: list[Part], decision: str | None) -> None:
    rows = [row for row in _rows(judge(*parts)) if row[0] == "role/ops"]
    assert rows == ([("role/ops", AS_HOLDER, F, decision)] if decision else [])


def test_anybody_and_a_stranger_whom_a_trust_policy_lets_in(judge: Callable[..., Matrix]) -> None:
    found = judge(*_role("holder", INVOKE, trust="*"), *_role("ops"))
    assert _rows(found) == [("*", AS_HOLDER, F, "allow"), ("role/holder", DIRECT, F, "allow")]
    found = judge(*_role("holder", INVOKE, trust={"AWS": STRANGER}))
    assert ("role/stranger", AS_HOLDER, F, "undecided") in _rows(found)


GITHUB = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
SUB = "token.actions.githubusercontent.com:sub"


@pytest.mark.parametrize(
    ("provider", "condition", "row"),
    [
        (GITHUB, {}, ("*", "allow")),
        (GITHUB, {"StringLike": {SUB: "repo:*"}}, ("*", "conditional")),
        (GITHUB, {"StringLike": {SUB: "repo:acme/x:*"}}, (GITHUB, "conditional")),
        (GITHUB.replace("token.actions.githubusercontent.com", "login.acme.example"), {}, ("login.acme", "undecided")),
    ],
)
def test_whoever_takes_a_role_with_a_token_goes_its_ways(
    judge: Callable[..., Matrix], provider: str, condition: Mapping[str, Any], row: tuple[str, str]
) -> None:
    by_token = {"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity"}
    trust = _document({**by_token, "Condition": condition} if condition else by_token)
    [found] = [it for it in judge(*_role("holder", INVOKE, assumeRolePolicy=trust)).bypasses if len(it.hops) > 1]
    assert (row[0] in found.principal, found.way, str(found.access.decision)) == (True, AS_HOLDER, row[1])
    assert found.hops[0].checks[0].request.action == "sts:AssumeRoleWithWebIdentity"


def test_a_circle_of_roles_ends_and_the_surest_way_is_told(judge: Callable[..., Matrix]) -> None:
    def chained(name: str, *trusted: str, grant: Any = None, **more: Any) -> list[Part]:
        statements = [grant] if grant else []
        return _role(name, *statements, trust={"AWS": [_arn(it) for it in trusted]}, **more)

    circle = [*chained("a", "c"), *chained("b", "a"), *chained("c", "b", grant=INVOKE)]
    assert _rows(judge(*circle)) == [
        ("role/a", f"assumes role b, assumes role c, {DIRECT}", F, "allow"),
        ("role/b", f"assumes role c, {DIRECT}", F, "allow"),
        ("role/c", DIRECT, F, "allow"),
    ]
    short = _role("ops", {**_allow(ASSUME, _arn("c")), "Condition": MFA}, _allow(ASSUME, _arn("b")))
    open_ = [*chained("b", "ops"), *_role("c", INVOKE, trust={"AWS": [_arn("b"), f"arn:aws:iam::{ACCOUNT}:root"]})]
    rows = _rows(judge(*short, *open_))
    assert ("role/ops", f"assumes role b, assumes role c, {DIRECT}", F, "allow") in rows
    assert len([row for row in rows if row[0] == "role/ops"]) == 1


def test_what_somebody_calls_as_another_and_not_by_itself(judge: Callable[..., Matrix]) -> None:
    trusted = {"AWS": _arn("ops")}
    found = judge(*_role("ops"), identity=[CALL], trust=trusted)
    assert _rows(found) == [("role/ops", "assumes role caller", "gateway/tools-abcdefghij", "allow")]
    assert found.bypasses[0].tools == ("math___add", "math___repeat", "math___tag")
    # Over the gateway by itself: nothing is got round.
    assert _rows(judge(*_role("ops", CALL), identity=[CALL], trust=trusted)) == []
    found = judge(*_role("ops", {**CALL, "Condition": MFA}), identity=[CALL], trust=trusted)
    assert [row[3] for row in _rows(found)] == ["allow"]


def test_commands_in_an_agent(judge: Callable[..., Matrix]) -> None:
    action = "bedrock-agentcore:InvokeAgentRuntimeCommand"
    found = judge(*_role("ops", _allow(action, f"{RUNTIME}*")), identity=[CALL])
    assert _asks(found) == [("role/ops", "commands", "caller", "allow")]
    assert _rows(found) == [("role/ops", "commands in agent caller", "gateway/tools-abcdefghij", "allow")]
    found = judge(*_role("ops", _allow("bedrock-agentcore:InvokeAgentRuntime*", "*")), identity=[CALL, INVOKE])
    assert _asks(found) == [("role/ops", "ask", "caller", "allow"), ("role/ops", "commands", "caller", "allow")]
    assert ("role/ops", f"commands in agent caller, {DIRECT}", F, "allow") in _rows(found)


@pytest.mark.parametrize(
    ("statement", "decision"),
    [
        (_allow("bedrock-agentcore:InvokeAgentRuntime", f"{RUNTIME}*"), "allow"),
        (_allow("bedrock-agentcore:InvokeAgentRuntimeWithWebSocketStream", f"{RUNTIME}*"), "allow"),
        # Of the endpoint nothing is said.
        (_allow("bedrock-agentcore:InvokeAgentRuntime", RUNTIME), "undecided"),
        (_allow("bedrock-agentcore:InvokeAgentRuntime", f"{RUNTIME}*", Condition=MFA), "conditional"),
        (_allow("bedrock-agentcore:InvokeAgentRuntime", f"{RUNTIME}-other*"), None),
        (_allow("bedrock-agentcore:GetAgentRuntime", "*"), None),
    ],
)
def test_who_may_ask_an_agent_gets_round_nothing(
    judge: Callable[..., Matrix], statement: Mapping[str, Any], decision: str | None
) -> None:
    found = judge(*_role("ops", statement), identity=[CALL])
    assert _asks(found) == ([("role/ops", "ask", "caller", decision)] if decision else [])
    assert _rows(found) == []


def test_the_policy_of_a_runtime_and_a_runtime_with_tokens(judge: Callable[..., Matrix]) -> None:
    def policy(principal: Any) -> list[Part]:
        kind = "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy"
        statement = {"Effect": "Allow", "Principal": principal, "Action": "bedrock-agentcore:InvokeAgentRuntime"}
        places = {"runtime": RUNTIME, "endpoint": f"{RUNTIME}/runtime-endpoint/DEFAULT"}
        return [
            (kind, name, {"resourceArn": arn, "policy": _document({**statement, "Resource": arn})})
            for name, arn in places.items()
        ]

    assert _asks(judge(*policy("*"), *_role("ops"))) == [("*", "ask", "caller", "allow")]
    assert _asks(judge(*policy({"AWS": STRANGER}))) == [("role/stranger", "ask", "caller", "undecided")]
    assert _asks(judge(*policy({"AWS": _arn("ops")}), *_role("ops"))) == [("role/ops", "ask", "caller", "allow")]


def test_whoever_may_do_everything_is_told_once(judge: Callable[..., Matrix]) -> None:
    admin = _role("admin", _allow("*", "*"), trust={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    found = judge(*admin, *_role("ops", _allow(ASSUME, _arn("admin"))), identity=[CALL])
    assert _rows(found) == [
        ("role/admin", "everything", "*", "allow"),
        ("role/ops", "assumes role admin, everything", "*", "allow"),
    ]
    assert _asks(found) == []
    limited = _role("admin", _allow("*", "*"), {**INVOKE, "Resource": f"{FUNCTION}*", "Effect": "Deny"})
    found = judge(*limited, identity=[CALL])
    assert ("role/admin", "everything", "*", "allow") not in _rows(found)
    assert ("role/admin", DIRECT, F, "allow") not in _rows(found)
    assert _asks(found) == [("role/admin", "ask", "caller", "allow"), ("role/admin", "commands", "caller", "allow")]


def _second_gateway(**more: Any) -> list[Part]:
    arn = GATEWAY.replace("tools", "second")
    ids = {"gatewayArn": arn, "gatewayId": "second-abcdefghij", "gatewayUrl": "https://second.example/mcp"}
    gateway = {"name": "second", "authorizerType": "AWS_IAM", "roleArn": "arn:aws:iam::1:role/g", **ids, **more}
    schema = {"type": "object", "properties": [{"name": "a", "type": "number", "required": True}]}
    tools = [{"name": "add", "description": "A tool.", "inputSchema": schema}]
    configured = {"mcp": {"lambda": {"lambdaArn": FUNCTION, "toolSchema": {"inlinePayloads": tools}}}}
    target = {"name": "sums", "gatewayIdentifier": "second-abcdefghij", "targetConfiguration": configured}
    return [
        ("aws:bedrock/agentcoreGateway:AgentcoreGateway", "second", gateway),
        ("aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget", "sums", {**target, "targetId": "T2"}),
    ]


def test_another_gateway_in_front_of_the_same_function(judge: Callable[..., Matrix]) -> None:
    entity = f"arn:aws:sts::{ACCOUNT}:assumed-role/caller"
    actions = 'action == AgentCore::Action::"math___tag"'
    where = f'resource == AgentCore::Gateway::"{GATEWAY}"'
    cedar = {"p": f'permit(principal == AgentCore::IamEntity::"{entity}", {actions}, {where});'}
    both = [CALL, {**CALL, "Resource": GATEWAY.replace("tools", "second")}]
    found = judge(*_second_gateway(), identity=both, cedar=cedar)
    assert _rows(found) == [("role/agents/caller", "gateway second-abcdefghij", "gateway/tools-abcdefghij", "allow")]
    assert found.bypasses[0].tools == ("math___add",)
    # Two gateways with a caller each, and one that refuses nothing of what the other lets through.
    assert _rows(judge(*_second_gateway(), identity=[both[1]])) == []
    assert _rows(judge(*_second_gateway(), identity=both)) == []
    found = judge(*_second_gateway(authorizerType="NONE"), identity=[CALL])
    assert _rows(found) == [("*", "gateway second-abcdefghij", "gateway/tools-abcdefghij", "allow")]


def test_what_is_not_judged_is_said(judge: Callable[..., Matrix]) -> None:
    managed = "arn:aws:iam::aws:policy/PowerUserAccess"
    attached = {"role": "ops", "policyArn": managed}
    memory = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:memory/m-1"
    policy = {"resourceArn": memory, "policy": _document({**CALL, "Principal": "*", "Resource": memory})}
    found = judge(
        *_role("ops"),
        ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "power", attached),
        ("aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy", "shared", policy),
        identity=[CALL],
    )
    assert set(found.unsupported) >= {
        f"Memory {memory}: what 'shared' lets others write, an agent may read; not judged",
        f"The document of {managed}, attached to ops, is not in the deployment: ways around a gateway that it opens"
        " are not judged",
    }
