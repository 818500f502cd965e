"""`toolgate:memory`, and what an agent says of its conversations."""

import json
import runpy
from typing import Any

import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.settings.memory import AgentKeeps, Conversations, MemoryKind

FACTS: Any = {"type": "SEMANTIC", "namespace": "/facts/{actorId}/"}
KEPT = {"agents": {"a": {"memory": "agentcore"}}}


def test_without_a_word_conversations_live_in_the_process(load: Any) -> None:
    loaded = load({"agents": {"a": {}, "b": {"memory": "session"}}})
    assert loaded.agents["a"].keeps == loaded.agents["b"].keeps == AgentKeeps(MemoryKind.SESSION)
    assert loaded.conversations == Conversations(30, {})


def test_what_is_said(load: Any) -> None:
    agents = {"a": {"memory": "agentcore", "recall": ["facts"]}, "b": {"memory": "s3"}}
    loaded = load({"agents": agents, "memory": {"expiryDays": 7, "strategies": {"facts": FACTS}}})
    assert loaded.agents["a"].keeps == AgentKeeps(MemoryKind.AGENTCORE, ("facts",))
    assert loaded.agents["b"].keeps == AgentKeeps(MemoryKind.S3)
    assert loaded.conversations == Conversations(7, {"facts": FACTS})


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"agents": {"a": {"memory": "redis"}}},
            r"agents\.a\.memory: 'redis' is not one of 'session', 's3', 'agentcore'",
        ),
        ({"agents": {"a": {"recall": ["facts"]}}}, r"agents\.a\.recall: only an AgentCore memory makes records"),
        ({"agents": {"a": {"memory": "s3", "recall": ["facts"]}}}, r"agents\.a\.recall: only an AgentCore memory"),
        (
            {"agents": {"a": {"memory": "agentcore", "recall": ["facts"]}}},
            r"agents\.a\.recall: has no strategy 'facts'\. Strategies: none",
        ),
        ({**KEPT, "memory": {"expiryDays": 6}}, r"toolgate:memory\.expiryDays: is 6; 7 to 365"),
        ({**KEPT, "memory": {"expiryDays": "6"}}, r"toolgate:memory\.expiryDays: must be a whole number"),
        ({**KEPT, "memory": {"days": 6}}, "unknown key 'days'"),
        ({**KEPT, "memory": "none"}, "toolgate:memory: must be a map of expiryDays and strategies"),
        (
            {**KEPT, "memory": {"strategies": {"a": {**FACTS, "type": "FACTS"}}}},
            r"strategies\.a\.type: 'FACTS' is not one",
        ),
        (
            {**KEPT, "memory": {"strategies": {"a": {**FACTS, "namespace": "x"}}}},
            r"memory\.strategies\.a\.namespace: 'x'",
        ),
        ({"memory": {"expiryDays": 7}}, "toolgate:memory: no agent keeps its conversations"),
        ({"agents": {"a": {"memory": "session"}}, "memory": {}}, "toolgate:memory: no agent keeps its conversations"),
        (
            {"agents": {"a": {"memory": "s3"}}, "memory": {"strategies": {"facts": FACTS}}},
            r"toolgate:memory\.strategies: no agent has memory: agentcore",
        ),
    ],
)
def test_what_cannot_be_is_an_error_before_anything_is_made(load: Any, config: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(config)


def test_the_program_makes_what_its_agents_need_and_hands_it_to_them(run: Any, program: Any) -> None:
    agents = {
        "one": {"tools": [], "memory": "agentcore", "recall": ["facts"]},
        "two": {"tools": [], "memory": "s3"},
        "three": {"tools": []},
    }
    memory = {"expiryDays": 9, "strategies": {"facts": FACTS}}
    config = {"agents": agents, "memory": memory, "tags": {"team": "agents"}, "kmsKey": "create", "protect": True}
    recorded = run(program, config)
    kept = recorded.one("AgentcoreMemory", "conversations-memory")
    assert (kept.inputs["eventExpiryDuration"], kept.inputs["tags"], kept.protect) == (9, {"team": "agents"}, True)
    assert "encryptionKeyArn" in kept.inputs
    bucket = recorded.one("Bucket", "conversations")
    assert (bucket.inputs["tags"], bucket.inputs["forceDestroy"]) == ({"team": "agents"}, False)
    assert recorded.one("BucketServerSideEncryptionConfiguration", "conversations")
    told = {
        name: json.loads(found.get("MEMORY", "null") or "null")
        for name in agents
        for found in [recorded.one("AgentcoreAgentRuntime", f"{name}-runtime").inputs["environmentVariables"]]
    }
    assert told["one"]["recall"] == ["/facts/{actorId}/"]
    assert (told["two"]["kind"], told["two"]["prefix"], told["three"]) == ("s3", "toolgate_dev_two", None)


def test_without_such_an_agent_the_program_makes_neither(run: Any) -> None:
    recorded = run(lambda: runpy.run_path("__main__.py", run_name="__main__"))
    assert not [name for kind, name in recorded.types() if "emory" in kind or name == "conversations"]
