"""The real Bedrock as the model: here the one asked is this machine's own Converse, which checks the signature."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.local.serve.model.conftest import Bedrock
from toolgate.local.serve.guards.credentials import Credentials
from toolgate.local.serve.model import scripted_model
from toolgate.local.serve.model.converse_api import model_app
from toolgate.local.serve.model.models import Model, ModelChoiceError, check, chosen
from toolgate.local.serve.model.openai_model import KEY_VARIABLE

MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
USER = {"role": "user", "content": [{"text": "What is love?"}]}


@pytest.fixture(autouse=True)
def nothing_of_mine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="module")
def far(bedrock_of: Callable[[ASGIApp], Bedrock]) -> Bedrock:
    """Stands in for Amazon Bedrock."""
    return bedrock_of(model_app(scripted_model.turn))


def _sign_in(credentials: Mapping[str, str], url: str, monkeypatch: pytest.MonkeyPatch) -> Model:
    for name, value in {**credentials, "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": url}.items():
        monkeypatch.setenv(name, value)
    return chosen("bedrock", "us-east-1")


def test_a_request_is_signed_anew_and_its_answer_passed_on(
    far: Bedrock, bedrock_of: Callable[[ASGIApp], Bedrock], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = _sign_in(far.credentials.environment(), far.server.url, monkeypatch)
    assert model.says == (
        "Amazon Bedrock in us-east-1 with your own credentials (your environment's variables): costs apply,"
        f" at {far.server.url}"
    )
    near = bedrock_of(model.app).client()
    expected = far.client().converse(modelId=MODEL, messages=[USER])["output"]
    assert near.converse(modelId=MODEL, messages=[USER])["output"] == expected
    pieces = [
        event["contentBlockDelta"]["delta"]["text"]
        for event in near.converse_stream(modelId=MODEL, messages=[USER])["stream"]
        if "contentBlockDelta" in event
    ]
    assert "".join(pieces) == expected["message"]["content"][0]["text"]
    assert len(pieces) > 5


def test_what_bedrock_refuses_is_refused_in_its_words(
    far: Bedrock, bedrock_of: Callable[[ASGIApp], Bedrock], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = Credentials(far.credentials.access_key_id, "wrong", far.credentials.session_token)
    near = bedrock_of(_sign_in(wrong.environment(), far.server.url, monkeypatch).app).client()
    with pytest.raises(ClientError, match="signature we calculated does not match"):
        near.converse_stream(modelId=MODEL, messages=[USER])
    away = bedrock_of(_sign_in(far.credentials.environment(), "http://127.0.0.1:9", monkeypatch).app).client()
    with pytest.raises(ClientError) as caught:
        away.converse(modelId=MODEL, messages=[USER])
    assert caught.value.response["Error"]["Code"] == "ServiceUnavailableException"


def test_the_request_itself_is_not_touched(
    bedrock_of: Callable[[ASGIApp], Bedrock], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member that no model of ours knows, bytes, and an answer of any kind."""
    seen: list[tuple[str, bytes]] = []

    async def far_app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((scope["raw_path"].decode(), (await receive())["body"]))
        await Response(b'{"stopReason": "odd"}', 200, media_type="application/json")(scope, receive, send)

    far = bedrock_of(far_app)
    near = bedrock_of(_sign_in(far.credentials.environment(), far.server.url, monkeypatch).app).client()
    image = {"image": {"format": "png", "source": {"bytes": b"\x89png"}}}
    more: dict[str, Any] = {"additionalModelRequestFields": {"top_k": 1}}
    answer = near.converse(modelId=MODEL, messages=[{"role": "user", "content": [image]}], **more)
    assert answer["stopReason"] == "odd"
    [(path, body)] = seen
    assert path == f"/model/{MODEL.replace(':', '%3A')}/converse"
    assert b'"bytes": "iXBuZw=="' in body
    assert b'"top_k": 1' in body


def test_a_profile_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("[work]\naws_access_key_id = AKIA\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "work")
    says = "Amazon Bedrock in eu-west-1 with your own credentials (profile work): costs apply"
    assert chosen("bedrock", "eu-west-1").says == says


def test_without_credentials_it_is_said_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelChoiceError, match=r"--model bedrock: there are no AWS credentials of yours: sign in"):
        chosen("bedrock", "us-east-1")
    monkeypatch.setenv("AWS_PROFILE", "nobodys")
    with pytest.raises(ModelChoiceError, match="cannot be loaded: The config profile"):
        chosen("bedrock", "us-east-1")


@pytest.mark.parametrize("choice", ["gpt-4", "", "Scripted", "127.0.0.1:11434#m"])
def test_what_is_no_model_is_refused_with_what_there_is(choice: str) -> None:
    with pytest.raises(ModelChoiceError, match="write scripted, bedrock, or the URL"):
        check(choice)


def test_the_key_of_a_url_comes_from_one_variable_and_is_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-for-others")
    assert check("https://host/v1#m") == check("https://host/v1#m", {})
    monkeypatch.setenv(KEY_VARIABLE, "sk-mine")
    endpoint = check("https://host/v1#m")
    assert endpoint is not None
    assert endpoint.key == "sk-mine"
    assert chosen("https://host/v1#m", "us-east-1").says == f"m at https://host/v1, with the key of {KEY_VARIABLE}"
    assert chosen("scripted", "us-east-1").says.startswith("a script")
