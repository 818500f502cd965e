"""Which conditions tell one customer of a shared issuer from another."""

from typing import Any

import pytest
from toolgate.policy.language.identity_providers import SHARED_ISSUERS, holds_tenant, issuer

from toolgate.policy.language import documents, iam

GITHUB = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
SUB = "token.actions.githubusercontent.com:sub"
POOL = "cognito-identity.amazonaws.com"


def _holds(provider: str, condition: dict[str, Any]) -> bool:
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition,
    }
    (read,) = iam.statements(documents.read({"Version": "2012-10-17", "Statement": [statement]}))
    return holds_tenant(read, provider)


@pytest.mark.parametrize(
    ("provider", "condition", "holds"),
    [
        (GITHUB, {"StringEquals": {SUB: "repo:acme/x:ref:refs/heads/main"}}, True),
        (GITHUB, {"StringLike": {SUB: "repo:acme/*"}}, True),
        (GITHUB, {"StringLike": {SUB.upper(): ["repo:acme/x:*", "repo:acme/y:*"]}}, True),
        (GITHUB, {"ForAnyValue:StringLike": {SUB: "repo:acme/*"}}, True),
        (GITHUB, {"StringLike": {SUB: "repo:acme"}}, True),
        (GITHUB, {"StringEquals": {SUB: "repo:*"}}, True),  # which is no pattern there, and nobody's
        (GITHUB, {"StringLike": {SUB: "repo:acme*"}}, False),
        (GITHUB, {"StringLike": {SUB: "repo:*/x"}}, False),
        (GITHUB, {"StringLike": {SUB: "repo:${aws:PrincipalTag/owner}/x"}}, False),
        (GITHUB, {"StringLike": {SUB: ["repo:acme/x:*", "*"]}}, False),
        (GITHUB, {"StringLike": {SUB: []}}, False),
        (GITHUB, {"StringEquals": {SUB: ""}}, False),
        (GITHUB, {"StringNotEquals": {SUB: "repo:acme/x"}}, False),
        (GITHUB, {"StringLikeIfExists": {SUB: "repo:acme/*"}}, False),
        (GITHUB, {"ForAllValues:StringLike": {SUB: "repo:acme/*"}}, False),
        (GITHUB, {"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}}, False),
        (GITHUB, {"StringEquals": {"gitlab.com:sub": "project_path:acme/x"}}, False),
        (POOL, {"StringEquals": {f"{POOL}:aud": "us-east-1:pool"}}, True),
        (POOL, {"ForAnyValue:StringLike": {f"{POOL}:amr": "authenticated"}}, False),
        ("accounts.google.com", {"StringEquals": {"accounts.google.com:aud": "app"}}, False),
        ("accounts.google.com", {"StringEquals": {"accounts.google.com:sub": "1234567890"}}, True),
        ("arn:aws:iam::1:oidc-provider/oidc.eks.x/id/A", {"StringEquals": {"oidc.eks.x/id/A:sub": "s"}}, False),
    ],
)
def test_what_holds_tokens_to_one_customer(provider: str, condition: dict[str, Any], holds: bool) -> None:
    assert _holds(provider, condition) is holds


def test_an_issuer_is_told_from_its_providers_arn() -> None:
    assert issuer(GITHUB) in SHARED_ISSUERS
    assert issuer("arn:aws:iam::1:oidc-provider/api.pulumi.com/oidc") == "api.pulumi.com/oidc"
    assert issuer(POOL) == POOL
