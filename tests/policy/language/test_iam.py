"""The one reading of IAM documents, against ministack's evaluator on generated documents."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ministack.core import iam_evaluator

from tests.policy.making import ACCOUNT, GATEWAY
from toolgate.policy.agentcore.families import GATEWAYS
from toolgate.policy.language import documents, iam, patterns
from toolgate.policy.language.agentcore_facts import INVOKE_GATEWAY
from toolgate.policy.language.documents import Names
from toolgate.policy.language.patterns import HOLE
from toolgate.policy.language.unknown import UNKNOWN

PREFIX = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}"
SECOND = f"{PREFIX}:gateway/second-0123456789"
NOBODY_NAMED = "arn:aws:bedrock-agentcore:eu-west-1:999999999999:gateway/q-zzzzzzzzzz"
ACTIONS = [
    "*",
    "bedrock-agentcore:*",
    "Bedrock-AgentCore:INVOKE*",
    "*:InvokeGateway",
    INVOKE_GATEWAY,
    "s3:*",
    "b*y",
    "x",
]
RESOURCES = [
    *("*", "arn:*", GATEWAY, SECOND, f"{PREFIX}:gateway/*", f"{PREFIX}:*", "arn:aws:s3:::bucket/*", f"{GATEWAY}/*"),
    *("arn:aws:bedrock-agentcore:*:*:gateway/*", f"{PREFIX}:gateway/shop-*", f"{PREFIX}:GATEWAY/*", "*zzzzzzzzzz"),
    *(f"{PREFIX}:runtime/*", "arn:aws:bedrock-agentcore:??-west-?:9*:gateway/q-*"),
]
ARNS = [GATEWAY, SECOND, NOBODY_NAMED]


def one_or_more(pool: list[str]) -> st.SearchStrategy[Any]:
    return st.sampled_from(pool) | st.lists(st.sampled_from(pool), min_size=1, max_size=3)


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Allow", "Deny"])),
        draw(st.sampled_from(["Action", "Action", "NotAction"])): draw(one_or_more(ACTIONS)),
        draw(st.sampled_from(["Resource", "Resource", "NotResource"])): draw(one_or_more(RESOURCES)),
    }


def evaluator_allows(document: dict[str, Any], arn: str) -> bool:
    context = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:iam::{ACCOUNT}:role/agent",
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=INVOKE_GATEWAY,
        resource_arn=arn,
        region="us-east-1",
    )
    return bool(iam_evaluator.evaluate(context, [iam_evaluator.parse_policy_document(document)]).decision == "Allow")


@given(statements(), st.sampled_from(ARNS))
def test_a_statement_grants_what_the_evaluator_grants(statement: dict[str, Any], arn: str) -> None:
    document = {"Statement": statement}
    (read,) = iam.statements(documents.read(json.dumps(document)))
    ours = iam.allows(read, INVOKE_GATEWAY) and iam.reaches(read.resources, patterns.one(arn))
    assert ours == evaluator_allows(document, arn)


def is_too_wide(document: dict[str, Any]) -> bool:
    return any(
        True
        for statement in iam.statements(documents.read(json.dumps(document)))
        if iam.allows(statement, INVOKE_GATEWAY)
        for _ in iam.wide_resources(statement.resources, GATEWAYS)
    )


@given(st.lists(statements(), min_size=1, max_size=3))
def test_a_document_that_lets_in_to_a_gateway_nobody_named_is_too_wide(entries: list[dict[str, Any]]) -> None:
    allows = [entry for entry in entries if entry["Effect"] == "Allow"]
    if evaluator_allows({"Statement": allows}, NOBODY_NAMED):
        assert is_too_wide({"Statement": entries})


@given(st.lists(statements(), min_size=1, max_size=3))
def test_a_document_that_is_not_too_wide_grants_only_what_it_names(entries: list[dict[str, Any]]) -> None:
    if not is_too_wide({"Statement": entries}):
        text = json.dumps(entries)
        for arn in ARNS:
            assert f'"{arn}"' in text or not evaluator_allows({"Statement": entries}, arn)


def test_the_same_statement_means_the_same_as_object_and_as_text() -> None:
    source = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "x:y", "Resource": ["a", "b"]}}
    assert documents.read(source) == documents.read(json.dumps(source))


def test_every_action_of_every_service() -> None:
    def allows(action: Any, effect: str = "Allow") -> bool:
        (read,) = iam.statements(documents.read({"Statement": {"Effect": effect, "Action": action, "Resource": "*"}}))
        return iam.allows_everything(read)

    assert allows("*")
    assert allows(["s3:*", "*:*"])
    assert not allows("s3:*")
    assert not allows("*", effect="Deny")


@pytest.mark.parametrize(
    ("excluded", "reached", "wide"),
    [
        ("arn:aws:bedrock-agentcore:*:*:gateway/*", False, False),
        ("arn:aws:bedrock-agentcore:*:*:gateway/${aws:PrincipalTag/team}", True, True),
        ("arn:aws:bedrock-agentcore:*:*:${aws:PrincipalTag/kind}/*", True, True),
        (GATEWAY, True, True),
        (f"arn:aws:bedrock-agentcore:*:*:gateway/{HOLE}", False, True),
        (UNKNOWN, False, False),
    ],
)
def test_what_not_resource_leaves(excluded: Any, reached: bool, wide: bool) -> None:
    """A variable excludes what the caller has for it, unknown text is no wildcard, an unknown entry may be anything."""
    resources = Names((excluded,), negated=True, given=True)
    assert iam.reaches(resources, GATEWAYS) is reached
    assert bool(list(iam.wide_resources(resources, GATEWAYS))) is wide


def test_numbers_and_booleans_are_read_as_iam_reads_them() -> None:
    condition = {"Bool": {"aws:SecureTransport": True}, "NumericEquals": {"x:y": [1, 2.0, 2.5]}}
    entry = {"Effect": "Allow", "Action": "a:b", "Resource": "*", "Condition": condition}
    (read,) = iam.statements(documents.read({"Statement": entry}))
    assert isinstance(read.conditions, tuple)
    assert [one.values for one in read.conditions] == [("true",), ("1", "2", "2.5")]
