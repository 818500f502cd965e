import json
from typing import Any

import pytest

from toolgate.policy.language import coverage, templates
from toolgate.policy.language.unknown import UNKNOWN

STACK = "aws:cloudformation/stack:Stack"


def template(*kinds: str, **more: Any) -> dict[str, Any]:
    return {"Resources": {f"R{n}": {"Type": kind} for n, kind in enumerate(kinds)}, **more}


@pytest.mark.parametrize("kind", sorted(templates.TYPES))
@pytest.mark.parametrize(
    ("body", "says"),
    [
        (template("AWS::IAM::Role", "AWS::S3::Bucket"), "not judged as a whole: AWS::IAM::Role"),
        (template("AWS::BedrockAgentCore::Gateway"), "AWS::BedrockAgentCore::Gateway"),
        (template("AWS::Lambda::Url"), "AWS::Lambda::Url"),
        (template("AWS::SSO::PermissionSet"), "AWS::SSO::PermissionSet"),
        (template("AWS::CloudFormation::Stack"), "AWS::CloudFormation::Stack"),
        (template("AWS::Serverless::Function"), "AWS::Serverless::Function"),
        (template("AWS::S3::Bucket", Transform="Own"), "cannot be read"),
        (template("Acme::Thing::Any::MODULE"), "cannot be read"),
        (UNKNOWN, "cannot be read"),
        (None, "cannot be read"),
        ("", "cannot be read"),
        (["text"] * 0, "cannot be read"),
        ({"Resources": UNKNOWN}, "cannot be read"),
        ({"Resources": {"R": UNKNOWN}}, "cannot be read"),
        ({"Resources": {"R": {"Type": UNKNOWN}}}, "cannot be read"),
        ("Resources:\n  R:\n    Type: AWS::IAM::User\n", "AWS::IAM::User"),
        ('Resources:\n  R:\n    Type: "AWS:\\x3aIAM::User"\n', "cannot be read"),
        ("Rules: []", "cannot be read"),
    ],
    ids=str,
)
def test_templates_that_may_open_something(kind: str, body: Any, says: str) -> None:
    texts = [json.dumps(body)] if isinstance(body, dict) and "unknown" not in repr(body).lower() else []
    for form in (body, *texts, *(text.replace("AWS:", "AWS\\u003a") for text in texts)):
        assert says in (coverage.not_judged(kind, {"templateBody": form}, ()) or ""), form


@pytest.mark.parametrize(
    "body",
    [
        template("AWS::S3::Bucket", "AWS::CloudFormation::WaitCondition"),
        template("AWS::SNS::Topic", Metadata={"AWS::CloudFormation::Interface": {}}),
        "Resources:\n  Bucket:\n    Type: AWS::S3::Bucket\n    # a Transformation\n",
    ],
    ids=str,
)
def test_templates_that_open_nothing(body: Any) -> None:
    for form in (body, json.dumps(body) if isinstance(body, dict) else body):
        assert coverage.not_judged(STACK, {"templateBody": form}, ()) is None
    assert coverage.not_judged(STACK, {"templateUrl": "https://example.com/t.json"}, ())


@pytest.mark.parametrize(
    "kind",
    [
        "aws-native:bedrockagentcore:Tomorrow",
        "aws-native:lambda:ResourcePolicy",
        "aws-native:lambda:WebFunctionEndpoint",
        "aws:bedrock/agentcoreTomorrow:AgentcoreTomorrow",
        "aws:iam/tomorrow:Tomorrow",
        "aws:lambda/resourcePolicy:ResourcePolicy",
        "aws:cloudcontrol/resource:Resource",
        "aws-native:index:ExtensionResource",
        "aws:index/bedrockagentcoreGateway:BedrockagentcoreGateway",
        "aws:index/cloudcontrolapiResource:CloudcontrolapiResource",
        "aws:index/iamRolePolicy:IamRolePolicy",
        "aws:index/ssoadminPermissionSetInlinePolicy:SsoadminPermissionSetInlinePolicy",
        "awscc:index/bedrockagentcoreGateway:BedrockagentcoreGateway",
        "awscc:index/lambdaPermission:LambdaPermission",
        "awscc:index/ssoPermissionSet:SsoPermissionSet",
    ],
)
def test_what_nobody_has_looked_at_is_said(kind: str) -> None:
    assert coverage.not_judged(kind, {}, ())


@pytest.mark.parametrize(
    "kind",
    [
        "aws-native:bedrockagentcore:RuntimeEndpoint",
        "aws-native:iam:InstanceProfile",
        "aws-native:s3:Bucket",
        "aws:bedrock/guardrail:Guardrail",
        "aws:iam/accessKey:AccessKey",
        "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive",
        "aws:lambda/eventSourceMapping:EventSourceMapping",
        "aws:s3/bucket:Bucket",
        "aws:index/iamAccessKey:IamAccessKey",
        "aws:index/s3Bucket:S3Bucket",
        "awscc:index/lambdaEventSourceMapping:LambdaEventSourceMapping",
        "command:local:Command",
        "pulumi:pulumi:Stack",
        "pulumi:providers:aws",
        "kubernetes:core/v1:Pod",
        "",
    ],
)
def test_what_opens_nothing_is_passed_over(kind: str) -> None:
    assert coverage.not_judged(kind, {}, ()) is None
    assert coverage.not_judged(kind, None, ()) is None
