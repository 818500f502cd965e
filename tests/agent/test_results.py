"""What of a tool's result reaches the model: all that Bedrock takes, and nothing that it refuses a request for."""

import base64
import json
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response
from starlette.testclient import TestClient

from gateway import images
from gateway.session import LEFT_OUT
from tests.agent.fake_bedrock import FakeBedrock
from tests.agent.fake_gateway import NUMBERS, FakeGateway

JSON = {"sum": 112, "unit": "€"}
AUDIO = {"type": "audio", "data": "AAAA", "mimeType": "audio/wav"}
TIFF = {"type": "image", "data": "AAAA", "mimeType": "image/tiff"}
BROKEN = {"type": "image", "data": "A", "mimeType": "image/png"}
LINK = {"type": "resource_link", "uri": "https://example.com/a", "name": "a"}


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"content": [], "structuredContent": JSON}, '{"sum": 112, "unit": "€"}'),
        ({"content": [{"type": "text", "text": ""}], "structuredContent": JSON}, '{"sum": 112, "unit": "€"}'),
        ({"content": [{"type": "text", "text": "112"}], "structuredContent": JSON}, "112"),
        ({"content": [AUDIO], "structuredContent": JSON}, LEFT_OUT + '{"sum": 112, "unit": "€"}'),
        ({"content": [{"type": "text", "text": "112"}, AUDIO]}, "112" + LEFT_OUT),
        ({"content": [TIFF]}, LEFT_OUT),
        ({"content": [BROKEN]}, LEFT_OUT),
        ({"content": [LINK]}, LEFT_OUT),
        ({"content": []}, "The tool returned nothing."),
        ({"content": [{"type": "text", "text": ""}]}, "The tool returned nothing."),
        # NousResearch/hermes-agent#61318: what a command wrote that wrote nothing.
        ({"content": [{"type": "text", "text": " \n"}]}, "The tool returned nothing."),
        ({"content": [{"type": "text", "text": "\n"}, {"type": "text", "text": "112"}]}, "112"),
        ({"content": [{"type": "text", "text": " 112\n"}]}, " 112\n"),
        ({"content": [{"type": "text", "text": "\t"}], "structuredContent": JSON}, '{"sum": 112, "unit": "€"}'),
        # sigoden/aichat#1550: Bedrock takes objects only as JSON.
        ({"content": [], "structuredContent": {"rows": [[1], [2]]}}, '{"rows": [[1], [2]]}'),
        # strands-agents/harness-sdk#535
        ({"content": [{"type": "resource", "resource": {"uri": "a:b", "text": "as text"}}]}, "as text"),
        ({"content": [{"type": "resource", "resource": {"uri": "a:b", "blob": "AAAA"}}]}, LEFT_OUT),
        ({"content": [{"type": "resource", "resource": {"uri": "a:b", "text": ""}}]}, "The tool returned nothing."),
        # aws-samples/sample-multi-agent-orchestration-chat-on-agentcore#15
        ({"content": [], "isError": True}, "The tool reported an error."),
    ],
    ids=str,
)
def test_what_the_model_reads_of_a_result(
    lasting: TestClient, gateway: FakeGateway, bedrock: FakeBedrock, result: dict[str, Any], said: str
) -> None:
    answer = lasting.post("/invocations", json={"prompt": f"call math___return_content {json.dumps(result)}"}).json()
    assert (answer.get("response"), bedrock.refused) == (f"The tool said: {said}", [])


def told(agent: TestClient, bedrock: FakeBedrock, result: dict[str, Any]) -> list[dict[str, Any]]:
    """The content that the model is told."""
    agent.post("/invocations", json={"prompt": f"call math___return_content {json.dumps(result)}"})
    assert bedrock.refused == []
    [one] = map(json.loads, bedrock.tool_results())
    content: list[dict[str, Any]] = one["content"]
    return content


IMAGES = {
    "png": b"\x89PNG\r\n\x1a\n0",
    "jpeg": b"\xff\xd8\xff\xe00",
    "gif": b"GIF89a0",
    "webp": b"RIFF0000WEBPVP8 ",
}


MIME_TYPES = ["right", "image/png", "IMAGE/PNG", "image/png; charset=binary", "image/tiff", ""]


@pytest.mark.parametrize("kind", IMAGES)
@pytest.mark.parametrize("says", MIME_TYPES)
@pytest.mark.usefixtures("gateway")
def test_an_image_is_what_its_bytes_are(lasting: TestClient, bedrock: FakeBedrock, kind: str, says: str) -> None:
    """anthropics/claude-code#17452, #39146, #11975; with other content beside it, #54737."""
    data, mime = base64.b64encode(IMAGES[kind]).decode(), f"image/{kind}" if says == "right" else says
    image = {"type": "image", "data": data, "mimeType": mime}
    shown = [{"image": {"format": kind, "source": {"bytes": data}}}, {"text": json.dumps(JSON, ensure_ascii=False)}]
    assert told(lasting, bedrock, {"content": [image], "structuredContent": JSON}) == shown


@pytest.mark.parametrize("kind", IMAGES)
@pytest.mark.usefixtures("gateway")
def test_an_image_in_a_resource_is_what_its_bytes_are(lasting: TestClient, bedrock: FakeBedrock, kind: str) -> None:
    data = base64.b64encode(IMAGES[kind]).decode()
    resource = {"type": "resource", "resource": {"uri": "a:b", "blob": data, "mimeType": "image/png"}}
    shown = [{"image": {"format": kind, "source": {"bytes": data}}}]
    assert told(lasting, bedrock, {"content": [resource]}) == shown


@pytest.mark.parametrize("data", [b"", b"<html>404</html>", b"RIFF0000WAVEfmt "], ids=["empty", "html", "sound"])
def test_what_is_no_image_is_left_out(
    lasting: TestClient, gateway: FakeGateway, bedrock: FakeBedrock, data: bytes
) -> None:  # anthropics/claude-code#6175
    image = {"type": "image", "data": base64.b64encode(data).decode(), "mimeType": "image/png"}
    assert told(lasting, bedrock, {"content": [image]}) == [{"text": LEFT_OUT}]


def test_an_image_that_is_too_large_is_left_out() -> None:
    assert images.block(IMAGES["png"].ljust(3_750_000, b"0")) is not None
    assert images.block(IMAGES["png"].ljust(3_750_001, b"0")) is None


@pytest.mark.parametrize("result", [{}, {"structuredContent": {"sum": "no number"}}], ids=["text only", "another type"])
def test_a_result_that_is_not_as_its_schema_says_is_told_all_the_same(
    agent: TestClient, gateway: FakeGateway, bedrock: FakeBedrock, result: dict[str, Any]
) -> None:
    """cristianuibar/bricks-mcp#45, IBM/mcp-context-forge#4042: the tool has run, and must not be called again."""
    schema = {"type": "object", "properties": {"sum": {"type": "number"}}, "required": ["sum"]}

    async def listed(message: dict[str, Any]) -> Response:
        tool = {"name": "math___return_content", "inputSchema": NUMBERS, "outputSchema": schema}
        return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "result": {"tools": [tool]}})

    gateway.inject("tools/list", listed)
    assert told(agent, bedrock, {"content": [{"type": "text", "text": "112"}], **result}) == [{"text": "112"}]
