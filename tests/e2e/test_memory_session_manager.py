"""A conversation that AgentCore's own session manager keeps in a memory, and restores in its order."""

import json
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from bedrock_agentcore.memory.integrations.strands.config import AgentCoreMemoryConfig
from bedrock_agentcore.memory.integrations.strands.session_manager import AgentCoreMemorySessionManager
from strands import Agent
from strands.models import Model
from strands.types.streaming import StreamEvent

from tests.local.serve.memory.conftest import LOCAL, MEMORY, allowed, deployment, role
from toolgate.local.serve.server import Serving, serve

ROLE = "arn:aws:iam::123456789012:role/conversing"
# It looks for what its older versions have written in the names of actors of their own making.
NEEDED = (
    allowed("CreateEvent", actorId="me"),
    allowed("ListEvents", actorId=["me", "session_turns", "session_another", "agent_one"]),
)


class Echo(Model):
    """Says what was said last, and how many messages there are."""

    def update_config(self, **_: Any) -> None:
        """Nothing to configure."""

    def get_config(self) -> dict[str, Any]:
        """Nothing is configured."""
        return {}

    async def structured_output(self, *_: Any, **__: Any) -> AsyncGenerator[dict[str, Any]]:
        """Not used."""
        raise NotImplementedError
        yield {}

    async def stream(self, messages: Any, *_: Any, **__: Any) -> AsyncGenerator[StreamEvent]:
        """One turn."""
        text = f"{len(messages)}: {messages[-1]['content'][0]['text']}"
        events: list[Any] = [
            {"messageStart": {"role": "assistant"}},
            {"contentBlockStart": {"start": {}}},
            {"contentBlockDelta": {"delta": {"text": text}}},
            {"contentBlockStop": {}},
            {"messageStop": {"stopReason": "end_turn"}},
        ]
        for event in events:
            yield event


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    made = deployment()
    made["deployment"]["resources"] += role("conversing", *NEEDED)
    with serve(made, root=LOCAL / "project", logs=tmp_path_factory.mktemp("logs")) as running:
        yield running


@pytest.fixture
def led_there(serving: Serving, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As any program is led: the endpoint of one service alone, and a role's credentials."""
    variables = serving.session(ROLE).environment()
    kept = {name: value for name, value in variables.items() if "ENDPOINT" not in name}
    endpoint = {"AWS_ENDPOINT_URL_BEDROCK_AGENTCORE": serving.url, "AWS_CONFIG_FILE": str(tmp_path / "none")}
    for name, value in {**kept, **endpoint, "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)


def agent(session: str, actor: str = "me") -> Agent:
    config = AgentCoreMemoryConfig(memory_id=MEMORY, session_id=session, actor_id=actor)
    manager = AgentCoreMemorySessionManager(config, boto_session=boto3.Session(region_name="us-east-1"))
    return Agent(agent_id="one", model=Echo(), session_manager=manager, callback_handler=None)


def texts(of: Agent) -> list[str]:
    return [message["content"][0]["text"] for message in of.messages]


@pytest.mark.usefixtures("led_there")
def test_a_second_agent_has_the_conversation_in_its_order() -> None:
    first = agent("turns")
    first("one")
    first("two")
    said = ["one", "1: one", "two", "3: two"]
    assert texts(first) == said
    second = agent("turns")
    assert texts(second) == said
    second("three")
    assert texts(agent("turns")) == [*said, "three", "5: three"]
    assert texts(agent("another")) == []


@pytest.mark.usefixtures("led_there")
def test_nobody_elses_conversation_is_there() -> None:
    with pytest.raises(Exception, match="not authorized to perform: bedrock-agentcore:ListEvents"):
        agent("turns", actor="you")


def test_a_conversation_survives_a_reload_and_goes_with_its_memory(serving: Serving) -> None:
    variables = serving.session("arn:aws:iam::123456789012:role/everything").environment()
    client = boto3.client(
        "bedrock-agentcore",
        endpoint_url=serving.url,
        region_name="us-east-1",
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=variables["AWS_SESSION_TOKEN"],
    )
    named = {"memoryId": MEMORY, "actorId": "kept", "sessionId": "s"}
    client.create_event(**named, eventTimestamp=1, payload=[{"blob": json.dumps("hello")}])
    made = deployment()
    serving.reload(made)
    assert len(client.list_events(**named)["events"]) == 1
    without = deployment()
    kept = [it for it in without["deployment"]["resources"] if it.get("id") != MEMORY]
    without["deployment"]["resources"] = kept
    serving.reload(without)
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="Memory not found"):
        client.list_events(**named)
    serving.reload(made)
    assert client.list_events(**named)["events"] == []
