"""Which Bedrock model an id means, from where it can be called, and the IAM statements that let an agent invoke it."""

import re

import pulumi
import pulumi_aws as aws

from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam import iam_documents
from toolgate.components.iam.iam_documents import AwsEnvironment, Statement

GLOBAL = "global"
# What an inference profile's id begins with, and the Regions it is called from: every one that AWS names for a profile
# of that geography. Bedrock user guide, "Supported Regions and models for inference profiles" (December 2025) and,
# since then, the models' own pages, "Geo inference details" and "Global inference details" (July 2026).
GEOGRAPHIES = {
    "us": frozenset({"us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "ca-west-1"}),
    "us-gov": frozenset({"us-gov-east-1", "us-gov-west-1"}),
    "eu": frozenset(
        {
            *("eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2"),
            *("eu-west-1", "eu-west-2", "eu-west-3", "il-central-1"),
        }
    ),
    "apac": frozenset(
        {
            *("ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2"),
            *("ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5"),
            *("ap-southeast-7", "me-central-1"),
        }
    ),
    "jp": frozenset({"ap-northeast-1", "ap-northeast-3"}),
    "au": frozenset({"ap-southeast-2", "ap-southeast-4", "ap-southeast-6"}),
    "ca": frozenset({"ca-central-1", "ca-west-1"}),
}
# The commercial Regions that only global profiles are called from. A global profile leads to all commercial Regions.
_GLOBAL_ONLY = frozenset({"af-south-1", "me-south-1", "mx-central-1", "sa-east-1"})
_COMMERCIAL = frozenset().union(*(GEOGRAPHIES[name] for name in GEOGRAPHIES if name != "us-gov"), _GLOBAL_ONLY)
SOURCES = {**GEOGRAPHIES, GLOBAL: _COMMERCIAL}
# Who makes models: a word before it is a geography, also one that AWS adds later. Bedrock user guide, "Supported
# foundation models in Amazon Bedrock", provider in the model id.
PROVIDERS = (
    *("ai21", "amazon", "anthropic", "cohere", "deepseek", "google", "luma", "meta", "minimax", "mistral"),
    *("moonshot", "moonshotai", "nvidia", "openai", "qwen", "stability", "twelvelabs", "writer", "zai"),
)
_PROFILE_ID = re.compile(rf"(?P<geography>{'|'.join(SOURCES)}|[a-z-]+(?=\.(?:{'|'.join(PROVIDERS)})\.))\.(?P<model>.+)")
# botocore bedrock-runtime ConversationalModelId, less the kinds we have no statements for.
_MODEL_ID = r"[a-zA-Z0-9-]+\.[a-zA-Z0-9.:-]+"
_MODEL_ARN = (
    r"arn:aws[a-z-]*:bedrock:(?P<region>[a-z0-9-]+):[0-9]{0,12}:"
    r"(foundation-model|(application-)?inference-profile)/[a-zA-Z0-9.:-]+"
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


def callable_from(region: str, model_id: str, where: str) -> str:
    """Return the id if nothing is known against calling it from a Region.

    A Region or a geography that is not known here passes, and so does the ARN of a profile in the Region: AWS decides.
    Which model has a profile in which geography is not known here either. That AWS refuses an ARN of another Region was
    not seen by us; profiles and models are named by Region, and the agent asks in its own.

    Raises:
        UsageError: Its geography is called from other Regions, or it is the ARN of another Region's.
    """
    if by_arn := re.fullmatch(_MODEL_ARN, model_id):
        if by_arn["region"] != region:
            raise UsageError(
                f"{where}: {model_id} is of {by_arn['region']}, and the agent asks in {region}. "
                f"Write the ARN of one in {region}, or the id of a model or profile that is there."
            )
        return model_id
    profile = _PROFILE_ID.fullmatch(model_id)
    there = [geography for geography, regions in SOURCES.items() if region in regions]
    if profile and profile["geography"] in SOURCES and there and profile["geography"] not in there:
        kinds = " and ".join(f"{geography}." for geography in there)
        instead = " or ".join(f"{geography}.{profile['model']}" for geography in there)
        raise UsageError(
            f"{where}: {model_id!r} cannot be called from {region}, which has {kinds} profiles. "
            f"Write {instead} (the model's page in the Bedrock user guide says which there are), or another model."
        )
    return model_id


def is_profile(model_id: str) -> bool:
    """Whether the id or ARN is one of an inference profile."""
    return "inference-profile/" in model_id or bool(_PROFILE_ID.fullmatch(model_id))


def access(component: pulumi.ComponentResource, env: AwsEnvironment, model_id: str, where: str) -> list[Statement]:
    """The statements that let a role invoke the model.

    Args:
        component: Whose role it is.
        env: Where it is deployed.
        model_id: The model.
        where: Who named the model, for messages. What `callable_from` has against it is said as soon as the provider's
            Region is known, before the role's policy is made.
    """
    here = pulumi.Output.from_input(env.region).apply(lambda region: callable_from(region, model_id, where))
    if not is_profile(model_id):
        arn = here if model_id.startswith("arn:") else env.arn("bedrock", f"foundation-model/{model_id}", account="")
        return iam_documents.model_access(arn)
    # Which Regions a profile routes to differs by source Region, so it is asked, not listed.
    opts = pulumi.InvokeOutputOptions(parent=component)
    profile = aws.bedrock.get_inference_profile_output(inference_profile_id=here, opts=opts)
    models = profile.models.apply(lambda found: sorted({model.model_arn for model in found}))
    return iam_documents.profile_access(profile.inference_profile_arn, models)
