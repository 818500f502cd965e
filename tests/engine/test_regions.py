"""Models and Regions with a real engine: the stand-in's Region is the provider's own."""

import json

import pytest
from pulumi import automation as auto

from tests.engine.conftest import Start


def _config(engine: auto.Stack, **values: str) -> None:
    for key, value in values.items():
        engine.set_config(key.replace("__", ":"), auto.ConfigValue(value))


def test_a_stack_of_another_region_is_deployed_with_models_that_nobody_here_knows(start: Start) -> None:
    engine = start()
    own = "arn:aws:bedrock:ap-northeast-1:123456789012:application-inference-profile/a1b2c3"
    agents = {"own": {"modelId": own}, "new": {"modelId": "apac.anthropic.claude-new"}}
    topics = {"aws__region": "ap-northeast-1", "toolgate__observability": "{}", "toolgate__agents": json.dumps(agents)}
    _config(engine.stack, **topics)
    assert set(engine.up()) == {"create"}
    policy = next(it for it in engine.resources() if it["urn"].endswith("::new-policy"))["outputs"]["policy"]
    assert "arn:aws:bedrock:ap-northeast-1::foundation-model/anthropic.claude-new:destinations-not-known" in policy
    assert set(engine.up()) == {"same"}


def test_a_profile_of_another_region_is_named_with_its_key_and_nothing_is_made(start: Start) -> None:
    engine = start()
    _config(engine.stack, aws__region="eu-central-1", toolgate__observability="{}")
    with pytest.raises(auto.CommandError):
        engine.up()
    told = "\n".join(engine.messages())
    assert "toolgate:modelId: 'us.anthropic.claude-haiku-4-5-20251001-v1:0' cannot be called from eu-central-1" in told
    assert engine.account() == []
