import pytest

from toolgate.local.serve.environment import client_variables, process_environment
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
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "https://elsewhere",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "AWS_ACCESS_KEY_ID": "AKIAOTHER",
    }
    made = process_environment(own, Credentials("ASIA", "secret", "token"), URL, "us-east-1")
    assert {name: made[name] for name in made if "ENDPOINT" in name} == {"AWS_ENDPOINT_URL": URL}
    assert (made["TABLE"], made["AWS_ACCESS_KEY_ID"]) == ("orders", "ASIA")
    assert not {"AWS_PROFILE", "TOOLGATE_MODEL_API_KEY"} & made.keys()
