"""The documents as an IAM evaluator decides on them."""

import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import pulumi
import pytest

from toolgate.components.iam import iam_documents
from toolgate.components.iam.iam_documents import AwsEnvironment

A, R = "123456789012", "us-east-1"
PLACE = AwsEnvironment("aws", R, A, "amazonaws.com")
RUNTIMES = f"arn:aws:logs:{R}:{A}:log-group:/aws/bedrock-agentcore/runtimes"
CODE = "arn:aws:s3:::bucket/assistant/abc.zip"
PROFILE = f"arn:aws:bedrock:{R}:{A}:inference-profile/us.m"
MODELS = ["arn:aws:bedrock:us-east-1::foundation-model/m", "arn:aws:bedrock:us-west-2::foundation-model/m"]


@pytest.fixture
def resolved(run: Any) -> Any:
    """A document with its Outputs resolved; made inside the run, where Outputs may be."""

    def resolving(make: Callable[[], iam_documents.Document]) -> Any:
        found: list[str] = []
        run(lambda: pulumi.Output.json_dumps(make()).apply(found.append))
        return json.loads(found[0])

    return resolving


@pytest.mark.parametrize(
    ("trust", "right", "wrong"),
    [
        (
            lambda: iam_documents.gateway_trust(PLACE, "Toolgate-dev-tools"),
            f"arn:aws:bedrock-agentcore:{R}:{A}:gateway/toolgate-dev-tools-a1b2c3d4e5",
            [
                f"arn:aws:bedrock-agentcore:{R}:{A}:gateway/toolgate-dev-tools-2-a1b2c3d4e5",
                f"arn:aws:bedrock-agentcore:{R}:210987654321:gateway/toolgate-dev-tools-a1b2c3d4e5",
                f"arn:aws:bedrock-agentcore:eu-west-1:{A}:gateway/toolgate-dev-tools-a1b2c3d4e5",
                f"arn:aws:bedrock-agentcore:{R}:{A}:runtime/toolgate-dev-tools-a1b2c3d4e5",
            ],
        ),
        (
            lambda: iam_documents.runtime_trust(PLACE, "toolgate_dev_a"),
            f"arn:aws:bedrock-agentcore:{R}:{A}:runtime/toolgate_dev_a-a1B2c3D4e5",
            [
                f"arn:aws:bedrock-agentcore:{R}:{A}:runtime/toolgate_dev_ab-a1B2c3D4e5",
                f"arn:aws:bedrock-agentcore:{R}:{A}:gateway/toolgate_dev_a-a1B2c3D4e5",
            ],
        ),
    ],
)
def test_agentcore_takes_a_role_for_this_accounts_one_resource_only(
    resolved: Any, trust: Any, right: str, wrong: list[str]
) -> None:
    [statement] = resolved(trust)["Statement"]
    assert statement["Principal"] == {"Service": "bedrock-agentcore.amazonaws.com"}
    assert statement["Action"] == "sts:AssumeRole"
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": A}
    pattern = statement["Condition"]["ArnLike"]["aws:SourceArn"]
    assert fnmatchcase(right, pattern)
    assert not [arn for arn in wrong if fnmatchcase(arn, pattern)]


def test_lambda_takes_a_functions_role() -> None:
    [statement] = iam_documents.function_trust()["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }


def test_a_function_writes_its_own_log_only(resolved: Any, allows: Any) -> None:
    group = f"arn:aws:logs:{R}:{A}:log-group:/aws/lambda/math"
    document = resolved(lambda: iam_documents.function_logs(group))
    assert allows(document, "logs:PutLogEvents", f"{group}:log-stream:2026/11/24/[$LATEST]abc")
    assert not allows(document, "logs:PutLogEvents", f"{group}2:log-stream:x")
    assert not allows(document, "logs:CreateLogGroup", group)


def test_a_gateway_invokes_its_targets_functions_only(allows: Any) -> None:
    functions = [f"arn:aws:lambda:{R}:{A}:function:{name}" for name in ("one", "two")]
    document = iam_documents.document(*iam_documents.invoke_functions(functions))
    assert all(allows(document, "lambda:InvokeFunction", arn) for arn in functions)
    assert not allows(document, "lambda:InvokeFunction", functions[0] + "x")
    assert not allows(document, "lambda:UpdateFunctionCode", functions[0])


def test_an_agent_invokes_the_gateways_it_was_handed_only(allows: Any) -> None:
    gateways = [f"arn:aws:bedrock-agentcore:{R}:{A}:gateway/{name}-a1b2c3d4e5" for name in ("one", "two")]
    document = iam_documents.invoke_gateways(gateways)
    assert all(allows(document, "bedrock-agentcore:InvokeGateway", arn) for arn in gateways)
    assert not allows(document, "bedrock-agentcore:InvokeGateway", gateways[0][:-1])
    assert not allows(document, "bedrock-agentcore:GetGateway", gateways[0])


def test_a_gateway_has_its_calls_decided_by_its_own_engine_only(resolved: Any, allows: Any) -> None:
    service = f"arn:aws:bedrock-agentcore:{R}:{A}"
    engine, gateway = f"{service}:policy-engine/toolgate_dev_tools-a1b2c3d4e5", f"{service}:gateway/toolgate-dev-tools"
    document = resolved(lambda: iam_documents.authorize_tools(PLACE, "Toolgate-dev-tools", engine))
    assert allows(document, "bedrock-agentcore:GetPolicyEngine", engine)
    for action in ("bedrock-agentcore:AuthorizeAction", "bedrock-agentcore:PartiallyAuthorizeActions"):
        assert allows(document, action, engine)
        assert allows(document, action, f"{gateway}-a1b2c3d4e5")
        assert not allows(document, action, f"{gateway}-2-a1b2c3d4e5")
        assert not allows(document, action, engine + "x")
    assert not allows(document, "bedrock-agentcore:GetPolicyEngine", engine + "x")
    assert not allows(document, "bedrock-agentcore:UpdatePolicyEngine", engine)
    assert not allows(document, "bedrock-agentcore:InvokeGateway", f"{gateway}-a1b2c3d4e5")


@pytest.fixture
def minimum(resolved: Any) -> Any:
    model = iam_documents.profile_access(PROFILE, MODELS)
    return resolved(
        lambda: iam_documents.runtime_minimum(PLACE, "toolgate_dev_a", iam_documents.read_code(CODE), model)
    )


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("logs:CreateLogGroup", f"{RUNTIMES}/toolgate_dev_a-a1B2c3D4e5-DEFAULT", True),
        ("logs:CreateLogGroup", f"{RUNTIMES}/toolgate_dev_b-a1B2c3D4e5-DEFAULT", False),
        ("logs:PutResourcePolicy", f"{RUNTIMES}/toolgate_dev_a-a1B2c3D4e5-DEFAULT", True),
        ("logs:PutLogEvents", f"{RUNTIMES}/toolgate_dev_a-a1B2c3D4e5-DEFAULT:log-stream:x", True),
        ("logs:PutLogEvents", f"{RUNTIMES}/toolgate_dev_b-a1B2c3D4e5-DEFAULT:log-stream:x", False),
        ("logs:PutLogEvents", f"arn:aws:logs:{R}:{A}:log-group:/aws/lambda/x:log-stream:x", False),
        ("logs:DescribeLogGroups", f"arn:aws:logs:{R}:{A}:log-group:x", True),
        ("logs:GetLogEvents", f"{RUNTIMES}/toolgate_dev_a-a1B2c3D4e5-DEFAULT:log-stream:x", False),
        ("xray:PutTraceSegments", "*", True),
        ("xray:GetTraceSummaries", "*", False),
        ("s3:GetObject", CODE, True),
        ("s3:GetObject", CODE + "x", False),
        ("s3:PutObject", CODE, False),
        ("bedrock:InvokeModel", PROFILE, True),
        ("bedrock:InvokeModelWithResponseStream", PROFILE, True),
        ("bedrock:InvokeModel", PROFILE + "2", False),
        ("bedrock:InvokeModel", MODELS[1], False),
        ("bedrock-agentcore:InvokeGateway", f"arn:aws:bedrock-agentcore:{R}:{A}:gateway/x-a1b2c3d4e5", False),
        ("lambda:InvokeFunction", f"arn:aws:lambda:{R}:{A}:function:x", False),
        ("bedrock-agentcore:GetWorkloadAccessToken", "*", False),
    ],
)
def test_a_runtime_gets_the_minimum(minimum: Any, allows: Any, action: str, resource: str, allowed: bool) -> None:
    assert allows(minimum, action, resource) is allowed


def test_metrics_go_to_agentcores_namespace_only(minimum: Any, allows: Any) -> None:
    assert allows(minimum, "cloudwatch:PutMetricData", "*", cloudwatch__namespace="bedrock-agentcore")
    assert not allows(minimum, "cloudwatch:PutMetricData", "*", cloudwatch__namespace="AWS/Billing")
    assert not allows(minimum, "cloudwatch:PutMetricData", "*")


def test_a_profiles_models_are_invoked_through_it_only(minimum: Any, allows: Any) -> None:
    for arn in MODELS:
        assert allows(minimum, "bedrock:InvokeModel", arn, bedrock__InferenceProfileArn=PROFILE)
        assert not allows(minimum, "bedrock:InvokeModel", arn, bedrock__InferenceProfileArn=PROFILE + "2")
    assert not allows(minimum, "bedrock:InvokeModel", MODELS[0] + "2", bedrock__InferenceProfileArn=PROFILE)


def test_a_foundation_model_is_invoked_as_it_is(allows: Any) -> None:
    document = iam_documents.document(*iam_documents.model_access(MODELS[0]))
    assert allows(document, "bedrock:InvokeModelWithResponseStream", MODELS[0])
    assert not allows(document, "bedrock:InvokeModel", MODELS[1])


def test_statement_ids_are_unique_and_of_aws_alphabet(minimum: Any) -> None:
    sids = [statement["Sid"] for statement in minimum["Statement"]]
    assert len(set(sids)) == len(sids)
    assert all(sid.isalnum() for sid in sids)
