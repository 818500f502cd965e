from typing import Any

import pulumi
import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.token_issuer import TokenIssuer, _token_endpoint

POOL = "us-east-1_AbCdEf123"
DISCOVERY = f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}/.well-known/openid-configuration"
DOMAIN = "toolgate-dev-tokens-123456789012"


def test_a_user_pool_without_users_and_its_domain(run: Any) -> None:
    recorded = run(lambda: TokenIssuer("tokens", {"tags": {"team": "a"}}))
    assert recorded.types() == [
        ("TokenIssuer", "tokens"),
        ("UserPool", "tokens-pool"),
        ("UserPoolDomain", "tokens-domain"),
    ]
    assert recorded.one("UserPool", "tokens-pool").inputs == {
        "name": "toolgate-dev-tokens",
        "adminCreateUserConfig": {"allowAdminCreateUserOnly": True},
        "deletionProtection": "INACTIVE",
        "tags": {"team": "a", "toolgate:stack": "toolgate/dev"},
    }
    domain = recorded.one("UserPoolDomain", "tokens-domain")
    assert domain.inputs == {"domain": DOMAIN, "userPoolId": POOL}
    # Another pool's domain of the same name cannot come before the old one is gone.
    assert domain.delete_before_replace


def test_what_a_gateway_is_told_of_it(run: Any) -> None:
    told: list[Any] = []

    def program() -> None:
        issuer = TokenIssuer("tokens", {"access_token_minutes": 5})
        assert issuer.inbound["issuer"] == "tokens"
        pulumi.Output.from_input(issuer.inbound).apply(told.append)
        pulumi.Output.all(issuer.discovery_url, issuer.token_endpoint, issuer.user_pool_id).apply(told.append)

    run(program)
    endpoint = f"https://{DOMAIN}.auth.us-east-1.amazoncognito.com/oauth2/token"
    assert sorted(told, key=str) == [
        [DISCOVERY, endpoint, POOL],
        {
            "issuer": "tokens",
            "discovery_url": DISCOVERY,
            "user_pool_id": POOL,
            "token_endpoint": endpoint,
            "access_token_minutes": 5,
        },
    ]


def test_whoever_reads_what_it_describes_waits_for_the_domain(run: Any) -> None:
    """Without a domain a user pool's discovery document names no token endpoint."""

    class Waiting(pulumi.ComponentResource):
        def __init__(self, issuer: TokenIssuer) -> None:
            super().__init__("a:b:Waiting", "waiting", {"url": issuer.discovery_url, "token": issuer.token_endpoint})

    recorded = run(lambda: Waiting(TokenIssuer("tokens", {})))
    found = recorded.one("Waiting", "waiting").property_dependencies
    assert found == {"url": {"tokens-pool", "tokens-domain"}, "token": {"tokens-domain"}}


def test_the_pool_is_kept_where_that_is_asked_for(run: Any) -> None:
    recorded = run(lambda: TokenIssuer("tokens", {"deletion_protection": True}, pulumi.ResourceOptions(protect=True)))
    assert recorded.one("UserPool", "tokens-pool").inputs["deletionProtection"] == "ACTIVE"
    assert {it.name for it in recorded.resources if it.protect} == {"tokens", "tokens-pool", "tokens-domain"}


def test_the_token_endpoint_by_partition() -> None:
    assert _token_endpoint("x", "eu-west-1", "aws") == "https://x.auth.eu-west-1.amazoncognito.com/oauth2/token"
    assert _token_endpoint("x", "us-gov-west-1", "aws-us-gov") == (
        "https://x.auth-fips.us-gov-west-1.amazoncognito.com/oauth2/token"
    )


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("tokens", {"access_token_minutes": 4}, r"TokenIssuer 'tokens'\.access_token_minutes: is 4; 5 to 1440"),
        ("tokens", {"access_token_minutes": 1441}, "is 1441; 5 to 1440"),
        ("tokens", {"deletion_protection": "yes"}, "deletion_protection: must be true or false"),
        ("tokens", {"users": True}, "unknown key 'users'"),
        ("tokens", {"tags": {"aws:x": ""}}, "'aws:x' begins with 'aws:'"),
        ("my_tokens", {}, r"issuer name 'my_tokens' is refused; .* \(TokenIssuer 'my_tokens'\)"),
        ("cognito", {}, "user pool domain 'toolgate-dev-cognito-000000000000' is refused"),
        ("t" * 38, {}, "user pool domain .* has 64 characters; at most 63"),
    ],
)
def test_what_is_wrong_is_an_error_before_anything_is_made(run: Any, name: str, args: Any, message: str) -> None:
    def program() -> None:
        with pytest.raises(UsageError, match=message):
            TokenIssuer(name, args)

    assert run(program).resources == []
