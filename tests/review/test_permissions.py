import json
from collections.abc import Callable
from typing import Any

import pytest
from markdown_it import MarkdownIt

from toolgate.policy.language.agentcore_facts import CEDAR_POLICY, LAMBDA_PERMISSION, ROLE
from toolgate.review.permissions import Cells, cedar_chunks, permissions, rows

ALLOW = {"Sid": "A", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/k"}
READ: Cells = (("Allow",), ("s3:GetObject",), ("arn:aws:s3:::b/k",), (), ())


@pytest.mark.parametrize(
    ("statement", "cells"),
    [
        (ALLOW, READ),
        (
            {"Effect": "Deny", "NotAction": ["b:B", "a:A"], "NotResource": "*"},
            (("Deny",), ("all but a:A, b:B",), ("all but *",), (), ()),
        ),
        (
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com", "AWS": ["1", "2"]},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": "1", "aws:SourceArn": ["b", "a"]}},
            },
            (
                ("Allow",),
                ("sts:AssumeRole",),
                (),
                ("AWS 1", "AWS 2", "Service lambda.amazonaws.com"),
                ("StringEquals aws:SourceAccount = 1", "StringEquals aws:SourceArn = a, b"),
            ),
        ),
        # What IAM would refuse is shown all the same: hiding it would be the worst answer.
        ({"Effect": "Allow", "Actoin": "*"}, (("Allow",), (), (), (), ('Actoin: "*"',))),
        ({"Effect": "Allow", "Action": "a:A", "Condition": "odd"}, (("Allow",), ("a:A",), (), (), ("odd",))),
        ("odd", ((), ("odd",), (), (), ())),
    ],
)
def test_a_statement_as_cells(
    statement: Any, cells: Cells, policy: Callable[..., Any], deployment: Callable[..., Any]
) -> None:
    [added] = permissions(deployment(policy("p")), deployment(policy("p", statement))).added
    assert added.cells == cells


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
    assert [one.document for one in found.added] == ["aws:iam:RolePolicy q"]


@pytest.mark.parametrize(
    ("kind", "inputs", "place", "cells"),
    [
        (
            ROLE,
            {"inlinePolicies": [{"name": "x", "policy": json.dumps({"Statement": ALLOW})}]},
            "inlinePolicies.policy",
            READ,
        ),
        (ROLE, {"assumeRolePolicy": json.dumps({"Statement": ALLOW})}, "trust", READ),
        # As an object, which the provider turns into text.
        ("aws:s3/bucketPolicy:BucketPolicy", {"policy": {"Statement": [ALLOW]}}, "", READ),
        (
            LAMBDA_PERMISSION,
            {"principal": "s3.amazonaws.com", "action": "lambda:InvokeFunction", "sourceArn": "arn:aws:s3:::b"},
            "",
            (
                ("Allow",),
                ("lambda:InvokeFunction",),
                ("*",),
                ("Service s3.amazonaws.com",),
                ("ArnLike AWS:SourceArn = arn:aws:s3:::b",),
            ),
        ),
        (
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            {"role": "r", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
            "",
            (("attached",), ("arn:aws:iam::aws:policy/AdministratorAccess",), (), ("r",), ()),
        ),
        (ROLE, {"managedPolicyArns": ["arn:x"]}, "", (("attached",), ("arn:x",), (), (), ())),
    ],
)
def test_documents_are_found_wherever_they_stand(  # noqa: PLR0917  the columns of the table above, and two makers
    kind: str, inputs: Any, place: str, cells: Cells, resource: Callable[..., Any], deployment: Callable[..., Any]
) -> None:
    [added] = permissions(deployment(), deployment(resource(kind, "r", inputs))).added
    assert added.cells == cells
    assert added.document.partition(" r")[2] == (f", {place}" if place else "")


@pytest.mark.parametrize(
    ("before", "after", "added", "removed"),
    [
        ({"Resource": ["a", "b"]}, {"Resource": ["a", "b", "c"]}, [("c",)], []),
        ({"Resource": ["a", "b"]}, {"Resource": ["b", "c"]}, [("c",)], [("a",)]),
        ({"Resource": "a"}, {"Resource": []}, [()], [("a",)]),
        ({"NotResource": ["a", "b"]}, {"NotResource": ["a"]}, [("all but a",)], [("all but a, b",)]),
        ({"Resource": ["a"]}, {"Resource": ["a", "b"], "Action": "x:Y"}, [("a", "b")], [("a",)]),
        ({"Resource": ["a"]}, {"Resource": ["a"], "Condition": {"Bool": {"k": "true"}}}, [("a",)], [("a",)]),
    ],
)
def test_of_a_statement_that_changes_in_one_place_only_that_is_shown(  # noqa: PLR0917  as above
    before: Any, after: Any, added: Any, removed: Any, policy: Callable[..., Any], deployment: Callable[..., Any]
) -> None:
    sides = ({"Effect": "Allow", "Action": "a:A", **side} for side in (before, after))
    found = permissions(*(deployment(policy("p", side)) for side in sides))
    assert [it.cells[2] for it in found.added] == added
    assert [it.cells[2] for it in found.removed] == removed


@pytest.mark.parametrize(
    ("arn", "shown"),
    [
        ("arn:aws:lambda:us-east-1:123456789012:function:toolgate-dev-math", "Function math-function"),
        ("arn:aws:lambda:us-east-1:123456789012:function:toolgate-dev-math:live", "Function math-function:live"),
        ("arn:aws:lambda:us-east-1:123456789012:function:toolgate-dev-math-2", "lambda function:toolgate-dev-math-2"),
        ("arn:aws:lambda:eu-west-1:123456789012:function:f", "lambda eu-west-1 function:f"),
        ("arn:aws:lambda:us-east-1:999999999999:function:f", "lambda 999999999999 function:f"),
        ("arn:aws:lambda:*:*:function:*", "lambda * * function:*"),
        ("arn:aws-cn:s3:::b", "arn:aws-cn:s3:::b"),
        ("arn:aws:s3:::b/k", "s3 b/k"),
        ("arn:*", "arn:*"),
        ("*", "*"),
    ],
)
def test_an_arn_is_short_and_still_the_one_that_is_meant(
    arn: str, shown: str, resource: Callable[..., Any], policy: Callable[..., Any], deployment: Callable[..., Any]
) -> None:
    own = "arn:aws:lambda:us-east-1:123456789012:function:toolgate-dev-math"
    function = resource("aws:lambda/function:Function", "math-function", outputs={"arn": own})
    statement = ALLOW | {"Resource": arn, "Condition": {"ArnLike": {"aws:SourceArn": [arn, "arn:aws:s3:::x"]}}}
    sides = deployment(function, policy("p")), deployment(function, policy("p", statement))
    [row] = rows(permissions(*sides))
    first, second = sorted([arn, "arn:aws:s3:::x"])
    told = ", ".join(shown if it == arn else "s3 x" for it in (first, second))
    cells = ["**+**", "`Allow`", "`s3:GetObject`", f"`{shown}`", "", f"`ArnLike aws:SourceArn = {told}`"]
    assert row == " | ".join([*cells, "`aws:iam:RolePolicy p`"])


def test_a_row_is_one_row_whatever_is_in_it(policy: Callable[..., Any], deployment: Callable[..., Any]) -> None:
    statement = ALLOW | {"Resource": ["a|b", "`<b>\n@x"], "Action": "| | |"}
    [row] = rows(permissions(deployment(policy("p")), deployment(policy("p", statement))))
    columns = "|a|b|c|d|e|f|g|\n|---|---|---|---|---|---|---|"
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(f"{columns}\n| {row} |")
    assert [token.type for token in tokens].count("td_open") == 7
    inline = [child for token in tokens if token.type == "inline" for child in token.children or ()]
    assert {child.content for child in inline if child.type == "html_inline"} == {"<br>"}


def test_a_changed_policy_of_an_engine_is_shown_line_by_line(
    resource: Callable[..., Any], deployment: Callable[..., Any]
) -> None:
    texts = ['permit(\n  principal,\n  action == AgentCore::Action::"a"\n);', "permit(\n  principal,\n  action\n);"]
    before, after = (
        deployment(resource(CEDAR_POLICY, "c", {"definition": {"cedar": {"statement": text}}})) for text in texts
    )
    [chunk] = cedar_chunks(permissions(before, after))
    assert chunk.split("\n") == [
        "  aws:bedrock:AgentcorePolicy c",
        "      permit(",
        "        principal,",
        '-       action == AgentCore::Action::"a"',
        "+       action",
        "      );",
    ]
