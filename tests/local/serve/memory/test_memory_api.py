"""AgentCore Memory through plain boto3."""

import itertools
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.local.serve.memory.conftest import ARN, MEMORY, OTHER
from toolgate.local.serve.server import Serving

ClientOf = Callable[..., Any]
START = datetime(2026, 11, 30, 12, tzinfo=UTC)
NUMBERS = itertools.count()


@pytest.fixture
def session() -> str:
    """A session of this test alone."""
    return f"session-{next(NUMBERS)}"


@pytest.fixture
def client(memory_of: ClientOf) -> Any:
    return memory_of()


def said(text: str, role: str = "USER") -> dict[str, Any]:
    """A message."""
    return {"conversational": {"content": {"text": text}, "role": role}}


def create(client: Any, session: str, second: float = 0, **more: Any) -> Any:
    given = {"memoryId": MEMORY, "actorId": "assistant", "sessionId": session, "payload": [said("hello")]}
    at = {"eventTimestamp": START + timedelta(seconds=second)}
    return client.create_event(**{**given, **at, **more})["event"]


def texts(events: list[Any]) -> list[str]:
    return [it["conversational"]["content"]["text"] for event in events for it in event["payload"]]


def events_of(client: Any, session: str, **more: Any) -> Any:
    return client.list_events(**{"memoryId": MEMORY, "actorId": "assistant", "sessionId": session, **more})


def code(caught: pytest.ExceptionInfo[ClientError]) -> tuple[int, str]:
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_an_event_is_kept_as_it_was_said(client: Any, session: str) -> None:
    payload = [said("hello"), {"blob": '{"a": [1, null]}'}, {"blob": {"a": 1}}, {"json": {"content": {"b": [2]}}}]
    metadata = {"kind": {"stringValue": "turn"}}
    made = create(client, session, 0.123, payload=payload, metadata=metadata)
    assert re.fullmatch("[0-9]+#[a-fA-F0-9]+", made["eventId"])
    assert made["eventId"].startswith(f"{int(START.timestamp() * 1000) + 123:019}#")
    assert made["eventTimestamp"] == START + timedelta(milliseconds=123)
    assert (made["memoryId"], made["actorId"], made["sessionId"]) == (MEMORY, "assistant", session)
    assert (made["payload"], made["metadata"], made["branch"]) == (payload, metadata, {"name": "main"})
    named = {"memoryId": MEMORY, "actorId": "assistant", "sessionId": session, "eventId": made["eventId"]}
    assert client.get_event(**named)["event"] == made
    assert client.delete_event(**named)["eventId"] == made["eventId"]
    for gone in (client.get_event, client.delete_event):
        with pytest.raises(ClientError, match="Unable to find event") as caught:
            gone(**named)
        assert code(caught) == (404, "ResourceNotFoundException")


def test_an_event_belongs_to_its_actor_and_session_alone(client: Any, session: str) -> None:
    made = create(client, session)
    for other in ({"actorId": "assistant:bob"}, {"sessionId": "another"}, {"memoryId": OTHER}):
        named = {"memoryId": MEMORY, "actorId": "assistant", "sessionId": session, **other}
        assert client.list_events(**named)["events"] == []
        with pytest.raises(ClientError, match="Unable to find event"):
            client.get_event(**named, eventId=made["eventId"])
        with pytest.raises(ClientError, match="Unable to find event"):
            client.delete_event(**named, eventId=made["eventId"])
    assert len(events_of(client, session)["events"]) == 1


def test_the_newest_event_comes_first_whenever_it_was_told(client: Any, session: str) -> None:
    for second in (1, 3, 0, 2):
        create(client, session, second, payload=[said(f"{second}")])
    assert texts(events_of(client, session)["events"]) == ["3", "2", "1", "0"]


def test_pages_go_on_where_the_last_one_ended(client: Any, session: str) -> None:
    for second in range(25):
        create(client, session, second, payload=[said(f"{second}")])
    first = events_of(client, session)
    assert texts(first["events"]) == [f"{it}" for it in range(24, 4, -1)]
    create(client, session, 99)  # what is new moves nothing
    second = events_of(client, session, nextToken=first["nextToken"], maxResults=5)
    assert texts(second["events"]) == ["4", "3", "2", "1", "0"]
    assert "nextToken" not in second


@pytest.mark.parametrize(("include", "shown"), [(True, True), (False, False), (None, True)])
def test_payloads_are_left_out_when_they_are_not_wanted(
    client: Any, session: str, include: bool | None, shown: bool
) -> None:
    create(client, session)
    more = {} if include is None else {"includePayloads": include}
    [event] = events_of(client, session, **more)["events"]
    assert ("payload" in event) == shown


def condition(name: str, operator: str, value: str | None = None) -> dict[str, Any]:
    right = {} if value is None else {"right": {"metadataValue": {"stringValue": value}}}
    return {"left": {"metadataKey": name}, "operator": operator, **right}


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ([condition("kind", "EQUALS_TO", "turn")], ["b", "a"]),
        ([condition("kind", "EQUALS_TO", "agent")], ["c"]),
        ([condition("kind", "EXISTS")], ["c", "b", "a"]),
        ([condition("kind", "NOT_EXISTS")], ["d"]),
        ([condition("kind", "EQUALS_TO", "turn"), condition("who", "EXISTS")], ["b"]),
    ],
)
def test_events_are_filtered_by_their_metadata(
    client: Any, session: str, conditions: list[Any], found: list[str]
) -> None:
    kinds = {"a": {"kind": "turn"}, "b": {"kind": "turn", "who": "me"}, "c": {"kind": "agent"}, "d": {}}
    for second, (name, kind) in enumerate(kinds.items()):
        metadata = {key: {"stringValue": value} for key, value in kind.items()}
        create(client, session, second, payload=[said(name)], metadata=metadata)
    assert texts(events_of(client, session, filter={"eventMetadata": conditions})["events"]) == found


def test_a_filter_is_put_on_a_page_that_was_read_before(client: Any, session: str) -> None:
    create(client, session, 0, metadata={"kind": {"stringValue": "first"}})
    for second in range(1, 3):
        create(client, session, second)
    wanted = {"filter": {"eventMetadata": [condition("kind", "EXISTS")]}, "maxResults": 2}
    page = events_of(client, session, **wanted)
    assert page["events"] == []
    assert len(events_of(client, session, **wanted, nextToken=page["nextToken"])["events"]) == 1


def test_events_of_a_branch(client: Any, session: str) -> None:
    root = create(client, session)["eventId"]
    made = create(client, session, 1, branch={"name": "aside", "rootEventId": root})
    assert made["branch"] == {"name": "aside", "rootEventId": root}
    aside = events_of(client, session, filter={"branch": {"name": "aside"}})["events"]
    main = events_of(client, session, filter={"branch": {"name": "main"}})["events"]
    assert [it["eventId"] for it in (*aside, *main)] == [made["eventId"], root]
    with pytest.raises(ClientError, match="does not reproduce includeParentBranches"):
        events_of(client, session, filter={"branch": {"name": "aside", "includeParentBranches": True}})
    with pytest.raises(ClientError, match="Unable to find event"):
        create(client, session, 2, branch={"name": "b", "rootEventId": "0000000000000000001#ab"})


def test_the_same_request_makes_one_event(client: Any, session: str) -> None:
    first = create(client, session, clientToken=f"token-{session}")
    assert create(client, session, clientToken=f"token-{session}") == first
    assert len(events_of(client, session)["events"]) == 1
    with pytest.raises(ClientError, match="came with another request") as caught:
        create(client, session, 1, clientToken=f"token-{session}")
    assert code(caught) == (400, "ValidationException")
    assert caught.value.response["reason"] == "IdempotentParameterMismatchException"


def test_the_same_request_without_a_session_makes_one_event(client: Any, session: str) -> None:
    given = {"memoryId": MEMORY, "actorId": "assistant", "payload": [said("hello")], "eventTimestamp": START}
    first, again = (client.create_event(**given, clientToken=f"token-{session}")["event"] for _ in range(2))
    assert first == again


def test_a_session_is_given_to_an_event_without_one(client: Any) -> None:
    named = {"memoryId": MEMORY, "actorId": "nobody", "payload": [], "eventTimestamp": START}
    made = client.create_event(**named)["event"]
    [listed] = client.list_sessions(memoryId=MEMORY, actorId="nobody")["sessionSummaries"]
    assert listed["sessionId"] == made["sessionId"]


def test_actors_and_sessions_are_listed(client: Any) -> None:
    for actor, session in (("lister", "b"), ("lister", "a"), ("lister:alice", "c"), ("lister/x", "d")):
        made = create(client, session, actorId=actor)
    for actor, sessions in (("lister", ["a", "b"]), ("lister:alice", ["c"]), ("lister/x", ["d"]), ("unknown", [])):
        listed = client.list_sessions(memoryId=MEMORY, actorId=actor)["sessionSummaries"]
        assert [it["sessionId"] for it in listed] == sessions
        assert all(it["actorId"] == actor and it["createdAt"].year >= 2026 for it in listed)
    page = client.list_sessions(memoryId=MEMORY, actorId="lister", maxResults=1)
    rest = client.list_sessions(memoryId=MEMORY, actorId="lister", maxResults=1, nextToken=page["nextToken"])
    assert [it["sessionId"] for it in (*page["sessionSummaries"], *rest["sessionSummaries"])] == ["a", "b"]
    assert "nextToken" not in rest
    client.delete_event(memoryId=MEMORY, actorId="lister/x", sessionId="d", eventId=made["eventId"])
    # Measured on AWS: they stay, although nothing is left of them.
    actors = [it["actorId"] for it in client.list_actors(memoryId=MEMORY, maxResults=100)["actorSummaries"]]
    assert [it for it in actors if it.startswith("lister")] == ["lister", "lister/x", "lister:alice"]
    assert len(client.list_sessions(memoryId=MEMORY, actorId="lister/x")["sessionSummaries"]) == 1
    with_events = {"filter": {"eventFilter": "HAS_EVENTS"}}
    assert client.list_sessions(memoryId=MEMORY, actorId="lister/x", **with_events)["sessionSummaries"] == []


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"actorId": "*"}, "'actorId' failed to satisfy constraint: Member must satisfy regular expression"),
        ({"actorId": "a" * 256}, "'actorId' failed to satisfy constraint: Member must have length less"),
        ({"sessionId": "-a"}, "'sessionId' failed to satisfy"),
        ({"memoryId": "conversations"}, "'memoryId' failed to satisfy"),
        ({"payload": None}, "null at 'payload'"),
        ({"payload": [{}]}, "exactly one of"),
        ({"payload": [said("a", "SYSTEM")]}, "enum value set"),
        ({"payload": [said("")]}, "greater than or equal to 1"),
        ({"payload": [said("a" * 100_001)]}, "less than or equal to 100000"),
        ({"payload": [said("a")] * 101}, "less than or equal to 100"),
        ({"metadata": {f"{it}": {"stringValue": "a"} for it in range(16)}}, "less than or equal to 15"),
        ({"metadata": {"a": {"stringValue": "a;b"}}}, "regular expression"),
        ({"eventTimestamp": -1}, "seconds since 1970"),
    ],
)
def test_a_request_is_checked_by_the_services_model(client: Any, session: str, more: dict[str, Any], says: str) -> None:
    with pytest.raises(ClientError, match=re.escape(says)) as caught:
        create(client, session, **more)
    assert code(caught) == (400, "ValidationException")
    assert caught.value.response["reason"] == "FieldValidationFailed"
    assert not events_of(client, session)["events"]


def test_what_a_message_says_is_not_in_the_error(client: Any, session: str) -> None:
    with pytest.raises(ClientError) as caught:
        create(client, session, payload=[said("hunter2" * 20_000)])
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "more",
    [
        {"maxResults": 101},
        {"maxResults": 0},
        {"filter": {"eventMetadata": []}},
        {"filter": {"eventMetadata": [condition("a", "EQUALS_TO")]}},
        {"filter": {"eventMetadata": [condition("a", "EXISTS", "b")]}},
        {"filter": {"eventMetadata": [condition("a", "BEFORE", "b")]}},
    ],
)
def test_a_list_is_checked_too(client: Any, session: str, more: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as caught:
        events_of(client, session, **more)
    assert code(caught) == (400, "ValidationException")


def test_a_message_may_have_a_hundred_thousand_characters(client: Any, session: str) -> None:
    create(client, session, payload=[said("a" * 100_000)] * 100)
    assert len(texts(events_of(client, session)["events"])) == 100


def test_a_memory_that_is_not_there(client: Any) -> None:
    with pytest.raises(ClientError, match="Memory not found") as caught:
        client.list_actors(memoryId="nothing-ABCDEFGHIJ")
    assert code(caught) == (404, "ResourceNotFoundException")


def test_a_memory_by_its_arn(client: Any, session: str) -> None:
    create(client, session, memoryId=f"{ARN}{MEMORY}")
    assert len(events_of(client, session)["events"]) == 1


@pytest.mark.parametrize(
    ("operation", "more"),
    [
        ("retrieve_memory_records", {"searchCriteria": {"searchQuery": "a"}, "namespacePath": "/facts/"}),
        ("list_memory_records", {"namespace": "/facts/"}),
        ("get_memory_record", {"memoryRecordId": "mem-" + "a" * 36}),
        ("batch_delete_memory_records", {"records": [{"memoryRecordId": "mem-" + "a" * 36}]}),
        ("list_memory_extraction_jobs", {}),
    ],
)
def test_records_are_refused_to_who_may_ask_for_them(
    client: Any, memory_of: ClientOf, operation: str, more: dict[str, Any]
) -> None:
    with pytest.raises(ClientError, match="does not reproduce") as caught:
        getattr(client, operation)(memoryId=MEMORY, **more)
    assert code(caught)[0] == 501
    with pytest.raises(ClientError, match="not authorized to perform") as caught:
        getattr(memory_of("agent"), operation)(memoryId=MEMORY, **more)
    assert code(caught) == (403, "AccessDeniedException")


def denied(work: Callable[[], Any]) -> bool:
    try:
        work()
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDeniedException":
            raise
        return True
    return False


@pytest.mark.parametrize(
    ("actor", "refused"),
    [
        ("assistant", False),
        ("assistant:alice", False),
        ("assistants", True),
        ("other", True),
        ("other:assistant", True),
    ],
)
def test_the_actor_of_a_request_is_what_a_condition_is_about(
    memory_of: ClientOf, session: str, actor: str, refused: bool
) -> None:
    agent = memory_of("agent")
    assert denied(lambda: create(agent, session, actorId=actor)) == refused
    assert denied(lambda: events_of(agent, session, actorId=actor)) == refused


@pytest.mark.parametrize("operation", ["get_event", "delete_event", "list_sessions", "list_actors"])
def test_an_agent_may_do_what_its_policy_says_and_nothing_else(memory_of: ClientOf, operation: str) -> None:
    more = {
        "get_event": {"actorId": "assistant", "sessionId": "s", "eventId": "1#a"},
        "delete_event": {"actorId": "assistant", "sessionId": "s", "eventId": "1#a"},
        "list_sessions": {"actorId": "assistant"},
        "list_actors": {},
    }[operation]
    assert denied(lambda: getattr(memory_of("agent"), operation)(memoryId=MEMORY, **more))
    assert denied(lambda: events_of(memory_of("agent"), "s", memoryId=OTHER))


def test_a_condition_on_the_session(memory_of: ClientOf) -> None:
    bound = memory_of("session")
    assert not denied(lambda: create(bound, "one", actorId="anybody"))
    assert denied(lambda: create(bound, "two", actorId="anybody"))
    without = {"memoryId": MEMORY, "actorId": "anybody", "payload": [], "eventTimestamp": START}
    assert denied(lambda: bound.create_event(**without))  # a key that the request does not bring


@pytest.mark.parametrize(
    ("named", "refused"),
    [
        ({"namespacePath": "/facts/assistant/"}, False),
        ({"namespacePath": "/facts/other/"}, True),
        ({"namespace": "/facts/assistant/"}, True),
        ({}, True),
    ],
)
def test_the_namespace_of_a_request_is_what_a_condition_is_about(
    memory_of: ClientOf, named: dict[str, str], refused: bool
) -> None:
    search = {"memoryId": MEMORY, "searchCriteria": {"searchQuery": "what"}, **named}
    with pytest.raises(ClientError) as caught:
        memory_of("recall").retrieve_memory_records(**search)
    assert code(caught) == ((403, "AccessDeniedException") if refused else (501, "UnknownOperationException"))


def _signed(serving: Serving) -> Iterator[tuple[str, dict[str, str], bytes]]:
    """Requests of an agent: two for another actor that also name its own, and some that are none."""
    variables = serving.session("arn:aws:iam::123456789012:role/agent").environment()
    keys = [variables[f"AWS_{it}"] for it in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")]
    body = {"actorId": "other", "sessionId": "s", "eventTimestamp": 1, "payload": []}
    late = [json.dumps(body | {"actorId": "assistant", "eventTimestamp": it}) for it in (10**15, "2026-11-30", True)]
    for query, content in (
        ("?actorId=assistant", json.dumps(body)),
        ("", '{"actorId": "assistant", ' + json.dumps(body)[1:]),
        *(("", it) for it in ("[]", "{", *late)),
    ):
        url = f"{serving.url}/memories/{MEMORY}/events{query}"
        request = AWSRequest("POST", url, data=content, headers={"content-type": "application/json"})
        SigV4Auth(Credentials(*keys), "bedrock-agentcore", "us-east-1").add_auth(request)
        yield url, dict(request.headers), content.encode()


def test_no_other_reading_of_a_request_gets_past_a_condition(serving: Serving) -> None:
    answers = [httpx.post(url, headers=headers, content=body) for url, headers, body in _signed(serving)]
    assert [it.status_code for it in answers] == [403, 403, 400, 400, 400, 400, 400]


def test_an_unsigned_request_is_refused(serving: Serving) -> None:
    answer = httpx.post(f"{serving.url}/memories/{MEMORY}/actors", json={})
    assert (answer.status_code, answer.json()["message"]) == (403, "Missing Authentication Token")
