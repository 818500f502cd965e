"""Who a token's client is: one parameter, read once a minute, and nothing that a claim could make of its path."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import callers
import pytest
from botocore.stub import Stubber
from callers import UnknownCallerError, caller_of
from intercept import Caller, Claims, Interceptor, Tool

from tests.interceptors import events
from tests.interceptors.judging import answered, judged

PREFIX = "/toolgate/callers/tools/"
TOOLS = ["math___add_numbers", "orders___*"]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """Parameter Store, which answers only what it was told to be asked."""
    client = boto3.client("ssm", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="y")
    monkeypatch.setattr(callers, "_kept", {})
    monkeypatch.setattr(callers, "client", lambda: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def has(store: Stubber, client: str, value: Any) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    store.add_response("get_parameter", {"Parameter": {"Value": text}}, {"Name": PREFIX + client})


def test_a_caller_is_read_once_a_minute(store: Stubber, monkeypatch: pytest.MonkeyPatch) -> None:
    has(store, "abc", {"name": "assistant", "tools": TOOLS})
    expected = Caller("assistant", tuple(TOOLS))
    assert [caller_of({"client_id": "abc"}, "client_id", PREFIX) for _ in range(3)] == [expected] * 3
    has(store, "other", {"name": "auditor", "tools": []})
    assert caller_of({"client_id": "other"}, "client_id", PREFIX).tools == ()
    kept = {path: (until - callers.SECONDS, caller) for path, (until, caller) in callers._kept.items()}
    monkeypatch.setattr(callers, "_kept", kept)
    has(store, "abc", {"name": "assistant", "tools": []})
    assert caller_of({"client_id": "abc"}, "client_id", PREFIX).tools == ()


@pytest.mark.parametrize("claim", ["client_id", "azp", "cid", "appid"])
def test_the_claim_of_the_issuer_names_the_client_and_no_other(store: Stubber, claim: str) -> None:
    has(store, "abc", {"name": "assistant", "tools": TOOLS})
    others = dict.fromkeys(("client_id", "azp", "cid", "appid", "sub"), "other")
    assert caller_of({**others, claim: "abc"}, claim, PREFIX).name == "assistant"


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"sub": "abc"},
        {"client_id": "../other", "azp": "abc"},
        {"client_id": "a/b"},
        {"client_id": "a\n"},
        {"client_id": "ä"},
        {"client_id": ""},
        {"client_id": "a" * 129},
        {"client_id": ["abc"]},
        {"client_id": None, "azp": "abc"},
        {"azp": "abc"},
    ],
)
def test_what_is_no_client_is_not_looked_up(store: Stubber, claims: Any) -> None:
    with pytest.raises(UnknownCallerError):
        caller_of(claims, "client_id", PREFIX)


def test_who_was_handed_nothing_is_not_known_for_a_minute(store: Stubber) -> None:
    store.add_client_error("get_parameter", "ParameterNotFound", expected_params={"Name": PREFIX + "abc"})
    for _ in range(2):
        with pytest.raises(UnknownCallerError, match="abc"):
            caller_of({"client_id": "abc"}, "client_id", PREFIX)


def test_a_refusal_of_aws_is_no_answer_and_not_kept(store: Stubber) -> None:
    store.add_client_error("get_parameter", "AccessDeniedException", expected_params={"Name": PREFIX + "abc"})
    with pytest.raises(Exception, match="AccessDenied"):
        caller_of({"client_id": "abc"}, "client_id", PREFIX)
    has(store, "abc", {"name": "assistant", "tools": TOOLS})
    assert caller_of({"client_id": "abc"}, "client_id", PREFIX).name == "assistant"


@pytest.mark.parametrize(
    "value",
    ["", "[]", {}, {"name": "a"}, {"name": "a", "tools": "*"}, {"name": 1, "tools": []}, {"name": "a", "tools": [1]}],
)
def test_a_parameter_that_does_not_say_it_is_an_error(store: Stubber, value: Any) -> None:
    has(store, "abc", value)
    with pytest.raises((TypeError, ValueError, KeyError)):
        caller_of({"client_id": "abc"}, "client_id", PREFIX)


@pytest.fixture
def handed() -> Interceptor:
    """What is visible is what the caller was handed."""
    made = Interceptor()

    @made.filter_tools
    def visible(tool: Tool, caller: Caller, claims: Claims) -> bool:
        return caller.may_call(tool.name)

    return made


def listed(handed: Interceptor, claims: Any) -> Any:
    tools = [events.tool(name) for name in ("math___add_numbers", "math___multiply", "orders___create")]
    told = None if claims is None else events.bearer(claims)
    event = events.response(events.message("tools/list"), events.result({"tools": tools}), told)
    return answered(judged(event, handed, inbound="jwt", callers=PREFIX, client="client_id"))


def test_a_token_s_client_sees_what_it_was_handed(store: Stubber, handed: Interceptor) -> None:
    has(store, "abc", {"name": "assistant", "tools": TOOLS})
    names = [it["name"] for it in listed(handed, {"client_id": "abc"})["result"]["tools"]]
    assert names == ["math___add_numbers", "orders___create"]


def test_a_client_that_nobody_knows_sees_nothing(store: Stubber, handed: Interceptor) -> None:
    store.add_client_error("get_parameter", "ParameterNotFound", expected_params={"Name": PREFIX + "abc"})
    assert listed(handed, {"client_id": "abc"})["result"] == {"tools": []}
    assert "result" not in listed(handed, None)
    store.add_client_error("get_parameter", "InternalServerError", expected_params={"Name": PREFIX + "b"})
    assert "result" not in listed(handed, {"client_id": "b"})
