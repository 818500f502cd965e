import json
from collections.abc import Callable
from typing import Any

import pytest

from toolgate.policy.language.agentcore_facts import CEDAR_POLICY
from toolgate.review.permissions import permissions
from toolgate.review.resources import permission_lines

ALLOW = {"Sid": "A", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/k"}


def told(statement: Any, policy: Callable[..., Any], deployment: Callable[..., Any]) -> list[str]:
    [added] = permissions(deployment(policy("p")), deployment(policy("p", statement))).added
    return list(added.lines)


@pytest.mark.parametrize(
    ("statement", "lines"),
    [
        (ALLOW, ["Allow s3:GetObject", "    on arn:aws:s3:::b/k"]),
        (
            {"Effect": "Deny", "NotAction": ["b:B", "a:A"], "NotResource": "*"},
            ["Deny every action but a:A, b:B", "    on all but *"],
        ),
        (
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com", "AWS": ["1", "2"]},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": "1"}},
            },
            [
                "Allow sts:AssumeRole",
                "    by AWS 1, 2, Service lambda.amazonaws.com",
                "    if StringEquals aws:SourceAccount = 1",
            ],
        ),
        # What IAM would refuse is shown all the same: hiding it would be the worst answer.
        ({"Effect": "Allow", "Actoin": "*"}, ["Allow ", "    Actoin *"]),
        ({"Effect": "Allow", "Action": "a:A", "Condition": "odd"}, ["Allow a:A", "    if odd"]),
        ("odd", ["odd"]),
    ],
)
def test_a_statement_as_lines(
    statement: Any, lines: list[str], policy: Callable[..., Any], deployment: Callable[..., Any]
) -> None:
    assert told(statement, policy, deployment) == lines


def test_order_names_and_form_do_not_matter(policy: Callable[..., Any], deployment: Callable[..., Any]) -> None:
    other = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
    before = deployment(policy("p", ALLOW, other))
    after = deployment(policy("p", other, ALLOW | {"Sid": "B", "Action": ["s3:GetObject"]}))
    found = permissions(before, after)
    assert (found.added, found.removed) == ((), ())


def test_a_second_statement_of_the_same_text_is_seen(
    policy: Callable[..., Any], deployment: Callable[..., Any]
) -> None:
    found = permissions(deployment(policy("p", ALLOW)), deployment(policy("p", ALLOW), policy("q", ALLOW)))
    assert [one.resource for one in found.added] == ["aws:iam:RolePolicy q"]


def test_documents_are_found_wherever_they_stand(resource: Callable[..., Any], deployment: Callable[..., Any]) -> None:
    text = json.dumps({"Statement": ALLOW})
    inputs = {"inlinePolicies": [{"name": "x", "policy": text}]}
    assert permissions(deployment(), deployment(resource("aws:iam/role:Role", "r", inputs))).added


def test_a_changed_statement_is_shown_line_by_line(
    resource: Callable[..., Any], deployment: Callable[..., Any], verdict: Callable[..., Any]
) -> None:
    texts = ['permit(\n  principal,\n  action == AgentCore::Action::"a"\n);', "permit(\n  principal,\n  action\n);"]
    before, after = (
        deployment(resource(CEDAR_POLICY, "c", {"definition": {"cedar": {"statement": text}}})) for text in texts
    )
    assert list(permission_lines(verdict(permissions=permissions(before, after)))) == [
        "  aws:bedrock:AgentcorePolicy c",
        "      permit(",
        "        principal,",
        '-       action == AgentCore::Action::"a"',
        "+       action",
        "      );",
    ]
