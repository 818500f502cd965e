"""What the agent remembers, asked over HTTP, with each memory."""

import asyncio
import json
import logging
import random
import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from contract import Request
from invocation import Invocation
from memory_settings import EventMemory
from server import build_service
from settings import Settings
from tests.agent import fake_bedrock, fake_gateway
from tests.agent.conftest import PATIENT
from tests.agent.conversation.conftest import DURABLE, KINDS, MEMORIES, NAME, SESSION, USER
from tests.agent.conversation.fake_stores import MEMORY_ID, FakeEvents, Store
from tests.agent.fake_bedrock import FakeBedrock
from tests.agent.fake_gateway import FakeGateway
from toolgate.local.serve.model import converse_messages

CALL = 'call math___add_numbers {"a": 100, "b": 12}'
# What the documentation says of each memory, and what its grant is made of.
ACTIONS = {
    "session": set(),
    "s3": {"s3:GetObject", "s3:PutObject", "s3:ListBucket"},
    "agentcore": {"bedrock-agentcore:CreateEvent", "bedrock-agentcore:ListEvents"},
}
READ = {"s3": "s3:ListBucket", "agentcore": "bedrock-agentcore:ListEvents"}
WRITE = {"s3": "s3:PutObject", "agentcore": "bedrock-agentcore:CreateEvent"}


def ask(agent: TestClient, prompt: str, **headers: str) -> tuple[int, str]:
    answer = agent.post("/invocations", json={"prompt": prompt}, headers=headers)
    document = answer.json()
    return answer.status_code, document["response"] if answer.status_code == 200 else document["error"]["code"]


def shown(bedrock: FakeBedrock) -> list[str]:
    """The prompts that the model was shown last."""
    messages = bedrock.requests[-1]["messages"]
    return [
        block["text"]
        for message in messages
        if message["role"] == "user"
        for block in message["content"][:1]
        if "text" in block
    ]


def test_a_session_is_remembered_and_nothing_else_is(agent: TestClient, bedrock: FakeBedrock) -> None:
    assert ask(agent, "one") == (200, "You said: one")
    assert ask(agent, CALL)[0] == 200
    ask(agent, "two")
    assert shown(bedrock) == ["one", CALL, "two"]
    assert [message["role"] for message in bedrock.requests[-1]["messages"]] == ["user", "assistant"] * 3 + ["user"]
    for others in ({SESSION: "t" * 40}, {USER: "alice"}, {USER: "alice/../own"}, {SESSION: ""}, {SESSION: ""}):
        ask(agent, "else", **others)
        assert shown(bedrock) == ["else"]
    ask(agent, "more", **{USER: "alice"})
    assert shown(bedrock) == ["else", "more"]
    ask(agent, "three")
    assert shown(bedrock) == ["one", CALL, "two", "three"]
    assert bedrock.refused == []


def test_a_user_in_the_body_is_nobody(agent: TestClient, bedrock: FakeBedrock) -> None:
    ask(agent, "one")
    body = {"prompt": "two", "user": "alice", "runtimeUserId": "alice", "session_id": "other", "actorId": "x"}
    assert agent.post("/invocations", json=body, headers={"baggage": "user=alice"}).status_code == 200
    assert shown(bedrock) == ["one", "two"]


def test_a_streamed_answer_is_remembered(agent: TestClient, bedrock: FakeBedrock) -> None:
    answer = agent.post("/invocations", json={"prompt": "one", "stream": True})
    assert '"status": "success"' in answer.text
    ask(agent, "two")
    assert shown(bedrock) == ["one", "two"]


# What the model does, call by call; the gateway fails where it does nothing.
OF_A_TURN: dict[str, list[fake_bedrock.Fault]] = {
    "model refuses": [fake_bedrock.refusal("AccessDeniedException", 403)],
    "model breaks off": [fake_bedrock.cut_off],
    "model breaks off later": [fake_bedrock.whole, fake_bedrock.ended_early],
    "no answer": [fake_bedrock.whole, fake_bedrock.empty],
    "cut": [fake_bedrock.stopped("max_tokens")],
    "filtered": [fake_bedrock.stopped("guardrail_intervened")],
    "gateway": [],
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("case", OF_A_TURN)
def test_a_fault_leaves_the_conversation_as_it_was(
    agent: TestClient, gateway: FakeGateway, bedrock: FakeBedrock, store: Store, *, case: str, stream: bool
) -> None:
    ask(agent, "one")
    written = [call for call in store.calls if call.action in WRITE.values()]
    for fault in OF_A_TURN[case]:
        bedrock.inject(fault)
    if not OF_A_TURN[case]:
        gateway.inject("tools/call", fake_gateway.status(503))
    answer = agent.post("/invocations", json={"prompt": CALL, "stream": stream})
    assert '"status":"error"' in answer.text.replace(" ", "")
    bedrock.heal()
    gateway.heal()
    assert [call for call in store.calls if call.action in WRITE.values()] == written
    assert ask(agent, "two") == (200, "You said: two")
    assert shown(bedrock) == ["one", "two"]
    assert bedrock.refused == []


def test_turns_without_an_end(serve: Callable[..., TestClient], bedrock: FakeBedrock) -> None:
    agent = serve(turns=2)
    ask(agent, "one")
    assert ask(agent, "loop math___add_numbers") == (502, "turn_limit")
    ask(agent, "two")
    assert shown(bedrock) == ["one", "two"]


def test_a_conversation_that_the_model_finds_too_long_goes_on_shorter(agent: TestClient, bedrock: FakeBedrock) -> None:
    for number in range(4):
        ask(agent, f"{number}")
    too_long = fake_bedrock.invalid("Input is too long for requested model.")
    bedrock.inject(too_long, times=2)
    assert ask(agent, CALL)[0] == 200
    assert shown(bedrock) == ["2", "3", CALL]
    ask(agent, "last")
    assert shown(bedrock) == ["2", "3", CALL, "last"]
    assert bedrock.refused == []


def test_a_turn_that_was_shortened_in_its_middle_is_whole(agent: TestClient, bedrock: FakeBedrock) -> None:
    ask(agent, "one")
    bedrock.inject(fake_bedrock.whole)
    bedrock.inject(fake_bedrock.invalid("Input is too long for requested model."), times=1)
    assert ask(agent, CALL) == (200, 'The tool said: {"result": 112}')
    assert ask(agent, "two") == (200, "You said: two")
    assert bedrock.refused == []
    assert CALL in shown(bedrock)
    assert not converse_messages.problem(bedrock.requests[-1]["messages"])


def test_a_hundred_turns_take_no_more_than_the_bounds(serve: Callable[..., TestClient], bedrock: FakeBedrock) -> None:
    agent = serve(conversation_turns=1000, conversation_bytes=3_000)
    with agent:
        sizes = []
        for number in range(100):
            assert ask(agent, f"{number} " + "x" * 50)[0] == 200
            sizes.append(len(json.dumps(bedrock.requests[-1]["messages"])))
    assert max(sizes) < 3_000 + 200
    assert shown(bedrock)[-2].startswith("98 ")


@pytest.mark.parametrize("kind", KINDS, indirect=True)
def test_two_hundred_conversations_never_mix(
    gateway: FakeGateway, bedrock: FakeBedrock, store: Store, kind: str
) -> None:
    """Prompts name their conversation; what the model is shown is that conversation's successes, in order."""
    chance = random.Random(kind)
    faults: list[Any] = [fake_bedrock.cut_off, fake_bedrock.refusal("AccessDeniedException", 403), fake_bedrock.empty]
    # A busy machine serves so many slowly: the bound of their time is that of other tests.
    bounds: dict[str, Any] = {"sessions": 100, "invocation_seconds": 900, "concurrency": 16}
    service = build_service(Settings(**PATIENT, memory=MEMORIES[kind], gateway_urls=(gateway.url,), **bounds))
    for _ in range(600):
        bedrock.inject(chance.choice(faults) if chance.random() < 0.2 else fake_bedrock.whole)
    codes: list[str] = []

    async def converse(number: int) -> None:
        succeeded: list[str] = []
        uncertain: set[str] = set()
        session, user = f"s{number // 2}", [None, "alice"][number % 2]
        for turn in range(3):
            prompt = f"c{number}-{turn}"
            _, body = await service.answer(Request(prompt, False), Invocation(prompt, session, user))
            code = body.get("error", {}).get("code", "success")
            codes.append(code)
            for asked in bedrock.requests:
                if asked["messages"][-1]["content"][0]["text"] == prompt:
                    *before, _ = [one["content"][0]["text"] for one in asked["messages"] if one["role"] == "user"]
                    expected = [one for one in succeeded if one in before or kind != "session"]
                    assert [one for one in before if one not in uncertain] == expected
                    # The process alone may have dropped it, as it was unused longest; then all that was before.
                    assert expected == succeeded[len(succeeded) - len(expected) :]
            if code == "success":
                succeeded.append(prompt)
            elif code == "memory_unavailable":  # the bound of a memory's time stands: it may be stored
                uncertain.add(prompt)

    async def all_of_them() -> None:
        await asyncio.gather(*map(converse, range(200)))

    asyncio.run(all_of_them())
    service.close()
    assert bedrock.refused == []
    assert set(codes) <= {"success", "model_failed", "model_refused", "answer_empty", "memory_unavailable"}
    assert codes.count("success") > 300


# What outlives the process


@pytest.mark.parametrize("kind", KINDS, indirect=True)
def test_what_outlives_the_process(serve: Callable[..., TestClient], bedrock: FakeBedrock, kind: str) -> None:
    for number in range(5):
        assert ask(serve(), f"turn {number}", **{SESSION: "s" * 40})[0] == 200
    before = [f"turn {number}" for number in range(4)] if kind in DURABLE else []
    assert shown(bedrock) == [*before, "turn 4"]
    for others in ({SESSION: "t" * 40}, {SESSION: "s" * 40, USER: "alice"}, {SESSION: ""}):
        ask(serve(), "else", **others)
        assert shown(bedrock) == ["else"]


@pytest.mark.parametrize("kind", DURABLE, indirect=True)
def test_tool_calls_and_large_turns_outlive_the_process(
    serve: Callable[..., TestClient], bedrock: FakeBedrock, store: Store
) -> None:
    session = {SESSION: "s" * 40}
    agent = serve(prompt_characters=200_000, conversation_bytes=1_000_000)
    assert ask(agent, CALL, **session)[0] == 200
    assert ask(agent, "é" * 120_000, **session)[0] == 200
    ask(serve(conversation_bytes=1_000_000), "next", **session)
    assert shown(bedrock) == [CALL, "é" * 120_000, "next"]
    first = bedrock.requests[-1]["messages"][:4]
    assert [set(message["content"][0]) for message in first] == [{"text"}, {"toolUse"}, {"toolResult"}, {"text"}]
    assert bedrock.refused == []
    assert store.unsigned == 0


@pytest.mark.parametrize("kind", DURABLE, indirect=True)
def test_only_the_window_is_read(serve: Callable[..., TestClient], bedrock: FakeBedrock, store: Store) -> None:
    session = {SESSION: "s" * 40}
    agent = serve(conversation_turns=2)
    for number in range(12):
        ask(agent, str(number), **session)
    store.calls.clear()
    ask(serve(conversation_turns=2), "last", **session)
    assert shown(bedrock) == ["10", "11", "last"]
    reads = [call for call in store.calls if call.action in {"s3:GetObject", "bedrock-agentcore:ListEvents"}]
    assert len(reads) <= 5  # of a bucket the agent's object and four messages


@pytest.mark.parametrize("kind", KINDS, indirect=True)
def test_exactly_the_documented_actions_are_called(serve: Callable[..., TestClient], store: Store, kind: str) -> None:
    for session in ({SESSION: "s" * 40}, {SESSION: "s" * 40, USER: "alice"}, {SESSION: "x/../y", USER: "../own"}, {}):
        for _ in range(2):
            agent = serve()
            assert ask(agent, CALL, **session)[0] == 200
            assert ask(agent, "more", **session)[0] == 200
    assert store.actions() == ACTIONS[kind]
    for call in store.calls:
        actor = call.conditions.get("bedrock-agentcore:actorId", NAME)
        assert re.fullmatch(rf"{NAME}(:[A-Za-z0-9_-]+)?", actor)
        assert call.conditions.get("s3:prefix", NAME + "/").startswith(NAME + "/")
        where = call.resource.removeprefix("arn:aws:s3:::conversations")
        assert call.action not in {"s3:GetObject", "s3:PutObject"} or where.startswith(f"/{NAME}/")


@pytest.mark.parametrize("kind", DURABLE, indirect=True)
@pytest.mark.parametrize("calls", [READ, WRITE])
@pytest.mark.parametrize("how", ["denied", "down", "unreachable", "refused", "throttled"])
def test_a_memory_that_fails_is_a_fault_and_the_next_request_works(
    serve: Callable[..., TestClient],
    bedrock: FakeBedrock,
    store: Store,
    *,
    kind: str,
    calls: dict[str, str],
    how: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    session = {SESSION: "s" * 40}
    assert ask(serve(), "one", **session)[0] == 200
    agent = serve()
    action = calls[kind]
    if how == "denied":
        store.denied = {action}
    elif how == "unreachable":
        store.server.stop()
    else:
        store.fail(action, {"down": 503, "refused": 400, "throttled": 429}[how])
    refused = how in {"denied", "refused"}
    expected = (502, "memory_refused") if refused else (503, "memory_unavailable")
    try:
        assert ask(agent, "hunter3", **session) == expected
    finally:
        if how == "unreachable":
            store.server.start()
    [line] = [vars(record)["fields"] for record in caplog.records if record.getMessage() == "memory_failed"]
    assert line["code"] == expected[1]
    assert MEMORY_ID in line.values() or "conversations" in line.values()
    if how == "denied":
        assert line["action"] == action
        assert line["resource"].startswith("arn:aws:")
        assert line["role"] == "arn:aws:sts::123456789012:assumed-role/agent/s"
    assert "hunter" not in str(line)
    store.heal()
    assert ask(agent, "two", **session) == (200, "You said: two")
    assert shown(bedrock) == ["one", "two"]


@pytest.mark.parametrize("kind", DURABLE, indirect=True)
def test_who_stands_alone_needs_no_memory(agent: TestClient, store: Store) -> None:
    store.denied = {*READ.values(), *WRITE.values()}
    assert ask(agent, "one", **{SESSION: ""}) == (200, "You said: one")
    assert store.calls == []


# Long-term records


@pytest.fixture
def recalling(serve: Callable[..., TestClient]) -> TestClient:
    memory = EventMemory(kind="agentcore", memory_id=MEMORY_ID, actor=NAME, recall=("/facts/{actorId}/",))
    return serve(memory=memory)


@pytest.mark.parametrize("kind", ["agentcore"], indirect=True)
def test_records_are_data_beside_the_prompt_and_are_not_kept(
    recalling: TestClient, bedrock: FakeBedrock, store: FakeEvents
) -> None:
    store.records = {f"/facts/{NAME}/": ["likes tea"], f"/facts/{NAME}:alice/": ["likes wine"]}
    assert ask(recalling, "what do I like?", **{USER: "alice"}) == (200, "You said: what do I like?")
    [message] = bedrock.requests[-1]["messages"]
    assert [block["text"].splitlines()[-1] for block in message["content"]] == ["what do I like?", "- likes wine"]
    assert store.calls[-2].conditions == {"bedrock-agentcore:namespacePath": f"/facts/{NAME}:alice/"}
    assert "likes wine" not in str(list(store.events.values()))
    ask(recalling, "and?", **{USER: "alice"})
    assert str(bedrock.requests[-1]["messages"]).count("likes wine") == 1
    assert store.actions() == {*ACTIONS["agentcore"], "bedrock-agentcore:RetrieveMemoryRecords"}


@pytest.mark.parametrize("kind", ["agentcore"], indirect=True)
def test_records_are_bounded(recalling: TestClient, bedrock: FakeBedrock, store: FakeEvents) -> None:
    store.records = {f"/facts/{NAME}/": ["x" * 3000] * 9}
    ask(recalling, "hello")
    assert len(bedrock.requests[-1]["messages"][0]["content"][1]["text"]) < 4_200


@pytest.mark.parametrize("kind", ["agentcore"], indirect=True)
@pytest.mark.parametrize("status", [403, 503])
def test_records_that_cannot_be_read_are_told_and_the_turn_goes_on(
    recalling: TestClient, bedrock: FakeBedrock, store: Store, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agent")
    if status == 403:
        store.denied = {"bedrock-agentcore:RetrieveMemoryRecords"}
    else:
        store.fail("bedrock-agentcore:RetrieveMemoryRecords", status)
    assert ask(recalling, "hello") == (200, "You said: hello")
    assert len(bedrock.requests[-1]["messages"][0]["content"]) == 1
    assert [vars(record)["fields"]["call"] for record in caplog.records if record.getMessage() == "memory_failed"] == [
        "recall"
    ]


@pytest.mark.parametrize("kind", ["agentcore"], indirect=True)
def test_events_of_others_are_left_out(
    serve: Callable[..., TestClient], bedrock: FakeBedrock, store: FakeEvents
) -> None:
    session = {SESSION: "s" * 40}
    ask(serve(), "one", **session)
    [events] = store.events.values()
    for payload in (
        [{"blob": '{"session": 1}'}],
        [{"blob": {"a": 1}}],
        [{"conversational": {"content": {"text": "hello"}, "role": "USER"}}],
    ):
        events.append({**events[0], "eventId": f"{10**18}#{len(events)}", "payload": payload})
    ask(serve(), "two", **session)
    assert shown(bedrock) == ["one", "two"]
