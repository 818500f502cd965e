"""Statements as authors write them: a wildcard has its reason, or is none."""

import asyncio
import re
from typing import Any

import pulumi
import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam import role_statements

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/orders"


def _checked(agent: Any = False, **statement: Any) -> str:
    """What is said against it; "" for nothing."""
    try:
        whole: Any = {"actions": ["dynamodb:GetItem"], "resources": [TABLE], **statement}
        (role_statements.check_of_agent if agent else role_statements.check)([whole], "x")
    except UsageError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "statement",
    [
        {},
        {"resources": [f"{TABLE}/index/*"]},
        {"resources": ["arn:aws:s3:::orders-2026/*"]},
        {"resources": ["arn:aws:s3:::orders*"]},
        {"resources": ["arn:aws:sns:us-east-1:123456789012:orders"]},
        {"resources": ["arn:aws:logs:us-east-1:123456789012:log-group:/aws/x:*"]},
        {"actions": ["cloudwatch:PutMetricData", "sts:GetCallerIdentity"], "resources": ["*"]},
        {"actions": ["dynamodb:*"], "reason": "The tool is an explorer of this one table."},
        {"resources": ["*"], "reason": "It lists what there is."},
    ],
)
def test_a_statement_that_names_what_it_means_or_says_why_not(statement: Any) -> None:
    assert _checked(**statement) == ""


def test_what_is_known_later_may_have_a_reason_and_needs_none() -> None:
    async def later() -> list[str]:
        resources = [pulumi.Output.from_input("*")]
        return [_checked(resources=resources, **more) for more in ({}, {"reason": "It lists what there is."})]

    assert asyncio.run(later()) == ["", ""]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ({"actions": ["*"]}, "x[0]: the action '*' allows more than one thing"),
        ({"actions": ["dynamodb:*"]}, "the action 'dynamodb:*'"),
        ({"actions": ["dynamodb:GetItem", "dynamodb:Get*"]}, "the action 'dynamodb:Get*'"),
        ({"actions": ["dynamodb:Get?tem"]}, "the action"),
        ({"resources": ["*"]}, "the resource '*'"),
        ({"resources": ["**"]}, "the resource '**'"),
        ({"resources": ["arn:*"]}, "the resource 'arn:*'"),
        ({"resources": [TABLE, "arn:aws:dynamodb:*:*:table/*"]}, "the resource 'arn:aws:dynamodb:*:*:table/*'"),
        ({"resources": ["arn:aws:s3:::*"]}, "the resource"),
        ({"resources": ["arn:aws:s3:::*/*"]}, "the resource"),
        ({"resources": ["arn:aws:lambda:us-east-1:123456789012:function:*"]}, "the resource"),
        # One that takes resources is enough.
        ({"actions": ["sts:GetCallerIdentity", "sqs:SendMessage"], "resources": ["*"]}, "the resource '*'"),
        ({"reason": "Why not."}, "x[0].reason: there is no wildcard"),
        ({"resources": ["*"], "reason": " "}, "x[0].reason: is empty"),
        ({"actions": []}, "x[0].actions: is empty"),
        ({"resources": []}, "x[0].resources: is empty"),
        ({"actions": ["GetItem"]}, "'GetItem' is no IAM action"),
        ({"actions": ["dynamodb.GetItem"]}, "is no IAM action"),
        ({"resources": [TABLE, "orders"]}, "x[0].resources: 'orders' is no ARN. Hand over a resource's own"),
        ({"resources": ["reports/*"], "reason": "All of them."}, "'reports/*' is no ARN"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(statement: Any, message: str) -> None:
    assert re.search(re.escape(message), _checked(**statement))


@pytest.mark.parametrize(
    "action",
    [
        "bedrock-agentcore:InvokeGateway",
        "bedrock-agentcore:*",
        "bedrock-agentcore:invokegateway",
        "bedrock-agentcore:I*",
        "bedrock-agentcore:Invoke?ateway",
        "bedrock-agentcore:InvokeAgentRuntime",
        "bedrock-agentcore:InvokeAgentRuntimeCommand",
        "bedrock-agentcore:InvokeAgent*",
        "bedrock:InvokeModel",
        "bedrock:InvokeModelWithResponseStream",
        "bedrock:Invoke*",
        "bedrock:*",
        "bedrock:CreateModelInvocationJob",
        "bedrock-mantle:CreateInference",
        "lambda:InvokeFunction",
        "lambda:invokefunctionurl",
        "lambda:*",
        "*",
    ],
)
def test_an_agent_gets_no_other_way_to_a_gateway_a_model_or_a_function(action: str) -> None:
    reasoned: Any = {"reason": "Because."} if re.search(r"[*?]", action) else {}
    assert "is not for statements" in _checked(agent=True, actions=["dynamodb:GetItem", action], **reasoned)
    assert _checked(actions=["dynamodb:GetItem", action], **reasoned) == ""


@pytest.mark.parametrize(
    "action", ["bedrock:InvokeAgent", "bedrock-agentcore:StopRuntimeSession", "bedrock:Retrieve", "lambda:GetFunction"]
)
def test_what_leads_elsewhere_an_agent_may_be_given(action: str) -> None:
    assert _checked(agent=True, actions=[action]) == ""


def test_what_an_agent_is_to_write_instead_is_said() -> None:
    assert _checked(agent=True, actions=["bedrock-agentcore:InvokeGateway"]) == (
        "x[0].actions: 'bedrock-agentcore:InvokeGateway' is not for statements: "
        "a gateway is reached by the tools that are handed over: write 'tools'."
    )
    assert "'bedrock:*' allows bedrock:InvokeModel, and that is not for statements" in _checked(
        agent=True, actions=["bedrock:*"], reason="Everything."
    )
