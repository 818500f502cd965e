"""Stacks of other Regions, partitions and models: planned, judged and served like one of us-east-1."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.planning import SAMPLE, planned
from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import matrix
from toolgate.deployer.deployer_policy import permissions
from toolgate.local.invoke_agent import ask
from toolgate.local.plan import Plan, ProgramError, describe, plan
from toolgate.local.serve.server import serve

HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"
OWN = "arn:aws:bedrock:eu-central-1:111122223333:application-inference-profile/a1b2c3"


def _stack(region: str, **models: str) -> dict[str, str]:
    """The configuration of a stack with an agent for each model."""
    agents = {agent: {"modelId": model} for agent, model in models.items()}
    return {"aws:region": region, "toolgate:agents": json.dumps(agents)}


EUROPE = _stack("eu-central-1", geography=f"eu.{HAIKU}", own=OWN)
JAPAN = _stack("ap-northeast-1", here=f"jp.{HAIKU}", around="apac.anthropic.claude-new")
CANADA = _stack("ca-west-1", here="ca.amazon.nova-lite-v1:0", world=f"global.{HAIKU}", plain="amazon.nova-lite-v1:0")
GOV = _stack("us-gov-west-1", assistant="us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0")
CHINA = _stack("cn-north-1", assistant="amazon.nova-lite-v1:0")


def _models(of: Plan, agent: str) -> list[str]:
    [policy] = [
        it["inputs"]["policy"]
        for it in of.deployment["deployment"]["resources"]
        if it["urn"].endswith(f"::{agent}-policy")
    ]
    statements = json.loads(policy)["Statement"]
    [resources] = [it["Resource"] for it in statements if it["Sid"] in {"InvokeModelsOfProfile", "InvokeModel"}]
    return [resources] if isinstance(resources, str) else resources


@pytest.mark.parametrize("config", [EUROPE, JAPAN, CANADA], ids=["Europe", "Japan", "Canada"])
def test_it_is_planned_and_judged(config: dict[str, str]) -> None:
    made = planned(config=config)
    assert made.mandatory == ()
    judged = matrix(parse(made.deployment))
    assert judged.unsupported == ()
    agents = json.loads(config["toolgate:agents"])
    assert {(it.agent, str(it.decision)) for it in judged.entries if it.agent in agents} == {
        (agent, "allow") for agent in agents
    }


def test_a_profiles_models_are_those_of_its_geography() -> None:
    def of(model: str, *regions: str) -> list[str]:
        return [f"arn:aws:bedrock:{region}::foundation-model/{model}" for region in regions]

    europe, japan, canada = planned(config=EUROPE), planned(config=JAPAN), planned(config=CANADA)
    south = ("eu-south-1", "eu-south-2")
    assert _models(europe, "geography") == of(HAIKU, "eu-central-1", "eu-north-1", *south, "eu-west-1", "eu-west-3")
    assert _models(japan, "here") == of(HAIKU, "ap-northeast-1", "ap-northeast-3")
    assert _models(canada, "here") == of("amazon.nova-lite-v1:0", "ca-central-1", "ca-west-1")
    assert _models(canada, "world") == of(HAIKU, "", "ca-west-1")
    assert _models(canada, "plain") == of("amazon.nova-lite-v1:0", "ca-west-1")


def test_what_nobody_here_knows_is_marked_in_the_plan_and_said_in_one_line() -> None:
    [made_up] = _models(planned(config=JAPAN), "around")
    assert made_up == "arn:aws:bedrock:ap-northeast-1::foundation-model/anthropic.claude-new:destinations-not-known"
    line = "Note: where inference profile {} leads is not known here: one made-up destination in {} stands in."
    for config, profile in ((JAPAN, "apac.anthropic.claude-new"), (EUROPE, "a1b2c3")):
        told = describe(planned(config=config)).splitlines()
        assert [it for it in told if it.startswith("Note:")] == [line.format(profile, config["aws:region"])]
    assert "Note:" not in describe(planned(config=CANADA))


def _arns(value: Any) -> Iterator[str]:
    yield from re.findall(r"arn:[^\"\\\s]+", json.dumps(value))


@pytest.mark.parametrize(
    ("config", "partition", "suffix"),
    [(GOV, "aws-us-gov", "amazonaws.com"), (CHINA, "aws-cn", "amazonaws.com.cn")],
)
def test_every_arn_and_host_is_of_the_regions_partition(config: dict[str, str], partition: str, suffix: str) -> None:
    made, region = planned("prod", config), config["aws:region"]
    assert made.mandatory == ()
    assert matrix(parse(made.deployment)).unsupported == ()
    for document in (made.deployment, permissions(made.deployment)):
        found = [arn.split(":") for arn in _arns(document)]
        assert {arn[1] for arn in found} == {partition}
        assert {arn[3] for arn in found} == {region, ""}
        assert set(re.findall(rf"{region}\.[a-z.]+", json.dumps(document))) == {f"{region}.{suffix}"}


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"aws:region": "eu-central-1"}, f"toolgate:modelId: 'us.{HAIKU}' cannot be called from eu-central-1"),
        (JAPAN | {"aws:region": "ap-south-1"}, f"toolgate:agents.here.modelId: 'jp.{HAIKU}' cannot be called from"),
        (
            {"aws:region": "eu-west-1", "toolgate:modelId": OWN},
            f"toolgate:modelId: {OWN} is of eu-central-1, and the agent asks in eu-west-1.",
        ),
    ],
)
def test_a_profile_of_another_region_is_refused_before_anything_is_made(config: dict[str, str], says: str) -> None:
    with pytest.raises(ProgramError) as raised:
        plan("dev", config=config, root=SAMPLE)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_profile_that_is_not_there_is_told_in_awss_words() -> None:
    """The ARN is of the Region, so that AWS decides: it may have added a geography that is not known here."""
    profile = f"us.{HAIKU}"
    arn = f"arn:aws:bedrock:eu-central-1:111122223333:inference-profile/{profile}"
    with pytest.raises(ProgramError) as raised:
        plan("dev", config={"aws:region": "eu-central-1", "toolgate:modelId": arn}, root=SAMPLE)
    lookup = "getInferenceProfile (aws:bedrock/getInferenceProfile:getInferenceProfile)"
    reason = f"ResourceNotFoundException: Inference profile {profile} not found in eu-central-1"
    assert str(raised.value).startswith(f"{lookup}: {reason}")
    assert "recorder.py" not in str(raised.value)
    assert "Exception: invoke" not in str(raised.value)


@pytest.mark.parametrize(
    ("config", "noted"), [(EUROPE, OWN), (JAPAN, "apac.anthropic.claude-new")], ids=["Europe", "Japan"]
)
def test_its_agents_answer(config: dict[str, str], noted: str, tmp_path: Path) -> None:
    with serve(planned(config=config).deployment, root=SAMPLE, logs=tmp_path) as serving:
        for arn in serving.agents.values():
            assert "112" in ask(serving.environment, arn, "What is 100 + 12?")
        [note] = serving.notes
        assert note.startswith(f"where inference profile {noted} leads is not known here: one made-up destination in ")
