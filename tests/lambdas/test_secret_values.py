"""`secret`: read once, read anew after its time, never in the environment."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

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


READS = f"""
import logging, os
from types import SimpleNamespace
import boto3, secret_values
from botocore.awsrequest import AWSResponse

client = boto3.client("secretsmanager", "eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
body = SimpleNamespace(stream=lambda: iter([b'{{"SecretString": "swordfish"}}']))
client.meta.events.register("before-send", lambda **_: AWSResponse("https://secretsmanager", 200, {{}}, body))
secret_values._clients["secretsmanager", "eu-west-1"] = client
os.environ["KEY"] = "{SECRET}"
logging.basicConfig(level=logging.DEBUG)
assert secret_values.secret("KEY") == "swordfish"
"""


def test_no_value_is_logged_at_any_level() -> None:
    """In a process of its own: whoever sets up logging in this one has a say in what is logged."""
    lambdas = Path(__file__).parents[2] / "lambdas"
    command = [sys.executable, "-c", READS]
    done = subprocess.run(command, cwd=lambdas, capture_output=True, text=True, check=True)
    assert "botocore.endpoint" in done.stderr
    assert "swordfish" not in done.stderr


def test_what_is_no_text_is_refused(aws: Aws) -> None:
    aws.text = None
    with pytest.raises(SecretError, match="KEY points to a secret that is no text"):
        secret("KEY")
