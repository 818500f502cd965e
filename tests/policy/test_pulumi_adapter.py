"""What holds for every rule: levels, configuration, exceptions, bounds, and a defect of our own."""

from collections.abc import Iterator
from typing import Any

import pytest
from pulumi_policy import (
    PolicyCustomTimeouts,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from tests.policy import driver, making
from tests.policy.driver import ADVISORY, DISABLED, Pack, Registration, rules
from toolgate.policy import pulumi_adapter
from toolgate.policy.registrations import Registrations
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.rules import gateway_authorizer_iam
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

RULE = "gateway-authorizer-iam"
OPEN = making.gateway(authorizerType="NONE")


def test_a_configuration_without_a_level_keeps_the_rule_s_own(pack: Pack) -> None:
    """The engine then sends the rule's own level, because the pack has no initial configuration."""
    assert not pack.info.initialConfig
    pack.configure({RULE: {"allowedAuthorizers": ["CUSTOM_JWT"]}})
    (found,) = pack.analyze(OPEN)
    assert found.level == "mandatory"


def test_a_level_is_configured(pack: Pack) -> None:
    pack.configure({RULE: {"enforcementLevel": ADVISORY}})
    (found,) = pack.analyze(OPEN)
    assert found.level == "advisory"
    pack.configure({RULE: {"enforcementLevel": DISABLED}})
    assert pack.analyze(OPEN) == []


@pytest.mark.parametrize(
    "pattern", ["tools", OPEN.urn, "urn:pulumi:dev::*::tools", "urn:*AgentcoreGateway::*", "urn:pulumi:???::shop::*"]
)
def test_an_exception_needs_a_resource_and_a_reason(pack: Pack, pattern: str) -> None:
    pack.configure({RULE: {"exceptions": [{"resource": pattern, "reason": "a public demo, see ticket 7"}]}})
    assert pack.analyze(OPEN) == []
    assert pack.not_applicable(OPEN) == {RULE: "excepted: a public demo, see ticket 7"}


@pytest.mark.parametrize(
    "exception",
    [
        {"resource": "tools"},
        {"resource": "tools", "reason": ""},
        {"resource": "tools", "reason": "  "},
        {"resource": "tool*", "reason": "a name is no pattern"},
        {"resource": "urn:pulumi:prod::*", "reason": "another stack"},
        {"resource": "urn:pulumi:dev::shop::tools", "reason": "not the whole URN"},
        {"resource": 7, "reason": "x"},
        "tools",
    ],
    ids=str,
)
def test_what_is_no_exception_excepts_nothing(pack: Pack, exception: Any) -> None:
    pack.configure({RULE: {"exceptions": [exception]}})
    assert rules(pack.analyze(OPEN)) == [RULE]


def test_an_exception_holds_for_its_rule_and_its_resource_only(pack: Pack) -> None:
    pack.configure({RULE: {"exceptions": [{"resource": "tools", "reason": "x"}]}})
    both = making.gateway(authorizerType="NONE", policyEngineConfiguration={"mode": "LOG_ONLY"})
    assert rules(pack.analyze(both)) == ["policy-engine-enforces"]
    assert rules(pack.analyze(making.gateway("more", authorizerType="NONE"))) == [RULE]


def test_an_exception_holds_in_the_stack_check(pack: Pack) -> None:
    pack.configure({"logs-delivered": {"exceptions": [{"resource": "tools", "reason": "x"}]}})
    assert rules(pack.analyze_stack([making.gateway(), making.gateway("more")])) == ["logs-delivered"]


def test_an_excepted_role_is_still_remembered(pack: Pack) -> None:
    """Its exception is not one for the policies of the role."""
    rule = "gateway-role-exact-lambda"
    pack.configure({rule: {"exceptions": [{"resource": "agent", "reason": "x"}]}})
    pack.analyze(making.role())
    wide = making.role_policy(making.document(making.statement("lambda:InvokeFunction", "*")))
    assert rules(pack.analyze(wide)) == [rule]


def test_a_violation_says_what_where_why_and_what_instead(pack: Pack) -> None:
    (found,) = pack.analyze(OPEN)
    description, message = found.message.split("\n")
    rule = gateway_authorizer_iam.RULE
    assert description == rule.description
    assert message.startswith('AgentcoreGateway "tools": authorizerType is "NONE"')
    assert rule.why in message
    assert message.endswith(rule.fix)


def test_a_second_look_at_a_whole_stack_is_at_another_one(pack: Pack) -> None:
    """What was registered of the first is not what the second is made of."""
    grant = {"gateway_arn": making.GATEWAY, "policy_engine_id": "e", "tools": ["math___add"]}
    agent = Registration("toolgate:index:AgentRuntime", "assistant", {"tools": [grant]})
    pack.analyze(agent)
    first, second = (pack.analyze_stack([making.gateway(), making.target("other")]) for _ in range(2))
    assert "cedar-names-exist" in rules(first)
    assert "cedar-names-exist" not in rules(second)


def arguments(**config: Any) -> ResourceValidationArgs:
    options = PolicyResourceOptions(False, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])
    return ResourceValidationArgs("a:b:C", {}, "urn:pulumi:dev::shop::a:b:C::c", "c", options, None, config)


def made(check: Any = None, check_stack: Any = None) -> Any:
    base = gateway_authorizer_iam.RULE
    rule = Rule(
        name="made",
        description="It holds.",
        why="Or else.",
        fix="Mend it.",
        severity=base.severity,
        framework=base.framework,
        types=frozenset({"a:b:C"}),
        check=check,
        check_stack=check_stack,
    )
    return pulumi_adapter.policy(rule, Registrations([rule]))


def said(policy: Any, args: Any) -> list[str]:
    found: list[str] = []
    policy.validate(args, lambda text, urn: found.append(text))
    return found


def test_a_defect_of_a_rule_is_a_violation_that_names_it() -> None:
    def fails(subject: Any, settings: RuleSettings) -> Iterator[Finding]:
        raise KeyError("internal detail")
        yield

    (text,) = said(made(check=fails), arguments())
    assert text.startswith('C "c": the rule itself failed here')
    assert "KeyError" in text
    assert "internal detail" not in text
    (text,) = said(made(check_stack=fails), StackValidationArgs([]))
    assert 'Stack "stack"' in text


def test_many_violations_of_one_resource_are_bounded() -> None:
    def many(resource: Resource, settings: RuleSettings) -> Iterator[Finding]:
        for number in range(25):
            yield Finding(resource, f"number {number}")

    texts = said(made(check=many), arguments())
    assert len(texts) == pulumi_adapter.MOST_PER_RESOURCE + 1
    assert "15 more violations of this rule" in texts[-1]


def test_a_rule_is_judged_at_one_moment_or_at_both() -> None:
    def nothing(resource: Resource, settings: RuleSettings) -> Iterator[Finding]:
        yield from ()

    def everything(stack: Stack, settings: RuleSettings) -> Iterator[Finding]:
        yield from (Finding(resource, "is there") for resource in stack.resources)

    resource, whole, both = made(check=nothing), made(check_stack=everything), made(nothing, everything)
    assert [isinstance(one, ResourceValidationPolicy) for one in (resource, whole, both)] == [True, False, True]
    assert [isinstance(one, StackValidationPolicy) for one in (resource, whole, both)] == [False, True, True]
    assert said(both, arguments()) + said(both, StackValidationArgs([])) == []


def test_a_name_of_ours_is_no_pattern_of_theirs(pack: Pack) -> None:
    """An exception by name fits the name whole, in any component."""
    pack.configure({RULE: {"exceptions": [{"resource": "tools", "reason": "x"}]}})
    inside = Registration(OPEN.type, "tools", OPEN.inputs, parent="urn:pulumi:dev::shop::my:index:Shop::shop")
    assert pack.analyze(inside) == []


def completed(pack: Pack, *resources: Registration) -> list[str]:
    """Which registration is told that it completes a violation of the one before it."""
    return [found.urn for found in pack.analyze_each(resources) if found.rule == URL_RULE]


URL_RULE = "function-url-signed"
URL = Registration(
    "aws:lambda/functionUrl:FunctionUrl", "url", {"functionName": "shop-math", "authorizationType": "NONE"}
)


def test_an_update_is_stopped_by_what_completes_a_violation(pack: Pack, updating: Pack) -> None:
    """It is said once there; a preview creates nothing, and says it of the resource itself at the end."""
    first, second = making.target("math"), making.target("more")
    assert completed(updating, URL, first, second) == [first.urn]
    assert completed(pack, URL, first, second) == []
    for it in (pack, updating):
        assert [found.urn for found in it.analyze_stack([URL, first, second]) if found.rule == URL_RULE] == [URL.urn]


def test_an_exception_is_for_the_resource_that_is_wrong(updating: Pack) -> None:
    updating.configure({URL_RULE: {"exceptions": [{"resource": "url", "reason": "x"}]}})
    assert completed(updating, URL, making.target()) == []


def test_who_analyzes_without_the_engine_updates_nothing() -> None:
    with driver.running(dry_run=None) as pack:
        pack.configure({})
        assert completed(pack, URL, making.target()) == []
