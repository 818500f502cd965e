import pytest

from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError
from toolgate.local.cloud.lookups import answer

PROFILE = "aws:bedrock/getInferenceProfile:getInferenceProfile"
HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"


def models(profile: str, env: CloudEnvironment) -> list[str]:
    return [model["modelArn"] for model in answer(PROFILE, {"inferenceProfileId": profile}, env)["models"]]


def test_a_us_profile_leads_to_three_regions() -> None:
    regions = ("us-east-1", "us-east-2", "us-west-2")
    assert models(f"us.{HAIKU}", CloudEnvironment()) == [
        f"arn:aws:bedrock:{region}::foundation-model/{HAIKU}" for region in regions
    ]


def test_a_global_profile_leads_to_the_model_without_a_region_too() -> None:
    assert models(f"global.{HAIKU}", CloudEnvironment(region="eu-north-1")) == [
        f"arn:aws:bedrock:::foundation-model/{HAIKU}",
        f"arn:aws:bedrock:eu-north-1::foundation-model/{HAIKU}",
    ]


def test_a_profile_may_be_named_by_its_arn() -> None:
    arn = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{HAIKU}"
    found = answer(PROFILE, {"inferenceProfileId": arn}, CloudEnvironment())
    assert (found["inferenceProfileId"], found["inferenceProfileArn"]) == (f"us.{HAIKU}", arn)


@pytest.mark.parametrize(
    ("profile", "region", "reason"),
    [
        (f"us.{HAIKU}", "eu-north-1", "ResourceNotFoundException"),
        (f"eu.{HAIKU}", "eu-north-1", "does not reproduce inference profile"),
        (HAIKU, "us-east-1", "does not reproduce inference profile"),
        ("us.", "us-east-1", "does not reproduce inference profile"),
    ],
)
def test_profiles_that_lead_nowhere(profile: str, region: str, reason: str, plane: ControlPlane) -> None:
    there = ControlPlane(CloudEnvironment(region=region), plane.store, {})
    with pytest.raises(RefusalError, match=reason):
        there.invoke(PROFILE, {"inferenceProfileId": profile})


def test_where_and_who(plane: ControlPlane) -> None:
    assert plane.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})["accountId"] == "123456789012"
    assert plane.invoke("aws:index/getRegion:getRegion", {"region": None})["region"] == "us-east-1"
    assert plane.invoke("aws:index/getPartition:getPartition", {})["partition"] == "aws"


def test_an_unknown_look_up_is_refused(plane: ControlPlane) -> None:
    with pytest.raises(RefusalError, match="does not reproduce aws:ec2/getAmi:getAmi"):
        plane.invoke("aws:ec2/getAmi:getAmi", {})
