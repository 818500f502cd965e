"""What a statement says of a request, row by row.

Source: IAM user guide, "IAM JSON policy elements: Condition operators", "Set operators for multivalued context keys",
"IAM policy elements: Variables and tags", "IAM JSON policy elements: Resource".
"""

from collections.abc import Mapping
from typing import Any

import pytest

from toolgate.policy.language import documents, iam
from toolgate.policy.language.evaluation import Request, matches
from toolgate.policy.language.matching import Match, all_of, any_of, negated
from toolgate.policy.language.request_facts import UNNAMED, Fact, Facts
from toolgate.policy.language.unknown import UNKNOWN, UNKNOWN_TEXT

ACTION = "bedrock-agentcore:InvokeGateway"
GATEWAY = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/tools-abcdefghij"
ROLE = "arn:aws:iam::123456789012:role/agents/caller"
YES, NO, IF, UNREADABLE = Match.YES, Match.NO, Match.IF, Match.UNREADABLE

FACTS: dict[str, Fact] = {
    "aws:principalarn": ROLE,
    "aws:sourceip": "203.0.113.9",
    "aws:currenttime": "2026-11-29T16:00:00Z",
    "aws:epochtime": "1795968000",
    "aws:multifactorauthpresent": "true",
    "aws:tagkeys": ("team", "cost"),
    "aws:calledvia": (),
    "aws:sourcevpc": None,
    "aws:username": None,
    "x:bytes": "AQID",
    "x:count": "10",
    "x:star": "a*",
    "x:team": "tools",
    "x:one": ("only",),
    "x:somebody": UNNAMED,
}


def judged(
    condition: Any = None, *, resource: Any = GATEWAY, facts: Mapping[str, Fact] = FACTS, version: str = "2012-10-17"
) -> Match:
    element = {"Condition": condition} if condition is not None else {}
    entry = {"Effect": "Allow", "Action": ACTION, "Resource": resource, **element}
    (statement,) = iam.statements(documents.read({"Version": version, "Statement": entry}))
    return matches(statement, Request(ACTION, GATEWAY, Facts(facts)))


OPERATORS: list[tuple[str, str, Any, Match]] = [
    ("StringEquals", "x:team", "tools", YES),
    ("StringEquals", "X:Team", ["other", "tools"], YES),
    ("StringEquals", "x:team", "Tools", NO),
    ("StringEquals", "x:team", "t*", NO),
    ("StringEquals", "x:star", "a*", YES),
    ("StringEquals", "x:star", "a${*}", YES),
    ("StringEquals", "x:team", [], NO),
    ("StringNotEquals", "x:team", ["other", "tools"], NO),
    ("StringNotEquals", "x:team", ["other", "more"], YES),
    ("StringNotEquals", "x:team", [], YES),
    ("StringEqualsIgnoreCase", "x:team", "TOOLS", YES),
    ("StringNotEqualsIgnoreCase", "x:team", "TOOLS", NO),
    ("StringLike", "x:team", "t??l*", YES),
    ("StringLike", "x:team", "T*", NO),
    ("StringLike", "x:star", "a${*}", YES),
    ("StringLike", "x:team", "tool${*}", NO),
    ("StringNotLike", "x:team", "t*", NO),
    # No ARN in a StringLike is completed, and no field of one is a border.
    ("StringLike", "aws:PrincipalArn", "arn:aws:iam", NO),
    ("StringLike", "aws:PrincipalArn", "arn:*caller", YES),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/agents/*", YES),
    ("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::*:role/*", YES),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::123456789012:role/agents/calle?", YES),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:iam:*role/agents/caller", NO),
    ("ArnLike", "aws:PrincipalArn", "arn:*:role/agents/caller", NO),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:*:*:role/agents/caller", NO),
    ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam:*role/agents/caller", YES),
    ("ArnNotEquals", "aws:PrincipalArn", ROLE, NO),
    ("ArnLike", "aws:PrincipalArn", "*", UNREADABLE),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*", UNREADABLE),
    ("ArnLike", "aws:PrincipalArn", ["*", ROLE], YES),
    ("ArnLike", "x:team", "arn:aws:iam::1:role/x", NO),
    ("Bool", "aws:MultiFactorAuthPresent", True, YES),
    ("Bool", "aws:MultiFactorAuthPresent", "TRUE", YES),
    ("Bool", "aws:MultiFactorAuthPresent", "false", NO),
    ("Bool", "aws:MultiFactorAuthPresent", "yes", UNREADABLE),
    ("NumericEquals", "x:count", "10.0", YES),
    ("NumericEquals", "x:count", 10, YES),
    ("NumericNotEquals", "x:count", "10", NO),
    ("NumericLessThan", "x:count", "10", NO),
    ("NumericLessThanEquals", "x:count", "10", YES),
    ("NumericGreaterThan", "x:count", "9.5", YES),
    ("NumericGreaterThanEquals", "x:count", "11", NO),
    ("NumericEquals", "x:count", "ten", UNREADABLE),
    ("NumericNotEquals", "x:count", "ten", UNREADABLE),
    ("NumericEquals", "x:count", "NaN", UNREADABLE),
    ("DateLessThan", "aws:CurrentTime", "2026-11-30T00:00:00Z", YES),
    ("DateGreaterThan", "aws:CurrentTime", "2026-11-29T18:30:00+02:30", NO),
    ("DateGreaterThanEquals", "aws:CurrentTime", "2026-11-29T18:30:00+02:30", YES),
    ("DateEquals", "aws:CurrentTime", "1795968000", YES),
    ("DateLessThanEquals", "aws:EpochTime", "2026-11-29", NO),
    ("DateNotEquals", "aws:CurrentTime", "2026-11-29T16:00:00Z", NO),
    ("DateLessThan", "aws:CurrentTime", "tomorrow", UNREADABLE),
    ("BinaryEquals", "x:bytes", "AQID", YES),
    ("BinaryEquals", "x:bytes", "AQIE", NO),
    ("BinaryEquals", "x:bytes", "no base64!", UNREADABLE),
    ("IpAddress", "aws:SourceIp", ["10.0.0.0/8", "203.0.113.0/24"], YES),
    ("IpAddress", "aws:SourceIp", "203.0.113.9", YES),
    ("IpAddress", "aws:SourceIp", "2001:db8::/32", NO),
    ("NotIpAddress", "aws:SourceIp", "203.0.113.0/24", NO),
    ("IpAddress", "aws:SourceIp", "office", UNREADABLE),
    ("Null", "aws:SourceVpc", "true", YES),
    ("Null", "aws:SourceVpc", False, NO),
    ("Null", "x:team", "false", YES),
    ("Null", "aws:CalledVia", "true", YES),
    ("Null", "x:team", ["true", "false"], YES),
    ("Null", "x:unheard", "true", IF),
    # A key that is absent.
    ("StringEquals", "aws:SourceVpc", "vpc-1", NO),
    ("StringEqualsIfExists", "aws:SourceVpc", "vpc-1", YES),
    ("StringNotEquals", "aws:SourceVpc", "vpc-1", YES),
    ("ForAnyValue:StringEquals", "aws:SourceVpc", "vpc-1", NO),
    ("ForAnyValue:StringNotEquals", "aws:CalledVia", "x", NO),
    ("ForAllValues:StringEquals", "aws:CalledVia", "x", YES),
    ("StringEqualsIfExists", "x:team", "other", NO),
    ("StringNotEqualsIfExists", "x:team", "other", YES),
    # A key with several values.
    ("ForAllValues:StringEquals", "aws:TagKeys", ["team", "cost", "more"], YES),
    ("ForAllValues:StringEquals", "aws:TagKeys", ["team"], NO),
    ("ForAnyValue:StringEquals", "aws:TagKeys", ["team", "more"], YES),
    ("ForAnyValue:StringEquals", "aws:TagKeys", ["more"], NO),
    ("ForAllValues:StringNotEquals", "aws:TagKeys", ["more"], YES),
    ("ForAllValues:StringNotEquals", "aws:TagKeys", ["team"], NO),
    ("ForAnyValue:StringNotEquals", "aws:TagKeys", ["team"], YES),
    ("ForAllValues:StringLikeIfExists", "aws:TagKeys", "*", YES),
    ("StringEquals", "aws:TagKeys", "team", UNREADABLE),
    ("StringEquals", "x:one", "only", UNREADABLE),
    ("ForAnyValue:StringEquals", "x:team", "tools", YES),
    # What only the request will tell, and what nobody knows.
    ("StringEquals", "x:unheard", "x", IF),
    ("StringEquals", "x:unheard", "${x:unheard}", UNREADABLE),
    ("StringMatches", "x:team", "tools", UNREADABLE),
    ("ForSomeValues:StringEquals", "x:team", "tools", UNREADABLE),
    ("NullIfExists", "x:team", "true", UNREADABLE),
    ("StringEquals", "x:team", UNKNOWN_TEXT, UNREADABLE),
    ("StringEquals", "x:team", [UNKNOWN_TEXT, "tools"], YES),
    # Somebody whom no document names.
    ("StringEquals", "x:somebody", "x", NO),
    ("StringNotEquals", "x:somebody", "x", YES),
    ("StringEquals", "x:somebody", "*", NO),
    ("StringLike", "x:somebody", "a*", IF),
    ("ArnNotLike", "x:somebody", ROLE, YES),
    ("ArnLike", "x:somebody", "arn:aws:iam::*:role/x", IF),
    ("Null", "x:somebody", "false", YES),
    ("NumericEquals", "x:somebody", "1", IF),
    # Policy variables.
    ("StringEquals", "x:team", "${x:team}", YES),
    ("StringEquals", "x:team", "${X:TEAM}", YES),
    ("StringEquals", "x:team", "${aws:username}", NO),
    ("StringNotEquals", "x:team", "${aws:username}", YES),
    ("StringEquals", "x:team", "${aws:username, 'tools'}", YES),
    ("StringEquals", "x:team", "${x:star}", UNREADABLE),
    ("StringLike", "x:team", "${x:team}*", YES),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::123456789012:role/${x:unheard}", UNREADABLE),
]


@pytest.mark.parametrize(("operator", "key", "value", "expected"), OPERATORS)
def test_a_condition(operator: str, key: str, value: Any, expected: Match) -> None:
    assert judged({operator: {key: value}}) is expected


RESOURCES: list[tuple[Any, Match]] = [
    (GATEWAY, YES),
    ("*", YES),
    (["arn:aws:s3:::x", GATEWAY], YES),
    (GATEWAY.upper(), NO),
    ("arn:aws:bedrock-agentcore:*:*:gateway/tools-*", YES),
    ("arn:aws:bedrock-agentcore:us-east-?:*:gateway/*", YES),
    # A `*` at the end of a field "can expand to match beyond the colon boundaries"; within one, AWS does not say so.
    ("arn:aws:bedrock-agentcore:*:gateway/tools-*", YES),
    ("arn:aws:*:gateway/*", YES),
    ("arn:aws:bedrock-agentcore:*gateway/tools-*", UNREADABLE),
    ("arn:aws:bedrock-agentcore:us-east-1?123456789012:gateway/*", UNREADABLE),
    ("arn:aws:bedrock-agentcore", YES),
    ("arn:aws:bedrock-agentcore:eu-west-1", NO),
    (UNKNOWN_TEXT, UNREADABLE),
    ([UNKNOWN_TEXT, "*"], YES),
    (f"arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/{UNKNOWN_TEXT}", UNREADABLE),
    (GATEWAY.replace("tools", "${x:team}"), YES),
    (GATEWAY.replace("tools", "${x:count}"), NO),
    (GATEWAY.replace("tools", "${x:unheard}"), UNREADABLE),
    (GATEWAY.replace("gateway", "${x:unheard}").replace("tools", "other"), NO),
    (GATEWAY.replace("tools", "${aws:username}"), NO),
    (GATEWAY.replace("tools", "${aws:username, 'tools'}"), YES),
    (GATEWAY.replace("tools", "${aws:username, tools}"), UNREADABLE),
    (GATEWAY.replace("tools", "${*}"), NO),
    (GATEWAY.replace("tools", "${"), NO),
]


@pytest.mark.parametrize(("resource", "expected"), RESOURCES)
def test_a_resource(resource: Any, expected: Match) -> None:
    assert judged(resource=resource) is expected


@pytest.mark.parametrize(("resource", "expected"), RESOURCES)
def test_what_is_not_a_resource(resource: Any, expected: Match) -> None:
    entry = {"Effect": "Allow", "Action": ACTION, "NotResource": resource}
    (statement,) = iam.statements(documents.read({"Version": "2012-10-17", "Statement": entry}))
    assert matches(statement, Request(ACTION, GATEWAY, Facts(FACTS))) is negated(expected)


def test_an_incomplete_arn_in_a_policy_of_a_resource_is_left_open() -> None:
    """IAM user guide, "IAM identifiers": it is completed "in an identity-based policy"."""
    for arn, expected in (("arn:aws:bedrock-agentcore", UNREADABLE), ("arn:aws:bedrock-agentcore:*", YES), ("*", YES)):
        entry = {"Effect": "Allow", "Principal": "*", "Action": ACTION, "Resource": arn}
        (statement,) = iam.statements(documents.read({"Version": "2012-10-17", "Statement": entry}))
        assert matches(statement, Request(ACTION, GATEWAY, Facts(FACTS))) is expected


@pytest.mark.parametrize("version", ["2008-10-17", None])
def test_before_version_2012_there_are_no_variables(version: str | None) -> None:
    variable = GATEWAY.replace("tools", "${x:team}")
    entry = {"Effect": "Allow", "Action": ACTION, "Resource": variable}
    (statement,) = iam.statements(
        documents.read({"Version": version, "Statement": entry} if version else {"Statement": entry})
    )
    assert matches(statement, Request(ACTION, GATEWAY, Facts(FACTS))) is NO
    assert matches(statement, Request(ACTION, variable, Facts(FACTS))) is YES


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ({"Action": ACTION.upper()}, YES),
        ({"Action": ["s3:*", "bedrock-agentcore:Invoke*"]}, YES),
        ({"Action": "*:InvokeGatewa?"}, YES),
        ({"Action": "s3:*"}, NO),
        ({"NotAction": "s3:*"}, YES),
        ({"NotAction": "bedrock-*"}, NO),
        ({"Action": UNKNOWN_TEXT}, UNREADABLE),
    ],
)
def test_an_action(actions: dict[str, Any], expected: Match) -> None:
    (statement,) = iam.statements(documents.read({"Statement": {"Effect": "Deny", "Resource": "*", **actions}}))
    assert matches(statement, Request(ACTION, GATEWAY, Facts(FACTS))) is expected


def test_one_sure_no_decides_whatever_else_is_open() -> None:
    open_points = {"StringEquals": {"x:unheard": "x"}, "StringMatches": {"x:team": "x"}}
    assert judged(open_points) is UNREADABLE
    assert judged({**open_points, "Bool": {"aws:MultiFactorAuthPresent": "false"}}) is NO
    assert judged({"StringEquals": {"x:unheard": "x", "x:team": "tools"}}) is IF
    assert judged({"StringEquals": {"x:team": "tools"}, "StringLike": {"x:team": "x"}}) is NO
    assert judged({"StringEquals": {"x:team": "x"}}, resource=GATEWAY.replace("tools", "${x:unheard}")) is NO
    assert judged(UNKNOWN) is UNREADABLE


def test_what_is_complete_holds_no_other_key() -> None:
    entry = {"Effect": "Allow", "Action": ACTION, "Resource": "*", "Condition": {"Null": {"x:unheard": "true"}}}
    (statement,) = iam.statements(documents.read({"Statement": entry}))
    assert matches(statement, Request(ACTION, GATEWAY, Facts({}, complete=True))) is YES
    assert matches(statement, Request(ACTION, GATEWAY, Facts({}))) is IF


def test_the_logic_of_what_is_not_known() -> None:
    assert any_of([NO, IF, YES, UNREADABLE]) is YES
    assert any_of([NO, IF]) is IF
    assert any_of([]) is NO
    assert all_of([YES, IF, UNREADABLE, NO]) is NO
    assert all_of([YES, IF, UNREADABLE]) is UNREADABLE
    assert all_of([]) is YES
    assert [negated(match) for match in (YES, NO, IF, UNREADABLE)] == [NO, YES, IF, UNREADABLE]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", ["*a" * 50_000, "?*" * 50_000, "${" * 50_000, "${}" * 30_000, "${x" * 40_000 + "}"])
def test_no_text_takes_long(text: str) -> None:
    """The time limit is the test."""
    judged({"StringLike": {"x:team": text}, "ArnLike": {"aws:PrincipalArn": f"arn:aws:{text}"}}, resource=f"arn:{text}")
