"""What is told of interceptors: in which order they come, what they declare, what a change of them gives and takes."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.access.conftest import ENTITY, GATEWAY, INVOKE
from tests.access.interceptors import ARN, asked, function, interceptor
from tests.access.servers import MAY_DECIDE, MAY_INVOKE, document
from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import matrix
from toolgate.access.output.access_difference import difference
from toolgate.access.output.explanation import explain
from toolgate.review.access_summary import sentences

IN = [{"Sid": "Call", "Effect": "Allow", "Action": INVOKE, "Resource": GATEWAY}]
LESS = (
    f'permit(principal == AgentCore::IamEntity::"{ENTITY}", action == AgentCore::Action::"math___add",'
    f' resource == AgentCore::Gateway::"{GATEWAY}") when {{ context.input.a.lessThan(decimal("5.0")) }};'
)
ROLE = {"name": "gate", "arn": "arn:aws:iam::123456789012:role/gate", "assumeRolePolicy": '{"Statement": []}'}
TIMES_OUT = "  what it answers its code decides; one that times out lets it through unchanged"


def _told(case: Callable[..., Any], arguments: Mapping[str, Any] | None = None, **documents: Any) -> list[str]:
    return [it[2:] for it in explain(parse(case(**documents).export()), "caller", "math___add", arguments).splitlines()]


def test_they_stand_where_aws_asks_them(case: Callable[..., Any]) -> None:
    both = {
        "interceptorConfigurations": [interceptor("REQUEST"), interceptor("RESPONSE", arn=f"{ARN}2")],
        "roleArn": ROLE["arn"],
    }
    made = [
        function(calls=["math___*"], headers=True, claims=True),
        function("limits2", results=["*"], tools=True, caller=True),
        ("aws:iam/role:Role", "gate", ROLE),
        ("aws:iam/rolePolicy:RolePolicy", "gate-invokes", {"role": "gate", "policy": document(MAY_INVOKE, MAY_DECIDE)}),
    ]
    told = _told(case, identity=IN, gateway=both, cedar={"less": LESS}, more=made)
    starts = [
        "inbound: IAM bedrock-agentcore:InvokeGateway: allow",
        "  Allow in identity policy 'grants' (Call)",
        "interceptor limits (REQUEST): may refuse or rewrite the call",
        "  declares: calls of math___*; reads headers, the token's claims",
        TIMES_OUT,
        "policy engine (ENFORCE): conditional",
        "  permit in Cedar policy 'less'",
        "function: IAM lambda:InvokeFunction as gate",
        "  Allow in identity policy 'gate-invokes' (",
        "interceptor limits2 (RESPONSE): may refuse or rewrite the result",
        "  declares: results of *; which tools are shown; reads what the caller was handed",
        TIMES_OUT,
    ]
    assert [line[: len(start)] for line, start in zip(told[1:], starts, strict=True)] == starts


def test_one_that_declares_other_tools_is_told_to_leave_this_one(case: Callable[..., Any]) -> None:
    told = _told(case, identity=IN, gateway=asked("REQUEST", "RESPONSE"), more=[function(calls=["other___*"])])
    assert told[-4:] == [
        "interceptor limits (REQUEST): leaves the call as it is",
        "  declares: calls of other___*",
        "interceptor limits (RESPONSE): leaves the result as it is",
        "  declares: calls of other___*",
    ]
    assert explain(parse(case(identity=IN, gateway=asked("RESPONSE")).export()), "caller", "math___add").startswith(
        "allow: "
    )


def test_a_call_that_is_denied_for_its_arguments_is_told_with_whoever_may_change_these(
    case: Callable[..., Any],
) -> None:
    documents = {"identity": IN, "cedar": {"less": LESS}, "gateway": asked("REQUEST")}
    told = explain(parse(case(**documents).export()), "caller", "math___add", {"a": 9}).splitlines()
    assert told[0].startswith("conditional: ")
    assert told[3] == "  interceptor limits (REQUEST): may refuse or rewrite the call"
    assert "  policy engine (ENFORCE): deny" in told


def test_nobody_who_is_not_let_in_hears_of_them(case: Callable[..., Any]) -> None:
    assert not any("interceptor" in line for line in _told(case, gateway=asked("REQUEST")))


ADD = function(calls=["math___add"])


@pytest.mark.parametrize(
    ("before", "after", "gained", "lost"),
    [
        ({}, {"gateway": asked("REQUEST"), "more": [ADD]}, [], ["math___add"]),
        ({"gateway": asked("REQUEST"), "more": [ADD]}, {}, ["math___add"], []),
        # Another one may let through what the first refuses.
        (
            {"gateway": asked("REQUEST"), "more": [ADD]},
            {"gateway": asked("REQUEST", arn=f"{ARN}2"), "more": [function("limits2", calls=["math___add"])]},
            ["math___add"],
            [],
        ),
        (
            {"gateway": asked("REQUEST"), "more": [function(calls=["*"])]},
            {"gateway": asked("REQUEST"), "more": [ADD]},
            ["math___repeat", "math___tag"],
            [],
        ),
        (
            {"gateway": asked("REQUEST"), "more": [ADD]},
            {"gateway": asked("REQUEST")},
            [],
            ["math___repeat", "math___tag"],
        ),
        (
            {"gateway": asked("REQUEST"), "more": [ADD]},
            {"gateway": asked("RESPONSE"), "more": [ADD]},
            ["math___add"],
            [],
        ),
        ({}, {"gateway": asked("RESPONSE"), "more": [ADD]}, [], []),
    ],
)
def test_what_a_change_of_them_gives_and_takes(
    case: Callable[..., Any], before: dict[str, Any], after: dict[str, Any], gained: list[str], lost: list[str]
) -> None:
    found = difference(*(matrix(parse(case(identity=IN, **it).export())) for it in (before, after)))
    assert [it.tool for it in found.gains] == gained
    assert [it.tool for it in found.losses] == lost


def test_a_review_says_on_what_it_depends(case: Callable[..., Any]) -> None:
    sides = [case(identity=IN, **it).export() for it in ({}, {"gateway": asked("REQUEST"), "more": [ADD]})]
    found = difference(*(matrix(parse(it)) for it in sides))
    assert list(sentences(found.losses, several_gateways=False)) == [
        "agent `caller` may call `math___add` only where `interceptor limits lets it through`"
    ]
    back = difference(*(matrix(parse(it)) for it in reversed(sides)))
    assert list(sentences(back.gains, several_gateways=False)) == [
        "agent `caller` may call `math___add` whatever the arguments; before, where `interceptor limits"
        " lets it through`"
    ]
