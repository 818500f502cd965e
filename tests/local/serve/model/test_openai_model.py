"""A model behind an OpenAI-compatible server, asked through boto3's Converse and ConverseStream."""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError, EventStreamError
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp

from tests.local.serve.model.conftest import Bedrock, ChatServer
from toolgate.local.serve.model import openai_model
from toolgate.local.serve.model.converse_api import model_app
from toolgate.local.serve.model.converse_stream import ModelError
from toolgate.local.serve.model.openai_model import KEY_VARIABLE, Endpoint, EndpointError, chat_request, endpoint

MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
KEY = "sk-very-secret"
SCHEMA = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
TOOLS = {"tools": [{"toolSpec": {"name": "shop___find", "description": "Find.", "inputSchema": {"json": SCHEMA}}}]}
USER = {"role": "user", "content": [{"text": "Find shoes"}]}


@pytest.fixture(scope="module")
def bedrock(chat_server: ChatServer, bedrock_of: Callable[[ASGIApp], Bedrock]) -> Any:
    at = endpoint(f"{chat_server.server.url}#llama3.2:3b", KEY)
    return bedrock_of(model_app(openai_model.model(at))).client()


@pytest.fixture(autouse=True)
def fresh(chat_server: ChatServer) -> None:
    chat_server.says(_text("Hello"), _end())
    chat_server.waits = None
    chat_server.requests.clear()
    chat_server.headers.clear()


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}


def _text(text: str) -> dict[str, Any]:
    return _chunk({"role": "assistant", "content": text})


def _end(reason: str = "stop") -> dict[str, Any]:
    return _chunk({"content": ""}, reason)


def _call(index: int | None, arguments: Any = "", **first: str) -> dict[str, Any]:
    """A piece of a call: the first one has id and name."""
    numbered = {} if index is None else {"index": index}
    named = {"name": first["name"]} if "name" in first else {}
    ids = {"id": first["id"], "type": "function"} if "id" in first else {}
    return _chunk({"tool_calls": [{**numbered, **ids, "function": {**named, "arguments": arguments}}]})


def _converse(bedrock: Any, **more: Any) -> Any:
    return bedrock.converse(modelId=MODEL, messages=[USER], toolConfig=TOOLS, **more)


def _stream(bedrock: Any) -> list[dict[str, Any]]:
    return list(bedrock.converse_stream(modelId=MODEL, messages=[USER], toolConfig=TOOLS)["stream"])


def _code(error: Any) -> str:
    code: str = error.value.response["Error"]["Code"]
    return code


def test_text_comes_as_it_is_said(bedrock: Any, chat_server: ChatServer) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    # OpenAI's last chunk has no choice, others' `null`; a comment keeps a connection open.
    chat_server.says(_text("The "), _text("shoes."), _end(), {"choices": [], "usage": usage}, {"choices": None})
    chat_server.lines.insert(1, ": waiting\n\n")
    events = _stream(bedrock)
    assert [next(iter(event)) for event in events] == [
        "messageStart",
        "contentBlockDelta",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ]
    assert [event["contentBlockDelta"]["delta"]["text"] for event in events[1:3]] == ["The ", "shoes."]
    assert events[4]["messageStop"]["stopReason"] == "end_turn"
    assert events[5]["metadata"]["usage"] == {"inputTokens": 7, "outputTokens": 3, "totalTokens": 10}
    said = _converse(bedrock)
    assert said["output"]["message"] == {"role": "assistant", "content": [{"text": "The shoes."}]}
    assert said["usage"]["totalTokens"] == 10


def test_text_and_several_calls_whose_arguments_come_in_pieces(bedrock: Any, chat_server: ChatServer) -> None:
    chat_server.says(
        _text("Let me look."),
        _call(0, id="call_a", name="shop___find"),
        _call(0, '{"que'),
        _call(1, id="call_b", name="shop___find"),
        _call(0, 'ry": "shoes"}'),
        _call(1, '{"query": "boots"}'),
        _end("tool_calls"),
    )
    said = _converse(bedrock)
    text, first, second = said["output"]["message"]["content"]
    assert text == {"text": "Let me look."}
    assert first["toolUse"] == {"toolUseId": "call_a", "name": "shop___find", "input": {"query": "shoes"}}
    assert second["toolUse"] == {"toolUseId": "call_b", "name": "shop___find", "input": {"query": "boots"}}
    assert said["stopReason"] == "tool_use"
    starts = [event["contentBlockStart"] for event in _stream(bedrock) if "contentBlockStart" in event]
    assert [start["contentBlockIndex"] for start in starts] == [1, 2]


def test_calls_as_others_write_them(bedrock: Any, chat_server: ChatServer) -> None:
    """Without a number, without an id, without arguments, and with `stop` at the end."""
    chat_server.says(_call(None, id="a", name="x"), _call(None, "{}"), _call(None, None, id="b", name="y"), _end())
    said = _converse(bedrock)
    uses = [block["toolUse"] for block in said["output"]["message"]["content"]]
    assert [(use["toolUseId"], use["name"], use["input"]) for use in uses] == [("a", "x", {}), ("b", "y", {})]
    assert said["stopReason"] == "tool_use"
    chat_server.says(_call(0, "{}", name="x"), _end("tool_calls"))
    assert _converse(bedrock)["output"]["message"]["content"][0]["toolUse"]["toolUseId"].startswith("call_")


@pytest.mark.parametrize(
    ("finish", "reason"), [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "content_filtered")]
)
def test_stop_reasons(bedrock: Any, chat_server: ChatServer, finish: str, reason: str) -> None:
    chat_server.says(_text("Hel"), _end(finish))
    assert _converse(bedrock)["stopReason"] == reason


def test_a_call_that_is_cut_off_is_not_made(bedrock: Any, chat_server: ChatServer) -> None:
    chat_server.says(_call(0, '{"query": "sh', id="a", name="shop___find"), _end("length"))
    said = _converse(bedrock)
    assert (said["stopReason"], said["output"]["message"]["content"]) == ("max_tokens", [])


def test_the_request_is_what_the_server_takes(bedrock: Any, chat_server: ChatServer) -> None:
    use = {"toolUse": {"toolUseId": "call_a", "name": "shop___find", "input": {"query": "shoes"}}}
    result = {"toolUseId": "call_a", "content": [{"text": "none"}, {"json": {"left": 0}}], "status": "success"}
    bedrock.converse(
        modelId=MODEL,
        system=[{"text": "Be brief."}, {"cachePoint": {"type": "default"}}, {"text": "Be kind."}],
        messages=[
            USER,
            {"role": "assistant", "content": [{"reasoningContent": {}}, {"text": "Looking."}, use]},
            {"role": "user", "content": [{"toolResult": result}, {"text": "And boots?"}]},
        ],
        toolConfig={**TOOLS, "toolChoice": {"any": {}}},
        inferenceConfig={"maxTokens": 9, "temperature": 0.5, "topP": 0.25, "stopSequences": ["END"]},
    )
    call = {"name": "shop___find", "arguments": '{"query": "shoes"}'}
    [request] = chat_server.requests
    assert request == {
        "model": "llama3.2:3b",
        "messages": [
            {"role": "system", "content": "Be brief.\n\nBe kind."},
            {"role": "user", "content": "Find shoes"},
            {
                "role": "assistant",
                "content": "Looking.",
                "tool_calls": [{"id": "call_a", "type": "function", "function": call}],
            },
            {"role": "tool", "tool_call_id": "call_a", "content": 'none\n{"left": 0}'},
            {"role": "user", "content": "And boots?"},
        ],
        "tools": [
            {"type": "function", "function": {"name": "shop___find", "description": "Find.", "parameters": SCHEMA}}
        ],
        "tool_choice": "required",
        "max_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.25,
        "stop": ["END"],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    [headers] = chat_server.headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert not [name for name in headers if name.startswith("x-amz")]


def test_an_image_goes_along_as_a_data_url() -> None:
    image = {"image": {"format": "png", "source": {"bytes": base64.b64encode(b"png").decode()}}}
    [message] = chat_request("m", {"messages": [{"role": "user", "content": [{"text": "What?"}, image]}]})["messages"]
    assert message["content"][1]["image_url"]["url"] == "data:image/png;base64,cG5n"
    chosen = chat_request("m", {"messages": [USER], "toolConfig": {**TOOLS, "toolChoice": {"tool": {"name": "x"}}}})
    assert chosen["tool_choice"] == {"type": "function", "function": {"name": "x"}}


@pytest.mark.parametrize("block", [{"document": {}}, {"toolResult": {"toolUseId": "a", "content": [{"image": {}}]}}])
def test_content_without_a_translation_is_refused(block: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=r"content of the kind \w+ is not translated") as caught:
        chat_request("m", {"messages": [{"role": "user", "content": [block]}]})
    assert caught.value.code == "ValidationException"


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        ((400, {"message": "bad tool"}), "ValidationException", "answered 400 for model llama3.2:3b: bad tool"),
        ((400, {"code": "context_length_exceeded"}), "ValidationException", "Input is too long for requested model"),
        ((401, {"message": f"wrong {KEY}"}), "AccessDeniedException", f"refused the key of {KEY_VARIABLE} (401)"),
        ((404, {"message": "model 'x' not found"}), "ResourceNotFoundException", "model 'x' not found"),
        ((429, {"message": f"slow down, {KEY}"}), "ThrottlingException", "slow down, ***"),
        ((500, "out of memory"), "ModelErrorException", "out of memory"),
        ((503, None), "ServiceUnavailableException", "answered 503"),
    ],
)
def test_an_error_of_the_server_is_one_of_bedrocks(
    bedrock: Any, chat_server: ChatServer, answer: tuple[int, Any], code: str, says: str
) -> None:
    chat_server.refuses(*answer)
    for operation in (bedrock.converse, bedrock.converse_stream):
        with pytest.raises(ClientError) as caught:
            operation(modelId=MODEL, messages=[USER])
        assert _code(caught) == code
        assert says in str(caught.value)
        assert KEY not in str(caught.value)


def test_a_redirect_is_not_followed(bedrock: Any, chat_server: ChatServer) -> None:
    chat_server.response = RedirectResponse("http://127.0.0.1:9/")
    with pytest.raises(ClientError, match="answered 307"):
        _converse(bedrock)


@pytest.mark.parametrize(
    "lines",
    [
        ["data: {\n\n"],
        ["data: []\n\n"],
        ['data: {"choices": [1]}\n\n'],
        ['data: {"choices": [{"delta": {"content": 1}}]}\n\n'],
        ["<html></html>"],
        [],
        [f"data: {json.dumps(_text('Hel'))}\n\n"],
        [f"data: {json.dumps(_text('Hel'))}\n\n", OSError("gone")],
        [f"data: {json.dumps({'error': {'message': 'overloaded'}})}\n\n"],
        [f"data: {json.dumps(_call(0, '{', id='a', name='x'))}\n\n", f"data: {json.dumps(_end())}\n\n"],
        [f"data: {json.dumps(_call(0, '[]', id='a', name='x'))}\n\n", f"data: {json.dumps(_end())}\n\n"],
    ],
)
def test_an_answer_that_is_none_or_breaks_off_is_an_error_and_never_an_end(
    bedrock: Any, chat_server: ChatServer, lines: list[Any]
) -> None:
    chat_server.lines = lines
    with pytest.raises(EventStreamError) as streamed:
        _stream(bedrock)
    assert _code(streamed) == "modelStreamErrorException"
    with pytest.raises(ClientError) as caught:
        _converse(bedrock)
    assert _code(caught) == "ModelStreamErrorException"


def test_a_server_that_is_silent_or_away_is_named(
    bedrock: Any,
    chat_server: ChatServer,
    bedrock_of: Callable[[ASGIApp], Bedrock],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(openai_model, "_TIMEOUT", httpx.Timeout(0.1))
    chat_server.waits = lambda: asyncio.sleep(0.5)
    with pytest.raises(ClientError, match="did not answer in time") as caught:
        _converse(bedrock)
    assert _code(caught) == "ModelTimeoutException"
    away = bedrock_of(model_app(openai_model.model(endpoint("http://127.0.0.1:9#m")))).client()
    with pytest.raises(ClientError, match=r"http://127.0.0.1:9/v1 cannot be reached: is it running\?") as caught:
        _converse(away)
    assert _code(caught) == "ServiceUnavailableException"


@pytest.mark.parametrize(
    ("text", "url", "model"),
    [
        ("http://127.0.0.1:11434/v1#llama3.2:3b", "http://127.0.0.1:11434/v1", "llama3.2:3b"),
        ("http://localhost:11434#qwen/qwen3", "http://localhost:11434/v1", "qwen/qwen3"),
        ("https://api.example.com/v1/chat/completions#gpt", "https://api.example.com/v1", "gpt"),
        ("https://api.example.com/openai/v2/#gpt", "https://api.example.com/openai/v2", "gpt"),
    ],
)
def test_a_url_and_a_model_are_an_endpoint(text: str, url: str, model: str) -> None:
    found = endpoint(text, KEY)
    assert (found.url, found.model) == (url, model)
    assert KEY not in repr(found)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("http://127.0.0.1:11434/v1", "names no model"),
        ("http://127.0.0.1:11434/v1# ", "names no model"),
        ("ftp://127.0.0.1#m", "is no URL of a model"),
        ("http://#m", "is no URL of a model"),
        ("http://[::1#m", "is no URL of a model"),
        ("http://127.0.0.1:99999#m", "is no URL of a model"),
        ("https://me:sk@host#m", f"put it into the variable {KEY_VARIABLE}"),
        ("https://host/v1?key=sk#m", "has a query"),
        ("http://models.example.com/v1#m", f"unset {KEY_VARIABLE}"),
        ("http://192.168.0.2/v1#m", "in clear over the network"),
    ],
)
def test_what_is_no_endpoint_says_what_to_write(text: str, says: str) -> None:
    with pytest.raises(EndpointError) as caught:
        endpoint(text, KEY)
    assert says in str(caught.value)
    assert "sk@" not in str(caught.value)


def test_without_a_key_a_server_in_the_network_can_be_asked() -> None:
    assert endpoint("http://192.168.0.2:11434#m") == Endpoint("http://192.168.0.2:11434/v1", "m", None)
