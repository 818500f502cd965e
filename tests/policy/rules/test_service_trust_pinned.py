import json
from typing import Any

import pytest

from tests.policy import making
from tests.policy.driver import UNKNOWN, Pack, rules
from tests.policy.making import ACCOUNT, AGENTCORE, PINNED, document, trust

RULE = "service-trust-pinned"
SOURCE = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:*"
ACCOUNT_PIN = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
OTHER = "arn:aws:bedrock-agentcore:us-east-1:999999999999:*"


def conditions(account: Any = ACCOUNT, arn: Any = SOURCE, **operators: str) -> dict[str, Any]:
    by_account = operators.get("account_operator", "StringEquals")
    by_arn = operators.get("arn_operator", "ArnLike")
    return {by_account: {"aws:SourceAccount": account}, by_arn: {"aws:SourceArn": arn}}


LOOSE: dict[str, Any] = {
    "no condition": None,
    "empty": {},
    "account only": ACCOUNT_PIN,
    "arn only": {"ArnLike": {"aws:SourceArn": SOURCE}},
    "other keys": {"StringEquals": {"aws:PrincipalTag/x": "y", "aws:SourceOrgID": "o-1"}},
    "account IfExists": conditions(account_operator="StringEqualsIfExists"),
    "arn IfExists": conditions(arn_operator="ArnLikeIfExists"),
    "account ForAnyValue": conditions(account_operator="ForAnyValue:StringEquals"),
    "account ForAllValues": conditions(account_operator="ForAllValues:StringEquals"),
    "account negated": conditions(account_operator="StringNotEquals"),
    "arn negated": conditions(arn_operator="ArnNotLike"),
    "account pattern": conditions("*", account_operator="StringLike"),
    "account prefix": conditions("1234*", account_operator="StringLike"),
    "account text": conditions("my-account"),
    "account variable": conditions("${aws:PrincipalAccount}"),
    "one loose account": conditions([ACCOUNT, "*"], account_operator="StringLike"),
    "no account": conditions([]),
    "arn star": conditions(arn="*"),
    "arn of any account": conditions(arn="arn:aws:bedrock-agentcore:us-east-1:*:gateway/*"),
    "arn of another account": conditions(arn=OTHER),
    "one arn of another account": conditions(arn=[SOURCE, OTHER]),
    "arn of another service": conditions(arn=f"arn:aws:lambda:us-east-1:{ACCOUNT}:*"),
    "arn of any service": conditions(arn=f"arn:aws:*:us-east-1:{ACCOUNT}:*"),
    "arn too short": conditions(arn="arn:aws:bedrock-agentcore:*"),
    "no arn": conditions(arn=[]),
    "Null operator": {**ACCOUNT_PIN, "Null": {"aws:SourceArn": "false"}},
}


@pytest.mark.parametrize("condition", LOOSE.values(), ids=LOOSE.keys())
def test_a_trust_that_others_can_use_violates(pack: Pack, condition: Any) -> None:
    found = pack.analyze(making.role(assumeRolePolicy=trust(AGENTCORE, condition=condition, Sid="In")))
    assert rules(found) == [RULE]
    assert found[0].level == "mandatory"
    assert 'Role "agent", assumeRolePolicy, statement "In"' in found[0].message


TIGHT: dict[str, Any] = {
    "documented": PINNED,
    "lower case keys": {"stringequals": {"AWS:sourceaccount": ACCOUNT}, "arnlike": {"aws:SOURCEARN": SOURCE}},
    "number": conditions(int(ACCOUNT)),
    "StringLike": {"StringLike": {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": SOURCE}},
    "ArnEquals": conditions(arn_operator="ArnEquals"),
    "ignoring case": conditions(account_operator="StringEqualsIgnoreCase"),
    "lists": conditions([ACCOUNT, "999999999999"], [SOURCE, OTHER]),
    "any Region": conditions(arn=f"arn:aws:bedrock-agentcore:*:{ACCOUNT}:runtime/shop-*"),
    "more conditions": {**PINNED, "Bool": {"aws:SecureTransport": "true"}},
    "a loose one beside the tight one": {**PINNED, "StringLike": {"aws:SourceArn": "*"}},
}


@pytest.mark.parametrize("condition", TIGHT.values(), ids=TIGHT.keys())
def test_a_pinned_trust_passes(pack: Pack, condition: Any) -> None:
    assert pack.analyze(making.role(assumeRolePolicy=trust(AGENTCORE, condition=condition))) == []


@pytest.mark.parametrize(
    "entry",
    [
        {"Principal": "*", "Action": "sts:AssumeRole"},
        {"Principal": {"Service": ["lambda.amazonaws.com", AGENTCORE]}, "Action": ["sts:TagSession", "sts:*"]},
        {"Principal": {"service": AGENTCORE.upper()}, "Action": "STS:assumerole"},
        {"Principal": {"Service": AGENTCORE}, "NotAction": "s3:*"},
        {"NotPrincipal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"},
    ],
    ids=str,
)
def test_every_way_to_let_agentcore_in(pack: Pack, entry: dict[str, Any]) -> None:
    found = pack.analyze(making.role(assumeRolePolicy=document({"Effect": "Allow", **entry})))
    # What lets everybody in is trust-names-callers's business, too.
    found = [it for it in found if it.rule != "trust-names-callers"]
    assert rules(found) == [RULE]
    assert "Statement[0]" in found[0].message


@pytest.mark.parametrize("loose", [0, 1])
def test_a_pinned_statement_does_not_hide_another(pack: Pack, loose: int) -> None:
    """aws/aws-cdk#38780: a second statement, without a condition."""
    entry = {"Effect": "Allow", "Principal": {"Service": AGENTCORE}, "Action": "sts:AssumeRole"}
    statements = [{**entry, "Condition": PINNED}, {**entry, "Condition": PINNED}]
    del statements[loose]["Condition"]
    [found] = pack.analyze(making.role(assumeRolePolicy=document(*statements)))
    assert (found.rule, f"Statement[{loose}]" in found.message) == (RULE, True)


@pytest.mark.parametrize(
    "policy",
    [
        trust("lambda.amazonaws.com"),
        trust("bedrock.amazonaws.com"),
        document({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}),
        document({"Effect": "Deny", "Principal": {"Service": AGENTCORE}, "Action": "sts:AssumeRole"}),
        document({"Effect": "Allow", "Principal": {"Service": AGENTCORE}, "Action": "sts:TagSession"}),
        document({"Effect": "Allow", "NotPrincipal": {"Service": AGENTCORE}, "Action": "sts:AssumeRole"}),
        document(
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abc123"}},
            }
        ),
        trust(UNKNOWN),
        trust(f"{UNKNOWN}.amazonaws.com"),
        UNKNOWN,
    ],
)
def test_trusts_that_do_not_let_agentcore_in_pass(pack: Pack, policy: str) -> None:
    assert pack.analyze(making.role(assumeRolePolicy=policy)) == []


def test_a_broken_trust_says_so(pack: Pack) -> None:
    (found,) = pack.analyze(making.role(assumeRolePolicy="{"))
    assert (found.rule, found.level) == (RULE, "mandatory")
    assert "is not JSON" in found.message


def test_an_unknown_source_does_not_hide_a_missing_account(pack: Pack) -> None:
    both = {"Statement": [{**json.loads(trust(AGENTCORE))["Statement"][0], "Condition": conditions(UNKNOWN, UNKNOWN)}]}
    assert pack.analyze(making.role(assumeRolePolicy=both)) == []
    arn_only = {"ArnLike": {"aws:SourceArn": UNKNOWN}}
    one = {"Statement": [{**json.loads(trust(AGENTCORE))["Statement"][0], "Condition": arn_only}]}
    (found,) = pack.analyze(making.role(assumeRolePolicy=one))
    assert "without aws:SourceAccount (one account id) under" in found.message


AWS_PATH = "/aws-service-role/runtime.bedrock-agentcore.amazonaws.com/"


def test_a_role_that_aws_made_for_its_own_service_is_nobodys_to_change(pack: Pack) -> None:
    loose, wide = trust(AGENTCORE), making.role_policy(document(making.statement("bedrock:InvokeModel", "*")))
    assert rules(pack.analyze(making.role(assumeRolePolicy=loose, path="/mine/"))) == [RULE]
    assert rules(pack.analyze(wide)) == ["model-access-named"]
    assert pack.analyze(making.role(assumeRolePolicy=loose, path=AWS_PATH)) == []
    assert pack.analyze(wide) == []
    assert pack.analyze_stack([making.role(assumeRolePolicy=loose, path=AWS_PATH), wide]) == []
    assert rules(pack.analyze_stack([making.role(path="/mine/"), wide])) == ["model-access-named"]
