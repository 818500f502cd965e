import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.cloud.conftest import (
    API_KEY_PROVIDER,
    GOOD,
    OAUTH2_PROVIDER,
    SECRET,
    USER_POOL_DOMAIN,
    WORKLOAD_IDENTITY,
)
from toolgate.local.cloud.catalogue import TYPES
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError
from toolgate.local.cloud.resource_type import Made
from toolgate.local.cloud.values import UNKNOWN, HiddenText

Check = Callable[..., list[str]]
OKTA = "https://okta.test/.well-known/openid-configuration"
EXTERNAL = {"secretId": "orders/api-key", "jsonKey": "secret"}
KEY_JWT = {"signingAlgorithm": "RS256"}


def config(**changes: Any) -> dict[str, Any]:
    """The configuration of the good provider with some members changed; None takes one away."""
    custom = GOOD[OAUTH2_PROVIDER]["oauth2ProviderConfig"]["customOauth2ProviderConfig"] | changes
    return {"customOauth2ProviderConfig": {name: value for name, value in custom.items() if value is not None}}


def external(secret: str = "orders/api-key") -> dict[str, Any]:
    """One whose secret is made elsewhere."""
    reference = {"secretId": secret, "jsonKey": "secret"}
    return config(clientSecret=None, clientSecretSource="EXTERNAL", clientSecretConfig=reference)


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        (WORKLOAD_IDENTITY, {"name": "ab"}, "length greater than or equal to 3"),
        (WORKLOAD_IDENTITY, {"name": "with space"}, "regular expression pattern"),
        (OAUTH2_PROVIDER, {"name": "a.b"}, "regular expression pattern"),
        (OAUTH2_PROVIDER, {"name": "a" * 129}, "length less than or equal to 128"),
        (OAUTH2_PROVIDER, {"credentialProviderVendor": "Okta"}, "enum value set"),
        (OAUTH2_PROVIDER, {"credentialProviderVendor": "GithubOauth2"}, "must not be provided"),
        (OAUTH2_PROVIDER, {"oauth2ProviderConfig": {}}, "exactly one of"),
        (OAUTH2_PROVIDER, {"oauth2ProviderConfig": {"githubOauth2ProviderConfig": {}}}, "does not reproduce"),
        (OAUTH2_PROVIDER, {"oauth2ProviderConfig": config(clientSecretWo="x")}, "does not reproduce"),
        (OAUTH2_PROVIDER, {"oauth2ProviderConfig": config(oauthDiscovery={})}, "exactly one of"),
        (OAUTH2_PROVIDER, {"oauth2ProviderConfig": config(oauthDiscovery={"discoveryUrl": "https://x"})}, "pattern"),
        (OAUTH2_PROVIDER, {"oauth2ProviderConfig": config(clientSecret=None)}, "must be provided together"),
        (OAUTH2_PROVIDER, {"oauth2ProviderConfig": config(clientId=None)}, "must be provided together"),
        (
            OAUTH2_PROVIDER,
            {"oauth2ProviderConfig": config(clientSecret=None, clientSecretSource="EXTERNAL")},
            "clientSecretConfig is required when clientSecretSource is EXTERNAL",
        ),
        (
            OAUTH2_PROVIDER,
            {"oauth2ProviderConfig": config(clientSecretSource="EXTERNAL", clientSecretConfig=EXTERNAL)},
            "clientSecret must not be provided when clientSecretSource is EXTERNAL",
        ),
        (OAUTH2_PROVIDER, {"oauth2ProviderConfig": config(clientSecretConfig=EXTERNAL)}, "unless clientSecretSource"),
        (
            OAUTH2_PROVIDER,
            {"oauth2ProviderConfig": config(clientSecret=None, clientAuthenticationMethod="PRIVATE_KEY_JWT")},
            "privateKeyJwtConfig is required",
        ),
        (
            OAUTH2_PROVIDER,
            {"oauth2ProviderConfig": config(clientAuthenticationMethod="AWS_IAM_ID_TOKEN_JWT")},
            "no client secret must be provided",
        ),
    ],
)
def test_what_is_refused_on_sight(kind: str, changes: dict[str, Any], reason: str, check: Check) -> None:
    [found] = check(kind, **changes)
    assert reason in found


@pytest.mark.parametrize(
    "given",
    [
        external(),
        config(clientSecretSource="MANAGED"),
        config(clientSecret=UNKNOWN),
        config(clientId=UNKNOWN),
        config(clientSecret=None, clientSecretSource=UNKNOWN),
        config(clientSecret=None, clientAuthenticationMethod="AWS_IAM_ID_TOKEN_JWT"),
        config(clientSecret=None, clientAuthenticationMethod="PRIVATE_KEY_JWT", privateKeyJwtConfig=KEY_JWT),
        config(oauthDiscovery={"discoveryUrl": UNKNOWN}),
        {"customOauth2ProviderConfig": UNKNOWN},
        UNKNOWN,
    ],
)
def test_what_is_taken(given: Any, check: Check) -> None:
    assert check(OAUTH2_PROVIDER, oauth2ProviderConfig=given) == []


def test_arns_are_of_the_default_directory_and_vault(plane: ControlPlane) -> None:
    identity = plane.create(WORKLOAD_IDENTITY, GOOD[WORKLOAD_IDENTITY])
    place = "arn:aws:bedrock-agentcore:us-east-1:123456789012"
    directory = f"{place}:workload-identity-directory/default"
    assert identity.outputs["workloadIdentityArn"] == f"{directory}/workload-identity/toolgate_dev_assistant"
    provider = plane.create(OAUTH2_PROVIDER, GOOD[OAUTH2_PROVIDER])
    name = "toolgate_dev_assistant_tokens"
    vault = f"{place}:token-vault/default/oauth2credentialprovider"
    assert provider.outputs["credentialProviderArn"] == f"{vault}/{name}"
    [secret] = provider.outputs["clientSecretArns"]
    managed = "arn:aws:secretsmanager:us-east-1:123456789012:secret:bedrock-agentcore-identity!default/oauth2"
    assert re.fullmatch(rf"{managed}/{name}-[a-zA-Z0-9]{{6}}", secret["secretArn"])


def test_a_secret_made_elsewhere_is_named_by_its_arn(plane: ControlPlane) -> None:
    made = plane.create(SECRET, GOOD[SECRET])

    def arns(name: str, given: dict[str, Any]) -> Any:
        inputs = GOOD[OAUTH2_PROVIDER] | {"name": name, "oauth2ProviderConfig": given}
        return plane.create(OAUTH2_PROVIDER, inputs).outputs["clientSecretArns"]

    assert arns("a", external()) == arns("b", external(made.id)) == [{"secretArn": made.id}]
    [theirs] = arns("c", external("theirs"))
    assert ":secret:theirs-" in theirs["secretArn"]
    assert arns("d", config(clientSecret=None, clientAuthenticationMethod="AWS_IAM_ID_TOKEN_JWT")) == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (WORKLOAD_IDENTITY, "WorkloadIdentity with name 'toolgate_dev_assistant' already exists"),
        (OAUTH2_PROVIDER, "Credential provider with name: toolgate_dev_assistant_tokens already exists"),
    ],
)
def test_a_name_is_taken_once(kind: str, text: str, plane: ControlPlane) -> None:
    made = plane.create(kind, GOOD[kind])
    with pytest.raises(RefusalError, match=f"ValidationException: {text}"):
        plane.create(kind, GOOD[kind])
    plane.delete(kind, made.id)
    plane.create(kind, GOOD[kind])


def test_an_account_takes_50_providers(plane: ControlPlane) -> None:
    for number in range(50):
        plane.create(OAUTH2_PROVIDER, GOOD[OAUTH2_PROVIDER] | {"name": f"p{number}"})
    with pytest.raises(RefusalError, match="ServiceQuotaExceededException: an account takes at most 50"):
        plane.create(OAUTH2_PROVIDER, GOOD[OAUTH2_PROVIDER])
    plane.update(OAUTH2_PROVIDER, "p0", GOOD[OAUTH2_PROVIDER] | {"name": "p0", "tags": {"a": "b"}})


def discovered(pool: str) -> dict[str, Any]:
    url = f"https://cognito-idp.us-east-1.amazonaws.com/{pool}/.well-known/openid-configuration"
    return GOOD[OAUTH2_PROVIDER] | {"oauth2ProviderConfig": config(oauthDiscovery={"discoveryUrl": url})}


def test_a_pool_has_its_domain_before_a_provider_looks_for_its_token_endpoint(plane: ControlPlane, pool: Made) -> None:
    with pytest.raises(RefusalError, match=f"names no token endpoint: user pool {pool.id} has no domain"):
        plane.create(OAUTH2_PROVIDER, discovered(pool.id))
    plane.create(USER_POOL_DOMAIN, {"domain": "tokens", "userPoolId": pool.id})
    plane.create(OAUTH2_PROVIDER, discovered(pool.id))


@pytest.mark.parametrize("discovery", [{"discoveryUrl": OKTA}, {"authorizationServerMetadata": {"issuer": "x"}}])
def test_other_issuers_are_taken_as_given(discovery: dict[str, Any], plane: ControlPlane, pool: Made) -> None:
    inputs = GOOD[OAUTH2_PROVIDER] | {"oauth2ProviderConfig": config(oauthDiscovery=discovery)}
    assert plane.create(OAUTH2_PROVIDER, inputs).id == GOOD[OAUTH2_PROVIDER]["name"]
    # Whose pool this is, nobody can tell from its URL.
    assert plane.create(OAUTH2_PROVIDER, discovered("us-east-1_Elsewhere") | {"name": "other"}).id == "other"
    assert pool.id


@pytest.mark.parametrize("secret", ["s" * 2049, HiddenText("s" * 2049)])
def test_a_secret_is_in_no_message(secret: str, check: Check) -> None:
    [reason] = check(OAUTH2_PROVIDER, oauth2ProviderConfig=config(clientSecret=secret))
    assert "length less than or equal to 2048" in reason
    assert "ssss" not in reason


ELSEWHERE: dict[str, Any] = {"apiKey": None, "apiKeySecretSource": "EXTERNAL", "apiKeySecretConfig": EXTERNAL}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": "a.b"}, "regular expression pattern"),
        ({"apiKey": None}, "exactly one of apiKey and apiKeySecretConfig"),
        (ELSEWHERE | {"apiKey": "k"}, "exactly one of apiKey and apiKeySecretConfig"),
        ({"apiKeySecretSource": "EXTERNAL"}, "apiKeySecretConfig is for apiKeySecretSource EXTERNAL"),
        (ELSEWHERE | {"apiKeySecretSource": None}, "apiKeySecretConfig is for apiKeySecretSource EXTERNAL"),
        (ELSEWHERE | {"apiKeySecretSource": "VAULT"}, "enum value set"),
        (ELSEWHERE | {"apiKeySecretConfig": {"secretId": "k"}}, "must not be null"),
        ({"apiKey": "k" * 65537}, "length less than or equal to 65536"),
        ({"apiKey": None, "apiKeyWo": "k", "apiKeyWoVersion": 1}, "does not reproduce apiKeyWo"),
    ],
)
def test_keys_that_are_refused(changes: dict[str, Any], reason: str, check: Check) -> None:
    assert reason in check(API_KEY_PROVIDER, **changes)[0]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        ELSEWHERE,
        {"apiKey": UNKNOWN},
        {"apiKeySecretSource": "MANAGED"},
        ELSEWHERE | {"apiKeySecretSource": UNKNOWN},
    ],
)
def test_keys_that_are_taken(changes: dict[str, Any], check: Check) -> None:
    assert check(API_KEY_PROVIDER, **changes) == []


def test_a_key_is_never_repeated(check: Check) -> None:
    [found] = check(API_KEY_PROVIDER, apiKey="very-secret" * 6000)
    assert "[secret]" in found
    assert "very-secret" not in found


def test_where_a_key_lies(plane: ControlPlane) -> None:
    made = plane.create(API_KEY_PROVIDER, GOOD[API_KEY_PROVIDER])
    vault = "arn:aws:bedrock-agentcore:us-east-1:123456789012:token-vault/default"
    assert made.outputs["credentialProviderArn"] == f"{vault}/apikeycredentialprovider/toolgate_dev_tools_orders"
    [kept] = made.outputs["apiKeySecretArns"]
    assert ":secret:bedrock-agentcore-identity!default/apikey/toolgate_dev_tools_orders-" in kept["secretArn"]
    theirs = plane.create(SECRET, GOOD[SECRET])
    inputs = {"name": "theirs", **{name: value for name, value in ELSEWHERE.items() if value is not None}}
    assert plane.create(API_KEY_PROVIDER, inputs).outputs["apiKeySecretArns"] == [{"secretArn": theirs.id}]
    with pytest.raises(RefusalError, match="Credential provider with name: theirs already exists"):
        plane.create(API_KEY_PROVIDER, inputs)


def test_another_source_of_a_key_makes_a_new_provider() -> None:
    known, moved = GOOD[API_KEY_PROVIDER], {"name": "x", **ELSEWHERE}
    kind = TYPES[API_KEY_PROVIDER]
    assert [*kind.replaced_by(known, moved)] == ["apiKeySecretSource"]
    assert [*kind.replaced_by(known, known | {"apiKeySecretSource": "MANAGED"})] == []
    assert kind.secrets == {"apiKey"}
