"""What a gateway is told of an issuer, and what it then checks."""

import asyncio
import re
from typing import Any

import botocore.session
import pulumi
import pytest

from toolgate.components.checks import identifiers
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import inbound

URL = "https://login.example.com/.well-known/openid-configuration"
COGNITO = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEf123/.well-known/openid-configuration"
FOREIGN: Any = {"issuer": "okta", "discovery_url": URL, "audiences": ["tools"]}
OWN: Any = {
    "issuer": "tokens",
    "discovery_url": COGNITO,
    "user_pool_id": "us-east-1_AbCdEf123",
    "token_endpoint": "https://toolgate.auth.us-east-1.amazoncognito.com/oauth2/token",
    "access_token_minutes": 5,
}


@pytest.mark.parametrize(
    "given",
    [
        FOREIGN,
        {**FOREIGN, "scopes": ["api://tools/.default"], "client_claim": "https://example.com/azp"},
        {"issuer": "okta", "discovery_url": COGNITO, "scopes": ["tools/invoke"]},
        {**FOREIGN, "discovery_url": "https://cognito-idpx.example/.well-known/openid-configuration"},
        {**FOREIGN, "client_claim": "c" * 255, "scopes": ["s" * 255]},
        {**FOREIGN, "discovery_url": "https://x.example/.well-known/oauth-authorization-server/tenant"},
        OWN,
        {"issuer": "tokens", "discovery_url": COGNITO, "user_pool_id": "us-east-1_AbCdEf123"},
    ],
)
def test_what_a_gateway_can_be_told(given: Any) -> None:
    inbound.check(given, "here")


def test_what_an_output_holds_comes_later() -> None:
    async def told() -> None:
        foreign: Any = {**FOREIGN, "discovery_url": pulumi.Output.from_input(COGNITO)}
        inbound.check(foreign, "here")

    asyncio.run(told())


@pytest.mark.parametrize(
    ("given", "more", "message"),
    [
        (FOREIGN, {"issuer": "my_okta"}, r"issuer name 'my_okta' is refused; .* Rename it \(here\.issuer\)"),
        (FOREIGN, {"discovery_url": "http://x/.well-known/openid-configuration"}, "is no discovery URL of an issuer"),
        (FOREIGN, {"discovery_url": "https://x/"}, "here.discovery_url: 'https://x/' is no discovery URL"),
        (FOREIGN, {"discovery_url": f"{URL}?a=b"}, "is no discovery URL"),
        (FOREIGN, {"audiences": []}, "here: lets in every token of 'okta'. Write the audiences or the scopes"),
        (FOREIGN, {"audiences": [], "scopes": ["x"]}, "here.audiences: is empty"),
        (FOREIGN, {"audiences": [""]}, "here.audiences: '' is no audience"),
        (FOREIGN, {"scopes": ["a b"]}, "here.scopes: 'a b' is no scope"),
        (FOREIGN, {"scopes": ['a"']}, "is no scope"),
        (FOREIGN, {"scopes": ["a" * 256]}, "is no scope"),
        (FOREIGN, {"client_claim": 'a") || true || ("'}, "here.client_claim: .* is no claim's name"),
        (FOREIGN, {"client_claim": ""}, "is no claim's name"),
        (FOREIGN, {"client_claim": "c" * 256}, "is no claim's name"),
        (
            FOREIGN,
            {"discovery_url": COGNITO.replace("cognito-idp.", "cognito-idp-fips.")},
            "here.audiences: access tokens of Cognito",
        ),
        (
            FOREIGN,
            {"discovery_url": COGNITO},
            "here.audiences: access tokens of Cognito have no audience.*Write 'scopes'",
        ),
        (FOREIGN, {"discovery_url": COGNITO, "scopes": ["x"]}, "here.audiences: access tokens of Cognito"),
        (FOREIGN, {"token_endpoint": "https://x"}, "here.token_endpoint: is for an issuer of the stack's own"),
        (FOREIGN, {"access_token_minutes": 60}, "here.access_token_minutes: is for an issuer of the stack's own"),
        (OWN, {"audiences": ["x"]}, "here.audiences: access tokens of Cognito .* Remove 'audiences'"),
        (OWN, {"scopes": ["x"]}, "here.scopes: in the stack's own user pool .* Remove 'scopes'"),
        (OWN, {"client_claim": "azp"}, "here.client_claim: in Cognito's tokens it is 'client_id'"),
        (OWN, {"access_token_minutes": 4}, "here.access_token_minutes: is 4; 5 to 1440"),
        (OWN, {"access_token_minutes": 1441}, "is 1441; 5 to 1440"),
    ],
)
def test_what_a_gateway_cannot_be_told_is_an_error(given: Any, more: Any, message: str) -> None:
    told: Any = {**given, **more}
    with pytest.raises(UsageError, match=message):
        inbound.check(told, "here")


def test_without_any_lock_the_error_says_what_to_write() -> None:
    with pytest.raises(UsageError, match=r"'audiences': \['tools'\] or 'scopes': \['tools/invoke'\]"):
        inbound.check({"issuer": "okta", "discovery_url": URL}, "here")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"scope": "x/invoke", "user_pool_id": None}, "here: missing 'user_pool_id'"),
        ({"scope": None}, "here: missing 'scope', which opens the gateway"),
        ({"client_claim": "azp"}, "here.client_claim: in Cognito's tokens"),
        ({"issuer": "a_b"}, "issuer name 'a_b'"),
        ({"discovery_url": "http://x"}, "here.discovery_url"),
    ],
)
def test_a_way_that_was_written_out_is_checked(more: Any, message: str) -> None:
    whole: Any = {**OWN, "scope": "toolgate-dev-tools/invoke"}
    inbound.check_bearer(whole, "here")
    given: Any = {key: it for key, it in {**whole, **more}.items() if it is not None}
    if "user_pool_id" not in given:
        del given["token_endpoint"], given["access_token_minutes"]
    with pytest.raises(UsageError, match=message):
        inbound.check_bearer(given, "here")


@pytest.mark.parametrize(
    "given",
    [
        {"issuer": "okta", "discovery_url": URL},
        {"issuer": "okta", "discovery_url": URL, "client_claim": "azp"},
        {**OWN, "scope": "toolgate-dev-tools/invoke", "client_claim": "client_id"},
    ],
)
def test_a_way_of_either_kind_can_be_written_out(given: Any) -> None:
    inbound.check_bearer(given, "here")


def test_a_gateway_checks_all_that_it_is_told() -> None:
    more = {"scopes": ["a", "b"], "client_claim": "azp"}
    foreign: Any = {**FOREIGN, **more}
    assert inbound.authorizer(foreign, None) == {
        "custom_jwt_authorizer": {"discovery_url": URL, "allowed_audiences": ["tools"], "allowed_scopes": ["a", "b"]}
    }
    assert inbound.authorizer(OWN, "toolgate-dev-tools/invoke") == {
        "custom_jwt_authorizer": {"discovery_url": COGNITO, "allowed_scopes": ["toolgate-dev-tools/invoke"]}
    }


def test_what_an_agent_is_told_has_no_lock_in_it() -> None:
    foreign: Any = {**FOREIGN, "client_claim": "azp"}
    assert inbound.bearer(foreign, None) == {
        "issuer": "okta",
        "discovery_url": URL,
        "client_claim": "azp",
    }
    assert inbound.bearer(OWN, "s/invoke") == {**OWN, "scope": "s/invoke"}
    assert "scope" not in OWN
    assert inbound.client_claim(None) is None
    assert inbound.client_claim(OWN) == "client_id"
    assert inbound.client_claim(foreign) == "azp"


def test_nothing_passes_that_aws_refuses() -> None:
    control = botocore.session.get_session().get_service_model("bedrock-agentcore-control")
    discovery = control.shape_for("DiscoveryUrl").metadata["pattern"]
    for url in (URL, COGNITO, "https://x/.well-known/oauth-authorization-server/y", "https://x", f"{URL}#a", f"{URL} "):
        if re.fullmatch(identifiers.DISCOVERY.pattern, url):
            assert re.fullmatch(discovery, url)
    scope = control.shape_for("AllowedScopeType").metadata
    for number in range(0x20, 0x100):
        letter = chr(number)
        if inbound._SCOPE.fullmatch(letter):
            assert re.fullmatch(scope["pattern"], letter)
        if inbound._CLAIM.fullmatch(letter):
            assert letter not in '"\\'
    client = control.shape_for("DefaultClientIdType").metadata
    assert re.search(r"\{1,(\d+)\}$", identifiers.CLIENT.pattern)[1] == str(client["max"])  # type: ignore[index]
