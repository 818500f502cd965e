"""Documents compared by what they allow and deny, not by their text."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolgate.policy.language import documents, iam, patterns
from toolgate.policy.language.comparison import allows_more, demands_less, denies_less
from toolgate.policy.language.documents import Statement
from toolgate.policy.language.unknown import UNKNOWN

GATEWAY = "arn:aws:bedrock-agentcore:us-east-1:111122223333:gateway/tools-abcdefghij"
ROLE = "arn:aws:iam::111122223333:role/a"


def read(*statements: Mapping[str, Any]) -> tuple[Statement, ...]:
    return iam.statements(documents.read({"Version": "2012-10-17", "Statement": list(statements)}))


def allow(**elements: Any) -> dict[str, Any]:
    actions = {} if "NotAction" in elements else {"Action": "a:A"}
    return {"Effect": "Allow", "Resource": "*"} | actions | elements


def trust(**elements: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "sts:AssumeRole"} | elements


PINNED = {"StringEquals": {"aws:SourceAccount": "111122223333"}}
SOURCE = {"ArnLike": {"aws:SourceArn": GATEWAY}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # Other words for the same, and less of it.
        ([allow(Action=["a:A", "a:B"])], [allow(Action="A:a", Sid="S"), allow(Action=["a:B"])]),
        ([allow(Action="a:*")], [allow(Action="a:Get?")]),
        ([allow(Resource="arn:aws:s3:::b/*")], [allow(Resource=["arn:aws:s3:::b/k*", "arn:aws:s3:::b/k"])]),
        ([allow(NotAction="a:*")], [allow(NotAction=["a:*", "b:*"])]),
        ([allow(NotAction="b:B")], [allow()]),
        ([allow(Action="*")], [allow(NotAction="b:B")]),
        ([allow()], [allow(Resource="arn:aws:s3:::${aws:username}")]),
        ([trust(Principal="*")], [trust()]),
        ([trust(Principal={"AWS": "111122223333"})], [trust(Principal={"AWS": "arn:aws:iam::111122223333:root"})]),
        ([trust(Principal={"AWS": [ROLE, "arn:aws:iam::111122223333:role/b"]})], [trust()]),
        ([trust()], [trust(Condition=PINNED)]),
        ([trust(Condition=PINNED)], [trust(Condition=PINNED | SOURCE)]),
        ([trust(Condition=SOURCE)], [trust(Condition={"ArnEquals": {"AWS:sourcearn": [GATEWAY]}})]),
        ([trust(Condition=SOURCE)], [trust(Condition={"StringEquals": {"aws:SourceArn": GATEWAY}})]),
        (
            [trust(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:bedrock-agentcore:us-east-1:111122223333:*"}})],
            [trust(Condition=SOURCE)],
        ),
        (
            [trust(Condition={"StringNotEquals": {"aws:SourceVpc": "a"}})],
            [trust(Condition={"StringNotEquals": {"aws:SourceVpc": ["a", "b"]}})],
        ),
        ([allow()], []),
        ([allow()], [allow(), allow(Effect="Deny")]),
        ([trust(), trust(Action="a:A", Condition=PINNED)], [trust()]),
    ],
)
def test_what_allows_no_more(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    assert allows_more(read(*before), read(*after)) == []


@pytest.mark.parametrize(
    ("before", "after", "entries"),
    [
        ([], [allow(Action=["a:A", "a:B"])], 2),
        ([allow(Action="a:A")], [allow(Action=["a:A", "a:B"])], 1),
        ([allow(Action="a:Get?")], [allow(Action="a:Get*")], 1),
        ([allow(Action="a:?b*")], [allow(Action="a:*bb")], 1),
        ([allow(Action="a:G??b*")], [allow(Action="a:G*bbb")], 1),
        ([allow(Resource="arn:aws:s3:::b/k")], [allow(Resource="arn:aws:s3:::b/*")], 1),
        ([allow(Resource="arn:aws:s3:::${aws:username}")], [allow(Resource="arn:aws:s3:::b")], 1),
        ([allow(NotAction=["a:*", "b:*"])], [allow(NotAction="a:*")], 1),
        ([allow()], [allow(NotAction="b:B")], 1),
        ([allow(NotAction="a:A")], [allow()], 1),
        ([trust()], [trust(Principal={"AWS": [ROLE, "arn:aws:iam::999999999999:root"]})], 1),
        ([trust()], [trust(Principal="*")], 1),
        ([trust(Principal={"AWS": "*"})], [trust(Principal={"Service": "lambda.amazonaws.com"})], 1),
        ([trust(NotPrincipal={"AWS": ROLE}) | {"Principal": None}], [trust()], 1),
        ([trust(Condition=PINNED)], [trust()], 1),
        ([trust(Condition=PINNED | SOURCE)], [trust(Condition=PINNED)], 1),
        ([trust(Condition=PINNED)], [trust(Condition={"StringEqualsIfExists": PINNED["StringEquals"]})], 1),
        ([trust(Condition=SOURCE)], [trust(Condition={"ArnLike": {"aws:SourceArn": GATEWAY[:-1] + "*"}})], 1),
        (
            [trust(Condition={"StringNotEquals": {"aws:SourceVpc": ["a", "b"]}})],
            [trust(Condition={"StringNotEquals": {"aws:SourceVpc": "a"}})],
            1,
        ),
        ([trust()], [trust(Resource="a")], 1),
        # The operators of ARNs compare component by component: what looks like the function's name is the account's.
        (
            [trust(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:lambda:*:function:f"}})],
            [trust(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:lambda:us-east-1:111122223333:function:f"}})],
            1,
        ),
        # What cannot be known is no cover, and is none.
        ([], [allow(Effect=UNKNOWN)], 1),
        ([allow(Action=UNKNOWN)], [allow()], 1),
        ([allow()], [allow(Action=UNKNOWN)], 1),
        ([trust(Condition=UNKNOWN)], [trust(Condition=PINNED)], 1),
        ([trust(Principal={"AWS": UNKNOWN})], [trust()], 1),
    ],
)
def test_what_allows_more(before: list[dict[str, Any]], after: list[dict[str, Any]], entries: int) -> None:
    assert len(allows_more(read(*before), read(*after))) == entries


@pytest.mark.parametrize(
    ("before", "after", "entries"),
    [
        ([allow(Effect="Deny")], [allow(Effect="Deny", Action="*")], 0),
        ([allow(Effect="Deny", Action=["a:A", "a:B"])], [allow(Effect="Deny")], 1),
        ([allow(Effect="Deny")], [allow(Effect="Deny", Condition=PINNED)], 1),
        ([allow(Effect="Deny", Condition=PINNED)], [allow(Effect="Deny")], 0),
        ([allow(Effect="Deny")], [], 1),
        ([allow()], [], 0),
    ],
)
def test_what_denies_less(before: list[dict[str, Any]], after: list[dict[str, Any]], entries: int) -> None:
    assert len(denies_less(read(*before), read(*after))) == entries


@pytest.mark.parametrize(
    ("before", "after", "entries"),
    [
        ([allow(Condition=PINNED)], [allow()], 1),
        ([allow(Condition=PINNED | SOURCE)], [allow(Condition=SOURCE)], 1),
        # Another value under the same key is a grant like any other, and so is one on something else.
        ([allow(Condition=PINNED)], [allow(Condition={"StringEquals": {"aws:SourceAccount": "1"}})], 0),
        ([allow(Condition=PINNED)], [allow(Condition=PINNED), allow(Action="b:B")], 0),
        ([allow(Condition=PINNED), allow()], [allow()], 0),
    ],
)
def test_what_demands_less(before: list[dict[str, Any]], after: list[dict[str, Any]], entries: int) -> None:
    assert len(demands_less(read(*before), read(*after))) == entries


PATTERN = st.text("ab*?", max_size=5)


@given(PATTERN, PATTERN, st.lists(st.text("ab", max_size=7), max_size=30))
def test_a_pattern_that_covers_another_matches_all_that_it_matches(wide: str, narrow: str, names: list[str]) -> None:
    before, after = (read(allow(Resource=f"x{text}")) for text in (wide, narrow))
    if not allows_more(before, after):
        reached = [name for name in names if patterns.read(f"x{narrow}").like(f"x{name}")]
        assert all(patterns.read(f"x{wide}").like(f"x{name}") for name in reached)
