"""What deploying token parts must be allowed, and what of it is as exact as AWS lets it be."""

from typing import Any

import pytest

from tests.deployer.deciding import ACCOUNT, AGENTCORE, REGION, allowed, decided
from tests.deployer.test_provider_calls import ELSEWHERE, FOREIGN, IN_STACK, TOKENS, stored
from tests.local.cloud.conftest import GOOD, OAUTH2_PROVIDER, USER_POOL, WORKLOAD_IDENTITY
from tests.planning import planned
from toolgate.deployer import deployer_policy

POOLS = f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool"
KEPT = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:bedrock-agentcore-identity!default/oauth2"
OWN = {"aws:ResourceTag/toolgate:stack": IN_STACK["tags"]["toolgate:stack"]}
ON_POOL = ("cognito-idp:UpdateUserPool", "cognito-idp:CreateUserPoolClient", "cognito-idp:DeleteUserPoolDomain")


def document(*parts: tuple[str, Any], made: bool = False) -> dict[str, Any]:
    return deployer_policy.permissions(stored(planned("agents").deployment, *parts), planned=not made)


@pytest.mark.parametrize("action", ON_POOL)
def test_a_pool_is_known_by_its_tag_before_it_is_there(action: str) -> None:
    tagged = document(*TOKENS)
    assert decided(tagged, action, f"{POOLS}/{REGION}_Another12", OWN)
    assert not decided(tagged, action, f"{POOLS}/{REGION}_Another12", {"aws:ResourceTag/toolgate:stack": "prod"})
    assert not decided(tagged, action, f"{POOLS}/{REGION}_Another12", {})
    assert not decided(tagged, action, f"{POOLS}/eu-west-1_Another12", OWN)


def test_a_pool_without_the_tag_is_known_by_nothing_and_one_that_is_there_by_its_id() -> None:
    untagged = document(*FOREIGN)
    assert allowed(untagged, "cognito-idp:DeleteUserPool", f"{POOLS}/{REGION}_Another12")
    export = stored(planned("agents").deployment, *TOKENS)
    (arn,) = [it["outputs"]["arn"] for it in export["deployment"]["resources"] if it["type"] == USER_POOL]
    exact = deployer_policy.permissions(export, planned=False)
    for action in ON_POOL:
        assert allowed(exact, action, arn)
        assert not decided(exact, action, f"{POOLS}/{REGION}_Another12", OWN)


def test_providers_identities_and_secrets_are_named() -> None:
    allows = document(*TOKENS)
    provider, identity = GOOD[OAUTH2_PROVIDER]["name"], GOOD[WORKLOAD_IDENTITY]["name"]
    vault, directory = f"{AGENTCORE}:token-vault/default", f"{AGENTCORE}:workload-identity-directory/default"
    for action, on in (
        ("bedrock-agentcore:CreateOauth2CredentialProvider", f"{vault}/oauth2credentialprovider/{provider}"),
        ("bedrock-agentcore:DeleteWorkloadIdentity", f"{directory}/workload-identity/{identity}"),
        ("secretsmanager:CreateSecret", f"{KEPT}/{provider}-AbCdEf"),
    ):
        assert allowed(allows, action, on)
        assert not allowed(allows, action, on.replace("toolgate_dev", "toolgate_prod"))
        assert not allowed(allows, action, f"{on}x")
    assert allowed(allows, "bedrock-agentcore:CreateTokenVault", vault)
    assert not allowed(allows, "secretsmanager:GetSecretValue", f"{KEPT}/{provider}-AbCdEf")
    assert not allowed(
        allows, "bedrock-agentcore:GetResourceOauth2Token", f"{vault}/oauth2credentialprovider/{provider}"
    )
    assert not allowed(allows, "bedrock-agentcore:GetWorkloadAccessToken", f"{directory}/workload-identity/{identity}")


def test_a_name_of_ten_letters_after_a_hyphen_is_a_name() -> None:
    """What AgentCore puts to the names of gateways and runtimes it does not put to these."""
    allows = document(*FOREIGN)
    provider = f"{AGENTCORE}:token-vault/default/oauth2credentialprovider/shop-"
    identity = f"{AGENTCORE}:workload-identity-directory/default/workload-identity/shop-"
    for action, on in (("UpdateOauth2CredentialProvider", provider), ("UpdateWorkloadIdentity", identity)):
        assert allowed(allows, f"bedrock-agentcore:{action}", f"{on}calculator")
        assert not allowed(allows, f"bedrock-agentcore:{action}", f"{on}abcdefghij")


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        (GOOD[OAUTH2_PROVIDER]["oauth2ProviderConfig"]["customOauth2ProviderConfig"], True),
        (ELSEWHERE, False),
        ({"clientId": "x", "clientAuthenticationMethod": "AWS_IAM_ID_TOKEN_JWT"}, False),
        ("hidden", True),
    ],
    ids=["managed", "elsewhere", "without", "hidden"],
)
def test_where_the_vault_keeps_no_secret_none_is_made(settings: Any, kept: bool) -> None:
    export = stored(planned("agents").deployment, (OAUTH2_PROVIDER, {}))
    provider = export["deployment"]["resources"][-1]
    hidden = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "x"}
    given = hidden if settings == "hidden" else {"customOauth2ProviderConfig": settings}
    for side in ("inputs", "outputs"):
        provider[side]["oauth2ProviderConfig"] = given
    allows = deployer_policy.permissions(export)
    assert allowed(allows, "secretsmanager:CreateSecret", f"{KEPT}/{GOOD[OAUTH2_PROVIDER]['name']}-AbCdEf") is kept
