import json

import pytest

from toolgate.access.deployment.function_access import FunctionName, function_name, read_function_access
from toolgate.access.deployment.stack_export import DeploymentError, Hidden, Resource

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("f", FunctionName("f")),
        ("f:live", FunctionName("f", "live")),
        (ARN, FunctionName(ARN)),
        (f"{ARN}:3", FunctionName(ARN, "3")),
        ("123456789012:function:f", FunctionName("f")),
        ("123456789012:function:f:live", FunctionName("f", "live")),
        ("", FunctionName("")),
    ],
)
def test_every_form_of_a_functions_name(text: str, named: FunctionName) -> None:
    assert function_name(text) == named


def test_a_name_means_the_function_of_that_name_and_no_other() -> None:
    assert function_name("f").means(ARN)
    assert function_name(ARN).means(ARN)
    assert not function_name("af").means(ARN)
    assert not function_name(ARN.replace("us-east-1", "eu-west-1")).means(ARN)


def test_a_permission_as_the_statement_that_lambda_makes_of_it() -> None:
    given = {
        "function": "f",
        "action": "lambda:InvokeFunction",
        "principal": "apigateway.amazonaws.com",
        "sourceArn": "arn:aws:execute-api:us-east-1:123456789012:api/*",
        "sourceAccount": "123456789012",
        "principalOrgId": "o-1",
    }
    (made,) = read_function_access([Resource("urn::p", "aws:lambda/permission:Permission", given, {})]).permissions
    assert made.statement == {
        "Sid": "p",
        "Effect": "Allow",
        "Principal": {"Service": "apigateway.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Condition": {
            "ArnLike": {"AWS:SourceArn": "arn:aws:execute-api:us-east-1:123456789012:api/*"},
            "StringEquals": {"AWS:SourceAccount": "123456789012", "aws:PrincipalOrgID": "o-1"},
        },
    }
    json.dumps(made.statement)


@pytest.mark.parametrize("key", ["principal", "action", "function", "sourceArn", "principalOrgId"])
def test_a_value_that_the_file_hides_is_refused_and_never_left_out(key: str) -> None:
    given = {"function": "f", "action": "lambda:InvokeFunction", "principal": "*", key: Hidden("not known yet")}
    with pytest.raises(DeploymentError, match=f"'{key}' is not known yet"):
        read_function_access([Resource("urn::p", "aws:lambda/permission:Permission", given, {})])
