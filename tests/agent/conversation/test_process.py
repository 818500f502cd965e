"""Conversations when the agent's process ends and another one begins."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.agent.conftest import AGENT
from tests.agent.conversation.conftest import DURABLE, MEMORIES, SESSION, USER
from tests.agent.conversation.fake_stores import Store
from tests.agent.conversation.test_remembered import shown
from tests.agent.fake_bedrock import FakeBedrock
from tests.agent.fake_gateway import FakeGateway
from tests.agent.test_process import AgentProcess, variables


@pytest.fixture
def start(
    gateway: FakeGateway, bedrock: FakeBedrock, stores: dict[str, Store], kind: str
) -> Callable[[], AgentProcess]:
    memory = MEMORIES[kind]
    environment = {
        **variables(gateway, bedrock),
        "AWS_ENDPOINT_URL_S3": stores["s3"].url,
        "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE": stores["agentcore"].url,
        "MEMORY": memory.model_dump_json() if memory else "",
    }
    return lambda: AgentProcess(environment)


def ask(agent: AgentProcess, prompt: str, **headers: str) -> str:
    body = {"prompt": prompt}
    answer = httpx.post(agent.url + "/invocations", json=body, headers={SESSION: "s" * 40, **headers}, timeout=None)
    return str(answer.json()["response"])


def test_a_process_that_begins_anew(start: Callable[[], AgentProcess], bedrock: FakeBedrock, kind: str) -> None:
    first = start()
    ask(first, 'call math___add_numbers {"a": 1, "b": 1}')
    ask(first, "one")
    assert len(shown(bedrock)) == 2
    log = first.end()
    assert {line["event"] for line in log} == {"invocation"}
    second = start()
    ask(second, "two")
    before = ['call math___add_numbers {"a": 1, "b": 1}', "one"]
    assert shown(bedrock) == [*(before if kind in DURABLE else []), "two"]
    ask(second, "else", **{USER: "alice"})
    assert shown(bedrock) == ["else"]
    second.end()


def test_a_memory_that_is_not_set_is_not_imported() -> None:
    program = "import json, sys, main; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=AGENT, capture_output=True, text=True, check=True)
    modules: list[Any] = json.loads(done.stdout.splitlines()[-1])
    assert not [name for name in modules if name.startswith(("bedrock_agentcore.memory", "conversation.s3"))]
    assert "conversation.agentcore" not in modules
