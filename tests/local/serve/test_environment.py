import pytest

from toolgate.local.serve.environment import client_variables, process_environment, shell_lines
from toolgate.local.serve.guards.credentials import Credentials

URL = "http://127.0.0.1:4242"


def test_one_variable_leads_every_sdk_here() -> None:
    variables = client_variables(URL, "eu-west-1")
    assert variables == {"AWS_ENDPOINT_URL": URL, "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1"}


def test_nothing_leads_a_process_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("TOOLGATE_MODEL_API_KEY", "sk-mine")
    own = {
        "TABLE": "orders",
        "AWS_ENDPOINT_URL": "https://elsewhere",
        **{
            f"AWS_ENDPOINT_URL_{service}": "https://elsewhere" for service in ("BEDROCK_RUNTIME", "S3", "SSO_OIDC", "X")
        },
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "AWS_ACCESS_KEY_ID": "AKIAOTHER",
        "AWS_PROFILE": "theirs",
        "AWS_BEARER_TOKEN_BEDROCK": "token",
        "AWS_USE_FIPS_ENDPOINT": "true",
    }
    made = process_environment(own, Credentials("ASIA", "secret", "token"), URL, "us-east-1")
    assert {name: made[name] for name in made if "ENDPOINT" in name} == {"AWS_ENDPOINT_URL": URL}
    assert (made["TABLE"], made["AWS_ACCESS_KEY_ID"]) == ("orders", "ASIA")
    left_out = {"AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK", "AWS_USE_FIPS_ENDPOINT", "TOOLGATE_MODEL_API_KEY"}
    assert not left_out & made.keys()


def test_a_proxy_of_its_own_is_not_asked_for_this_machine() -> None:
    own = {"HTTPS_PROXY": "http://proxy:8080", "no_proxy": "intranet"}
    made = process_environment(own, Credentials("ASIA", "secret", "token"), URL, "us-east-1")
    assert made["HTTPS_PROXY"] == "http://proxy:8080"
    assert made["no_proxy"] == made["NO_PROXY"] == "127.0.0.1,localhost,intranet"
    assert "no_proxy" not in process_environment({}, Credentials("ASIA", "secret", "token"), URL, "us-east-1")


def test_a_shell_is_led_here_whatever_it_had() -> None:
    shell = {
        "AWS_PROFILE": "mine",
        "AWS_ENDPOINT_URL_S3": "https://elsewhere",
        "http_proxy": "http://proxy",
        "HOME": "/",
    }
    assert shell_lines({"AWS_ENDPOINT_URL": URL, "KEY": "a b"}, shell) == [
        "unset AWS_ENDPOINT_URL_S3 AWS_PROFILE",
        f"export AWS_ENDPOINT_URL={URL}",
        "export KEY='a b'",
        "export no_proxy=127.0.0.1,localhost",
        "export NO_PROXY=127.0.0.1,localhost",
    ]
    assert shell_lines({"KEY": "b"}, {"HOME": "/"}) == ["export KEY=b"]
