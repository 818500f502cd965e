"""What a change of an issuer, a client or a credential provider takes off, and what it shows: never a secret."""

from copy import deepcopy
from typing import Any

import pytest

from tests.local.cloud.conftest import APP_CLIENT, OAUTH2_PROVIDER, USER_POOL
from tests.planning import planned
from tests.review.test_locks import found, one, put
from tests.token_export import with_tokens
from toolgate.policy.language.agentcore_facts import CEDAR_POLICY
from toolgate.review.changes import changes, chunks

type Deployment = dict[str, Any]

CUSTOM = "oauth2ProviderConfig.customOauth2ProviderConfig"


@pytest.fixture
def tokens() -> Deployment:
    """The sample's agents, each a client of one user pool."""
    return with_tokens(planned("agents").deployment)


@pytest.mark.parametrize(
    ("kind", "path", "before", "after", "words"),
    [
        (USER_POOL, "adminCreateUserConfig.allowAdminCreateUserOnly", True, False, "signs up at the issuer"),
        (USER_POOL, "adminCreateUserConfig.allowAdminCreateUserOnly", True, None, "signs up at the issuer"),
        (USER_POOL, "adminCreateUserConfig", ..., None, "signs up at the issuer"),
        (USER_POOL, "adminCreateUserConfig.allowAdminCreateUserOnly", False, True, None),
        (USER_POOL, "deletionProtection", "ACTIVE", "INACTIVE", "the issuer may be deleted"),
        (USER_POOL, "deletionProtection", "ACTIVE", None, "the issuer may be deleted"),
        (USER_POOL, "deletionProtection", "INACTIVE", "ACTIVE", None),
        (USER_POOL, "deletionProtection", "INACTIVE", None, None),
        (APP_CLIENT, "allowedOauthScopes", ["a/b"], ["a/b", "c/d"], "a client gets tokens of more scopes"),
        (APP_CLIENT, "allowedOauthScopes", None, ["c/d"], "a client gets tokens of more scopes"),
        (APP_CLIENT, "allowedOauthScopes", ["a/b"], ["c/d"], "a client gets tokens of more scopes"),
        (APP_CLIENT, "allowedOauthScopes", ["a/b", "c/d"], ["a/b"], None),
        (APP_CLIENT, "allowedOauthScopes", ["a/b"], None, None),
        (APP_CLIENT, "allowedOauthFlows", ["client_credentials"], ["client_credentials", "code"], "by more flows"),
        (APP_CLIENT, "allowedOauthFlows", ["code"], ["client_credentials"], "by more flows"),
        (APP_CLIENT, "explicitAuthFlows", [], ["ALLOW_USER_PASSWORD_AUTH"], "users sign in"),
        (APP_CLIENT, "explicitAuthFlows", [], None, "users sign in"),
        (APP_CLIENT, "explicitAuthFlows", ["ALLOW_CUSTOM_AUTH"], [], None),
        (APP_CLIENT, "generateSecret", True, False, "has no secret"),
        (APP_CLIENT, "generateSecret", True, None, "has no secret"),
        (APP_CLIENT, "accessTokenValidity", 5, 60, "its tokens live 60 minutes, and lived 5"),
        (APP_CLIENT, "accessTokenValidity", 60, 5, None),
        (
            APP_CLIENT,
            "tokenValidityUnits.accessToken",
            "minutes",
            "hours",
            "its tokens live 3600 minutes, and lived 60",
        ),
        (APP_CLIENT, "tokenValidityUnits", ..., None, "its tokens live 3600 minutes, and lived 60"),
        (APP_CLIENT, "tokenValidityUnits.accessToken", "minutes", "fortnights", None),
        (APP_CLIENT, "accessTokenValidity", 60, "many", None),
        (OAUTH2_PROVIDER, f"{CUSTOM}.clientId", "a", "b", "tokens are taken as another client"),
        (
            OAUTH2_PROVIDER,
            f"{CUSTOM}.oauthDiscovery.discoveryUrl",
            "https://a.example",
            "https://b.example",
            "a client's secret goes to another issuer",
        ),
        (OAUTH2_PROVIDER, f"{CUSTOM}.clientSecret", "a-secret", "another-secret", None),
    ],
)
def test_what_locks_tokens(  # noqa: PLR0917  the columns of the table above
    kind: str, path: str, before: Any, after: Any, words: str | None, tokens: Deployment
) -> None:
    if before is not ...:
        put(one(tokens, kind), path, before)
    changed = deepcopy(tokens)
    put(one(changed, kind), path, after)
    texts = found(tokens, changed)
    assert len(texts) == (words is not None), texts
    assert words is None or words in texts[0]


def test_what_comes_and_goes_with_its_client_is_no_lock(tokens: Deployment) -> None:
    fewer = deepcopy(tokens)
    kept = [it for it in fewer["deployment"]["resources"] if not it["urn"].endswith("::greeter-tokens-client")]
    fewer["deployment"]["resources"] = kept
    assert found(fewer, tokens) == found(tokens, fewer) == found(tokens, tokens) == []


def test_a_gateway_that_takes_tokens_from_now_on_and_one_that_does_no_longer(tokens: Deployment) -> None:
    signed = planned("agents").deployment
    assert ["weaker authorizer" in text for text in found(signed, tokens)] == [True]
    assert found(tokens, signed) == []
    for before, after in ((signed, tokens), (tokens, signed)):
        shown = "\n".join(chunks(changes(before, after)))
        assert "AgentcoreGateway tools-gateway is replaced" in shown
        assert "its id, ARN and URL change" in shown


@pytest.mark.parametrize(("claim", "named"), [("client_id", True), ("sub", True), ("azp", True), ("team", False)])
def test_a_permit_names_its_caller_by_a_claim_of_who_it_is(claim: str, named: bool, tokens: Deployment) -> None:
    changed = deepcopy(tokens)
    policy = one(changed, CEDAR_POLICY)
    put(
        policy,
        "definition.cedar.statement",
        policy["inputs"]["definition"]["cedar"]["statement"].replace("client_id", claim),
    )
    assert ["that it does not name" in text for text in found(tokens, changed)] == [True] * (not named)


def test_no_secret_is_shown_whoever_wrote_it(tokens: Deployment) -> None:
    """Marked or not: in a lock, in what changes, in what comes."""
    put(one(tokens, OAUTH2_PROVIDER), f"{CUSTOM}.clientSecret", "the-first-secret")
    changed = deepcopy(tokens)
    put(one(changed, OAUTH2_PROVIDER), f"{CUSTOM}.clientSecret", "another-secret")
    put(one(changed, OAUTH2_PROVIDER), f"{CUSTOM}.clientId", "b")
    put(one(changed, APP_CLIENT), "clientSecret", "a-third-secret")
    both = [*chunks(changes(tokens, changed)), *chunks(changes(changed, tokens))]
    shown = "\n".join([*found(tokens, changed), *both])
    assert "clientSecret: [secret] changed" in shown
    for secret in ("the-first-secret", "another-secret", "a-third-secret"):
        assert secret not in shown


def test_what_comes_with_tokens_is_said_once_for_all_clients() -> None:
    signed, tokens = planned("agents").deployment, planned("agents", {"toolgate:inbound": "jwt"}).deployment
    to, back = list(chunks(changes(signed, tokens))), list(chunks(changes(tokens, signed)))
    provider, client = "aws:bedrock:AgentcoreOauth2CredentialProvider", "aws:cognito:UserPoolClient"
    assert sum(it.startswith(f"+ {provider}") for it in to) == sum(it.startswith(f"- {client}") for it in back) == 2
    assert [it for it in to if it.startswith("   ")] == [
        f"      {client}: its secret is in the stack's state, encrypted",
        f"      {provider}: an account and Region may have 50 of them",
    ]
    assert [it for it in back if it.startswith("   ")] == [
        f"      {client}: tokens that are out live until they expire"
    ]


def test_a_client_that_is_made_anew_is_said_to_be_another(tokens: Deployment) -> None:
    changed = deepcopy(tokens)
    put(one(changed, APP_CLIENT), "userPoolId", "us-east-1_Another12")
    assert "tokens that are out live until they expire" in "\n".join(chunks(changes(tokens, changed)))
