import pytest

from toolgate.components.iam import bedrock_models
from toolgate.local.cloud import inference_profiles
from toolgate.local.cloud.inference_profiles import GEOGRAPHIES, PROFILE_ID, destinations, made_up, not_known, routes

THROUGH = "bedrock:InferenceProfileArn"


def test_the_program_and_the_stand_in_know_the_same_geographies_and_their_regions() -> None:
    """Neither may import the other: each has its own copy."""
    assert tuple(bedrock_models.SOURCES) == GEOGRAPHIES
    assert bedrock_models.PROVIDERS == inference_profiles.PROVIDERS
    known = {geography: inference_profiles.sources(geography) for geography in bedrock_models.GEOGRAPHIES}
    assert known == bedrock_models.GEOGRAPHIES


def test_every_known_profile_is_one_of_a_geography_and_leads_somewhere_within_its_partition() -> None:
    for profile, by_source in routes().items():
        match = PROFILE_ID.fullmatch(profile)
        assert match
        assert match["geography"] in GEOGRAPHIES
        for source, regions in by_source.items():
            assert destinations(profile, source) == regions
            assert len(set(regions)) == len(regions) > 0
            assert {it.startswith("us-gov-") for it in regions} == {source.startswith("us-gov-")}


@pytest.mark.parametrize(
    ("profile", "region"),
    [
        ("eu.anthropic.claude-new", "eu-central-1"),
        ("us.amazon.nova-micro-v1:0", "us-west-1"),  # AWS may have added a Region that the profile is called from
        ("au.anthropic.claude-opus-4-8", "ap-southeast-9"),
        ("global.anthropic.claude-new", "cn-north-1"),
        ("in.openai.gpt-5.6-luna", "ap-south-1"),
    ],
)
def test_what_aws_has_not_said_is_not_known(profile: str, region: str) -> None:
    assert destinations(profile, region) is None


def test_documents_say_for_which_profiles_something_stands_in() -> None:
    stands_in = f"arn:aws:bedrock:eu-west-1::foundation-model/{made_up('anthropic.new-v1:0')}"
    real = "arn:aws:bedrock:eu-west-1::foundation-model/anthropic.new-v1:0"
    profile = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.new-v1:0"
    through = {"StringEquals": {THROUGH: profile}}
    several = {
        "Statement": [{"Resource": [real, stands_in], "Condition": through}, {"Resource": real}, {"Action": "x"}]
    }
    assert list(not_known(several)) == [("eu.anthropic.new-v1:0", "eu-west-1")]
    assert list(not_known({"Statement": {"Resource": stands_in, "Condition": through}})) == list(not_known(several))
    assert list(not_known({"Statement": {"Resource": real, "Condition": through}})) == []
