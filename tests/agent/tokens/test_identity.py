"""The two calls to Identity: what they take for a token, for how long, and how much of an answer is read."""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, ClassVar

import boto3
import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ReadTimeoutError
from urllib3.exceptions import ProtocolError

from contract import ContractError
from gateway import identity as module
from gateway.identity import Identity
from gateway.tokens import GIVEN_UP_SECONDS
from tests.agent.tokens import fake_identity as faults
from tests.agent.tokens.conftest import by_token
from tests.agent.tokens.fake_identity import ACCESS, WORKLOAD, FakeIdentity, jwt

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


@pytest.mark.parametrize(("date", "expires_in"), [(None, pytest.approx(300, abs=2)), ("yesterday", None)])
def test_without_identitys_clock_this_machines_counts(date: str | None, expires_in: Any) -> None:
    headers = {"date": date} if date else {}
    answer = {"accessToken": jwt({"exp": time.time() + 300}), "ResponseMetadata": {"HTTPHeaders": headers}}
    assert module._access_token(answer).expires_in == expires_in


def test_a_token_that_ends_as_it_comes_is_none() -> None:
    headers = {"date": "Mon, 02 Nov 2026 10:00:00 GMT"}
    ends = datetime(2026, 11, 2, 10, tzinfo=UTC).timestamp()
    for late in (0, 1):
        answer = {"accessToken": jwt({"exp": ends - late}), "ResponseMetadata": {"HTTPHeaders": headers}}
        with pytest.raises(module._UnusableError, match="had ended"):
            module._access_token(answer)


def test_the_longest_tokens_there_are_fit(identity: FakeIdentity) -> None:
    """botocore's model has bounds for both."""
    service = boto3.Session(region_name="us-east-1").client("bedrock-agentcore").meta.service_model
    longest = [service.shape_for(name).metadata["max"] for name in ("WorkloadIdentityTokenType", "AccessTokenType")]
    workload, access = ("a" * length for length in longest)
    identity.inject(WORKLOAD, faults.answered({"workloadAccessToken": workload}))
    identity.workload_tokens.add(workload)
    identity.inject(ACCESS, faults.answered({"accessToken": access}))
    assert identity_of()._ask(WANTED, False).text == access


def test_another_one_is_asked_for_only_where_one_was_refused(identity: FakeIdentity) -> None:
    for anew in (False, True):
        identity_of()._ask(WANTED, anew)
    assert [body.get("forceAuthentication") for name, body in identity.requests if name == ACCESS] == [None, True]
    assert "customParameters" not in identity.requests[-1][1]


def line_of(identity: FakeIdentity, caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    """What the log has of a fetch that fails."""
    caplog.set_level(logging.INFO, "agent")
    with pytest.raises(ContractError, match="gateway_token_unavailable"):
        identity_of()._ask(WANTED, False)
    [record] = [it for it in caplog.records if it.name == "agent"]
    fields: dict[str, Any] = vars(record)["fields"]
    return fields


def test_the_first_call_that_is_refused_is_said_as_it_is(
    identity: FakeIdentity, caplog: pytest.LogCaptureFixture
) -> None:
    """The second one has a token, which Identity may say back."""
    identity.inject(WORKLOAD, faults.refused("AccessDeniedException", 403, "not-for-you " * 90))
    line = line_of(identity, caplog)
    assert line["reason"] == ("not-for-you " * 90)[:500]
    assert line["check"] == module._ROLE


def test_an_error_of_no_service_says_where_it_comes_from_and_not_its_text(
    own_identity: FakeIdentity, caplog: pytest.LogCaptureFixture
) -> None:
    own_identity.server.stop()
    line = line_of(own_identity, caplog)
    assert line["error_types"][0] == "EndpointConnectionError"
    assert line["check"] == module._OTHERWISE
    assert "reason" not in line
    assert own_identity.url not in str(line)


class Answer:
    """What botocore's session gives for a request whose answer is left to be read."""

    url, status_code = "https://identity.example", 200
    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, *parts: bytes | Exception) -> None:
        self.raw, self._left, self.closed, self.streamed = self, [*parts, b""], 0, False

    def send(self, request: Any) -> "Answer":
        self.streamed = request.stream_output
        return self

    def read1(self, _: int) -> bytes:
        part = self._left.pop(0)
        if isinstance(part, Exception):
            raise part
        return part

    def close(self) -> None:
        self.closed += 1


def bounded(answer: Answer) -> Any:
    return module._Bounded(answer).send(AWSRequest("POST", answer.url).prepare())


def test_an_answer_is_read_to_its_end_and_its_connection_given_back() -> None:
    answer = Answer(b"a" * module._MOST_BYTES, b"")
    assert bounded(answer).content == b"a" * module._MOST_BYTES
    assert (answer.streamed, answer.closed) == (True, 1)
    module._Bounded(answer).close()
    assert answer.closed == 2  # as its client is


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ((b"a" * module._MOST_BYTES, b"a"), module._UnusableError),
        ((b"a", ProtocolError("cut")), ReadTimeoutError),  # which botocore tries again
        ((b"a", ZeroDivisionError()), ZeroDivisionError),
    ],
    ids=["too much", "cut", "a defect"],
)
def test_an_answer_that_cannot_be_read_keeps_no_connection(parts: Any, error: type[Exception]) -> None:
    answer = Answer(*parts)
    with pytest.raises(error):
        bounded(answer)
    assert answer.closed == 1


def test_bounds_of_the_calls(identity: FakeIdentity) -> None:
    config = identity_of()._made().meta.config
    assert (config.connect_timeout, config.read_timeout) == (2, 5)
    assert config.retries == {"mode": "standard", "total_max_attempts": 2}
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
