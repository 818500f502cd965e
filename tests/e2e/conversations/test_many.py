"""200 conversations at once, with failing turns, turns at the same time and sessions that end: each has its own words.

What each must have been shown is known from what it was answered, and nothing of it depends on time.
"""

import functools
import itertools
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.e2e.conversations.hearing import CALLER, Caller, Hearing, client, said, stack
from tests.planning import SAMPLE
from toolgate.local.serve.server import serve

WINDOW = 2
KEPT = 40
"""Conversations that a process keeps: fewer than there are, where a memory has the others."""
USERS = (None, "ada", "Ada", "a user: with, a comma", "x" * 300)
SESSIONS = 20
ROUNDS = {"session": 2, "s3": 1, "agentcore": 1}
"""What is kept in a memory takes its time here: a turn in the bucket is some ten requests."""
RESTARTED = 3
REFUSED = 30
AT_ONCE = 24
"""Requests under way; all conversations go on side by side. With hundreds this process is the one that is late."""
pytestmark = pytest.mark.timeout(900)


@dataclass
class Conversation:
    """What a conversation must be.

    Attributes:
        agent: Whom it is with.
        session: In which session.
        user: Whose.
        turns: The prompts that were answered, in the order in which they were.
        number: How many were asked.
    """

    agent: str
    session: str
    user: str | None
    turns: list[str] = field(default_factory=list)
    number: int = 0

    def prompt(self, word: str) -> str:
        """Words that nobody else has."""
        self.number += 1
        return f"{self.agent}/{self.session}/{(self.user or '')[:9]}/{self.number} {word}"


@pytest.fixture(scope="module", params=["session", "s3", "agentcore"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def deployment(kind: str) -> dict[str, Any]:
    agents = {name: {"tools": [], "memory": kind} for name in ("one", "two")}
    kept = 1000 if kind == "session" else KEPT
    patient = {"AGENT_MODEL_SECONDS": "600", "AGENT_INVOCATION_SECONDS": "800"}  # on a machine that is busy
    return stack(agents, {"AGENT_CONVERSATION_TURNS": str(WINDOW), "AGENT_SESSIONS": str(kept), **patient})


@pytest.fixture(scope="module")
def asked(hearing: Hearing, kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    logs = tmp_path_factory.mktemp("logs")
    with serve(deployment(kind), root=SAMPLE, logs=logs, model=hearing.choice) as serving:
        yield Caller(serving, client(serving, CALLER))


@pytest.fixture
def conversations() -> list[Conversation]:
    """Sessions and users have the same names with both agents."""
    every = itertools.product(("one", "two"), range(SESSIONS), USERS)
    return [Conversation(agent, f"s{session}", user) for agent, session, user in every]


def test_each_has_its_own_successful_turns_and_nothing_else(
    asked: Caller, hearing: Hearing, kind: str, conversations: list[Conversation]
) -> None:
    assert len(conversations) == 200
    chance = random.Random(18)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for _ in range(ROUNDS[kind]):
            chance.shuffle(conversations)
            whats = chance.choices(["turn", "fail", "both"], [3, 1, 1], k=len(conversations))
            list(threads.map(functools.partial(goes_on, asked, hearing), conversations, whats))
            for agent, number in itertools.product(("one", "two"), chance.sample(range(SESSIONS), RESTARTED)):
                restart(asked, kind, agent, f"s{number}", conversations)
        if kind != "session":
            with refusing(asked, kind):
                some = chance.sample(conversations, REFUSED)
                list(threads.map(functools.partial(goes_on, asked, hearing), some, itertools.repeat("fail")))
        list(threads.map(functools.partial(goes_on, asked, hearing), conversations, itertools.repeat("turn")))
    assert max(len(it.turns) for it in conversations) > WINDOW


def goes_on(asked: Caller, hearing: Hearing, one: Conversation, what: str) -> None:
    """A turn of a conversation, one that fails, or two at the same time; what the model was shown is as it must be."""
    asks = [one.prompt(what) for _ in range(2 if what == "both" else 1)]
    with ThreadPoolExecutor(len(asks)) as threads:
        answers = list(threads.map(lambda it: asked.ask(one.agent, it, one.session, one.user), asks))
    if what == "fail":
        assert "Received error (502)" in answers[0]
    else:
        assert answers == [f"heard {it}" for it in asks]
    # Of two, the second one was shown the first, whichever that was.
    for prompt in sorted(asks, key=lambda it: sum(("user", other) in hearing.shown[it] for other in asks)):
        assert hearing.shown[prompt] == said(*one.turns[-WINDOW:]), prompt
        if what != "fail":
            one.turns.append(prompt)


def restart(asked: Caller, kind: str, agent: str, session: str, conversations: list[Conversation]) -> None:
    """End a session: what only its process knew is gone, for each of its users."""
    asked.stop(agent, session)
    for one in conversations:
        if kind == "session" and (one.agent, one.session) == (agent, session):
            one.turns.clear()


@contextmanager
def refusing(asked: Caller, kind: str) -> Iterator[None]:
    """For as long as the block runs the memory takes nothing: every turn fails, whatever the model says."""
    writes = {"s3": "s3:PutObject", "agentcore": "bedrock-agentcore:CreateEvent"}[kind]
    made = deployment(kind)
    for entry in made["deployment"]["resources"]:
        if entry["type"] == "aws:iam/rolePolicy:RolePolicy":
            for properties in (entry["inputs"], entry["outputs"]):
                properties["policy"] = properties["policy"].replace(f'"{writes}"', '"s3:GetObject"')
    asked.serving.reload(made)
    yield
    asked.serving.reload(deployment(kind))
