"""Which Bedrock model an id means, and the IAM statements that let an agent invoke it."""

import re

import pulumi
import pulumi_aws as aws

from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam import iam_documents
from toolgate.components.iam.iam_documents import AwsEnvironment, Statement

# What an inference profile's id begins with (Bedrock user guide, "Supported Regions and models for inference
# profiles"). A foundation model's id begins with its provider.
GEOGRAPHIES = ("us", "us-gov", "eu", "apac", "jp", "au", "ca", "global")
# botocore bedrock-runtime ConversationalModelId, less the kinds we have no statements for.
_MODEL_ID = r"[a-zA-Z0-9-]+\.[a-zA-Z0-9.:-]+"
_MODEL_ARN = (
    r"arn:aws[a-z-]*:bedrock:[a-z0-9-]+:[0-9]{0,12}:(foundation-model|(application-)?inference-profile)/[a-zA-Z0-9.:-]+"
)


def checked(model_id: str, where: str) -> str:
    """Return the id if it is one of a foundation model or an inference profile.

    Raises:
        UsageError: It is neither.
    """
    if re.fullmatch(f"{_MODEL_ID}|{_MODEL_ARN}", model_id):
        return model_id
    raise UsageError(
        f"{where}: {model_id!r} is no model id. Write an inference profile's id "
        "(us.anthropic.claude-haiku-4-5-20251001-v1:0), a foundation model's, or the ARN of either."
    )


def is_profile(model_id: str) -> bool:
    """Whether the id or ARN is one of an inference profile."""
    return "inference-profile/" in model_id or model_id.split(".", 1)[0] in GEOGRAPHIES


def access(component: pulumi.ComponentResource, env: AwsEnvironment, model_id: str) -> list[Statement]:
    """The statements that let a role invoke the model."""
    if not is_profile(model_id):
        named = model_id if model_id.startswith("arn:") else f"foundation-model/{model_id}"
        return iam_documents.model_access(named if named == model_id else env.arn("bedrock", named, account=""))
    # Which Regions a profile routes to differs by source Region, so it is asked, not listed.
    opts = pulumi.InvokeOutputOptions(parent=component)
    profile = aws.bedrock.get_inference_profile_output(inference_profile_id=model_id, opts=opts)
    models = profile.models.apply(lambda found: sorted({model.model_arn for model in found}))
    return iam_documents.profile_access(profile.inference_profile_arn, models)
