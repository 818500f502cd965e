"""The model endpoint through boto3."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from toolgate.local.serve.guards.credentials import Credentials
from toolgate.local.serve.server import Serving

MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
TOOL = {
    "toolSpec": {
        "name": "math___add_numbers",
        "description": "Add two numbers.",
        "inputSchema": {"json": {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}}},
    }
}
ClientOf = Callable[..., Any]
SessionOf = Callable[[str], Credentials]


@pytest.fixture
def bedrock(client_of: ClientOf, session_of: SessionOf) -> Any:
    return client_of("bedrock-runtime", session_of("agents/assistant-role"))


def _ask(text: str, **more: Any) -> dict[str, Any]:
    return {"modelId": MODEL, "messages": [{"role": "user", "content": [{"text": text}]}], **more}


def test_converse_asks_for_a_tool(bedrock: Any) -> None:
    answer = bedrock.converse(**_ask("100 + 12", toolConfig={"tools": [TOOL]}))
    assert answer["stopReason"] == "tool_use"
    (block,) = answer["output"]["message"]["content"]
    assert (block["toolUse"]["name"], block["toolUse"]["input"]) == ("math___add_numbers", {"a": 100, "b": 12})


def test_converse_stream_asks_for_a_tool_in_events_that_botocore_can_read(bedrock: Any) -> None:
    events = list(bedrock.converse_stream(**_ask("100 + 12", toolConfig={"tools": [TOOL]}))["stream"])
    names = ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"]
    assert [next(iter(event)) for event in events] == names
    assert events[1]["contentBlockStart"]["start"]["toolUse"]["name"] == "math___add_numbers"
    assert json.loads(events[2]["contentBlockDelta"]["delta"]["toolUse"]["input"]) == {"a": 100, "b": 12}
    assert events[4]["messageStop"]["stopReason"] == "tool_use"
    assert events[5]["metadata"]["usage"]["totalTokens"] > 0


def test_text_is_streamed_in_pieces(bedrock: Any) -> None:
    events = list(bedrock.converse_stream(**_ask("What is love?"))["stream"])
    pieces = [e["contentBlockDelta"]["delta"]["text"] for e in events if "contentBlockDelta" in e]
    whole = bedrock.converse(**_ask("What is love?"))["output"]["message"]["content"][0]["text"]
    assert len(pieces) > 5
    assert "".join(pieces) == whole
    assert not any("contentBlockStart" in event for event in events)


@pytest.mark.parametrize(
    ("operation", "action"), [("converse", "InvokeModel"), ("converse_stream", "InvokeModelWithResponseStream")]
)
def test_a_role_without_the_model_is_refused(
    client_of: ClientOf, session_of: SessionOf, operation: str, action: str
) -> None:
    client = client_of("bedrock-runtime", session_of("denied-role"))
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**_ask("hello"))
    error = caught.value.response["Error"]
    assert error["Code"] == "AccessDeniedException"
    assert error["Message"] == (
        "User: arn:aws:sts::123456789012:assumed-role/denied-role/local is not authorized to perform:"
        f" bedrock:{action} on resource: arn:aws:bedrock:us-east-1:123456789012:inference-profile/{MODEL}"
        f" because no identity-based policy allows the bedrock:{action} action"
    )


def test_the_grant_holds_through_the_profile_only(bedrock: Any) -> None:
    direct = {**_ask("hello"), "modelId": MODEL.removeprefix("us.")}
    with pytest.raises(ClientError, match=r"foundation-model/anthropic\S+ because no identity-based policy"):
        bedrock.converse(**direct)


def test_another_profile_is_refused(bedrock: Any) -> None:
    with pytest.raises(ClientError, match="inference-profile/global"):
        bedrock.converse(**{**_ask("hello"), "modelId": f"global.{MODEL.removeprefix('us.')}"})


def test_an_unknown_profile_is_refused(bedrock: Any) -> None:
    with pytest.raises(ClientError, match="not authorized"):
        bedrock.converse(**{**_ask("hello"), "modelId": f"eu.{MODEL.removeprefix('us.')}"})


def test_a_conversation_that_ends_with_the_model_is_no_request(bedrock: Any) -> None:
    said = [{"role": "user", "content": [{"text": "a"}]}, {"role": "assistant", "content": [{"text": "b"}]}]
    with pytest.raises(ClientError) as caught:
        bedrock.converse(modelId=MODEL, messages=said)
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_an_unsigned_request_is_refused(serving: Serving) -> None:
    assert httpx.post(f"{serving.url}/model/{MODEL}/converse", json={}, timeout=None).status_code == 403
    assert httpx.get(f"{serving.url}/model/{MODEL}/converse", timeout=None).status_code == 404


def _tool(schema: Any, **more: Any) -> dict[str, Any]:
    return {"toolSpec": {**TOOL["toolSpec"], "name": "odd", "inputSchema": {"json": schema}, **more}}


SAID = "The model returned the following errors: "


@pytest.mark.parametrize("operation", ["converse", "converse_stream"])
@pytest.mark.parametrize(
    ("tool", "message"),
    [
        (
            _tool({"type": "object", "properties": {"$filter": {"type": "string"}}}),
            f"{SAID}tools.1.custom.input_schema.properties: Property keys should match pattern "
            "'^[a-zA-Z0-9_.-]{1,64}$'",
        ),
        (
            _tool({"type": "object", "anyOf": [{"required": []}]}),
            f"{SAID}tools.1.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level",
        ),
        (
            _tool({"properties": {}}),
            "The value at toolConfig.tools.1.toolSpec.inputSchema.json.type must be one of the following: object.",
        ),
        (
            _tool({"type": "object", "properties": []}),
            f"{SAID}tools.1.custom.input_schema: JSON schema is invalid. It must match JSON Schema draft 2020-12",
        ),
        (
            _tool({"type": "object", "properties": {"x": {"$ref": "#/$defs/x"}}}),
            f"{SAID}tools.1.custom: Invalid schema: Reference to non-existent definition: ",
        ),
        (
            _tool({"type": "object"}, name="a.b"),
            "1 validation error detected: Value at 'toolConfig.tools.2.member.toolSpec.name' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+",
        ),
        (TOOL, f"{SAID}tools: Tool names must be unique."),
        (_tool({"type": "object"}, description="d" * 100_000), "Input is too long for requested model."),
    ],
)
def test_tools_that_bedrock_refuses_are_refused(bedrock: Any, operation: str, tool: Any, message: str) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(bedrock, operation)(**_ask("hello", toolConfig={"tools": [TOOL, tool]}))
    error = caught.value.response["Error"]
    assert (error["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]) == ("ValidationException", 400)
    assert error["Message"].startswith(message)


def test_more_tools_than_a_prompt_has_room_for_are_refused(bedrock: Any) -> None:
    tools = [_tool({"type": "object"}, name=f"t{n}", description="d" * 99_000) for n in range(7)]
    assert bedrock.converse(**_ask("hello", toolConfig={"tools": tools[:6]}))["stopReason"] == "end_turn"
    with pytest.raises(ClientError, match=r"ValidationException.*Input is too long for requested model"):
        bedrock.converse(**_ask("hello", toolConfig={"tools": tools}))


def test_what_may_stand_beside_tools_may_stand_here(bedrock: Any) -> None:
    tools = [TOOL, {"cachePoint": {"type": "default"}}]
    assert bedrock.converse(**_ask("100 + 12", toolConfig={"tools": tools}))["stopReason"] == "tool_use"
