"""What a change of the policy pack's configuration takes off: a rule less, or a rule that lets past more."""

from collections.abc import Callable
from typing import Any

import pytest

from toolgate.local.engine.pack_config import parse
from toolgate.policy.pack import RULES
from toolgate.policy.rules.trust_names_callers import TRUSTED
from toolgate.review.comment import comment, headline, summary
from toolgate.review.planning import NOTHING, Planned
from toolgate.review.revisions import Revisions
from toolgate.review.rule_locks import rule_changes
from toolgate.review.stack_review import Verdict, judge

AUTHORIZER, LIFE, VPC, TRUST = "gateway-authorizer-iam", "machine-client-only", "runtime-in-vpc", "trust-names-callers"
LOGS, CLOSED = "logs-delivered", "interceptor-fails-closed"
EMPTY = NOTHING.deployment
COMPARED = Revisions("0123456789abcdef", "fedcba9876", ())


def told(before: Any, after: Any) -> tuple[list[str], list[str]]:
    """The locks, and what is stricter, each with its rule."""
    locks, stricter = rule_changes(parse(before), parse(after))
    return [f"{it.text}: {it.resource}" for it in locks], [f"{it.text}: {it.resource}" for it in stricter]


def excepted(*entries: tuple[str, str]) -> dict[str, Any]:
    return {AUTHORIZER: {"exceptions": [{"resource": name, "reason": reason} for name, reason in entries]}}


def setting(rule: str, **settings: Any) -> dict[str, Any]:
    return {rule: settings}


@pytest.mark.parametrize(
    ("before", "after", "text", "rule"),
    [
        # Levels: of the file, of the rule itself, of `all`.
        ({}, {AUTHORIZER: "advisory"}, "set to `advisory`, was `mandatory`", AUTHORIZER),
        ({}, {AUTHORIZER: "disabled"}, "set to `disabled`, was `mandatory`", AUTHORIZER),
        ({}, {AUTHORIZER: {"enforcementLevel": "advisory"}}, "set to `advisory`, was `mandatory`", AUTHORIZER),
        ({}, {LOGS: "disabled"}, "set to `disabled`, was `advisory`", LOGS),
        ({LOGS: "mandatory"}, {}, "set to `advisory`, was `mandatory`", LOGS),
        ({LOGS: "remediate"}, {LOGS: "advisory"}, "set to `advisory`, was `remediate`", LOGS),
        ({"all": "mandatory"}, {"all": "mandatory", LOGS: "advisory"}, "set to `advisory`, was `mandatory`", LOGS),
        # What is let past.
        (
            {},
            setting(AUTHORIZER, allowedAuthorizers=["AWS_IAM", "CUSTOM_JWT"]),
            "its `allowedAuthorizers` names `CUSTOM_JWT`, `AWS_IAM`, and named `AWS_IAM`",
            AUTHORIZER,
        ),
        (
            setting(AUTHORIZER, allowedAuthorizers=["CUSTOM_JWT"]),
            {},
            "its `allowedAuthorizers` names `AWS_IAM`, and named `CUSTOM_JWT`",
            AUTHORIZER,
        ),
        (setting(TRUST, **{TRUSTED: ["1"]}), {}, f"its `{TRUSTED}` names nothing, and named `1`", TRUST),
        ({}, setting(LIFE, accessTokenMinutes=1440), "its `accessTokenMinutes` is 1440, was 60", LIFE),
        # The least is the other way round.
        ({}, setting(CLOSED, minTimeoutSeconds=2), "its `minTimeoutSeconds` is 2, was 5", CLOSED),
        (setting(VPC, required=True), {}, "its `required` is off, was on", VPC),
        # Exceptions: each by what it excepts and why; another reason has to be agreed to anew.
        ({}, excepted(("legacy", "until March")), "`legacy` excepted, because `until March`", AUTHORIZER),
        (
            excepted(("legacy", "until March")),
            excepted(("legacy", "for ever")),
            "`legacy` excepted, because `for ever`",
            AUTHORIZER,
        ),
        (
            excepted(("a", "x")),
            excepted(("urn:*", "y"), ("a", "x")),
            "`urn:*` excepted, because `y`",
            AUTHORIZER,
        ),
    ],
)
def test_what_is_looser_is_a_lock_and_the_way_back_is_none(before: Any, after: Any, text: str, rule: str) -> None:
    assert told(before, after) == ([f"{text}: {rule}"], [])
    assert told(before, before) == told(after, after) == ([], [])


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ({AUTHORIZER: "disabled"}, {}, f"set to `mandatory`, was `disabled`: {AUTHORIZER}"),
        ({}, {LOGS: "mandatory"}, f"set to `mandatory`, was `advisory`: {LOGS}"),
        (
            setting(AUTHORIZER, allowedAuthorizers=["AWS_IAM", "CUSTOM_JWT"]),
            {},
            f"its `allowedAuthorizers` names `AWS_IAM`, and named `AWS_IAM`, `CUSTOM_JWT`: {AUTHORIZER}",
        ),
        ({}, setting(TRUST, **{TRUSTED: ["1"]}), f"its `{TRUSTED}` names `1`, and named nothing: {TRUST}"),
        ({}, setting(LIFE, accessTokenMinutes=5), f"its `accessTokenMinutes` is 5, was 60: {LIFE}"),
        ({}, setting(CLOSED, minTimeoutSeconds=9), f"its `minTimeoutSeconds` is 9, was 5: {CLOSED}"),
        ({}, setting(VPC, required=True), f"its `required` is on, was off: {VPC}"),
        (excepted(("legacy", "x")), {}, f"`legacy` no longer excepted: {AUTHORIZER}"),
        # While a rule is off, what it would let past is no news.
        (
            {AUTHORIZER: "disabled"},
            excepted(("legacy", "x")),
            f"set to `mandatory`, was `disabled`: {AUTHORIZER}",
        ),
    ],
)
def test_what_is_stricter_is_told_and_needs_nobody(before: Any, after: Any, text: str) -> None:
    assert told(before, after) == ([], [text])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {AUTHORIZER: "mandatory"}),
        ({}, {"all": "mandatory", **{it.name: it.level.value for it in RULES}}),
        ({AUTHORIZER: "remediate"}, {}),  # the engine stops a deployment by either
        ({}, setting(AUTHORIZER, allowedAuthorizers=["AWS_IAM"])),
        ({}, setting(LIFE, accessTokenMinutes=60)),
        (excepted(("a", "x"), ("b", "y")), excepted(("b", "y"), ("a", "x"), ("a", "x"))),
        ({AUTHORIZER: "disabled"}, {AUTHORIZER: {"enforcementLevel": "disabled", "allowedAuthorizers": ["NONE"]}}),
        ({"a-rule-of-before": "mandatory"}, {}),  # the pack's code is what names its change
    ],
)
def test_what_comes_to_the_same_is_no_news(before: Any, after: Any) -> None:
    assert told(before, after) == ([], [])


def test_all_rules_at_once_are_told_as_each(verdict: Callable[..., Verdict]) -> None:
    locks, stricter = rule_changes({}, parse({"all": "disabled"}))
    assert [it.resource for it in locks] == [it.name for it in RULES]
    assert stricter == []
    shown = comment({"dev": verdict(locks=tuple(locks))}, COMPARED)
    assert f"- set to `disabled`, was `mandatory`: `{AUTHORIZER}`, " in shown
    # All of them: a reviewer agrees to what stands there.
    assert [it.name for it in RULES if f"`{it.name}`" not in shown] == []


def test_what_each_setting_lets_past_is_known() -> None:
    """A list names what is let past, a number is the most that is, a switch asks for more: there is no other kind."""
    kinds = {(it["type"], type(it.get("default"))) for rule in RULES for it in rule.settings.values()}
    assert kinds == {("array", list), ("boolean", bool), ("integer", int)}


def planned(rules: Any) -> Planned:
    return Planned(EMPTY, rules=parse(rules))


def test_a_lock_of_a_rule_counts_and_is_told_by_stack() -> None:
    judged = judge(planned({}), planned({AUTHORIZER: "disabled"}))
    same = judge(planned({}), planned({}))
    judgements = {"prod": judged, "dev": same}
    assert headline(judgements) == "1 lock taken off"
    assert summary(judgements)["locks"] == 1
    shown = comment(judgements, COMPARED)
    assert f"### Locks taken off\n\n- set to `disabled`, was `mandatory`: `{AUTHORIZER}` (`prod`)\n" in shown


def test_a_rule_that_is_stricter_is_told_without_a_lock() -> None:
    judgements = {"prod": judge(planned({}), planned({LOGS: "mandatory"}))}
    assert headline(judgements) == "nobody's access changes"
    assert summary(judgements)["locks"] == 0
    shown = comment(judgements, COMPARED)
    assert f"### Rules set more strictly\n\n- set to `mandatory`, was `advisory`: `{LOGS}` (`prod`)\n" in shown
    assert "Locks" not in shown


def test_a_stack_that_comes_opens_no_rule_unseen_and_one_that_goes_takes_its_rules_along() -> None:
    come = judge(NOTHING, planned({AUTHORIZER: "disabled"}))
    gone = judge(planned({LOGS: "mandatory"}), NOTHING)
    assert isinstance(come, Verdict)
    assert isinstance(gone, Verdict)
    assert [it.resource for it in come.locks] == [AUTHORIZER]
    assert (gone.locks, gone.stricter) == ((), ())
