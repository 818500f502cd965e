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


OWN = "arn:aws:bedrock:eu-central-1:111122223333:application-inference-profile/a1b2c3"


def test_a_geographys_profile_leads_to_its_regions_in_the_partition() -> None:
    sonnet = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    assert models(f"us-gov.{sonnet}", CloudEnvironment(region="us-gov-east-1")) == [
        f"arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/{sonnet}"
    ]
    assert models(f"eu.{HAIKU}", CloudEnvironment(region="eu-west-2")) == [
        f"arn:aws:bedrock:{region}::foundation-model/{HAIKU}"
        for region in (
            *("eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2"),
            *("eu-west-1", "eu-west-2", "eu-west-3"),
        )
    ]


def test_where_nobody_knows_that_a_profile_leads_one_marked_destination_stands_in() -> None:
    place = CloudEnvironment(region="eu-central-1")
    mark = "arn:aws:bedrock:eu-central-1::foundation-model"
    assert models("eu.anthropic.claude-new", place) == [f"{mark}/anthropic.claude-new:destinations-not-known"]
    assert models(OWN, place) == [f"{mark}/application-inference-profile.a1b2c3:destinations-not-known"]
    assert models("xx.openai.gpt-9", place) == [f"{mark}/openai.gpt-9:destinations-not-known"]


def test_an_application_profile_is_of_the_account_that_the_stand_in_stands_for() -> None:
    found = answer(PROFILE, {"inferenceProfileId": OWN}, CloudEnvironment(region="eu-central-1"))
    assert (found["type"], found["inferenceProfileArn"]) == ("APPLICATION", OWN.replace("111122223333", "123456789012"))


@pytest.mark.parametrize(
    ("profile", "region"),
    [
        (f"us.{HAIKU}", "eu-north-1"),
        ("us.anthropic.claude-new", "eu-north-1"),
        (f"global.{HAIKU}", "us-gov-west-1"),
        (f"us-gov.{HAIKU}", "us-east-1"),
        (OWN, "eu-west-1"),
        (HAIKU, "us-east-1"),
        ("us.", "us-east-1"),
    ],
)
def test_profiles_of_another_region_and_what_is_none(profile: str, region: str, plane: ControlPlane) -> None:
    there = ControlPlane(CloudEnvironment(region=region), plane.store, {})
    with pytest.raises(
        RefusalError, match=rf"ResourceNotFoundException: Inference profile {profile} not found in {region}"
    ):
        there.invoke(PROFILE, {"inferenceProfileId": profile})


def test_where_and_who(plane: ControlPlane) -> None:
    assert plane.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})["accountId"] == "123456789012"
    assert plane.invoke("aws:index/getRegion:getRegion", {"region": None})["region"] == "us-east-1"
    assert plane.invoke("aws:index/getPartition:getPartition", {})["partition"] == "aws"


@pytest.mark.parametrize(
    ("region", "partition", "suffix", "reverse"),
    [
        ("ap-southeast-9", "aws", "amazonaws.com", "com.amazonaws"),  # by its name
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com", "com.amazonaws"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn", "cn.com.amazonaws"),
        ("mars-east-1", "aws", "amazonaws.com", "com.amazonaws"),  # nobody's
    ],
)
def test_the_partition_follows_from_the_region(region: str, partition: str, suffix: str, reverse: str) -> None:
    place = CloudEnvironment(region=region)
    found = answer("aws:index/getPartition:getPartition", {}, place)
    assert (found["partition"], found["dnsSuffix"], found["reverseDnsPrefix"]) == (partition, suffix, reverse)
    assert place.arn("sqs", "q") == f"arn:{partition}:sqs:{region}:123456789012:q"
    assert answer("aws:index/getRegion:getRegion", {}, place)["endpoint"] == f"ec2.{region}.{suffix}"


def test_an_unknown_look_up_is_refused(plane: ControlPlane) -> None:
    with pytest.raises(RefusalError, match="does not reproduce aws:ec2/getAmi:getAmi"):
        plane.invoke("aws:ec2/getAmi:getAmi", {})
