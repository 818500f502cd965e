from typing import Any

import pytest

from tests.policy import making, making_tokens
from tests.policy.driver import UNKNOWN, Pack, Registration, Violation, rules

RULE, UNDECIDED = "jwt-callers-named", "undecided-in-preview"
ISSUER = {"discoveryUrl": "https://accounts.google.com/.well-known/openid-configuration"}
KINDS = {
    "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime": "roleArn",
    "aws:bedrock/agentcoreHarness:AgentcoreHarness": "executionRoleArn",
    "aws-native:bedrockagentcore:Runtime": "roleArn",
}


def holder(authorizer: Any, kind: str = next(iter(KINDS))) -> Registration:
    configuration = UNKNOWN if authorizer is UNKNOWN else {"customJwtAuthorizer": authorizer}
    role = {KINDS[kind]: "arn:aws:iam::123456789012:role/agent"}
    return Registration(kind, "assistant", {**role, "authorizerConfiguration": configuration})


def only(violations: list[Violation]) -> list[Violation]:
    """Whose tokens are taken is another rule's business."""
    return [it for it in violations if it.rule != "jwt-issuer-known"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "more",
    [{}, {"allowedClients": []}, {"allowedAudiences": [""]}, {"allowedScopes": None}, {"customClaims": [{}]}],
    ids=str,
)
def test_every_token_of_an_issuer_violates(pack: Pack, kind: str, more: dict[str, Any]) -> None:
    for authorizer in ({**ISSUER, **more}, [{**ISSUER, **more}]):
        (violation,) = only(pack.analyze(holder(authorizer, kind)))
        assert (violation.rule, violation.level) == (RULE, "mandatory")


def test_a_gateway_that_may_have_tokens_is_asked_as_well(pack: Pack) -> None:
    pack.configure({"gateway-authorizer-iam": {"allowedAuthorizers": ["AWS_IAM", "CUSTOM_JWT"]}})
    for more, expected in (({}, [RULE]), ({"allowedClients": ["web"]}, [])):
        authorizer = {"customJwtAuthorizer": {**ISSUER, **more}}
        gateway = making.gateway(authorizerType="CUSTOM_JWT", authorizerConfiguration=authorizer)
        assert rules(only(pack.analyze(gateway))) == expected


@pytest.mark.parametrize(
    "more",
    [
        {"allowedClients": ["web"]},
        {"allowedAudiences": [UNKNOWN]},
        {"allowedAudience": ["orders"]},
        {"allowedScopes": ["orders/read"]},
        {"customClaims": [{"inboundTokenClaimName": "team"}]},
        {"allowedClients": UNKNOWN},
    ],
    ids=str,
)
def test_tokens_that_are_held_to_something_pass(pack: Pack, more: dict[str, Any]) -> None:
    assert only(pack.analyze(holder({**ISSUER, **more}))) == []


@pytest.mark.parametrize("inputs", [{}, {"authorizerConfiguration": {}}, {"authorizerConfiguration": None}], ids=str)
def test_a_runtime_without_tokens_passes(pack: Pack, inputs: dict[str, Any]) -> None:
    assert pack.analyze(Registration(next(iter(KINDS)), "assistant", inputs)) == []


@pytest.mark.parametrize(
    ("authorizer", "undecided"),
    [
        (UNKNOWN, True),
        ({**ISSUER, "allowedClients": UNKNOWN}, True),
        ({**ISSUER, "allowedClients": [UNKNOWN]}, False),
        ({"discoveryUrl": ISSUER["discoveryUrl"], "allowedClients": ["web"]}, False),
        ({**ISSUER, "allowedClients": UNKNOWN, "allowedScopes": ["orders"]}, False),
    ],
    ids=str,
)
def test_what_a_preview_does_not_know_is_said(pack: Pack, authorizer: Any, undecided: bool) -> None:
    found = [it for it in pack.run([holder(authorizer)]) if it.rule == UNDECIDED]
    assert [it.message.partition("whose tokens")[1] for it in found] == ["whose tokens"] * undecided


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"allowedScopes": ["openid"]}, True),
        ({"allowedScopes": ["orders/read", "email"]}, True),
        ({"allowedScopes": ["aws.cognito.signin.user.admin", UNKNOWN]}, True),
        ({"allowedScopes": ["openid"], "allowedClients": ["web"]}, False),
        ({"allowedScopes": ["openid"], "allowedClients": UNKNOWN}, False),
        ({"allowedScopes": ["openid"], "customClaims": [{"inboundTokenClaimName": "team"}]}, False),
        ({"allowedScopes": ["orders/openid", "OpenID", "profiles"]}, False),
        ({"allowedScopes": [7, ["openid"], None, {"openid": 1}, "", "orders/read"]}, False),
        ({"allowedScopes": "openid"}, True),
        ({"allowedScopes": {"openid": True}}, False),
    ],
    ids=str,
)
def test_a_scope_that_everybody_gets_is_no_lock(pack: Pack, limits: dict[str, Any], said: bool) -> None:
    assert rules(only(pack.analyze(holder({**ISSUER, **limits})))) == [RULE] * said


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"allowedAudiences": ["tools"]}, True),
        ({"allowedAudience": ["tools"]}, True),
        ({"allowedAudiences": [UNKNOWN], "allowedScopes": ["tools/invoke"]}, True),
        ({"allowedAudiences": UNKNOWN}, True),
        ({"allowedAudiences": [], "allowedScopes": ["tools/invoke"]}, False),
        ({"allowedAudiences": [""], "allowedScopes": ["tools/invoke"]}, False),
        ({"allowedAudiences": None, "allowedClients": ["x"]}, False),
    ],
    ids=str,
)
def test_tokens_of_a_user_pool_have_no_audience(pack: Pack, limits: dict[str, Any], said: bool) -> None:
    """Known by the URL, and in a preview by what it is made of."""
    pool = making_tokens.pool()
    by_url = holder({"discoveryUrl": making_tokens.DISCOVERY, **limits})
    unknown = holder({"discoveryUrl": UNKNOWN, **limits})
    by_graph = Registration(unknown.type, unknown.name, unknown.inputs, {}, "", {"authorizerConfiguration": [pool.urn]})
    for taking in (by_url, by_graph):
        found = [it for it in pack.run([pool, taking]) if it.rule == RULE]
        assert ["do not have" in it.message for it in found] == [True] * said
    assert [it for it in pack.run([pool, unknown]) if it.rule == RULE] == []
