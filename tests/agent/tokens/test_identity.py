"""The two calls to Identity: what they take for a token, for how long, and how much of an answer is read."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest

from contract import ContractError
from gateway import identity as module
from gateway.identity import Identity
from gateway.tokens import GIVEN_UP_SECONDS
from tests.agent.tokens import fake_identity as faults
from tests.agent.tokens.conftest import by_token
from tests.agent.tokens.fake_identity import ACCESS, FakeIdentity, jwt

WANTED = by_token("https://gateway.example/mcp").tokens[0]


def identity_of(region: str = "us-east-1") -> Identity:
    return Identity(boto3.Session(region_name=region), "demo_agent")


def test_a_token_is_valid_for_as_long_as_identity_says(identity: FakeIdentity) -> None:
    for ahead in (-7200.0, 0.0, 7200.0):  # whatever this machine's clock says
        identity.ahead = ahead
        given = identity_of()._ask(WANTED, False)
        assert given.text == identity.given[-1]
        assert given.expires_in == pytest.approx(3600, abs=2)


def test_a_token_is_in_no_text_of_what_holds_it(identity: FakeIdentity) -> None:
    given = identity_of()._ask(WANTED, False)
    assert given.text not in repr(given)


ENDS: dict[str, Any] = {"none": {}, "text": {"exp": "soon"}, "true": {"exp": True}, "null": {"exp": None}}
ENDS |= {"a list": {"exp": [1]}, "beyond floats": {"exp": 10**400}}


@pytest.mark.parametrize("case", ENDS)
def test_an_end_that_cannot_be_read_is_unknown(identity: FakeIdentity, case: str) -> None:
    identity.inject(ACCESS, faults.answered({"accessToken": jwt(ENDS[case])}))
    assert identity_of()._ask(WANTED, False).expires_in is None


@pytest.mark.parametrize("date", [None, "yesterday"])
def test_without_identitys_clock_this_machines_counts(date: str | None) -> None:
    headers = {"date": date} if date else {}
    answer = {"accessToken": jwt({"exp": time.time() + 300}), "ResponseMetadata": {"HTTPHeaders": headers}}
    assert module._access_token(answer).expires_in == pytest.approx(300, abs=2) if date is None else True


def test_bounds_of_the_calls(identity: FakeIdentity) -> None:
    config = identity_of()._made().meta.config
    assert (config.connect_timeout, config.read_timeout) == (2, 5)
    assert config.retries["total_max_attempts"] == 2
    rounds, calls, attempts = 2, 2, 2
    assert rounds * calls * attempts * (config.connect_timeout + config.read_timeout) < GIVEN_UP_SECONDS


@pytest.mark.parametrize(
    "fault", [faults.dripping, faults.silence, faults.stalled], ids=["dripping", "silence", "stalled"]
)
def test_an_answer_has_a_time(own_identity: FakeIdentity, monkeypatch: pytest.MonkeyPatch, fault: Any) -> None:
    monkeypatch.setattr(module, "_READ_SECONDS", 0.2)
    own_identity.inject(ACCESS, fault, times=9)
    with pytest.raises(ContractError, match="gateway_token_unavailable"):
        identity_of()._ask(WANTED, False)
    assert own_identity.asked() == 2  # attempts


def test_providers_share_a_client_that_is_made_once(identity: FakeIdentity) -> None:
    shared = identity_of()
    together = threading.Barrier(8)

    def made() -> Any:
        together.wait()
        return shared._made()

    with ThreadPoolExecutor(8) as threads:
        clients = {id(each.result()) for each in [threads.submit(made) for _ in range(8)]}
    assert len(clients) == 1


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_the_region_is_the_settings(bedrock: Any, monkeypatch: pytest.MonkeyPatch, region: str) -> None:
    """botocore does not read AWS_REGION."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")
    assert identity_of(region)._made().meta.endpoint_url == f"https://bedrock-agentcore.{region}.amazonaws.com"
