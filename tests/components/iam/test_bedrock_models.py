from typing import Any

import pulumi
import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam import bedrock_models, iam_documents
from toolgate.components.iam.iam_documents import AwsEnvironment

PLACE = AwsEnvironment("aws", "us-east-1", "123456789012")
ARN = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"


@pytest.mark.parametrize(
    ("model_id", "profile"),
    [
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", True),
        ("global.anthropic.claude-haiku-4-5-20251001-v1:0", True),
        ("eu.amazon.nova-lite-v1:0", True),
        ("apac.amazon.nova-lite-v1:0", True),
        ("us-gov.anthropic.claude-haiku-4-5-20251001-v1:0", True),
        ("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0", True),
        ("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6", True),
        ("amazon.nova-lite-v1:0", False),
        ("deepseek.v3.2", False),
        (ARN, False),
    ],
)
def test_a_model_id_is_one_of_a_profile_or_of_a_foundation_model(model_id: str, profile: bool) -> None:
    assert bedrock_models.checked(model_id, "here") == model_id
    assert bedrock_models.is_profile(model_id) is profile


@pytest.mark.parametrize(
    "model_id",
    ["", "claude", "us.anthropic.claude haiku", "arn:aws:iam::1:role/x", "*", "us.*", "amazon.nova/..", ARN + "\n"],
)
def test_what_is_no_model_id_is_refused_with_examples(model_id: str) -> None:
    with pytest.raises(UsageError, match=r"here: .* is no model id\. Write an inference profile's id"):
        bedrock_models.checked(model_id, "here")


class Component(pulumi.ComponentResource):
    """A component that asks for a model."""

    def __init__(self, model_id: str, found: list[Any]) -> None:
        super().__init__("toolgate:index:Component", "c")
        document = iam_documents.document(*bedrock_models.access(self, PLACE, model_id))
        pulumi.Output.json_dumps(document).apply(found.append)


@pytest.mark.parametrize("model_id", ["amazon.nova-lite-v1:0", ARN])
def test_a_foundation_model_needs_no_question(run: Any, allows: Any, model_id: str) -> None:
    found: list[str] = []
    recorded = run(lambda: Component(model_id, found))
    assert recorded.invokes == []
    assert allows(found[0], "bedrock:InvokeModelWithResponseStream", ARN)
    assert not allows(found[0], "bedrock:InvokeModel", ARN.replace("us-east-1", "us-west-2"))


def test_a_profiles_regions_are_asked_of_bedrock(run: Any, allows: Any) -> None:
    found: list[str] = []
    recorded = run(lambda: Component("us.anthropic.claude-haiku-4-5-20251001-v1:0", found))
    token = "aws:bedrock/getInferenceProfile:getInferenceProfile"
    assert recorded.invokes == [(token, {"inferenceProfileId": "us.anthropic.claude-haiku-4-5-20251001-v1:0"})]
    profile = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0"
    assert allows(found[0], "bedrock:InvokeModel", profile)
    for region in ("us-east-1", "us-east-2", "us-west-2"):
        arn = f"arn:aws:bedrock:{region}::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0"
        assert allows(found[0], "bedrock:InvokeModel", arn, bedrock__InferenceProfileArn=profile)
        assert not allows(found[0], "bedrock:InvokeModel", arn)
