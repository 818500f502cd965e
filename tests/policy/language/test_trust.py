"""Whom a trust policy lets in, and that what counts as pinned keeps strangers out when the document is decided."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.driver import UNKNOWN
from tests.policy.making import ACCOUNT
from toolgate.policy.language import documents, evaluation, iam, trust, web_identity
from toolgate.policy.language.documents import Statement
from toolgate.policy.language.evaluation import Request
from toolgate.policy.language.matching import Match
from toolgate.policy.language.request_facts import Facts
from toolgate.policy.properties import plain

GITHUB = "token.actions.githubusercontent.com"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider"
EKS = "oidc.eks.us-east-1.amazonaws.com/id/ABCDEF0123456789"
SAML = f"arn:aws:iam::{ACCOUNT}:saml-provider/corp"
WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"
STRANGER = "999999999999"


def read(principal: Any, condition: Any = None, action: Any = "sts:AssumeRole") -> Statement:
    entry = {"Effect": "Allow", "Principal": principal, "Action": action}
    entry |= {"Condition": condition} if condition is not None else {}
    (statement,) = iam.statements(documents.read(plain({"Version": "2012-10-17", "Statement": entry})))
    return statement


def tokens(condition: Any, issuer: str = GITHUB, action: Any = WEB_IDENTITY) -> Statement:
    return read({"Federated": f"{PROVIDER}/{issuer}"}, condition, action)


@pytest.mark.parametrize(
    ("principal", "condition"),
    [
        ("*", None),
        ({"AWS": "*"}, None),
        ({"AWS": [f"arn:aws:iam::{ACCOUNT}:root", "*"]}, None),
        ({"AWS": "arn:aws:iam::*:root"}, None),
        ({"Federated": "*"}, None),
        ({"AWS": "*"}, {"Bool": {"aws:SecureTransport": "true"}}),
        ({"AWS": "*"}, {"StringEquals": {"sts:ExternalId": "shared-with-many"}}),
        ({"AWS": "*"}, {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
        ("*", {"StringLike": {"aws:PrincipalArn": "*"}}),
        ("*", {"StringLike": {"aws:PrincipalOrgID": "*"}}),
        ("*", {"StringLike": {"aws:PrincipalOrgID": ["o-abc", "o-*"]}}),
        ("*", {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-abc"}}),
        ("*", {"StringEquals": {"SAML:sub": "ann"}}),
        ("*", {"StringLike": {"aws:PrincipalArn": f"arn:*:iam:*:{ACCOUNT}:role/*"}}),
    ],
    ids=str,
)
def test_everybody(principal: Any, condition: Any) -> None:
    assert list(trust.strangers(read(principal, condition))) == ["everybody"]


@pytest.mark.parametrize("action", ["sts:*", "*", "STS:assumerole*", ["sts:TagSession", "sts:AssumeRoleWithSAML"]])
def test_every_way_to_assume(action: Any) -> None:
    assert list(trust.strangers(read("*", action=action))) == ["everybody"]


def test_what_takes_no_role_lets_nobody_in() -> None:
    assert list(trust.strangers(read("*", action=["sts:TagSession", "sts:SetSourceIdentity"]))) == []


@pytest.mark.parametrize(
    ("principal", "condition"),
    [
        ({"AWS": ACCOUNT}, None),
        ({"AWS": f"arn:aws:iam::{STRANGER}:root"}, None),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:role/ci"}, None),
        ({"AWS": UNKNOWN}, None),
        ({"AWS": f"arn:aws:iam::{UNKNOWN}:root"}, None),
        ({"Service": ["lambda.amazonaws.com", "ec2.amazonaws.com"]}, None),
        ({"Federated": SAML}, None),
        ({"AWS": "*"}, {"StringEquals": {"aws:PrincipalOrgID": "o-abc"}}),
        ({"AWS": "*"}, {"StringEquals": {"aws:PrincipalOrgID": UNKNOWN}}),
        ({"AWS": "*"}, {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-abc/r-1/*"}}),
        ({"AWS": "*"}, {"ArnLike": {"aws:PrincipalArn": f"arn:*:iam:*:{ACCOUNT}:role/*"}}),
        ({"AWS": "*"}, {"StringLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/*"}}),
        ("*", {"StringEquals": {"aws:SourceAccount": ACCOUNT}}),
        ("*", {"StringEquals": {"aws:SourceOrgID": "o-abc"}}),
        ("*", {"StringLike": {f"{GITHUB}:sub": "repo:acme/x:*"}}),
        ("*", UNKNOWN),
    ],
    ids=str,
)
def test_somebody_whom_somebody_chose(principal: Any, condition: Any) -> None:
    assert list(trust.strangers(read(principal, condition, ["sts:AssumeRole", "sts:AssumeRoleWithSAML"]))) == []


@pytest.mark.parametrize(
    "condition",
    [
        None,
        {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}},
        {"StringLike": {f"{GITHUB}:sub": ["repo:acme/x:*", "*"]}},
        {"StringLike": {f"{GITHUB}:sub": ["*", "repo:acme/x:*"]}},
        {"StringLike": {f"{GITHUB}:sub": "repo:*"}},
        {"StringLike": {f"{GITHUB}:sub": "repo:acme*"}},
        {"StringLike": {f"{GITHUB}:sub": "repo:${aws:PrincipalTag/x}/y:*"}},
        {"StringLike": {f"{GITHUB}:sub": "repo:*/x:ref:refs/heads/main"}},
        {"StringLike": {f"{GITHUB}:sub": "*:environment:prod"}},
        {"StringEquals": {f"{GITHUB}:sub": "environment:prod"}},
        {"StringEqualsIfExists": {f"{GITHUB}:sub": "repo:acme/x:environment:prod"}},
        {"ForAllValues:StringEquals": {f"{GITHUB}:sub": "repo:acme/x:environment:prod"}},
        {"StringNotLike": {f"{GITHUB}:sub": "repo:mallory/*"}},
        {"StringEquals": {f"{GITHUB}:ref": "refs/heads/main"}},
        {"StringLike": {f"{GITHUB}:repository": "*/x"}},
        {"StringEquals": {"gitlab.com:sub": "project_path:acme/x:ref_type:branch:ref:main"}},
    ],
    ids=str,
)
def test_whoever_has_a_token(condition: Any) -> None:
    assert list(trust.strangers(tokens(condition))) == [f'whoever has a token of "{GITHUB}"']


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {f"{GITHUB}:sub": "repo:acme/x:environment:prod", f"{GITHUB}:aud": "sts.amazonaws.com"}},
        {"StringLike": {f"{GITHUB}:sub": ["repo:acme/x:*", "repo:acme/y:ref:refs/tags/v*"]}},
        {"StringLike": {f"{GITHUB.upper()}:Sub": "repo:acme@1234/x@5678:*"}},
        {"ForAnyValue:StringLike": {f"{GITHUB}:sub": "repo:acme/x:*"}},
        {"StringLike": {f"{GITHUB}:sub": "repo:acme/*"}},
        {"StringEquals": {f"{GITHUB}:sub": "environment:prod:repository_owner:acme"}},
        {"StringEquals": {f"{GITHUB}:repository_id": "1296269"}},
        {"StringLike": {f"{GITHUB}:job_workflow_ref": "acme/workflows/.github/workflows/deploy.yml@*"}},
        {"StringLike": {f"{GITHUB}:sub": UNKNOWN}},
        UNKNOWN,
    ],
    ids=str,
)
def test_tokens_of_somebody_in_particular(condition: Any) -> None:
    assert list(trust.strangers(tokens(condition))) == []


@pytest.mark.parametrize(
    ("issuer", "claim", "value", "pinned"),
    [
        (EKS, "sub", "system:serviceaccount:tools:caller", True),
        (EKS, "sub", "system:serviceaccount:tools:*", True),
        (EKS, "sub", "*:caller", False),
        (EKS, "aud", "sts.amazonaws.com", False),
        ("sts.windows.net/11111111-2222-3333-4444-555555555555/", "aud", "api://tools", True),
        ("acme.okta.com", "aud", "*", False),
        ("scalr.io", "sub", "account:acme:environment:*", True),
        ("scalr.io", "sub", "account:*", False),
        ("proidc.upbound.io", "sub", "mcp:acme/*", True),
        ("oidc.codefresh.io", "aud", "acme", False),
        ("gitlab.com", "sub", "project_path:acme/x:*", True),
        ("gitlab.com", "sub", "project_path:*", False),
        ("app.terraform.io", "sub", "organization:acme:project:*:workspace:*:run_phase:*", True),
        ("app.terraform.io", "sub", "organization:*:project:x:*", False),
        ("agent.buildkite.com", "sub", "organization:acme:pipeline:*", True),
        ("api.pulumi.com/oidc", "aud", "acme", True),
        ("api.pulumi.com/oidc", "sub", "pulumi:deploy:org:acme:project:*", True),
        ("api.pulumi.com/oidc", "sub", "pulumi:deploy:*", False),
        ("oidc.vercel.com", "aud", "https://vercel.com/acme", True),
        ("accounts.google.com", "aud", "66677788899900pro0", True),
        ("accounts.google.com", "aud", "*", False),
    ],
)
def test_issuers(issuer: str, claim: str, value: str, pinned: bool) -> None:
    statement = tokens({"StringLike": {f"{issuer}:{claim}": value}}, issuer)
    assert (list(trust.strangers(statement)) == []) is pinned


def test_identity_pools() -> None:
    def found(condition: Any) -> list[str]:
        return list(trust.strangers(read({"Federated": "cognito-identity.amazonaws.com"}, condition, WEB_IDENTITY)))

    pool = {"StringEquals": {"cognito-identity.amazonaws.com:aud": "us-east-1:12345678-dead-beef"}}
    logged_in, guests = (
        {"ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": amr}}
        for amr in ("authenticated", ["authenticated", "unauthenticated"])
    )
    assert found({**pool, **logged_in}) == found(pool) == []
    assert found({**pool, **guests}) == ["everybody, as a guest of an identity pool"]
    assert found(logged_in) == ['whoever has a token of "cognito-identity.amazonaws.com"']


def test_an_issuer_that_is_not_known_is_a_stranger_only_without_any_condition() -> None:
    unknown = {"Federated": UNKNOWN}
    assert list(trust.strangers(read(unknown, action=WEB_IDENTITY))) == ["whoever has a token of an identity provider"]
    assert list(trust.strangers(read(unknown, {"StringEquals": {"x:sub": "a"}}, WEB_IDENTITY))) == []
    assert list(trust.strangers(read(unknown, action="sts:AssumeRoleWithSAML"))) == []


@pytest.mark.parametrize(
    ("condition", "agentcore"),
    [
        ({"StringLike": {"aws:PrincipalArn": "*"}}, True),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-abc"}}, False),
        ({"StringEquals": {"aws:PrincipalOrgID": UNKNOWN}}, False),
        (UNKNOWN, True),
    ],
    ids=str,
)
def test_what_keeps_agentcore_out_of_a_role_for_everybody(condition: Any, agentcore: bool) -> None:
    """A `*` holds nobody back; whether AgentCore's own calls carry the key, nobody has seen."""
    assert trust.lets_agentcore_in(read("*", condition)) is agentcore


subjects = st.sampled_from(
    [
        *("repo:acme/x:*", "repo:acme/*", "repo:*", "*", "repo:acme*", "repo:*/x:*", "repo:m*", "rep?:acme/x:*", ""),
        *("repo:acme/x:environment:prod", "repo:mallory/x:ref:refs/heads/main", "${aws:username}", "repository_id:7"),
    ]
)
operators = st.sampled_from(
    [
        "StringEquals",
        "StringLike",
        "StringLikeIfExists",
        "StringNotLike",
        "ForAllValues:StringLike",
        "ForAnyValue:StringLike",
    ]
)
claims = st.sampled_from([f"{GITHUB}:sub", f"{GITHUB}:aud", "gitlab.com:sub"])
conditions_on_tokens = st.dictionaries(
    operators, st.dictionaries(claims, subjects | st.lists(subjects, max_size=3), max_size=2), max_size=2
)


@given(conditions_on_tokens)
def test_a_pinned_trust_keeps_strangers_out(condition: Any) -> None:
    """Decided as IAM decides: a repository that no value begins with does not get in."""
    statement = tokens(condition)
    if web_identity.pins_token(statement, GITHUB) is True and "mallory" not in json.dumps(condition):
        facts = {f"{GITHUB}:sub": "repo:mallory/x:ref:refs/heads/main", f"{GITHUB}:aud": "sts.amazonaws.com"}
        request = Request(WEB_IDENTITY, "*", Facts(facts, complete=True))
        assert evaluation.matches(statement, request) is Match.NO


accounts = st.sampled_from([ACCOUNT, "*", "1*", "????????????", ""])
partitions = st.sampled_from(["aws", "*", "a?s"])
arns = st.builds(
    lambda partition, region, account, rest: f"arn:{partition}:iam:{region}:{account}:{rest}",
    partitions,
    st.sampled_from(["", "*"]),
    accounts,
    st.sampled_from(["role/*", "*", "role/agent", f"role/x:{ACCOUNT}:role/*"]),
)


@given(st.sampled_from(["StringLike", "StringEquals", "ArnLike", "ArnEquals"]), st.lists(arns, min_size=1, max_size=2))
def test_a_pinned_principal_is_of_the_account(operator: str, written: list[str]) -> None:
    """Paths of another account's role may hold what looks like an account."""
    statement = read("*", {operator: {"aws:PrincipalArn": written}})
    if not list(trust.strangers(statement)):
        for arn in (f"arn:aws:iam::{STRANGER}:role/agent", f"arn:aws:iam::{STRANGER}:role/x:{ACCOUNT}:role/agent"):
            request = Request("sts:AssumeRole", "*", Facts({"aws:principalarn": arn}, complete=True))
            assert evaluation.matches(statement, request) is Match.NO
