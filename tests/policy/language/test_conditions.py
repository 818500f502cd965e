"""Conditions that the pack takes for narrow have to be narrow for an independent evaluator."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from ministack.core import iam_evaluator

from tests.policy.making import ACCOUNT
from toolgate.policy.language import arns, conditions, documents, iam
from toolgate.policy.language.unknown import UNKNOWN

STRANGER = "999999999999"
OURS = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:gateway/shop-abcdefghij"
THEIRS = OURS.replace(ACCOUNT, STRANGER)
OPERATORS = ["StringEquals", "StringLike", "ArnLike", "ArnEquals", "StringNotEquals", "StringEqualsIgnoreCase"]
operators = st.builds(
    lambda prefix, operator, suffix: f"{prefix}{operator}{suffix}",
    st.sampled_from(["", "", "ForAnyValue:", "ForAllValues:"]),
    st.sampled_from(OPERATORS),
    st.sampled_from(["", "", "IfExists"]),
)
values = st.sampled_from(
    [ACCOUNT, "*", "1*", "????????????", "", OURS, THEIRS, f"arn:aws:bedrock-agentcore:*:{ACCOUNT}:*", "arn:*"]
)
keys = st.sampled_from(["aws:SourceAccount", "AWS:sourceaccount", "aws:SourceArn", "aws:sourcearn"])
blocks = st.dictionaries(
    operators, st.dictionaries(keys, values | st.lists(values, max_size=2), max_size=2), max_size=3
)


def lets(condition: dict[str, Any], **context: str) -> bool:
    request = iam_evaluator.EvalContext(
        principal_arn="bedrock-agentcore.amazonaws.com",
        principal_type="Service",
        principal_account="",
        action="sts:AssumeRole",
        resource_arn="*",
        region="us-east-1",
        service_context=context,
    )
    return bool(iam_evaluator._conditions_met(condition, request))


@given(blocks)
def test_a_pinned_trust_keeps_strangers_out(condition: dict[str, Any]) -> None:
    entry = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*", "Condition": condition}
    (statement,) = iam.statements(documents.read(json.dumps({"Statement": entry})))
    accounts = conditions.pinned_accounts(statement)
    if accounts is None or accounts is UNKNOWN:
        return
    assert accounts == {ACCOUNT}
    assert not lets(condition, **{"aws:sourceaccount": STRANGER, "aws:sourcearn": OURS})
    assert not lets(condition, **{"aws:sourcearn": OURS})
    if conditions.pinned_source(statement, "bedrock-agentcore", accounts) is True:
        assert not lets(condition, **{"aws:sourceaccount": ACCOUNT, "aws:sourcearn": THEIRS})
        assert not lets(condition, **{"aws:sourceaccount": ACCOUNT})


def test_the_documented_condition_lets_our_gateway_in() -> None:
    condition = {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:gateway/shop-*"},
    }
    assert lets(condition, **{"aws:sourceaccount": ACCOUNT, "aws:sourcearn": OURS})


def test_the_account_of_an_arn_is_read_exactly() -> None:
    assert arns.account_in(OURS) == ACCOUNT
    assert arns.account_in(f"arn:aws:iam::{ACCOUNT}:role/a:b") == ACCOUNT
    for arn in ("arn:aws:s3:::bucket", "arn:aws:iam::*:root", "arn:aws:iam::12345678901:root", "x", "", "arn:aws:iam"):
        assert arns.account_in(arn) is None
