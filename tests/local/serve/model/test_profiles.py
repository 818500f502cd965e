import pytest

from toolgate.access.iam.policies import Policy
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.serve.guards.sigv4 import Received
from toolgate.local.serve.model.converse_api import (
    PATH,
    UnknownProfileError,
    model_arns,
    named_destinations,
    permissions,
)

PLACE = CloudEnvironment()
MODEL = "anthropic.claude-haiku-4-5-20251001-v1:0"


def _foundation(region: str, model: str = MODEL) -> str:
    return f"arn:aws:bedrock:{region}::foundation-model/{model}"


def test_a_profile_needs_itself_and_its_model_in_every_destination() -> None:
    profile = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{MODEL}"
    expected = (profile, [_foundation(region) for region in ("us-east-1", "us-east-2", "us-west-2")])
    assert model_arns(f"us.{MODEL}", PLACE) == expected
    assert model_arns(profile, PLACE) == expected


def test_a_global_profile_leads_to_the_model_without_a_region_too() -> None:
    _, models = model_arns(f"global.{MODEL}", PLACE)
    assert models == [_foundation(""), _foundation("us-east-1")]


@pytest.mark.parametrize("model", [MODEL, "amazon.nova-pro-v1:0", "minimax.minimax-m2.1"])
def test_a_model_needs_itself_here(model: str) -> None:
    assert model_arns(model, PLACE) == (None, [_foundation("us-east-1", model)])
    assert model_arns(_foundation("us-east-1", model), PLACE) == (None, [_foundation("us-east-1", model)])


OWN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"
NEW = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-new"


@pytest.mark.parametrize(("model", "profile"), [(OWN, OWN), (NEW, NEW), ("us.anthropic.claude-new", NEW)])
def test_where_nobody_knows_that_a_profile_leads_the_deployments_own_policies_say_it(model: str, profile: str) -> None:
    [stands_in] = model_arns(model, PLACE)[1]
    assert stands_in.endswith(":destinations-not-known")
    through = {"StringEquals": {"bedrock:InferenceProfileArn": profile}}
    real = [_foundation("us-east-1", "anthropic.claude-new"), _foundation("us-west-2", "anthropic.claude-new")]
    statement = {"Effect": "Allow", "Action": "bedrock:*", "Resource": real, "Condition": through}
    named = named_destinations([Policy("p", {"Statement": [statement]}), Policy("q", {"Statement": []})])
    assert model_arns(model, PLACE, named) == (profile, real)
    assert model_arns(f"us.{MODEL}", PLACE, {model_arns(f"us.{MODEL}", PLACE)[0] or "": real})[1] != real


def test_a_profiles_arn_is_taken_for_one_of_this_account() -> None:
    assert model_arns(OWN.replace("123456789012", "111122223333"), PLACE)[0] == OWN


def test_profiles_of_every_geography_and_partition() -> None:
    place = CloudEnvironment(region="us-gov-west-1")
    sonnet = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    assert model_arns(f"us-gov.{sonnet}", place) == (
        f"arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:inference-profile/us-gov.{sonnet}",
        [f"arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/{sonnet}"],
    )
    assert len(model_arns(f"eu.{MODEL}", CloudEnvironment(region="eu-central-1"))[1]) == 6


@pytest.mark.parametrize(
    "unknown",
    [
        f"eu.{MODEL}",
        "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc",
        "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc",
    ],
)
def test_what_is_not_here_and_what_is_no_model_is_an_error(unknown: str) -> None:
    with pytest.raises(UnknownProfileError):
        model_arns(unknown, PLACE)


@pytest.mark.parametrize(
    ("operation", "action"),
    [("converse", "bedrock:InvokeModel"), ("converse-stream", "bedrock:InvokeModelWithResponseStream")],
)
def test_a_request_needs_profile_and_all_models_and_says_through_which_profile(operation: str, action: str) -> None:
    path = f"/model/us.{MODEL.replace(':', '%3A')}/{operation}"
    match = PATH.fullmatch(path)
    assert match
    needed = permissions(PLACE)(match, Received("POST", path, "", (), b""))
    profile, models = model_arns(f"us.{MODEL}", PLACE)
    assert [p.resource for p in needed] == [profile, *models]
    assert {p.action for p in needed} == {action}
    assert all(p.facts == {"bedrock:InferenceProfileArn": profile} for p in needed)


def test_without_a_profile_the_condition_key_is_absent() -> None:
    match = PATH.fullmatch(f"/model/{MODEL}/converse")
    assert match
    (needed,) = permissions(PLACE)(match, Received("POST", "", "", (), b""))
    assert needed.facts == {"bedrock:InferenceProfileArn": None}
