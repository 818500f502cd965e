"""What IAM decides, row by row."""

from dataclasses import replace
from typing import Any

import pytest

from toolgate.access.deployment.roles import Role
from toolgate.access.iam.evaluation import IamRequest, Outcome, decide
from toolgate.access.iam.policies import Policy

ACTION = "bedrock-agentcore:InvokeGateway"
GATEWAY = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/tools-abcdefghij"
ROLE = "arn:aws:iam::123456789012:role/agents/caller"

ALLOW, IMPLICIT, EXPLICIT = Outcome.ALLOW, Outcome.IMPLICIT_DENY, Outcome.EXPLICIT_DENY
CONDITIONAL, UNDECIDED = Outcome.CONDITIONAL, Outcome.UNDECIDED


def _allow(action: Any = ACTION, resource: Any = GATEWAY, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def _deny(action: Any = ACTION, resource: Any = GATEWAY, **more: Any) -> dict[str, Any]:
    return {**_allow(action, resource, **more), "Effect": "Deny"}


def _if(operator: str, key: str, value: Any) -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


def _caller(
    *statements: dict[str, Any], boundary: list[dict[str, Any]] | None = None, unread: tuple[str, ...] = ()
) -> Role:
    limit = Policy("boundary", {"Version": "2012-10-17", "Statement": boundary}) if boundary is not None else None
    policy = Policy("identity", {"Version": "2012-10-17", "Statement": list(statements)})
    return Role(arn=ROLE, name="caller", trust={}, policies=(policy,), boundary=limit, unread=unread)


ROWS = {
    "no statement": ([], IMPLICIT),
    "exact": ([_allow()], ALLOW),
    "a list of actions and resources": ([_allow(["x:Y", ACTION], ["arn:aws:s3:::b", GATEWAY])], ALLOW),
    "another action": ([_allow("bedrock-agentcore:InvokeAgentRuntime")], IMPLICIT),
    "another resource": ([_allow(resource=GATEWAY.replace("tools", "other"))], IMPLICIT),
    "star for everything": ([_allow("*", "*")], ALLOW),
    "star in the action": ([_allow("bedrock-agentcore:Invoke*")], ALLOW),
    "star for the service": ([_allow("bedrock-agentcore:*")], ALLOW),
    "star in the resource": ([_allow(resource="arn:aws:bedrock-agentcore:*:123456789012:gateway/*")], ALLOW),
    "ten question marks": ([_allow(resource=GATEWAY.replace("abcdefghij", "?" * 10))], ALLOW),
    "nine question marks": ([_allow(resource=GATEWAY.replace("abcdefghij", "?" * 9))], IMPLICIT),
    "actions ignore case": ([_allow("BEDROCK-AGENTCORE:invokegateway")], ALLOW),
    "resources do not": ([_allow(resource=GATEWAY.replace("tools", "Tools"))], IMPLICIT),
    "a dot is only a dot": ([_allow(resource=GATEWAY.replace("tools-", "tools."))], IMPLICIT),
    "a prefix is not enough": ([_allow(resource=GATEWAY[:-1])], IMPLICIT),
    "deny beats allow": ([_allow(), _deny()], EXPLICIT),
    "deny beats allow in any order": ([_deny("*", "*"), _allow()], EXPLICIT),
    "deny of another resource": ([_allow(), _deny(resource=GATEWAY.replace("tools", "other"))], ALLOW),
    "NotAction leaves the action out": (
        [{"Effect": "Allow", "NotAction": "bedrock-agentcore:*", "Resource": "*"}],
        IMPLICIT,
    ),
    "NotAction with another action": ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], ALLOW),
    "NotResource leaves the resource out": (
        [{"Effect": "Allow", "Action": ACTION, "NotResource": GATEWAY}],
        IMPLICIT,
    ),
    "NotResource with another": (
        [{"Effect": "Allow", "Action": ACTION, "NotResource": GATEWAY.replace("tools", "other")}],
        ALLOW,
    ),
    "deny with NotResource of another": (
        [_allow(), {"Effect": "Deny", "Action": "*", "NotResource": GATEWAY.replace("tools", "other")}],
        EXPLICIT,
    ),
    "condition met by the Region": ([_allow(**_if("StringEquals", "aws:RequestedRegion", "us-east-1"))], ALLOW),
    "condition missed by the Region": ([_allow(**_if("StringEquals", "aws:RequestedRegion", "eu-north-1"))], IMPLICIT),
    "keys ignore case": ([_allow(**_if("StringEquals", "AWS:requestedregion", ["eu-north-1", "us-east-1"]))], ALLOW),
    "deny whose condition is missed": (
        [_allow(), _deny(**_if("StringNotEquals", "aws:RequestedRegion", "us-east-1"))],
        ALLOW,
    ),
    "deny outside a Region": (
        [_allow(), _deny("*", "*", **_if("StringNotEquals", "aws:RequestedRegion", "eu-north-1"))],
        EXPLICIT,
    ),
    "the principal is the role, not its session": ([_allow(**_if("ArnEquals", "aws:PrincipalArn", ROLE))], ALLOW),
    "the principal by pattern": ([_allow(**_if("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/agents/*"))], ALLOW),
    "no field of an ARN is left by a wildcard": (
        [_allow(), _deny(**_if("ArnLike", "aws:PrincipalArn", "arn:aws:iam:*role/agents/caller"))],
        ALLOW,
    ),
    "a variable that the caller fills in": (
        [_allow(resource=GATEWAY.replace("123456789012", "${aws:PrincipalAccount}"))],
        ALLOW,
    ),
    "deny everybody else": ([_allow(), _deny("*", "*", **_if("ArnNotEquals", "aws:PrincipalArn", ROLE))], ALLOW),
    "deny everybody but another": (
        [_allow(), _deny("*", "*", **_if("ArnNotEquals", "aws:PrincipalArn", f"{ROLE}2"))],
        EXPLICIT,
    ),
    "account of the caller": ([_allow(**_if("StringEquals", "aws:PrincipalAccount", "123456789012"))], ALLOW),
    "account of the resource": ([_allow(**_if("StringEquals", "aws:ResourceAccount", "999999999999"))], IMPLICIT),
    "always over TLS": ([_allow(), _deny("*", "*", **_if("Bool", "aws:SecureTransport", "false"))], ALLOW),
    "two operators must both hold": (
        [
            _allow(
                Condition={
                    "StringEquals": {"aws:RequestedRegion": "us-east-1"},
                    "StringLike": {"aws:PrincipalAccount": "9*"},
                }
            )
        ],
        IMPLICIT,
    ),
    "an allow that depends on the request": (
        [_allow(**_if("IpAddress", "aws:SourceIp", "203.0.113.0/24"))],
        CONDITIONAL,
    ),
    "a deny that depends on the request": (
        [_allow(), _deny(**_if("NotIpAddress", "aws:SourceIp", "203.0.113.0/24"))],
        CONDITIONAL,
    ),
    "a sure allow beside a conditional one": (
        [_allow(**_if("Bool", "aws:MultiFactorAuthPresent", "true")), _allow()],
        ALLOW,
    ),
    "a condition that cannot hold whatever the request": (
        [_allow(Condition={"StringEquals": {"aws:RequestedRegion": "eu-north-1", "aws:SourceVpc": "vpc-1"}})],
        IMPLICIT,
    ),
    "a sure deny beside a conditional allow": (
        [_allow(**_if("IpAddress", "aws:SourceIp", "203.0.113.0/24")), _deny()],
        EXPLICIT,
    ),
    "a conditional deny of what nobody allows": ([_deny(**_if("Bool", "aws:ViaX", "true"))], IMPLICIT),
    "a variable in an allow": ([_allow(resource=GATEWAY.replace("tools", "${aws:PrincipalTag/team}"))], UNDECIDED),
    "a variable in a deny": (
        [_allow(), _deny(resource=GATEWAY.replace("tools", "${aws:PrincipalTag/team}"))],
        UNDECIDED,
    ),
    "a variable that cannot matter": ([_allow(), _deny(resource="arn:aws:s3:::${aws:username}")], ALLOW),
    "a variable in NotResource": (
        [_allow(), {"Effect": "Deny", "Action": "*", "NotResource": [GATEWAY.replace("tools", "${aws:userid}")]}],
        UNDECIDED,
    ),
    "a variable in NotResource that cannot matter": (
        [_allow(), {"Effect": "Deny", "Action": "*", "NotResource": ["arn:aws:s3:::${aws:userid}"]}],
        EXPLICIT,
    ),
    "a variable in a condition": ([_allow(**_if("StringEquals", "aws:RequestedRegion", "${aws:x}"))], UNDECIDED),
    "an operator that nobody knows, allowing": (
        [_allow(**_if("StringMatches", "aws:RequestedRegion", "us"))],
        UNDECIDED,
    ),
    "an operator that nobody knows, denying": (
        [_allow(), _deny(**_if("StringMatches", "aws:RequestedRegion", "us"))],
        UNDECIDED,
    ),
    "a set operator that nobody knows": (
        [_allow(), _deny(**_if("ForSome:StringEquals", "aws:RequestedRegion", "us-east-1"))],
        UNDECIDED,
    ),
    "a sure deny beside what nobody can read": (
        [_allow(resource=GATEWAY.replace("tools", "${aws:x}")), _deny("*", "*")],
        EXPLICIT,
    ),
}


@pytest.mark.parametrize(("statements", "outcome"), ROWS.values(), ids=ROWS.keys())
def test_decisions(statements: list[dict[str, Any]], outcome: Outcome) -> None:
    decision = decide(IamRequest(_caller(*statements), ACTION, GATEWAY))
    assert decision.outcome is outcome
    assert decision.allowed is (outcome is ALLOW)


@pytest.mark.parametrize(
    ("boundary", "outcome"),
    [
        ([_allow()], ALLOW),
        ([_allow("bedrock-agentcore:*", "*")], ALLOW),
        ([], IMPLICIT),
        ([_allow("s3:*", "*")], IMPLICIT),
        ([_allow(), _deny()], EXPLICIT),
        ([_allow(**_if("IpAddress", "aws:SourceIp", "203.0.113.0/24"))], CONDITIONAL),
        ([_allow(resource="arn:aws:bedrock-agentcore:*:*:gateway/${aws:x}")], UNDECIDED),
    ],
)
def test_a_boundary_limits_and_never_grants(boundary: list[dict[str, Any]], outcome: Outcome) -> None:
    assert decide(IamRequest(_caller(_allow(), boundary=boundary), ACTION, GATEWAY)).outcome is outcome
    assert not decide(IamRequest(_caller(boundary=boundary), ACTION, GATEWAY)).allowed


def test_a_boundary_that_is_not_known_may_take_away_what_others_allow_and_nothing_else() -> None:
    def judged(*statements: dict[str, Any], resource: dict[str, Any] | None = None) -> Outcome:
        caller = replace(_caller(*statements), unknown_boundary="arn:aws:iam::123456789012:policy/limit")
        document = {"Version": "2012-10-17", "Statement": [resource]}
        policy = Policy("resource", document) if resource else None
        return decide(IamRequest(caller, ACTION, GATEWAY, resource_policy=policy)).outcome

    assert judged(_allow()) is UNDECIDED
    assert judged() is IMPLICIT
    assert judged(_allow(), _deny()) is EXPLICIT
    # IAM user guide, "Permissions boundaries": it limits a grant to the role, and none to everybody.
    assert judged(resource={**_allow(), "Principal": {"AWS": ROLE}}) is UNDECIDED
    assert judged(resource={**_allow(), "Principal": "*"}) is ALLOW


def test_a_policy_that_is_not_known_leaves_it_open_unless_another_denies() -> None:
    arn = ("arn:aws:iam::aws:policy/ReadOnlyAccess",)
    assert decide(IamRequest(_caller(_allow(), unread=arn), ACTION, GATEWAY)).outcome is UNDECIDED
    assert decide(IamRequest(_caller(unread=arn), ACTION, GATEWAY)).outcome is UNDECIDED
    assert decide(IamRequest(_caller(_deny(), unread=arn), ACTION, GATEWAY)).outcome is EXPLICIT


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({"bedrock:InferenceProfileArn": "profile"}, ALLOW),
        ({"BEDROCK:inferenceprofilearn": "profile"}, ALLOW),
        ({"bedrock:InferenceProfileArn": "another"}, IMPLICIT),
        ({"bedrock:InferenceProfileArn": None}, IMPLICIT),
        ({}, CONDITIONAL),
    ],
)
def test_facts_of_the_request_decide_conditions(facts: dict[str, str | None], outcome: Outcome) -> None:
    caller = _caller(_allow(**_if("StringEquals", "bedrock:InferenceProfileArn", "profile")))
    assert decide(IamRequest(caller, ACTION, GATEWAY, facts)).outcome is outcome


def test_a_source_address_is_a_fact_like_any_other() -> None:
    caller = _caller(_allow(**_if("IpAddress", "aws:SourceIp", "203.0.113.0/24")))
    assert decide(IamRequest(caller, ACTION, GATEWAY, {"aws:SourceIp": "203.0.113.9"})).outcome is ALLOW
    assert decide(IamRequest(caller, ACTION, GATEWAY, {"aws:SourceIp": "127.0.0.1"})).outcome is IMPLICIT


def test_the_statements_that_decided_are_named() -> None:
    allowed = decide(IamRequest(_caller(_allow("s3:*"), _allow(Sid="Granted")), ACTION, GATEWAY))
    assert [str(s) for s in allowed.statements] == ["Allow in identity (Granted)"]
    denied = decide(IamRequest(_caller(_allow(), _deny()), ACTION, GATEWAY))
    assert [str(s) for s in denied.statements] == ["Deny in identity (statement 2)"]
    depends = decide(IamRequest(_caller(_allow(**_if("IpAddress", "aws:SourceIp", "10.0.0.0/8"))), ACTION, GATEWAY))
    assert depends.statements[0].conditions == ("IpAddress aws:SourceIp 10.0.0.0/8",)
    assert decide(IamRequest(_caller(), ACTION, GATEWAY)).statements == ()


def test_what_an_arn_does_not_tell_is_left_open() -> None:
    """A role's ARN has no Region, a foundation model's no account."""
    for resource, key in ((ROLE, "aws:RequestedRegion"), ("arn:aws:bedrock:us-east-1::x/y", "aws:ResourceAccount")):
        caller = _caller(_allow("sts:AssumeRole", "*", **_if("StringEquals", key, "x")))
        assert decide(IamRequest(caller, "sts:AssumeRole", resource)).outcome is CONDITIONAL
