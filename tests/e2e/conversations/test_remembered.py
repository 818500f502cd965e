"""What agents with memories remember, through the real program, InvokeAgentRuntime and the real stores."""

import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.conversations.hearing import CALLER, Caller, Hearing, client, log_lines, runtime, said, session_id, stack
from tests.local.serve.memory.conftest import role
from tests.planning import SAMPLE
from toolgate.local.serve.server import serve

AGENTS: dict[str, Any] = {
    "greeter": {"tools": []},
    "clerk": {"tools": ["math___add_numbers"], "memory": "s3"},
    "porter": {"tools": [], "memory": "s3"},
    "scribe": {"tools": ["math___add_numbers"], "memory": "agentcore", "recall": ["facts"]},
    "usher": {"tools": [], "memory": "agentcore"},
}
EVERY = ["greeter", "clerk", "scribe"]
DURABLE = {"clerk": "porter", "scribe": "usher"}
"""Agents with a memory, and another one in the same memory."""
OWNER = "arn:aws:iam::123456789012:role/owner"
_numbers = itertools.count()


def deployment(**changed: Any) -> dict[str, Any]:
    made = stack({**AGENTS, **changed})
    anything = {"Effect": "Allow", "Action": ["s3:*", "bedrock-agentcore:*"], "Resource": "*"}
    made["deployment"]["resources"] += role("owner", anything)
    return made


@pytest.fixture(scope="module")
def asked(hearing: Hearing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    logs = tmp_path_factory.mktemp("logs")
    with serve(deployment(), root=SAMPLE, logs=logs, model=hearing.choice) as serving:
        yield Caller(serving, client(serving, CALLER))


@pytest.fixture
def session() -> str:
    """A session of the test's own."""
    return f"s{next(_numbers)}"


@pytest.fixture
def words(session: str) -> list[str]:
    """Prompts that no other test has."""
    return [f"{session} {word}" for word in ("one", "two", "three", "four")]


@pytest.mark.parametrize("agent", EVERY)
def test_a_session_is_remembered(asked: Caller, hearing: Hearing, agent: str, session: str, words: list[str]) -> None:
    for place, prompt in enumerate(words):
        assert asked.ask(agent, prompt, session) == f"heard {prompt}"
        assert hearing.shown[prompt] == said(*words[:place])


@pytest.mark.parametrize("agent", EVERY)
def test_another_session_user_or_agent_is_not_remembered(
    asked: Caller, hearing: Hearing, agent: str, session: str, words: list[str]
) -> None:
    asked.ask(agent, words[0], session)
    asked.ask(agent, words[1], session, "alice")
    others = [
        (agent, f"{session}x", None),
        (agent, f"{session}x", "alice"),
        (agent, session, "bob"),
        (agent, session, "Alice"),
        (agent, session, f"alice/session_{session_id(session)}"),
        (agent, session, "alice:"),
        *((other, session, user) for other in AGENTS if other != agent for user in (None, "alice")),
    ]
    for place, (whom, where, user) in enumerate(others):
        prompt = f"{session} other {place}"
        assert asked.ask(whom, prompt, where, user) == f"heard {prompt}"
        assert hearing.shown[prompt] == [], (whom, where, user)
    asked.ask(agent, words[2], session)
    assert hearing.shown[words[2]] == said(words[0])
    asked.ask(agent, words[3], session, "alice")
    assert hearing.shown[words[3]] == said(words[1])


@pytest.mark.parametrize("agent", EVERY)
def test_who_survives_the_end_of_a_session(
    asked: Caller, hearing: Hearing, agent: str, session: str, words: list[str]
) -> None:
    before: list[str] = []
    for user in (None, "a user, with a blank"):
        prompts = [f"{word} {user}" for word in words]
        asked.ask(agent, prompts[0], session, user)
        asked.stop(agent, session)
        asked.ask(agent, prompts[1], session, user)
        assert hearing.shown[prompts[1]] == (said(prompts[0]) if agent in DURABLE else [])
        asked.ask(agent, prompts[2], session, user)
        before = prompts[:2] if agent in DURABLE else prompts[1:2]
        assert hearing.shown[prompts[2]] == said(*before)


@pytest.mark.parametrize("agent", DURABLE)
def test_a_tool_call_is_restored_with_its_result(asked: Caller, hearing: Hearing, agent: str, session: str) -> None:
    adds, after = f"{session} add", f"{session} after"
    asked.ask(agent, adds, session)
    asked.stop(agent, session)
    asked.ask(agent, after, session)
    assert hearing.shown[after] == [("user", adds), ("assistant", ""), ("tool", "112"), ("assistant", f"heard {adds}")]


@pytest.mark.parametrize("agent", EVERY)
def test_a_turn_that_fails_was_never_said(
    asked: Caller, hearing: Hearing, agent: str, session: str, words: list[str]
) -> None:
    asked.ask(agent, words[0], session)
    assert "Received error (502)" in asked.ask(agent, f"{session} fail", session)
    asked.ask(agent, words[1], session)
    assert hearing.shown[words[1]] == said(words[0])
    asked.stop(agent, session)
    asked.ask(agent, words[2], session)
    assert hearing.shown[words[2]] == (said(words[0], words[1]) if agent in DURABLE else [])


@pytest.mark.parametrize("agent", DURABLE)
def test_an_agent_that_was_changed_goes_on(
    asked: Caller, hearing: Hearing, agent: str, session: str, words: list[str]
) -> None:
    asked.ask(agent, words[0], session)
    asked.ask("greeter", f"{words[0]}!", session)
    process = asked.serving.logs[agent].read_text().count("\n")
    asked.serving.reload(deployment(**{agent: {**AGENTS[agent], "systemPrompt": session}}))
    asked.ask(agent, words[1], session)
    assert hearing.shown[words[1]] == said(words[0])
    assert asked.serving.logs[agent].read_text().count("\n") > process
    # Who was not changed keeps its process, and so its session.
    asked.ask("greeter", f"{words[1]}!", session)
    assert hearing.shown[f"{words[1]}!"] == said(f"{words[0]}!")
    asked.serving.reload(deployment())
    asked.ask(agent, words[2], session)
    assert hearing.shown[words[2]] == said(*words[:2])


def test_the_bucket_has_it_where_the_page_says(asked: Caller, session: str) -> None:
    settings = json.loads(runtime(deployment(), "clerk")["environmentVariables"]["MEMORY"])
    asked.ask("clerk", f"{session} own", session)
    asked.ask("clerk", f"{session} of ada", session, "ada")
    bucket = client(asked.serving, OWNER, "s3")
    for folder, prompt in (("own", f"{session} own"), ("users/ada", f"{session} of ada")):
        place = f"toolgate_agents_clerk/{folder}/session_{session_id(session)}/"
        listed = bucket.list_objects_v2(Bucket=settings["bucket"], Prefix=place)["Contents"]
        keys = {it["Key"].removeprefix(place) for it in listed}
        messages = {f"agents/agent_default/messages/message_{index}.json" for index in (0, 1)}
        assert keys == {"session.json", "agents/agent_default/agent.json", *messages}
        key = f"{place}agents/agent_default/messages/message_0.json"
        read = json.loads(bucket.get_object(Bucket=settings["bucket"], Key=key)["Body"].read())
        assert read["message"] == {"role": "user", "content": [{"text": prompt}]}


def test_the_memory_has_it_where_the_page_says(asked: Caller, session: str) -> None:
    settings = json.loads(runtime(deployment(), "scribe")["environmentVariables"]["MEMORY"])
    memory = client(asked.serving, OWNER)
    for actor, user in (("toolgate_agents_scribe", None), ("toolgate_agents_scribe:ada", "ada")):
        for number in range(2):
            asked.ask("scribe", f"{session} {actor} {number}", session, user)
        named = {"memoryId": settings["memory_id"], "actorId": actor, "sessionId": session_id(session)}
        newest, oldest = memory.list_events(**named)["events"]  # one event a turn
        for number, event in enumerate((oldest, newest)):
            texts = [it["conversational"]["content"]["text"] for it in event["payload"]]
            assert [json.loads(it)["message"]["content"][0]["text"] for it in texts] == [
                f"{session} {actor} {number}",
                f"heard {session} {actor} {number}",
            ]
    known = memory.list_actors(memoryId=settings["memory_id"])["actorSummaries"]
    assert {it["actorId"].partition(":")[0] for it in known} <= {"toolgate_agents_scribe", "toolgate_agents_usher"}


def test_what_cannot_be_recalled_is_said_and_the_turn_goes_on(asked: Caller, hearing: Hearing, session: str) -> None:
    """Nothing is extracted here: retrieval is refused, after the right to it was seen."""
    prompt = f"{session} recall"
    assert asked.ask("scribe", prompt, session) == f"heard {prompt}"
    assert hearing.notes[prompt] == []
    last = [it for it in log_lines(asked.serving, "scribe", "memory_failed") if it["call"] == "recall"][-1]
    assert "action" not in last


@pytest.mark.parametrize("agent", DURABLE)
def test_a_session_that_is_stopped_in_a_turn_has_not_said_it(
    asked: Caller, hearing: Hearing, agent: str, session: str, words: list[str]
) -> None:
    hearing.free.clear()
    hearing.waiting.clear()
    asked.ask(agent, words[0], session)
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(asked.ask, agent, f"{session} wait", session)
        assert hearing.waiting.wait(60)
        asked.stop(agent, session)
        assert answer.result() == "The session has ended: it was stopped"
    asked.ask(agent, words[1], session)
    assert hearing.shown[words[1]] == said(words[0])
    hearing.free.set()
    asked.ask(agent, words[2], session)
    assert hearing.shown[words[2]] == said(*words[:2])
