"""Guardrails, cache points and forced tools at the model's endpoint, through boto3."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.serve.model.test_converse import MODEL, TOOL, _ask
from tests.planning import SAMPLE, planned
from toolgate.local.plan import Plan
from toolgate.local.serve.model import guardrails
from toolgate.local.serve.server import Serving, serve

ARN = "arn:aws:bedrock:us-east-1:123456789012:guardrail/gr1"
NOVA, LLAMA = "us.amazon.nova-pro-v1:0", "meta.llama3-3-70b-instruct-v1:0"
POINT = {"cachePoint": {"type": "default"}}
AGENT = {"guardrail": {"arn": ARN, "version": "1"}, "fallbackModelIds": [NOVA, LLAMA], "promptCaching": True}
CONFIG = {"toolgate:agents": json.dumps({"assistant": AGENT})}


@pytest.fixture(scope="module")
def plan() -> Plan:
    return planned(config=CONFIG)


@pytest.fixture(scope="module")
def serving(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A deployment whose agent has a guardrail, other models, and caching."""
    with serve(plan.deployment, root=SAMPLE, logs=tmp_path_factory.mktemp("logs")) as running:
        yield running


@pytest.fixture(scope="module")
def agent(plan: Plan) -> dict[str, Any]:
    stack = next(it for it in plan.deployment["deployment"]["resources"] if it["type"] == "pulumi:pulumi:Stack")
    found: dict[str, Any] = stack["outputs"]["agents"]["assistant"]
    return found


@pytest.fixture
def bedrock(serving: Serving, client_of: Callable[..., Any], agent: dict[str, Any]) -> Any:
    return client_of("bedrock-runtime", serving.session(agent["role_arn"]))


def guardrail(identifier: str = ARN, version: str = "1") -> dict[str, Any]:
    return {"guardrailConfig": {"guardrailIdentifier": identifier, "guardrailVersion": version}}


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_its_plan_has_no_violation(plan: Plan) -> None:
    assert plan.violations == planned().violations
    assert not [it for it in plan.violations if it.level != "advisory"]


def test_a_model_that_it_falls_back_to_is_allowed_and_no_other(bedrock: Any) -> None:
    for model in (MODEL, NOVA, LLAMA):
        assert bedrock.converse(**_ask("hello", modelId=model))["stopReason"] == "end_turn"
    code, message = refused(lambda: bedrock.converse(**_ask("hello", modelId="us.amazon.nova-lite-v1:0")))
    assert code == "AccessDeniedException"
    assert "nova-lite" in message


@pytest.mark.parametrize("identifier", [ARN, "gr1"])
def test_the_guardrail_may_be_applied(bedrock: Any, identifier: str) -> None:
    assert bedrock.converse(**_ask("hello"), **guardrail(identifier))["stopReason"] == "end_turn"


@pytest.mark.parametrize("identifier", [f"{ARN}2", "gr2", ARN.replace("123456789012", "111122223333")])
@pytest.mark.parametrize("operation", ["converse", "converse_stream"])
def test_no_other_guardrail_may(bedrock: Any, identifier: str, operation: str) -> None:
    code, message = refused(lambda: getattr(bedrock, operation)(**_ask("hello"), **guardrail(identifier)))
    assert code == "AccessDeniedException"
    assert "is not authorized to perform: bedrock:ApplyGuardrail on resource: arn:aws:bedrock:" in message


@pytest.mark.parametrize("config", [{}, {"guardrailIdentifier": "gr1"}, guardrail("*")["guardrailConfig"]])
def test_what_is_no_guardrail_is_refused(bedrock: Any, config: Any) -> None:
    assert refused(lambda: bedrock.converse(**_ask("hello"), guardrailConfig=config))[0] == "ValidationException"


def test_a_guardrail_steps_in_when_it_is_asked_to(bedrock: Any) -> None:
    ask = _ask(f"Say it. {guardrails.PHRASE.upper()}")
    answer = bedrock.converse(**ask, **guardrail())
    assert answer["stopReason"] == "guardrail_intervened"
    assert answer["output"]["message"]["content"] == [{"text": guardrails.SAID}]
    assert bedrock.converse(**ask)["stopReason"] == "end_turn"


def test_cache_points_are_taken_and_save_nothing(bedrock: Any) -> None:
    ask = _ask("hello", system=[{"text": "Be brief."}, POINT], toolConfig={"tools": [TOOL, POINT]})
    ask["messages"][0]["content"].append({"cachePoint": {"type": "default", "ttl": "1h"}})
    usage = bedrock.converse(**ask)["usage"]
    assert (usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"]) == (0, 0)
    assert "cacheReadInputTokens" not in bedrock.converse(**_ask("hello"))["usage"]


@pytest.mark.parametrize(
    ("more", "model", "code"),
    [
        (
            {"system": [{"text": "a"}, POINT, {"text": "b"}, POINT, {"text": "c"}, POINT, {"text": "d"}, POINT]},
            MODEL,
            "",
        ),
        ({"system": [it for text in "abcde" for it in ({"text": text}, POINT)]}, MODEL, "ValidationException"),
        ({"system": [POINT, {"text": "a"}]}, MODEL, "ValidationException"),
        ({"system": [{"text": "a"}, {"cachePoint": {"type": "other"}}]}, MODEL, "ValidationException"),
        ({"system": [{"text": "a"}, {"cachePoint": {"type": "default", "ttl": "2h"}}]}, MODEL, "ValidationException"),
        ({"system": [{"text": "a"}, POINT]}, NOVA, ""),
        ({"toolConfig": {"tools": [TOOL, POINT]}}, NOVA, "AccessDeniedException"),
        ({"system": [{"text": "a"}, POINT]}, LLAMA, "AccessDeniedException"),
    ],
)
def test_cache_points_are_bounded(bedrock: Any, more: Any, model: str, code: str) -> None:
    ask = _ask("hello", **more) | {"modelId": model}
    if code:
        assert refused(lambda: bedrock.converse(**ask))[0] == code
    else:
        assert bedrock.converse(**ask)["stopReason"] == "end_turn"


def test_a_forced_tool_is_called_with_what_tools_returned(bedrock: Any) -> None:
    properties = {"result": {"type": "number"}, "unit": {"enum": ["kg", "m"]}, "more": {"type": "string"}}
    schema = {"type": "object", "properties": properties, "required": ["result", "unit"]}
    spec = {"toolSpec": {"name": "give", "description": "d", "inputSchema": {"json": schema}}}
    use = {"toolUse": {"toolUseId": "t1", "name": "math___add_numbers", "input": {}}}
    result = {"toolResult": {"toolUseId": "t1", "content": [{"text": '{"result": 112}'}]}}
    messages = [
        {"role": "user", "content": [{"text": "100 + 12"}]},
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [result]},
        {"role": "assistant", "content": [{"text": "The result is 112."}]},
        {"role": "user", "content": [{"text": "Give this answer as data."}]},
    ]
    config = {"tools": [spec], "toolChoice": {"tool": {"name": "give"}}}
    [block] = bedrock.converse(modelId=MODEL, messages=messages, toolConfig=config)["output"]["message"]["content"]
    assert block["toolUse"]["input"] == {"result": 112, "unit": "kg"}


@pytest.fixture
def ask(serving: Serving, client_of: Callable[..., Any], agent: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    client = client_of("bedrock-agentcore")

    def asking(**body: Any) -> dict[str, Any]:
        arn = agent["runtime_arn"]
        try:
            answer = client.invoke_agent_runtime(agentRuntimeArn=arn, payload=json.dumps(body).encode())
        except ClientError as error:
            return {"error": str(error)}
        read: dict[str, Any] = json.loads(answer["response"].read())
        return read

    return asking


def test_the_agent_with_all_of_it_answers_with_data(ask: Callable[..., dict[str, Any]]) -> None:
    schema = {"type": "object", "properties": {"sum": {"type": "number"}}, "required": ["sum"]}
    answer = ask(prompt="What is 100 + 12?", schema=schema)
    assert (answer.get("status"), answer.get("data")) == ("success", {"sum": 112}), answer


def test_its_guardrail_ends_an_invocation(ask: Callable[..., dict[str, Any]]) -> None:
    assert guardrails.SAID not in str(answer := ask(prompt=f"Hello. {guardrails.PHRASE}"))
    assert "502" in str(answer) or "answer_filtered" in str(answer)
