from typing import Any

import pulumi
import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam import bedrock_models, iam_documents
from toolgate.components.iam.iam_documents import AwsEnvironment

PLACE = AwsEnvironment("aws", "us-east-1", "123456789012", "amazonaws.com")
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
        ("in.openai.gpt-5.6-luna", True),  # a geography that is not known here
        ("amazon.nova-lite-v1:0", False),
        ("mistral.mistral-large-2402-v1:0", False),
        ("minimax.minimax-m2.1", False),
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


HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"
OWN = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/a1b2c3d4e5f6"


@pytest.mark.parametrize(
    ("region", "model_id"),
    [
        ("us-east-1", f"us.{HAIKU}"),
        ("ca-central-1", f"us.{HAIKU}"),
        ("ca-central-1", "ca.amazon.nova-lite-v1:0"),
        ("eu-central-1", f"eu.{HAIKU}"),
        ("il-central-1", "eu.amazon.nova-lite-v1:0"),
        ("ap-northeast-1", f"jp.{HAIKU}"),
        ("ap-northeast-1", "apac.amazon.nova-lite-v1:0"),
        ("ap-southeast-2", f"au.{HAIKU}"),
        ("sa-east-1", f"global.{HAIKU}"),
        ("us-gov-west-1", "us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("eu-central-1", "amazon.nova-lite-v1:0"),
        ("eu-central-1", OWN),
        ("ap-south-1", "in.openai.gpt-5.6-luna"),  # nothing is known of this geography
        ("ap-southeast-9", f"au.{HAIKU}"),  # nor of this Region
        ("us-east-1", ARN),
    ],
)
def test_what_is_there_and_what_is_not_known_passes(region: str, model_id: str) -> None:
    assert bedrock_models.callable_from(region, model_id, "here") == model_id


@pytest.mark.parametrize(
    ("region", "model_id", "says"),
    [
        (
            "eu-central-1",
            f"us.{HAIKU}",
            f"here: 'us.{HAIKU}' cannot be called from eu-central-1, which has eu. and global. profiles. "
            f"Write eu.{HAIKU} or global.{HAIKU} (the model's page in the Bedrock user guide says which there are), "
            "or another model.",
        ),
        ("ap-northeast-1", f"au.{HAIKU}", "which has apac. and jp. and global. profiles"),
        ("us-gov-east-1", f"us.{HAIKU}", "which has us-gov. profiles. Write us-gov.anthropic"),
        ("us-gov-east-1", f"global.{HAIKU}", "which has us-gov. profiles. Write us-gov.anthropic"),
        ("us-east-1", "us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0", "which has us. and global. profiles"),
        ("sa-east-1", f"us.{HAIKU}", "which has global. profiles. Write global.anthropic"),
        ("us-east-1", OWN, f"here: {OWN} is of eu-central-1, and the agent asks in us-east-1. Write the ARN of one in"),
        ("eu-west-1", ARN, "is of us-east-1, and the agent asks in eu-west-1."),
    ],
)
def test_what_another_region_has_is_refused_with_what_this_one_has(region: str, model_id: str, says: str) -> None:
    with pytest.raises(UsageError) as raised:
        bedrock_models.callable_from(region, model_id, "here")
    assert says in str(raised.value)


class Component(pulumi.ComponentResource):
    """A component that asks for a model."""

    def __init__(self, model_id: str, found: list[Any]) -> None:
        super().__init__("toolgate:index:Component", "c")
        document = iam_documents.document(*bedrock_models.access(self, PLACE, model_id, "here"))
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
