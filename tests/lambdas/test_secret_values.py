"""`secret`: read once, read anew after its time, never in the environment."""

import logging
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from toolgate.lambdas import secret_values
from toolgate.lambdas.secret_values import SecretError, secret

SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prices-a1B2c3"
PARAMETER = "arn:aws:ssm:us-east-1:123456789012:parameter/prices/key"


class Aws:
    """Secrets Manager and Systems Manager, which keep what they were asked."""

    def __init__(self, text: Any) -> None:
        self.text = text
        self.asked: list[Any] = []

    def __call__(self, service: str, region_name: str) -> "Aws":
        self.asked.append((service, region_name))
        return self

    def get_secret_value(self, SecretId: str) -> Any:  # noqa: N803
        self.asked.append(SecretId)
        return {"SecretString": self.text} if self.text else {"SecretBinary": b"x"}

    def get_parameter(self, Name: str, WithDecryption: bool) -> Any:  # noqa: N803
        self.asked.append((Name, WithDecryption))
        return {"Parameter": {"Value": self.text}}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    made = Aws("swordfish")
    monkeypatch.setattr("boto3.client", made)
    monkeypatch.setattr(secret_values, "_kept", {})
    monkeypatch.setattr(secret_values, "_clients", {})
    monkeypatch.setenv("KEY", SECRET)
    monkeypatch.setenv("OTHER", PARAMETER)
    return made


def test_a_value_is_read_once(aws: Aws) -> None:
    assert [secret("KEY"), secret("KEY")] == ["swordfish", "swordfish"]
    assert aws.asked == [("secretsmanager", "eu-west-1"), SECRET]


def test_a_parameter_is_one_too(aws: Aws) -> None:
    assert secret("OTHER") == "swordfish"
    assert aws.asked == [("ssm", "us-east-1"), (PARAMETER, True)]


def test_a_rotated_value_is_in_use_after_its_time(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    secret("KEY")
    aws.text = "marlin"
    assert secret("KEY") == "swordfish"
    monkeypatch.setattr("time.monotonic", lambda: 10.0**9)
    assert secret("KEY") == "marlin"


@pytest.mark.parametrize("value", [None, "", "swordfish"])
def test_a_variable_that_points_nowhere_is_named_and_not_its_value(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is None:
        monkeypatch.delenv("KEY")
    else:
        monkeypatch.setenv("KEY", value)
    with pytest.raises(SecretError, match="KEY points to no secret") as refused:
        secret("KEY")
    assert "swordfish" not in str(refused.value)
    assert aws.asked == []


def test_no_value_is_logged_at_any_level(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    client = boto3.client("secretsmanager", "eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    body = SimpleNamespace(stream=lambda: iter([b'{"SecretString": "swordfish"}']))
    answer = AWSResponse("https://secretsmanager", 200, {}, body)
    client.meta.events.register("before-send", lambda **_: answer)
    monkeypatch.setattr(secret_values, "_kept", {})
    monkeypatch.setattr(secret_values, "_clients", {("secretsmanager", "eu-west-1"): client})
    monkeypatch.setenv("KEY", SECRET)
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "botocore"):
        assert secret("KEY") == "swordfish"
    assert "botocore" in caplog.text
    assert "swordfish" not in caplog.text


def test_what_is_no_text_is_refused(aws: Aws) -> None:
    aws.text = None
    with pytest.raises(SecretError, match="KEY points to a secret that is no text"):
        secret("KEY")
