"""IAM patterns, against ministack's evaluator where it reads them too."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ministack.core.iam_evaluator import fnmatch_iam_cs

from tests.policy.making import FUNCTION, GATEWAY, MODEL, PROFILE
from toolgate.policy.agentcore.families import FUNCTIONS, GATEWAYS, MODELS, function_family, function_named
from toolgate.policy.language import patterns
from toolgate.policy.language.patterns import HOLE

OTHERS = ("arn:aws:s3:::bucket/key", "arn:aws:iam::123456789012:role/agent", "arn:aws:bedrock-agentcore:r:1:memory/m")
NAMES = (GATEWAY, FUNCTION, f"{FUNCTION}:live", MODEL, PROFILE, *OTHERS)
# Every literal gateway field, and some letters of their own.
names = st.sampled_from(NAMES) | st.text("arn:w*s/gate-1", max_size=40)


@st.composite
def patterns_of_names(draw: st.DrawFn) -> str:
    """An ARN with up to four slices replaced by wildcards."""
    text = draw(st.sampled_from(NAMES))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 30)))
        wildcard = draw(st.sampled_from(["*", "?" * (end - start), ""]))
        text = text[:start] + wildcard + text[end:]
    return text


@given(names, patterns_of_names())
def test_a_pattern_matches_what_the_evaluator_says(name: str, text: str) -> None:
    pattern = patterns.read(text)
    expected = fnmatch_iam_cs(name, text)
    if pattern.completed:
        # IAM completes an incomplete ARN, the evaluator does not: we may only match more.
        assert pattern.matches(name) >= expected
    else:
        assert pattern.matches(name) == expected


gateway_arns = st.from_regex(
    r"arn:aws(-cn|-us-gov)?:bedrock-agentcore:[a-z0-9-]{1,20}:[0-9]{12}:gateway/([0-9a-z]-?){1,20}-[a-z0-9]{10}",
    fullmatch=True,
)


@given(gateway_arns, st.data())
def test_a_pattern_that_matches_some_gateway_reaches_the_gateways(arn: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(arn)))
    end = data.draw(st.integers(start, len(arn)))
    for text in (arn, arn[:start] + "*" + arn[end:], arn[:start] + "?" * (end - start) + arn[end:]):
        pattern = patterns.read(text)
        assert pattern.reaches(GATEWAYS)
        assert pattern.wild == ("*" in text or "?" in text)


@given(gateway_arns, patterns_of_names())
def test_what_covers_the_gateways_matches_each_of_this_partition(arn: str, text: str) -> None:
    if arn.startswith("arn:aws:") and patterns.read(text).covers(GATEWAYS):
        assert fnmatch_iam_cs(arn, text)


@pytest.mark.parametrize(
    "text",
    [
        *OTHERS,
        "arn:aws:s3:::*",
        "arn:aws:lambda:*:*:*",
        "arn:aws:bedrock-agentcore:*:*:runtime/*",
        f"{GATEWAY}/*",
        f"{GATEWAY}:*",
        "gateway/*",
        "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/a*/b",
        "arn:aws:bedrock-agentcore:us-east-1:account:gateway/*",
        "arn:aws:bedrock-agentcore:US-EAST-1:123456789012:gateway/*",
        "",
    ],
)
def test_what_no_gateway_can_be_called_does_not_reach_one(text: str) -> None:
    assert not patterns.read(text).reaches(GATEWAYS)


@pytest.mark.parametrize(
    "text", ["*", "arn:*", "arn:aws:bedrock-agentcore:*", "arn:aws:bedrock-agentcore:*:*:gateway/*"]
)
def test_what_covers_every_gateway(text: str) -> None:
    assert patterns.read(text).covers(GATEWAYS)


@pytest.mark.parametrize(
    "text",
    [
        *(
            GATEWAY,
            "arn:aws:bedrock-agentcore:us-*:*:gateway/*",
            "arn:aws:s3:::*",
            "*1*",
            "*gateway/?*z*",
            "*:gateway/??*",
        ),
        "arn:aws:bedrock-agentcore:*:*:gateway/${aws:PrincipalTag/team}",
        "arn:aws:bedrock-agentcore:*:*:gateway/${aws:username}*",
        *("*${aws:username}", "${aws:PrincipalTag/all, '*'}", f"*:gateway/*{HOLE}", HOLE),
    ],
)
def test_what_leaves_some_gateway_out_covers_not(text: str) -> None:
    assert not patterns.read(text).covers(GATEWAYS)


@pytest.mark.parametrize(
    ("text", "wild"),
    [
        (GATEWAY, False),
        ("${*}", False),
        ("${?}${$}", False),
        ("$", False),
        ("${", False),
        ("${unclosed", False),
        ("}${", False),
        ("${aws:username}", True),
        ("arn:aws:s3", True),
        ("arn:aws:s3:::${aws:userid}", True),
    ],
)
def test_policy_variables_and_incomplete_arns_are_wildcards(text: str, wild: bool) -> None:
    assert patterns.read(text).wild == wild


@pytest.mark.parametrize(
    ("text", "beginning"),
    [
        ("repo:acme/x", "repo:acme/x"),
        ("repo:acme/x:*", "repo:acme/x:"),
        ("re?o", "re"),
        ("a${aws:username}b*", "a"),
        ("a${*}b*", "a*b"),
        (f"a{HOLE}", "a"),
        ("*", ""),
    ],
)
def test_what_a_pattern_begins_with(text: str, beginning: str) -> None:
    assert patterns.read(text).beginning == beginning


def test_an_escaped_wildcard_is_a_character() -> None:
    assert patterns.read("a${*}b").matches("a*b")
    assert not patterns.read("a${*}b").matches("axb")


def test_families_of_one_function() -> None:
    for family in (function_family(FUNCTION), function_family(f"{FUNCTION}:live"), function_named("shop-math")):
        assert patterns.read(FUNCTION).reaches(family)
        assert patterns.read(f"{FUNCTION}:*").reaches(family)
        assert patterns.read("arn:aws:lambda:*:*:function:shop-*").reaches(family)
        assert not patterns.read(f"{FUNCTION}-more").reaches(family)


@pytest.mark.parametrize(
    ("text", "reaches"),
    [
        ("1" * 12, True),
        ("1" * 11, False),
        ("1" * 13, False),
        ("*", True),
        ("1*1", True),
        ("?" * 12, True),
        ("?" * 13, False),
        ("*" + "1" * 13, False),
        ("1" * 11 + "a", False),
    ],
)
def test_a_fixed_number_of_characters(text: str, reaches: bool) -> None:
    assert patterns.read(text).reaches((patterns.chain(patterns.ACCOUNT_ID),)) == reaches


def test_every_kind_of_model_is_a_model() -> None:
    kinds = [
        "inference-profile",
        "application-inference-profile",
        "provisioned-model",
        "custom-model",
        "imported-model",
    ]
    for arn in (MODEL, PROFILE, *(f"arn:aws:bedrock:us-east-1:123456789012:{kind}/x" for kind in kinds)):
        assert patterns.read(arn).reaches(MODELS), arn
    assert not patterns.read("arn:aws:bedrock:us-east-1:123456789012:guardrail/*").reaches(MODELS)
    assert not patterns.read(FUNCTION).reaches(MODELS)
    assert not patterns.read(MODEL).reaches(FUNCTIONS)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", ["*a" * 50_000, "?*" * 50_000, "${" * 50_000, "${}" * 30_000, "${x" * 40_000 + "}"])
def test_no_pattern_takes_long(text: str) -> None:
    """A regular expression made from one of these runs for minutes or more: the time limit is the test."""
    pattern = patterns.read(text)
    pattern.reaches(GATEWAYS)
    pattern.covers(GATEWAYS)
