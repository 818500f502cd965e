"""A scan of an account with tokens: each cell is the deployment's own, no secret is kept, and no gap is passed over."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.access.scan.fake_account import CORE, DENIED, GONE, REGION, SECRET, Given
from tests.access.scan.test_reads import account as small
from tests.access.scan.test_scan import Account, _cells, _chain
from tests.access.scan.token_answers import TokenAnswers, taking_tokens
from tests.planning import planned
from tests.token_export import DISCOVERY, POOL, client_id, with_tokens
from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import matrix
from toolgate.access.scan.scan import scan


def test_every_cell_of_the_scan_is_that_of_the_deployment(account: Account) -> None:
    deployment = with_tokens(planned("agents").deployment)
    with account(deployment) as session:
        answers = TokenAnswers(deployment)
        found = scan(answers.before(session), (), lambda _: None)
    assert _cells(found) == _cells(deployment)
    assert "allow" in {cell[0] for cell in _cells(found).values()}
    assert _chain(found) == _chain(deployment)
    takers = [{(it.principal, it.client, it.access) for it in matrix(parse(of)).takings} for of in (found, deployment)]
    assert takers[0] == takers[1] != set()
    assert SECRET not in json.dumps(found)
    assert not [it for it in _notes(found) if "pool" in it or "provider" in it or "identit" in it]


def _scanned(
    answers: Mapping[str, Callable[[Given], Any]] | None = None, discovery: str = DISCOVERY
) -> tuple[dict[str, Any], TokenAnswers]:
    """An account whose gateways take tokens of the pool of the deployment with tokens."""
    fake = taking_tokens(small(), discoveryUrl=discovery, allowedClients=[client_id("greeter"), "other"])
    tokens = TokenAnswers(with_tokens(planned("agents").deployment), answers)
    return scan(tokens.of(fake), (), lambda _: None), tokens


def _notes(found: Mapping[str, Any]) -> list[str]:
    listed = found["deployment"]["resources"]
    return [f"{it['inputs']['what']}: {it['inputs']['why']}" for it in listed if it["type"].endswith("NotRead")]


def _rows(found: Mapping[str, Any]) -> dict[str, str]:
    entries = matrix(parse(found)).entries
    return {
        it.principal: str(it.decision)
        for it in entries
        if it.tool == "math___add" and it.agent is None and it.decision != "deny"
    }


def test_a_pool_is_read_that_a_gateway_names() -> None:
    found, tokens = _scanned()
    assert _rows(found) == {f"client/{client_id('greeter')}": "allow", "client/other": "undecided"}
    assert SECRET not in json.dumps(found)
    assert {given["UserPoolId"] for _, _, given in tokens.asked if "UserPoolId" in given} == {POOL}


def test_where_no_gateway_takes_tokens_none_is_asked_for() -> None:
    tokens = TokenAnswers(with_tokens(planned("agents").deployment))
    scan(tokens.of(small()), (), lambda _: None)
    assert tokens.asked == []


UNREAD: list[tuple[str, Any, str, dict[str, str]]] = [
    ("DescribeUserPool", DENIED, f"user pool {POOL}: DescribeUserPool: AccessDenied", {}),
    ("DescribeUserPool", GONE, f"user pool {POOL}: it is not in this account", {}),
    ("ListUserPoolClients", DENIED, "the clients of user pool", {}),
    ("DescribeUserPoolClient", DENIED, f"client {client_id('greeter')} of user pool", {}),
    ("ListResourceServers", DENIED, "the resource servers of user pool", {f"client/{client_id('greeter')}": "allow"}),
    ("ListOauth2CredentialProviders", DENIED, "the credential providers in us-east-1", {}),
    ("GetOauth2CredentialProvider", DENIED, "credential provider 'us-east-1/", {}),
    ("ListWorkloadIdentities", DENIED, "the workload identities in us-east-1", {}),
]


@pytest.mark.parametrize(("operation", "answer", "says", "told"), UNREAD)
def test_what_is_not_read_is_noted_and_no_denial(operation: str, answer: Any, says: str, told: dict[str, str]) -> None:
    found, _ = _scanned({operation: lambda _: answer})
    assert [it for it in _notes(found) if it.startswith(says)]
    rows = _rows(found)
    greeter = rows[f"client/{client_id('greeter')}"]
    assert greeter != "deny"
    if "Pool" in operation:
        assert greeter in {"undecided", "conditional"}
    assert told.items() <= rows.items()


def test_a_pool_of_a_region_that_was_not_scanned() -> None:
    other = DISCOVERY.replace(REGION, "eu-west-1")
    found, _ = _scanned(discovery=other)
    assert (
        f"user pool {POOL.replace(REGION, 'eu-west-1')}: eu-west-1 was not scanned: give --region eu-west-1"
        in _notes(found)
    )
    assert set(_rows(found).values()) == {"conditional", "undecided"}


def test_clients_that_register_themselves_are_noted() -> None:
    described = {"Id": POOL, "Name": "p", "Arn": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/p"}
    pool = {**described, "DcrConfiguration": {"EnableStatus": "Enabled"}}
    found, _ = _scanned({"DescribeUserPool": lambda _: {"UserPool": pool}})
    assert [it for it in _notes(found) if "lets others register" in it]


def test_what_a_pool_says_of_sign_up_and_of_functions() -> None:
    described = {
        **{"Id": POOL, "Name": "p", "Arn": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/p", "Domain": "d"},
        "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": False},
        "LambdaConfig": {"PreTokenGenerationConfig": {"LambdaArn": "arn:x", "LambdaVersion": "V3_0"}},
    }
    found, _ = _scanned({"DescribeUserPool": lambda _: {"UserPool": described}})
    [pool] = parse(found).tokens.user_pools
    assert (pool.closed, pool.rewrites, pool.domain) == (False, True, "d")


EXTERNAL = {
    **{"name": "okta", "credentialProviderVendor": "CustomOauth2", "clientSecretSource": "EXTERNAL", "status": "READY"},
    "credentialProviderArn": f"{CORE}:token-vault/default/oauth2credentialprovider/okta",
    "clientSecretArn": {"secretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:okta-AbCdEf"},
    "clientSecretJsonKey": "client_secret",
    "oauth2ProviderConfigOutput": {"customOauth2ProviderConfig": {"clientId": "c"}},
}


def test_a_provider_whose_secret_is_the_accounts_own() -> None:
    answers = {
        "ListOauth2CredentialProviders": lambda _: {"credentialProviders": [{"name": "okta"}]},
        "GetOauth2CredentialProvider": lambda _: {**EXTERNAL, "status": "UPDATING"},
    }
    found, _ = _scanned(answers)
    [provider] = parse(found).tokens.providers
    assert (provider.client_id, provider.secret_arns) == ("c", (EXTERNAL["clientSecretArn"]["secretArn"],))  # type: ignore[index]  # a mapping
    assert [it for it in _notes(found) if "its status is UPDATING" in it]
