"""Gateways that trust an issuer which is not the deployment's own: a stand-in gives what they look for."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local.serve.tokens.conftest import ADD, CALCULATOR, GREETER, GREETING, World
from tests.planning import SAMPLE, planned
from tests.token_export import DISCOVERY, with_tokens
from toolgate.access.deployment.deployment import parse
from toolgate.local.serve.server import serve

OKTA = "https://example.okta.com/oauth2/default"
URL = f"{OKTA}/.well-known/openid-configuration"
EXTERNAL = "arn:aws:secretsmanager:us-east-1:123456789012:secret:okta-AbCdEf"
CLIENT = "0oa1b2c3d4"


def _foreign(authorizer: dict[str, Any]) -> dict[str, Any]:
    """The deployment whose gateway trusts Okta, where the calculator has a client with a secret of its own."""
    made = with_tokens(planned("agents").deployment)
    for entry in made["deployment"]["resources"]:
        for side in ("inputs", "outputs"):
            given = entry.get(side) or {}
            if entry["type"].endswith(":AgentcoreGateway"):
                jwt = {"customJwtAuthorizer": {"discoveryUrl": URL, **authorizer}}
                given["authorizerConfiguration"] = jwt
            elif entry["urn"].endswith("::calculator-tokens-provider"):
                given["clientSecretArns"] = []
                given["oauth2ProviderConfig"] = {
                    "customOauth2ProviderConfig": {
                        "clientId": CLIENT,
                        "clientSecretSource": "EXTERNAL",
                        "clientSecretConfig": {"secretId": EXTERNAL, "jsonKey": "secret"},
                        "clientAuthenticationMethod": "CLIENT_SECRET_BASIC",
                        "oauthDiscovery": {"discoveryUrl": URL},
                    }
                }
            elif entry["urn"].endswith("::calculator-tools") and entry["type"].endswith(":RolePolicy"):
                document = json.loads(given["policy"])
                document["Statement"][2]["Resource"] = [EXTERNAL]
                given["policy"] = json.dumps(document)
            elif entry["urn"].endswith("::calculator-tools") and entry["type"].endswith(":AgentcorePolicy"):
                cedar = given["definition"]["cedar"]
                before, _, after = cedar["statement"].partition("when {")
                rest = after.partition("}")[2]
                pinned = f'principal.hasTag("cid") && principal.getTag("cid") == "{CLIENT}"'
                cedar["statement"] = f"{before}when {{ {pinned} }}{rest}"
    return made


@pytest.fixture(scope="module")
def okta(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = _foreign({"allowedAudiences": ["tools"], "allowedScopes": ["tools.invoke"]})
    with serve(made, root=SAMPLE, logs=tmp_path_factory.mktemp("logs")) as serving:
        yield World(serving, parse(made))


def _claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def test_a_token_of_the_stand_in_is_let_in_and_names_the_client(okta: World) -> None:
    token = okta.access_token(CALCULATOR)
    claims = _claims(token)
    assert (claims["iss"], claims["cid"], claims["aud"], claims["scope"]) == (OKTA, CLIENT, ["tools"], "tools.invoke")
    listed = [it["name"] for it in okta.send(token).json()["result"]["tools"]]
    assert ADD in listed
    assert GREETING not in listed


def test_another_audience_or_scope_may_be_asked_for_and_is_refused(okta: World) -> None:
    other = okta.access_token(CALCULATOR, customParameters={"audience": "others"})
    assert _claims(other)["aud"] == ["others"]
    assert okta.send(other).status_code == 401
    assert okta.send(okta.access_token(CALCULATOR, scopes=["others.invoke"])).status_code == 403


def test_a_token_of_the_pool_is_of_another_issuer(okta: World) -> None:
    """The greeter's client is still the pool's: its token is signed by another key than the gateway knows."""
    assert okta.deployment.tokens.pool_of(DISCOVERY)
    assert okta.send(okta.access_token(GREETER)).status_code == 401
