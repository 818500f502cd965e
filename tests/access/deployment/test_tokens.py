from typing import Any

import pytest

from tests.planning import planned
from tests.token_export import DISCOVERY, HIDDEN, ISSUER, POOL, client_id, with_tokens
from toolgate.access.deployment.deployment import Deployment, parse
from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.access.deployment.tokens import CustomClaim


@pytest.fixture
def export() -> dict[str, Any]:
    return with_tokens(planned("agents").deployment)


def _change(export: dict[str, Any], kind: str, **properties: Any) -> Deployment:
    """The deployment with other properties of all resources whose types end so."""
    for entry in export["deployment"]["resources"]:
        if entry["type"].endswith(f":{kind}"):
            for side in ("inputs", "outputs"):
                entry[side] = {**entry[side], **properties}
    return parse(export)


def test_what_tokens_are_made_with(export: dict[str, Any]) -> None:
    deployment = parse(export)
    tokens, [gateway] = deployment.tokens, deployment.gateways
    [pool] = tokens.user_pools
    assert (pool.id, pool.issuer, pool.discovery_url, pool.closed, pool.rewrites) == (
        POOL,
        ISSUER,
        DISCOVERY,
        True,
        False,
    )
    assert pool.domain == "sample-tokens-123456789012"
    assert pool.scopes == (f"{gateway.name}/invoke",)
    assert gateway.jwt is not None
    assert (gateway.jwt.discovery_url, gateway.jwt.scopes, gateway.jwt.issuer) == (DISCOVERY, pool.scopes, ISSUER)
    assert tokens.pool_of(gateway.jwt.discovery_url) is pool
    assert tokens.pool_of("https://elsewhere.example/.well-known/openid-configuration") is None
    assert {it.id for it in tokens.clients} == {client_id("calculator"), client_id("greeter")}
    assert all(it.by_itself and not it.for_users and it.seconds == 3600 for it in tokens.clients)
    assert {it.client_id for it in tokens.providers} == {it.id for it in tokens.clients}
    assert all(len(it.secret_arns) == 1 for it in tokens.providers)
    assert len(tokens.identities) == 2
    assert deployment.others == deployment.not_judged == ()


def test_a_gateway_with_iam_checks_no_token() -> None:
    deployment = parse(planned("agents").deployment)
    assert [it.jwt for it in deployment.gateways] == [None]
    assert deployment.tokens.user_pools == ()


@pytest.mark.parametrize(
    ("properties", "flows", "for_users", "by_itself"),
    [
        ({}, ("client_credentials",), False, True),
        ({"allowedOauthFlowsUserPoolClient": False}, (), False, False),
        ({"allowedOauthFlows": ["code"]}, ("code",), True, False),
        ({"explicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"]}, ("client_credentials",), True, True),
        ({"generateSecret": False, "clientSecret": ""}, ("client_credentials",), False, False),
    ],
)
def test_how_a_client_gets_tokens(
    export: dict[str, Any], properties: dict[str, Any], flows: tuple[str, ...], for_users: bool, by_itself: bool
) -> None:
    client = _change(export, "UserPoolClient", **properties).tokens.clients[0]
    assert (client.flows, client.for_users, client.by_itself) == (flows, for_users, by_itself)


@pytest.mark.parametrize(
    ("validity", "units", "seconds"),
    [(5, {"accessToken": "minutes"}, 300), (1, {"accessToken": "days"}, 86_400), (2, None, 7200), (None, None, 3600)],
)
def test_how_long_a_token_holds(export: dict[str, Any], validity: Any, units: Any, seconds: int) -> None:
    deployment = _change(export, "UserPoolClient", accessTokenValidity=validity, tokenValidityUnits=units)
    assert {it.seconds for it in deployment.tokens.clients} == {seconds}


def test_a_function_may_change_what_tokens_say(export: dict[str, Any]) -> None:
    changing = {"preTokenGenerationConfig": {"lambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:f"}}
    assert _change(export, "UserPool", lambdaConfig=changing).tokens.user_pools[0].rewrites


def test_a_provider_whose_settings_are_a_secret_says_no_client(export: dict[str, Any]) -> None:
    deployment = _change(export, "AgentcoreOauth2CredentialProvider", oauth2ProviderConfig=HIDDEN)
    assert [(it.client_id, it.discovery_url) for it in deployment.tokens.providers] == [(None, None)] * 2


def test_a_provider_that_hides_its_client_was_made_of_one(export: dict[str, Any]) -> None:
    """As a real export without `--show-secrets` has it: the id of the client is hidden with its secret."""
    listed = export["deployment"]["resources"]
    clients = {it["id"]: it["urn"] for it in listed if it["type"].endswith(":UserPoolClient")}
    pool = next(it["urn"] for it in listed if it["type"].endswith(":UserPool"))
    shown = [it.client_id for it in parse(export).tokens.providers]
    for provider in [it for it in listed if it["type"].endswith(":AgentcoreOauth2CredentialProvider")]:
        settings = provider["inputs"]["oauth2ProviderConfig"]["customOauth2ProviderConfig"]
        provider["propertyDependencies"] = {"oauth2ProviderConfig": [pool, clients[settings["clientId"]]]}
        settings["clientId"] = HIDDEN
    assert [it.client_id for it in parse(export).tokens.providers] == shown
    for provider in [it for it in listed if it["type"].endswith(":AgentcoreOauth2CredentialProvider")]:
        provider["propertyDependencies"]["oauth2ProviderConfig"] += clients.values()
    assert [it.client_id for it in parse(export).tokens.providers] == [None, None]


def test_a_provider_with_a_secret_of_the_program(export: dict[str, Any]) -> None:
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:okta-AbCdEf"
    external = {"clientId": "c", "clientSecretSource": "EXTERNAL", "clientSecretConfig": {"secretId": arn}}
    deployment = _change(
        export,
        "AgentcoreOauth2CredentialProvider",
        clientSecretArns=[],
        oauth2ProviderConfig={"customOauth2ProviderConfig": external, "githubOauth2ProviderConfig": None},
    )
    assert [it.secret_arns for it in deployment.tokens.providers] == [(arn,)] * 2


def _gateway(export: dict[str, Any], **settings: Any) -> Deployment:
    jwt = {"customJwtAuthorizer": {"discoveryUrl": DISCOVERY, **settings}}
    return _change(export, "AgentcoreGateway", authorizerConfiguration=jwt)


def _claim(match: dict[str, Any], operator: str = "EQUALS") -> dict[str, Any]:
    return {
        "inboundTokenClaimName": "team",
        "inboundTokenClaimValueType": "STRING",
        "authorizingClaimMatchValue": {"claimMatchOperator": operator, "claimMatchValue": match},
    }


def test_further_claims_and_what_is_not_read(export: dict[str, Any]) -> None:
    claims = [_claim({"matchValueString": "red"}), _claim({"matchValueStringLists": ["a", "b"]}, "CONTAINS_ANY")]
    jwt = _gateway(export, customClaims=claims, privateEndpoint={"x": 1}, privateEndpointOverrides=[]).gateways[0].jwt
    assert jwt is not None
    assert jwt.claims == (
        CustomClaim("team", "STRING", "EQUALS", ("red",)),
        CustomClaim("team", "STRING", "CONTAINS_ANY", ("a", "b")),
    )
    assert jwt.unread == ("privateEndpoint",)


@pytest.mark.parametrize(
    "settings",
    [
        {"discoveryUrl": 7},
        {"discoveryUrl": HIDDEN},
        {"allowedScopes": "tools/invoke"},
        {"allowedClients": [7]},
        {"customClaims": {"team": "red"}},
        {"customClaims": ["team"]},
        {"customClaims": [_claim({})]},
        {"customClaims": [{**_claim({"matchValueString": "a"}), "authorizingClaimMatchValue": None}]},
    ],
)
def test_an_authorizer_that_is_none_of_aws_is_said(export: dict[str, Any], settings: dict[str, Any]) -> None:
    with pytest.raises(DeploymentError, match="AgentcoreGateway 'tools-gateway'"):
        _gateway(export, **settings)
