"""The pack never raises and never hangs, whatever it is shown."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.policy import making, making_tokens
from tests.policy.driver import UNKNOWN, Pack, Registration, rules
from toolgate.policy.pack import RULES
from toolgate.policy.pulumi_adapter import DEFECT

TYPES = sorted({kind for rule in RULES for kind in rule.types} | {"aws:lambda/function:Function", "random:index:Thing"})
KEYS = [
    *("policy", "assumeRolePolicy", "inlinePolicies", "managedPolicyArns", "policyArn", "policyArns", "role", "roles"),
    *("roleArn", "roleName", "name", "arn", "authorizerType", "policyEngineConfiguration", "mode", "mcp", "searchType"),
    *("protocolConfiguration", "exceptionLevel", "networkConfiguration", "networkMode", "principal", "sourceArn"),
    *("sourceAccount", "function", "targetConfiguration", "lambda", "lambdaArn", "gatewayArn", "resourceArn", "tools"),
    *("gateway_arn", "targets", "function_arn", "model_id", "Version", "Statement", "Effect", "Action", "NotAction"),
    *("Resource", "NotResource", "Principal", "NotPrincipal", "Condition", "Sid", "AWS", "Service", "StringEquals"),
    *("definition", "cedar", "statement", "policyEngineId", "policyEngineArn", "gatewayIdentifier", "toolSchema"),
    *(
        "functionName",
        "authorizationType",
        "functionUrl",
        "endpoint",
        "mcpServer",
        "principalOrgId",
        "action",
        "Federated",
    ),
    *("executionRoleArn", "invokedViaFunctionUrl", "token.actions.githubusercontent.com:sub", "bedrock-mantle:Model"),
    *("inlinePayloads", "inlinePayload", "authorization", "policy_engine_id", "actions"),
    *("ArnLike", "aws:SourceAccount", "aws:SourceArn", "aws:PrincipalArn", ""),
    *("authorizerConfiguration", "customJwtAuthorizer", "allowedClients", "customClaims", "interceptorConfigurations"),
    *("interceptor", "validationMode", "enforcementMode", "statements", "resources", "reason"),
    *("discoveryUrl", "allowedScopes", "allowedAudiences", "userPoolId", "id", "endpoint", "generateSecret", "bearer"),
    *("allowedOauthFlows", "allowedOauthScopes", "explicitAuthFlows", "accessTokenValidity", "tokenValidityUnits"),
    *("accessToken", "clientSecret", "oauth2ProviderConfig", "customOauth2ProviderConfig", "adminCreateUserConfig"),
    *("allowAdminCreateUserOnly", "environmentVariables", "environment", "variables", "CLIENT_SECRET"),
    *("credentialProviderArn", "deletionProtection", "handler", "timeout", "INTERCEPTS", "interceptionPoints"),
    *("inputConfiguration", "passRequestHeaders", "streamingConfiguration", "enableResponseStreaming"),
]
TEXTS = [
    *("", "*", "Allow", "Deny", "ENFORCE", "SEMANTIC", "DEBUG", "AWS_IAM", "VPC", UNKNOWN, f"x{UNKNOWN}*", "[secret]"),
    *("bedrock-agentcore:*", "lambda:InvokeFunction", "bedrock:InvokeModel", "sts:AssumeRole", "{}", "[]", "{", "null"),
    *(
        "arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com",
        "sts:AssumeRoleWithWebIdentity",
        "a:function:b:",
    ),
    *("cognito-identity.amazonaws.com", "repo:a/b:*", "sns.amazonaws.com", "function:", "x", "arn:aws:iam::1:role/x"),
    *("intercept.handler", "REQUEST", "RESPONSE", "NONE", making.FILTER, making.declaring(claims=True)["INTERCEPTS"]),
    *('{"seconds": 1e400}', '{"calls": 1}', '{"seconds": true}', "[" * 99),
    *("tool", "math", "math__add", "math___add", making.ENGINE, making.ENGINE_ID, making.permit("math a_b"), 'A::"x'),
    *("bedrock-agentcore:InvokeAgentRuntime*", "iam:*", "sts:*", "LOG_ONLY", "IGNORE_ALL_FINDINGS", "forbid(principal"),
    *("CUSTOM_JWT", making_tokens.DISCOVERY, making_tokens.POOL_ID, making_tokens.POOL_ARN, making_tokens.PROVIDER),
    *("client_credentials", "openid", "hours", "https://[", "https://1.2.3.4/", "https://a@b/", making_tokens.PERMIT),
    *("bedrock-agentcore:Get*", "secretsmanager:GetSecretValue", "cognito-idp:*", making_tokens.SECRET),
    *("bedrock-agentcore.amazonaws.com", making.GATEWAY, making.FUNCTION, making.ACCOUNT, "arn:", "arn:aws:iam::a:b/"),
    *(
        "arn:aws:iam::aws:policy/AdministratorAccess",
        "\x00\x1b[31m",
        "é\u202e\U0001f600",
        "${",
        "${*}${aws:x}",
        "urn:x",
    ),
]
leaves = (
    st.sampled_from(TEXTS)
    | st.text(max_size=8)
    | st.booleans()
    | st.none()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.just(7)
)
cedar_words = [
    *("permit(", "principal", ".id", " == ", " like ", "AgentCore::IamEntity", "AgentCore::Action", "::", ", ", "//"),
    *(
        "AgentCore::Gateway",
        f'"{making.ENTITY}"',
        f'"{making.GATEWAY}"',
        '"math__add"',
        '"math___add"',
        '"',
        "\\",
        "\n",
    ),
    *(UNKNOWN, "\\u{d800}", "\\x1b", ");"),
    *(
        "when {",
        "unless {",
        "}",
        "(",
        ")",
        "[",
        "]",
        "if ",
        " then ",
        " else ",
        "&&",
        "||",
        "!",
        '.getTag("client_id")',
    ),
    *("AgentCore::OAuthUser", " is ", " in ", ".contains(", " has ", "{", ";", "@id", " == ", "action", "resource"),
]
cedar = st.lists(st.sampled_from(cedar_words) | st.text(max_size=4), max_size=20).map("".join)
plain = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
texts = st.sampled_from(TEXTS) | st.lists(st.sampled_from(TEXTS), max_size=3)
operators = st.sampled_from(
    ["StringEquals", "ArnLike", "ForAnyValue:StringLike", "Null", "StringEqualsIfExists", UNKNOWN]
)
keys = st.sampled_from(
    [
        *("aws:SourceAccount", "aws:SourceArn", "aws:PrincipalArn", "aws:PrincipalOrgID", UNKNOWN),
        *("token.actions.githubusercontent.com:sub", "cognito-identity.amazonaws.com:amr", "bedrock-mantle:Model", ":"),
    ]
)
statements = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Allow", "Deny", UNKNOWN]), "Action": texts},
    optional={
        "Resource": texts,
        "NotResource": texts,
        "Principal": texts | st.dictionaries(st.sampled_from(["AWS", "Service", "Federated"]), texts, max_size=2),
        "Condition": st.dictionaries(
            operators, st.dictionaries(keys, texts, max_size=2) | st.just(UNKNOWN), max_size=2
        ),
    },
)
near_documents = st.fixed_dictionaries({"Statement": st.lists(statements | st.just(UNKNOWN), max_size=3) | statements})
as_text = (plain | near_documents).map(json.dumps)
bags = st.dictionaries(st.sampled_from(KEYS), plain | as_text, max_size=6)
registrations = st.builds(
    Registration,
    st.sampled_from(TYPES),
    st.sampled_from(["x", "tools", "é\u202e", "a" * 300]),
    bags,
    bags,
    property_dependencies=st.dictionaries(
        st.sampled_from(KEYS),
        st.lists(st.sampled_from([f"urn:pulumi:dev::shop::{kind}::x" for kind in TYPES]), max_size=2),
    ),
)
FUZZ = settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(registrations)
def test_any_property_bag(pack: Pack, resource: Registration) -> None:
    for violation in pack.analyze(resource):
        assert DEFECT not in violation.message


@FUZZ
@given(st.lists(registrations, max_size=5, unique_by=lambda resource: resource.urn))
def test_any_stack(pack: Pack, resources: list[Registration]) -> None:
    for violation in pack.analyze_stack(resources):
        assert DEFECT not in violation.message


@FUZZ
@given(cedar | plain, plain, plain, st.sampled_from([making.ENGINE_ID, UNKNOWN]))
def test_any_cedar_policy(pack: Pack, statement: Any, tools: Any, name: Any, engine: str) -> None:
    agent = {"tools": [{"policy_engine_id": UNKNOWN, "tools": tools, "actions": statement}]}
    resources = [
        making.engine(),
        making_tokens.gateway(policyEngineConfiguration={"arn": making.ENGINE, "mode": "ENFORCE"}),
        making.target(name, tools),
        making.cedar(statement, engine_id=engine),
        Registration("toolgate:index:AgentRuntime", "agent", agent),
    ]
    for violation in pack.run(resources):
        assert DEFECT not in violation.message


@FUZZ
@given(plain, plain, plain, st.sampled_from([making.FILTER, UNKNOWN, "odd"]))
def test_any_interceptor(pack: Pack, entry: Any, given: Any, variables: Any, arn: str) -> None:
    protocol = {"searchType": "SEMANTIC", "streamingConfiguration": {"enableResponseStreaming": True}}
    gateway = making.intercepted(
        {**making.at_point(arn, headers=given), "interceptionPoints": given},
        entry,
        protocolConfiguration={"mcp": protocol},
        policyEngineConfiguration={"arn": making.ENGINE, "mode": "ENFORCE"},
    )
    said = {"INTERCEPTS": variables if isinstance(variables, str) else json.dumps(variables)}
    functions = [
        making.interceptor(variables=said, timeout=given),
        making.interceptor("other", variables=variables, handler=given),
    ]
    behind = {"interceptorConfigurations": [it.urn for it in functions]}
    by_graph = Registration(gateway.type, "graph", gateway.inputs, {}, "", behind)
    for violation in pack.run([*functions, gateway, by_graph]):
        assert DEFECT not in violation.message


@FUZZ
@given(plain | near_documents | as_text, plain)
def test_any_document_and_configuration(pack: Pack, document: Any, config: Any) -> None:
    pack.configure(
        {
            "invoke-gateway-exact-arn": {"exceptions": config},
            "gateway-authorizer-iam": {"allowedAuthorizers": config},
            "grant-matches-graph": {"externalGateways": config},
            "jwt-issuer-known": {"issuers": config},
            "jwt-permit-names-caller": {"claims": config},
            "machine-client-only": {"accessTokenMinutes": config},
            "user-pool-closed": {"deletionProtection": config},
            "token-taken-by-owner": {"identitiesForUsers": config},
            "interceptor-fails-closed": {"minTimeoutSeconds": config},
        }
    )
    role = making.role(assumeRolePolicy=document, inlinePolicies=[{"policy": document}])
    tokens = [making_tokens.pool(), making_tokens.gateway(), making_tokens.client(), making_tokens.provider()]
    opened = [role, making.role_policy(document), making.gateway(authorizerType="NONE")]
    permit = making.cedar(making_tokens.PERMIT, engine_id=making.ENGINE_ID)
    asked = [making.interceptor(variables=document), making.intercepted()]
    for violation in pack.run([*tokens, making_tokens.identity(), *opened, permit, *asked]):
        assert DEFECT not in violation.message


@FUZZ
@given(st.lists(statements | st.just(UNKNOWN), max_size=3), st.integers(0, 3), st.data())
def test_nothing_unknown_hides_a_known_violation(
    pack: Pack, others: list[Any], place: int, data: st.DataObject
) -> None:
    others = [
        {key: value for key, value in it.items() if key != "NotResource"} if it != UNKNOWN else it for it in others
    ]
    resources = data.draw(st.permutations([UNKNOWN, making.GATEWAY, f"{making.GATEWAY}*"]))
    wide = making.statement(data.draw(st.permutations([UNKNOWN, "bedrock-agentcore:*"])), resources, Condition=UNKNOWN)
    document = {"Version": UNKNOWN, "Statement": [*others[:place], wide, *others[place:]]}
    found = pack.analyze(making.role_policy(document, of=UNKNOWN))
    assert any(f"{making.GATEWAY}*" in violation.message for violation in found)


@pytest.mark.parametrize("where", ["Sid", "Resource", "Action"])
def test_an_unpaired_surrogate_does_not_break_the_reply(pack: Pack, where: str) -> None:
    entry = {**making.statement("bedrock-agentcore:*", "*"), where: "*\ud800"}
    entry["Action"] = ["bedrock-agentcore:*", entry["Action"]]
    entry["Resource"] = ["*", entry["Resource"]]
    found = pack.analyze(making.role_policy(json.dumps({"Statement": [entry]})))
    assert rules(found)[:1] == ["invoke-gateway-exact-arn"]


def test_control_characters_do_not_reach_the_terminal(pack: Pack) -> None:
    entry = making.statement("*", "*", Sid="\x1b[2J\nfine")
    found = pack.analyze(making.role_policy(making.document(entry)))
    assert "\x1b" not in found[0].message
    assert found[0].message.count("\n") == 1  # the one between description and message


@pytest.mark.parametrize("depth", [50, 900, 5_000, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_deep_nesting_in_a_document(pack: Pack, depth: int, opening: str, closing: str) -> None:
    text = '{"Statement": ' + opening * depth + "1" + closing * depth + "}"
    assert rules(pack.analyze(making.role_policy(text))) == ["invoke-gateway-exact-arn"]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("resource", ["*", making.GATEWAY, "arn:aws:s3:::" + "*a" * 50], ids=["wide", "exact", "stars"])
def test_ten_thousand_statements(pack: Pack, resource: str) -> None:
    """How long it takes is measured in bench/policy.py."""
    entries = [
        making.statement(["bedrock-agentcore:InvokeGateway", "s3:*"], resource, Sid=f"S{n}") for n in range(10_000)
    ]
    pack.analyze(making.role())
    found = pack.analyze(making.role_policy(making.document(*entries)))
    assert len(found) == (11 if resource == "*" else 0)
    if found:
        assert "9990 more violations" in found[-1].message


def test_a_configured_secret_is_not_shown(pack: Pack) -> None:
    """Conditions, environment and tokens are never quoted."""
    secret = "hunter2"
    condition = {"StringLike": {"aws:SourceAccount": f"{secret}*", "sts:ExternalId": secret}}
    resources = [
        making.role(assumeRolePolicy=making.trust(making.AGENTCORE, condition=condition)),
        making.role_policy(making.document(making.statement("*", "*", Condition=condition))),
        making.gateway(authorizerType="NONE", description=secret, exceptionLevel=secret),
        Registration("aws:lambda/permission:Permission", "p", {"principal": "*", "eventSourceToken": secret}),
        Registration(
            "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime", "r", {"environmentVariables": {"TOKEN": secret}}
        ),
    ]
    found = pack.run(resources)
    assert len(found) >= 4
    assert not any(secret in violation.message for violation in found)
