"""Conversations that Bedrock takes, and those that people report it refuses."""

import base64
import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from starlette.types import ASGIApp

from tests.local.serve.model.conftest import Bedrock
from toolgate.local.serve.model import scripted_model
from toolgate.local.serve.model.converse_api import model_app
from toolgate.local.serve.model.converse_messages import problem

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n...").decode()


def asked(*ids: str, name: str = "math___add") -> dict[str, Any]:
    return {"role": "assistant", "content": [{"toolUse": {"toolUseId": i, "name": name, "input": {}}} for i in ids]}


def told(*ids: str, content: Any = ({"text": "3"},), **more: Any) -> dict[str, Any]:
    results = [{"toolResult": {"toolUseId": i, "content": list(content), **more}} for i in ids]
    return {"role": "user", "content": results}


def image(data: str, kind: str = "png") -> dict[str, Any]:
    return {"image": {"format": kind, "source": {"bytes": data}}}


START = {"role": "user", "content": [{"text": "hi"}]}
TAKEN: dict[str, list[dict[str, Any]]] = {
    "a prompt": [START],
    "a call": [START, asked("t1"), told("t1")],
    "two calls, results in another order": [START, asked("a", "b"), told("b", "a")],
    "a result without content": [START, asked("t1"), told("t1", content=[], status="success")],
    "an image": [START, asked("t1"), told("t1", content=[image(PNG)])],
    "an image that lies in S3": [{"role": "user", "content": [{"image": {"format": "gif", "source": {}}}]}],
}
REFUSED: dict[str, tuple[list[dict[str, Any]], str]] = {
    "begins with the model": ([asked("t1"), told("t1")], "must start with a user message"),
    "blank": ([{"role": "user", "content": [{"text": " \n"}]}], "messages.0.content.0 is blank"),
    "blank result": ([START, asked("t"), told("t", content=[{"text": ""}])], "messages.2.content.0.toolResult.content"),
    "empty message": ([START, {"role": "assistant", "content": []}], "messages.1 is empty"),
    "no result": ([START, asked("t1"), START], "Expected toolResult blocks at messages.2.content for .*: t1"),
    "one of two results": ([START, asked("a", "b"), told("a")], "for the following Ids: b"),
    "a result too many": ([START, asked("a"), told("a", "b")], "exceeds the number of toolUse blocks"),
    "a result of nothing": ([told("a")], "exceeds the number of toolUse blocks"),
    "one id twice": ([START, asked("a", "a"), told("a", "a")], "duplicate Ids: a"),
    "an id": ([START, asked("a|b"), told("a|b")], "toolUse.toolUseId"),
    "a name": ([START, asked("a", name="$x"), told("a")], "toolUse.name"),
    "an error without words": ([START, asked("a"), told("a", content=[], status="error")], "cannot be empty"),
    "JSON that is no object": ([START, asked("a"), told("a", content=[{"json": [1]}])], "Provide a json object"),
    "no image": ([{"role": "user", "content": [image("aGVsbG8=")]}], "Could not process image"),
    "an empty image": ([{"role": "user", "content": [image("")]}], "Could not process image"),
    "another format": ([{"role": "user", "content": [image(PNG, "jpeg")]}], "media type image/jpeg"),
}


@pytest.mark.parametrize("case", TAKEN)
def test_what_is_taken(case: str) -> None:
    assert problem(TAKEN[case]) is None


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    messages, words = REFUSED[case]
    assert re.search(words, problem(messages) or "")


@pytest.mark.parametrize("operation", ["converse", "converse_stream"])
def test_a_caller_is_told_as_by_bedrock(bedrock_of: Callable[[ASGIApp], Bedrock], operation: str) -> None:
    client = bedrock_of(model_app(scripted_model.turn)).client()
    with pytest.raises(ClientError, match=r"ContentBlock object at messages\.0\.content\.0 is blank") as caught:
        getattr(client, operation)(modelId="amazon.nova-lite-v1:0", messages=REFUSED["blank"][0])
    assert caught.value.response["Error"]["Code"] == "ValidationException"
