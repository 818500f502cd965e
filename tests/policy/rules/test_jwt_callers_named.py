from typing import Any

import pytest

from tests.policy import making
from tests.policy.driver import UNKNOWN, Pack, Registration, rules

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


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "more",
    [{}, {"allowedClients": []}, {"allowedAudiences": [""]}, {"allowedScopes": None}, {"customClaims": [{}]}],
    ids=str,
)
def test_every_token_of_an_issuer_violates(pack: Pack, kind: str, more: dict[str, Any]) -> None:
    for authorizer in ({**ISSUER, **more}, [{**ISSUER, **more}]):
        (violation,) = pack.analyze(holder(authorizer, kind))
        assert (violation.rule, violation.level) == (RULE, "mandatory")


def test_a_gateway_that_may_have_tokens_is_asked_as_well(pack: Pack) -> None:
    pack.configure({"gateway-authorizer-iam": {"allowedAuthorizers": ["AWS_IAM", "CUSTOM_JWT"]}})
    for more, expected in (({}, [RULE]), ({"allowedClients": ["web"]}, [])):
        authorizer = {"customJwtAuthorizer": {**ISSUER, **more}}
        gateway = making.gateway(authorizerType="CUSTOM_JWT", authorizerConfiguration=authorizer)
        assert rules(pack.analyze(gateway)) == expected


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
    assert pack.analyze(holder({**ISSUER, **more})) == []


@pytest.mark.parametrize("inputs", [{}, {"authorizerConfiguration": {}}, {"authorizerConfiguration": None}], ids=str)
def test_a_runtime_without_tokens_passes(pack: Pack, inputs: dict[str, Any]) -> None:
    assert pack.analyze(Registration(next(iter(KINDS)), "assistant", inputs)) == []


@pytest.mark.parametrize(
    ("authorizer", "undecided"),
    [
        (UNKNOWN, True),
        ({**ISSUER, "allowedClients": UNKNOWN}, True),
        ({**ISSUER, "allowedClients": [UNKNOWN]}, False),
        ({"discoveryUrl": UNKNOWN, "allowedClients": ["web"]}, False),
        ({**ISSUER, "allowedClients": UNKNOWN, "allowedScopes": ["orders"]}, False),
    ],
    ids=str,
)
def test_what_a_preview_does_not_know_is_said(pack: Pack, authorizer: Any, undecided: bool) -> None:
    found = [it for it in pack.run([holder(authorizer)]) if it.rule == UNDECIDED]
    assert [it.message.partition("whose tokens")[1] for it in found] == ["whose tokens"] * undecided
