"""Who takes a role that may call tools, though the deployment does not hold them."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from toolgate.access.deployment.deployment import Deployment, parse
from toolgate.access.iam.evaluation import Outcome
from toolgate.access.iam.trust import may_assume
from toolgate.access.matrix.access_matrix import Matrix, matrix
from toolgate.access.output.access_difference import NO_CHANGE, SOMEBODY_GAINS, difference

ACCOUNT, FOREIGN = "123456789012", "999999999999"
INVOKE = "bedrock-agentcore:InvokeGateway"
GATEWAY = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:gateway/tools-abcdefghij"
IAM = f"arn:aws:iam::{ACCOUNT}"
ROLE = f"{IAM}:role/agents/caller"
OPEN = f"{IAM}:role/open"
GRANT = {"Effect": "Allow", "Action": INVOKE, "Resource": GATEWAY}
WEB = "sts:AssumeRoleWithWebIdentity"
GITHUB = f"{IAM}:oidc-provider/token.actions.githubusercontent.com"
EKS = f"{IAM}:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/AAAA"
SAML = f"{IAM}:saml-provider/corp"
SUB = "token.actions.githubusercontent.com:sub"
AUD = {"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}}

Resource = tuple[str, str, Mapping[str, Any]]
MakeCase = Callable[..., Any]


def _statement(principal: Any, action: Any = "sts:AssumeRole", **condition: Any) -> dict[str, Any]:
    limit = {"Condition": condition} if condition else {}
    return {"Effect": "Allow", "Principal": principal, "Action": action, **limit}


def _document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _role(name: str, *trust: Mapping[str, Any], **more: Any) -> Resource:
    inputs = {"name": name, "arn": f"{IAM}:role/{name}", "assumeRolePolicy": _document(*trust), **more}
    return "aws:iam/role:Role", name, inputs


def _inline(role: str, *statements: Mapping[str, Any]) -> Resource:
    return "aws:iam/rolePolicy:RolePolicy", f"{role}-grant", {"role": role, "policy": _document(*statements)}


def _matrix(case: MakeCase, *trust: Mapping[str, Any], granted: bool = True, **documents: Any) -> Matrix:
    more = [_role("open", *trust), *([_inline("open", GRANT)] if granted else []), *documents.pop("more", [])]
    return matrix(parse(case(more=more, **documents).export()))


def _rows(found: Matrix) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Who but the agent and the role itself may call `math___add`."""
    of_add = [e for e in found.entries if e.tool == "math___add" and e.agent is None and e.principal != OPEN]
    return {e.principal: (str(e.decision), e.conditions) for e in of_add}


AGENTCORE = _statement({"Service": "bedrock-agentcore.amazonaws.com"})


def _github(*subjects: str, operator: str = "StringLike") -> dict[str, Any]:
    subject = {operator: {SUB: list(subjects)}}
    return _statement({"Federated": GITHUB}, WEB, **(subject if operator in AUD else {**subject, **AUD}))


def _told(action: str, *conditions: str) -> tuple[str, tuple[str, ...]]:
    return "conditional", tuple(f"{action} on open if {condition}" for condition in conditions)


_AUD = "StringEquals token.actions.githubusercontent.com:aud sts.amazonaws.com"
UNDECIDED: tuple[str, tuple[str, ...]] = ("undecided", ())
ALLOWED: tuple[str, tuple[str, ...]] = ("allow", ())

ROWS: dict[str, tuple[Any, dict[str, tuple[str, tuple[str, ...]]]]] = {
    "tokens of a shared issuer, without a limit": (_statement({"Federated": GITHUB}, WEB), {"*": ALLOWED}),
    "tokens of any issuer": (_statement("*", WEB), {"*": ALLOWED}),
    "by any action": (_statement({"Federated": GITHUB}, "sts:*"), {"*": ALLOWED}),
    "only the audience is held": (_statement({"Federated": GITHUB}, WEB, **AUD), {"*": _told(WEB, _AUD)}),
    "any repository": (_github("repo:*"), {"*": _told(WEB, f"StringLike {SUB} repo:*", _AUD)}),
    "any owner that begins so": (_github("repo:ac*"), {"*": _told(WEB, f"StringLike {SUB} repo:ac*", _AUD)}),
    "one repository or any": (
        _github("repo:acme/x:*", "*"),
        {"*": _told(WEB, f"StringLike {SUB} repo:acme/x:*, *", _AUD)},
    ),
    "one owner": (_github("repo:acme/*"), {GITHUB: _told(WEB, f"StringLike {SUB} repo:acme/*", _AUD)}),
    "one branch": (
        _github("repo:acme/x:ref:refs/heads/main", operator="StringEquals"),
        {GITHUB: _told(WEB, f"StringEquals {SUB} repo:acme/x:ref:refs/heads/main")},
    ),
    "a subject only if there is one": (
        _github("repo:acme/*", operator="StringLikeIfExists"),
        {"*": _told(WEB, f"StringLikeIfExists {SUB} repo:acme/*", _AUD)},
    ),
    "every subject but one": (
        _github("repo:acme/*", operator="StringNotLike"),
        {"*": _told(WEB, f"StringNotLike {SUB} repo:acme/*", _AUD)},
    ),
    "people's own accounts": (
        _statement({"Federated": "accounts.google.com"}, WEB, StringEquals={"accounts.google.com:aud": "app"}),
        {"accounts.google.com": _told(WEB, "StringEquals accounts.google.com:aud app")},
    ),
    "an identity pool": (
        _statement(
            {"Federated": "cognito-identity.amazonaws.com"},
            WEB,
            StringEquals={"cognito-identity.amazonaws.com:aud": "us-east-1:pool"},
        ),
        {
            "cognito-identity.amazonaws.com": _told(
                WEB, "StringEquals cognito-identity.amazonaws.com:aud us-east-1:pool"
            )
        },
    ),
    "a cluster's tokens": (_statement({"Federated": EKS}, WEB), {EKS: UNDECIDED}),
    "a directory's people": (_statement({"Federated": SAML}, "sts:AssumeRoleWithSAML"), {SAML: UNDECIDED}),
    "a directory's people, at the console": (
        _statement(
            {"Federated": SAML},
            "sts:AssumeRoleWithSAML",
            StringEquals={"SAML:aud": "https://signin.aws.amazon.com/saml"},
        ),
        {SAML: _told("sts:AssumeRoleWithSAML", "StringEquals SAML:aud https://signin.aws.amazon.com/saml")},
    ),
    "another account": (
        _statement({"AWS": f"arn:aws:iam::{FOREIGN}:root"}),
        {f"arn:aws:iam::{FOREIGN}:root": UNDECIDED},
    ),
    "another account by its id": (_statement({"AWS": FOREIGN}), {f"arn:aws:iam::{FOREIGN}:root": UNDECIDED}),
    "another account with an external id": (
        _statement({"AWS": FOREIGN}, StringEquals={"sts:ExternalId": "x"}),
        {f"arn:aws:iam::{FOREIGN}:root": UNDECIDED},
    ),
    "a role of another account": (
        _statement({"AWS": f"arn:aws:iam::{FOREIGN}:role/ci"}),
        {f"arn:aws:iam::{FOREIGN}:role/ci": UNDECIDED},
    ),
    "a session of another account": (
        _statement({"AWS": f"arn:aws:sts::{FOREIGN}:assumed-role/ci/build"}),
        {f"arn:aws:iam::{FOREIGN}:role/ci": UNDECIDED},
    ),
    "a role of this account that the deployment does not hold": (
        _statement({"AWS": f"{IAM}:role/ops"}),
        {f"{IAM}:role/ops": UNDECIDED},
    ),
    "a role that a condition names": (
        _statement({"AWS": "*"}, ArnEquals={"aws:PrincipalArn": f"arn:aws:iam::{FOREIGN}:role/ci"}),
        {f"arn:aws:iam::{FOREIGN}:role/ci": UNDECIDED},
    ),
    "roles that a condition means": (
        _statement({"AWS": "*"}, ArnLike={"aws:PrincipalArn": f"arn:aws:iam::{FOREIGN}:role/*"}),
        {"*": _told("sts:AssumeRole", f"ArnLike aws:PrincipalArn arn:aws:iam::{FOREIGN}:role/*")},
    ),
    "an organization": (
        _statement("*", StringEquals={"aws:PrincipalOrgID": "o-1"}),
        {"*": _told("sts:AssumeRole", "StringEquals aws:PrincipalOrgID o-1")},
    ),
    "the account itself": (_statement({"AWS": f"{IAM}:root"}), {}),
    "the agent": (_statement({"AWS": ROLE}), {}),
    "a service": (AGENTCORE, {}),
    "tokens for another action": (_statement({"Federated": GITHUB}, "sts:TagSession"), {}),
    "tokens that do not come by the action for them": (_statement({"Federated": GITHUB}, "sts:AssumeRole"), {}),
}


@pytest.mark.parametrize(("trust", "expected"), ROWS.values(), ids=ROWS.keys())
def test_who_may_call_by_a_role_that_they_may_take(
    case: MakeCase, trust: Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    found, before = _matrix(case, trust), _matrix(case, AGENTCORE)
    assert _rows(found) == expected
    undecided = [principal for principal, (decision, _) in expected.items() if decision == "undecided"]
    assert all(any(line.startswith(f"{it}: may take open") for line in found.unsupported) for it in undecided)
    assert difference(before, found).code == (SOMEBODY_GAINS if expected or found.bypasses else NO_CHANGE)


@pytest.mark.parametrize("trust", [row[0] for row in ROWS.values()], ids=ROWS.keys())
def test_a_role_without_a_grant_says_nothing_whoever_may_take_it(case: MakeCase, trust: Mapping[str, Any]) -> None:
    found = _matrix(case, trust, granted=False)
    assert _rows(found) == {}
    assert found.unsupported == ()


def test_a_deny_of_the_trust_policy_counts(case: MakeCase) -> None:
    for allow in (_statement({"Federated": GITHUB}, WEB), _statement({"AWS": FOREIGN})):
        deny = {**_statement("*", "sts:*"), "Effect": "Deny"}
        assert _rows(_matrix(case, allow, deny)) == {}
    several = _statement({"AWS": [FOREIGN, f"arn:aws:iam::{FOREIGN}:role/ci"]})
    deny = {**_statement({"AWS": f"arn:aws:iam::{FOREIGN}:role/ci"}), "Effect": "Deny"}
    assert _rows(_matrix(case, several, deny)) == {f"arn:aws:iam::{FOREIGN}:root": UNDECIDED}


def test_a_trust_policy_for_all_but_some_leaves_open_who_has_a_token(case: MakeCase) -> None:
    """IAM takes no Allow with NotPrincipal in a trust policy; who wrote one meant something."""
    but = {"Effect": "Allow", "NotPrincipal": {"Federated": EKS}, "Action": WEB}
    found = _matrix(case, but)
    assert _rows(found) == {"*": UNDECIDED}
    assert any(line.startswith("*: may take open") for line in found.unsupported)


def test_a_note_says_on_what_condition_the_other_account_takes_the_role(case: MakeCase) -> None:
    found = _matrix(case, _statement({"AWS": FOREIGN}, StringEquals={"sts:ExternalId": "x"}))
    told = "may take open if StringEquals sts:ExternalId x; not known: its identity policies"
    assert found.unsupported == (f"arn:aws:iam::{FOREIGN}:root: {told}",)


def test_every_way_of_one_principal_counts_in_its_row(case: MakeCase) -> None:
    by_resource_policy = [{**GRANT, "Principal": {"AWS": FOREIGN}}]
    found = _matrix(case, _statement({"AWS": FOREIGN}), resource=by_resource_policy)
    rows = [e for e in found.entries if e.principal == f"arn:aws:iam::{FOREIGN}:root" and e.tool == "math___add"]
    assert [str(e.decision) for e in rows] == ["undecided"]
    two = _statement("*", StringEquals={"sts:ExternalId": "x"}), _statement({"Federated": GITHUB}, WEB, **AUD)
    changed = two[0], _statement({"Federated": GITHUB}, WEB, StringLike={SUB: "repo:*"})
    one = _matrix(case, *two)
    assert _rows(one)["*"][1] == (
        "sts:AssumeRole on open if StringEquals sts:ExternalId x",
        f"{WEB} on open if {_AUD}",
    )
    assert difference(one, _matrix(case, *changed)).code == SOMEBODY_GAINS


@pytest.mark.parametrize("service", ["ec2.amazonaws.com", "ecs-tasks.amazonaws.com", "states.amazonaws.com"])
def test_services_that_are_not_judged_are_named_where_the_role_may_call_something(case: MakeCase, service: str) -> None:
    trust = _statement({"Service": [service, "lambda.amazonaws.com", "bedrock-agentcore.amazonaws.com"]})
    profile = ("aws:iam/instanceProfile:InstanceProfile", "p", {"name": "p", "role": "open"})
    expected = f"open: {service} may take it; who makes that service act with it is not judged"
    assert _matrix(case, trust, more=[profile]).unsupported == (expected,)
    assert _matrix(case, trust, granted=False).unsupported == ()


def test_an_outsider_that_the_deployment_allows_to_take_a_role(case: MakeCase) -> None:
    take = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": OPEN}
    account = _statement({"AWS": f"{IAM}:root"})
    found = _matrix(case, account, more=[_inline("contractor", take)])
    assert _rows(found) == {f"{IAM}:role/contractor": UNDECIDED}
    assert _rows(_matrix(case, AGENTCORE, more=[_inline("contractor", take)])) == {}
    elsewhere = {**take, "Resource": f"{IAM}:role/other"}
    assert _rows(_matrix(case, account, more=[_inline("contractor", elsewhere)])) == {}


def test_anybody_who_takes_a_role_invokes_gateways_elsewhere_too(case: MakeCase) -> None:
    elsewhere = GATEWAY.replace(ACCOUNT, FOREIGN)
    more = [_inline("open", {**GRANT, "Resource": elsewhere})]
    found = _matrix(case, _statement({"AWS": "*"}), granted=False, more=more)
    assert {(e.principal, e.gateway) for e in found.entries if e.principal == "*"} == {("*", elsewhere)}


# Within the account a trust policy that names the account lets identity policies count; one that names the caller is
# enough, but for a boundary; across accounts both sides must allow.
TAKE = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": OPEN}
ACCOUNT_ROOT, BY_NAME, ALL = {"AWS": f"{IAM}:root"}, {"AWS": ROLE}, {"AWS": "*"}
FAR = f"arn:aws:iam::{FOREIGN}:role/caller"
ASSUMED: list[tuple[Any, dict[str, Any], Outcome]] = [
    (ACCOUNT_ROOT, {}, Outcome.IMPLICIT_DENY),
    (ACCOUNT_ROOT, {"identity": [TAKE]}, Outcome.ALLOW),
    (ACCOUNT_ROOT, {"identity": [{**TAKE, "Resource": ROLE}]}, Outcome.IMPLICIT_DENY),
    (ACCOUNT_ROOT, {"identity": [TAKE], "boundary": [{**TAKE, "Action": "s3:*"}]}, Outcome.IMPLICIT_DENY),
    (BY_NAME, {}, Outcome.ALLOW),
    (BY_NAME, {"boundary": [{**TAKE, "Action": "s3:*"}]}, Outcome.IMPLICIT_DENY),
    (BY_NAME, {"identity": [{**TAKE, "Effect": "Deny"}]}, Outcome.EXPLICIT_DENY),
    (ALL, {}, Outcome.ALLOW),
    ({"Service": "lambda.amazonaws.com"}, {"identity": [TAKE]}, Outcome.IMPLICIT_DENY),
    ({"AWS": f"{IAM}:role/other"}, {"identity": [TAKE]}, Outcome.IMPLICIT_DENY),
    ({"AWS": FAR}, {"role": FAR}, Outcome.IMPLICIT_DENY),
    ({"AWS": FAR}, {"role": FAR, "identity": [TAKE]}, Outcome.ALLOW),
    ({"AWS": FOREIGN}, {"role": FAR, "identity": [TAKE]}, Outcome.ALLOW),
    (ACCOUNT_ROOT, {"role": FAR, "identity": [TAKE]}, Outcome.IMPLICIT_DENY),
]


@pytest.mark.parametrize(("principal", "documents", "outcome"), ASSUMED)
def test_whether_a_role_may_take_another(case: MakeCase, principal: Any, documents: Any, outcome: Outcome) -> None:
    deployment: Deployment = parse(case(more=[_role("open", _statement(principal))], **documents).export())
    role = deployment.role(OPEN)
    assert role is not None
    assert may_assume(role, deployment.identity(documents.get("role", ROLE))).outcome is outcome
