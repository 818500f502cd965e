"""Our reading of statements against ministack's evaluator, an independent one, on generated statements and requests.

Where both decide, they agree, but for the differences that are listed with the sentence of AWS's documentation that
decides each. Where a document leaves something open we do not decide, and there is nothing to compare.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ministack.core import iam_evaluator

from toolgate.policy.language import documents, iam, patterns
from toolgate.policy.language.evaluation import Request, matches
from toolgate.policy.language.matching import Match
from toolgate.policy.language.request_facts import Fact, Facts

ACCOUNT = "123456789012"
INVOKE = "bedrock-agentcore:InvokeGateway"
PREFIX = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}"
GATEWAY = f"{PREFIX}:gateway/tools-abcdefghij"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/agents/caller"

ACTIONS = ("*", "bedrock-agentcore:*", "Bedrock-AgentCore:INVOKE*", "*:InvokeGateway", INVOKE, "s3:*", "b*y", "?", "")
RESOURCES = (
    *("*", "arn:*", "arn:aws", "arn:aws:bedrock-agentcore", PREFIX, f"{PREFIX}:gateway", f"{PREFIX}:*", GATEWAY),
    *("arn:aws:s3", "arn:aws:s3:::bucket/*", f"{GATEWAY}/*", "arn:aws:bedrock-agentcore:*:*:gateway/*"),
    *(f"{PREFIX}:gateway/tools-*", f"{PREFIX}:GATEWAY/*", "*abcdefghij", f"{PREFIX}:gateway/t??ls-*"),
    *("arn:aws:bedrock-agentcore:*gateway/*", "arn:aws:bedrock-agentcore:*:gateway/*", "arn:aws:*:gateway/tools-*"),
    *(f"{PREFIX}:gateway/${{x:team}}-*", f"{PREFIX}:gateway/${{*}}", f"{PREFIX}:gateway/${{x:absent}}-*"),
)
FACTS: dict[str, Fact] = {
    "aws:principalarn": ROLE,
    "x:team": "tools",
    "x:star": "a*c",
    "x:number": "10",
    "x:date": "2026-11-29T16:00:00Z",
    "x:true": "true",
    "x:address": "203.0.113.9",
    "x:bytes": "AQID",
    "x:tags": ("team", "cost"),
    "x:one": ("team",),
    "x:absent": None,
}
_TEXTS = ("tools", "Tools", "TOOLS", "t*", "t?ols", "*", "", "a*c", "abc", "team", "cost", "a${*}c", "${x:team}")
_TEXT_OPERATORS = ("StringEquals", "StringNotEquals", "StringLike", "StringNotLike")
_ARN_OPERATORS = ("ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike")
_NUMBERS = ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")

# What belongs together: operators, keys, and values. Apart from each other they hardly ever come to a yes.
FAMILIES = (
    (_TEXT_OPERATORS, ("x:team", "X:Team", "x:star", "x:tags", "x:one", "x:absent"), _TEXTS),
    (("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"), ("x:team", "x:tags", "x:absent"), _TEXTS),
    (
        _ARN_OPERATORS,
        ("aws:PrincipalArn", "x:absent"),
        (
            *(
                ROLE,
                f"arn:aws:iam::{ACCOUNT}:role/*",
                "arn:aws:iam::*:role/agents/caller",
                "arn:*:iam::*:role/agents/*",
            ),
            *(
                "arn:aws:iam:*role/agents/caller",
                "arn:*:role/agents/caller",
                "arn:aws:iam::999999999999:role/x",
                "tools",
            ),
            *("arn:aws:iam::123456789012:role/agents/calle?", "arn:aws:iam::*", "*"),
        ),
    ),
    (tuple(f"Numeric{it}" for it in _NUMBERS), ("x:number", "x:absent"), ("10", "9.5", "11", "010", "10.0", "ten")),
    (
        tuple(f"Date{it}" for it in _NUMBERS),
        ("x:date", "x:absent"),
        ("2026-11-29T16:00:00Z", "2026-11-29T18:00:00+02:00", "2026-11-30", "1795968000", "2025-01-01T00:00:00Z"),
    ),
    (("Bool",), ("x:true", "x:absent"), ("true", "false", "TRUE")),
    (
        ("IpAddress", "NotIpAddress"),
        ("x:address", "x:absent"),
        ("203.0.113.0/24", "203.0.113.9", "10.0.0.0/8", "2001:db8::/32"),
    ),
    (("BinaryEquals",), ("x:bytes", "x:absent"), ("AQID", "AQIE")),
    (("Null",), ("x:team", "x:absent", "aws:PrincipalArn"), ("true", "false")),
)

some = st.sampled_from


def one_or_more(pool: tuple[str, ...]) -> st.SearchStrategy[Any]:
    return some(pool) | st.lists(some(pool), min_size=1, max_size=3)


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    """None, one or two conditions; now and then with a key or values of another family."""
    found: dict[str, dict[str, Any]] = {}
    for _ in range(draw(st.integers(0, 2))):
        bases, keys, values = draw(some(FAMILIES))
        if draw(st.integers(0, 9)) == 0 and bases != ("Null",):
            keys, values = draw(some(FAMILIES))[1], draw(some(FAMILIES))[2]
        base = draw(some(bases))
        before, after = draw(some(["", "", "ForAnyValue:", "ForAllValues:"])), draw(some(["", "", "IfExists"]))
        operator = base if base == "Null" else f"{before}{base}{after}"
        found.setdefault(operator, {})[draw(some(keys))] = draw(one_or_more(values))
    return found


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "Effect": draw(some(["Allow", "Deny"])),
        draw(some(["Action", "Action", "NotAction"])): draw(one_or_more(ACTIONS)),
        draw(some(["Resource", "Resource", "NotResource"])): draw(one_or_more(RESOURCES)),
        "Condition": draw(conditions()),
    }


about_the_request = st.builds(lambda condition: _allow(**condition), conditions())


def ours(statement: Mapping[str, Any]) -> Match:
    (read,) = iam.statements(documents.read({"Version": "2012-10-17", "Statement": dict(statement)}))
    return matches(read, Request(INVOKE, GATEWAY, Facts(FACTS, complete=True)))


def theirs(statement: Mapping[str, Any]) -> bool:
    context = iam_evaluator.EvalContext(
        principal_arn=ROLE,
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=INVOKE,
        resource_arn=GATEWAY,
        region="us-east-1",
        service_context={key: list(value) if isinstance(value, tuple) else value for key, value in FACTS.items()},
    )
    parsed = iam_evaluator.parse_policy_document({"Statement": {**statement, "Effect": "Allow"}})
    return bool(iam_evaluator.evaluate(context, [parsed]).decision == "Allow")


@dataclass(frozen=True)
class Difference:
    """A kind of statement that ministack reads otherwise, and why AWS's documentation agrees with us."""

    says: str
    page: str
    holds: Callable[[Mapping[str, Any]], bool]
    example: Mapping[str, Any]
    expected: Match


def _resources(statement: Mapping[str, Any]) -> list[str]:
    written = statement.get("Resource", statement.get("NotResource"))
    return written if isinstance(written, list) else [str(written)]


def _conditions(statement: Mapping[str, Any]) -> list[tuple[str, str, list[str]]]:
    return [
        (operator.lower(), key.lower(), values if isinstance(values, list) else [values])
        for operator, block in statement.get("Condition", {}).items()
        for key, values in block.items()
    ]


def _incomplete(statement: Mapping[str, Any]) -> bool:
    return any(patterns.read(resource).completed for resource in _resources(statement))


def _variable(statement: Mapping[str, Any]) -> bool:
    values = [value for _, _, written in _conditions(statement) for value in written]
    return any("${" in text for text in [*_resources(statement), *values])


def _too_few_components(statement: Mapping[str, Any]) -> bool:
    compared = [values for operator, _, values in _conditions(statement) if re.search(r"(^|:)arn", operator)]
    return any(value.count(":") < patterns.ARN_FIELDS - 1 for values in compared for value in values)


def _several_nulls(statement: Mapping[str, Any]) -> bool:
    return any(operator == "null" and len(set(values)) > 1 for operator, _, values in _conditions(statement))


def _allow(resource: str = GATEWAY, **condition: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": INVOKE, "Resource": resource, "Condition": condition}


DIFFERENCES = {
    "an incomplete ARN": Difference(
        "When you specify an incomplete ARN (one with fewer than the standard six fields) in an identity-based policy, "
        "AWS automatically completes the ARN by adding wildcard characters (*) to all missing fields.",
        "IAM user guide, reference_identifiers.html",
        _incomplete,
        _allow("arn:aws:bedrock-agentcore"),
        Match.YES,
    ),
    "a policy variable": Difference(
        "When the policy is evaluated, the policy variables are replaced with values that come from the conditional "
        "context keys passed in the request.",
        "IAM user guide, reference_policies_variables.html",
        _variable,
        _allow(f"{PREFIX}:gateway/${{x:team}}-*"),
        Match.YES,
    ),
    "an ARN's components": Difference(
        "Each of the six colon-delimited components of the ARN is checked separately and each can include "
        "multi-character match wildcards (*) or single-character match wildcards (?).",
        "IAM user guide, reference_policies_elements_condition_operators.html",
        _too_few_components,
        _allow(ArnLike={"aws:PrincipalArn": "arn:aws:iam:*role/agents/caller"}),
        Match.NO,
    ),
    "Null with both answers": Difference(
        "If you specify multiple values for a single condition key, AWS evaluates the condition using a logical OR "
        "operation.",
        'each service\'s page on IAM, "Policy condition keys"',
        _several_nulls,
        _allow(Null={"x:absent": ["false", "true"]}),
        Match.YES,
    ),
}


@settings(max_examples=400, deadline=None)
@given(statements() | about_the_request)
def test_both_agree_but_for_what_is_listed(statement: dict[str, Any]) -> None:
    match = ours(statement)
    if match in {Match.YES, Match.NO} and (match is Match.YES) != theirs(statement):
        assert any(difference.holds(statement) for difference in DIFFERENCES.values())


@pytest.mark.parametrize("difference", DIFFERENCES.values(), ids=DIFFERENCES.keys())
def test_each_difference_is_one(difference: Difference) -> None:
    """A ministack that has learned it needs no entry any more."""
    match = ours(difference.example)
    assert match is difference.expected
    assert (match is Match.YES) != theirs(difference.example)
    assert difference.holds(difference.example)


def _single() -> Iterator[tuple[str, str, str]]:
    for bases, keys, values in FAMILIES:
        for base, before, after in product(bases, ("", "ForAnyValue:", "ForAllValues:"), ("", "IfExists")):
            if base != "Null" or before + after == "":
                yield from ((f"{before}{base}{after}", key, value) for key, value in product(keys, values))


def test_every_operator_agrees_on_every_key_and_value_of_its_kind() -> None:
    """What is not decided, with every fact known: a value that is none of its kind, and several without a set."""
    for operator, key, value in _single():
        statement = {**_allow(), "Condition": {operator: {key: value}}}
        match = ours(statement)
        if match in {Match.YES, Match.NO}:
            agreed = (match is Match.YES) == theirs(statement)
            assert agreed or any(it.holds(statement) for it in DIFFERENCES.values()), (operator, key, value, match)
        else:
            several = key in {"x:tags", "x:one"} and ":" not in operator
            assert several or value == "ten" or ("Arn" in operator and value in {"*", "arn:aws:iam::*"}), (
                operator,
                key,
            )
