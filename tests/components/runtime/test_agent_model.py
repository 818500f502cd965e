"""How an agent's model is asked: what the component is given, and the grant and the variable that it becomes."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

import model_ids
import model_settings
from tests.components.conftest import MODELS, PROFILE
from toolgate.components.agent_runtime import AgentRuntime
from toolgate.components.checks.arguments import UsageError
from toolgate.components.runtime import agent_model

CLAUDE = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
NOVA, LLAMA = "us.amazon.nova-pro-v1:0", "meta.llama3-3-70b-instruct-v1:0"
GUARDRAIL = "arn:aws:bedrock:us-east-1:123456789012:guardrail/gr1"
APPLY, INVOKE = "bedrock:ApplyGuardrail", "bedrock:InvokeModelWithResponseStream"


@pytest.fixture
def args(tmp_path: Path) -> Any:
    (tmp_path / "agent.zip").write_bytes(b"a zip")
    return {"code": str(tmp_path / "agent.zip"), "model_id": CLAUDE}


def variables(recorded: Any) -> Any:
    return recorded.one("AgentcoreAgentRuntime", "helper-runtime").inputs["environmentVariables"]


def policies(recorded: Any) -> set[str]:
    return {it.name for it in recorded.resources if it.type.endswith(":RolePolicy")}


@pytest.mark.parametrize("given", [{"arn": GUARDRAIL}, {"id": "gr1"}])
@pytest.mark.parametrize("late", [False, True])
def test_a_guardrail_is_a_grant_on_exactly_its_arn(
    run: Any, args: Any, allows: Any, given: dict[str, str], late: bool
) -> None:
    guardrail = {**given, "version": "3"}

    def program() -> None:
        known = {key: pulumi.Output.from_input(value) if late else value for key, value in guardrail.items()}
        AgentRuntime("helper", args | {"guardrail": known})

    recorded = run(program)
    document = recorded.one("RolePolicy", "helper-guardrail").document()
    [statement] = document["Statement"]
    assert (statement["Action"], statement["Resource"]) == (APPLY, GUARDRAIL)
    assert allows(document, APPLY, GUARDRAIL)
    assert not allows(document, APPLY, f"{GUARDRAIL}2")
    assert json.loads(variables(recorded)["GUARDRAIL"]) == {"id": next(iter(given.values())), "version": "3"}
    assert "helper-guardrail" in recorded.one("AgentcoreAgentRuntime", "helper-runtime").dependencies


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"arn": f"{GUARDRAIL}/*", "version": "1"}, "is no ARN of a guardrail"),
        ({"arn": GUARDRAIL, "version": "latest"}, "'latest' is no version"),
        ({"arn": GUARDRAIL.replace("us-east-1", "eu-west-1"), "version": "1"}, "is not of us-east-1"),
    ],
)
def test_a_guardrail_that_is_known_late_is_checked_then(run: Any, args: Any, given: Any, message: str) -> None:
    known = {key: pulumi.Output.from_input(value) for key, value in given.items()}
    with pytest.raises(UsageError, match=message):
        run(lambda: AgentRuntime("helper", args | {"guardrail": known}))


def test_the_models_that_follow_are_granted_with_the_first(run: Any, args: Any, allows: Any) -> None:
    recorded = run(lambda: AgentRuntime("helper", args | {"fallback_model_ids": [NOVA, LLAMA]}))
    document = recorded.one("RolePolicy", "helper-fallbacks").document()
    through = {"bedrock__InferenceProfileArn": PROFILE}
    assert allows(document, INVOKE, PROFILE)
    assert [allows(document, INVOKE, model, **through) for model in MODELS] == [True] * len(MODELS)
    assert not allows(document, INVOKE, MODELS[0])
    assert allows(document, INVOKE, f"arn:aws:bedrock:us-east-1::foundation-model/{LLAMA}")
    assert not allows(document, INVOKE, "arn:aws:bedrock:us-east-1::foundation-model/meta.llama3-1-8b-instruct-v1:0")
    sids = [statement["Sid"] for statement in document["Statement"]]
    assert sids == ["InvokeProfile1", "InvokeModelsOfProfile1", "InvokeModel2"]
    assert variables(recorded)["BEDROCK_FALLBACK_MODEL_IDS"] == f"{NOVA} {LLAMA}"


def test_a_model_of_another_region_is_refused(run: Any, args: Any) -> None:
    with pytest.raises(UsageError, match=r"fallback_model_ids\[0\]: 'eu.amazon.* cannot be called from us-east-1"):
        run(lambda: AgentRuntime("helper", args | {"fallback_model_ids": ["eu.amazon.nova-lite-v1:0"]}))


def test_caching_is_a_variable_and_no_grant(run: Any, args: Any) -> None:
    recorded = run(lambda: AgentRuntime("helper", args | {"prompt_caching": True}))
    assert variables(recorded)["PROMPT_CACHING"] == "true"
    assert policies(recorded) == {"helper-policy"}


@pytest.mark.parametrize("more", [{}, {"fallback_model_ids": [], "prompt_caching": False}])
def test_without_any_of_it_nothing_is_there(run: Any, args: Any, more: Any) -> None:
    recorded = run(lambda: AgentRuntime("helper", args | more))
    assert set(variables(recorded)) == {"AWS_REGION", "BEDROCK_MODEL_ID", "GATEWAY_URL"}
    assert policies(recorded) == {"helper-policy"}


def test_the_agent_and_its_component_know_the_same() -> None:
    assert agent_model.MOST_FALLBACKS == model_settings.MOST_FALLBACKS
    assert agent_model._NO_CACHE.pattern == model_ids._BEFORE.pattern
    for model_id in (CLAUDE, NOVA, LLAMA, "anthropic.claude-3-haiku-20240307-v1:0", "arn:aws:bedrock:r:1:a/b"):
        assert agent_model.caches_prompts(model_id) is model_ids.caches_prompts(model_id)
    read = model_settings.read_guardrail(json.dumps({"id": GUARDRAIL, "version": "DRAFT"}), [])
    assert read == model_settings.Guardrail(GUARDRAIL, "DRAFT")
