"""The agent's process with tokens: nothing is asked for at import, and its end waits for no token."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.agent.conftest import AGENT
from tests.agent.fake_bedrock import FakeBedrock
from tests.agent.fake_gateway import FakeGateway
from tests.agent.test_process import CALL, AgentProcess, variables
from tests.agent.tokens import fake_identity
from tests.agent.tokens.conftest import by_token
from tests.agent.tokens.fake_identity import ACCESS, FakeIdentity


@pytest.fixture
def environment(gateway: FakeGateway, bedrock: FakeBedrock, own_identity: FakeIdentity) -> dict[str, str]:
    return {
        **variables(gateway, bedrock),
        "GATEWAY_URL": "",
        "TOKEN_GATEWAYS": by_token(gateway.url).model_dump_json(),
        "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE": own_identity.url,
    }


@pytest.fixture
def process(environment: dict[str, str]) -> Iterator[AgentProcess]:
    agent = AgentProcess(environment)
    yield agent
    if agent.process.poll() is None:
        agent.process.kill()
        agent.process.communicate()


def test_import_and_start_ask_for_no_token(environment: dict[str, str], own_identity: FakeIdentity) -> None:
    probe = (
        "import sys, threading, os; sys.path.insert(0, sys.argv[1]); import server, settings;"
        "wanted = settings.read(os.environ); server.build_app(server.build_service(wanted), wanted);"
        "print(threading.active_count())"
    )
    command = [sys.executable, "-c", probe, str(AGENT)]
    done = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["1"]
    assert own_identity.requests == []


def test_an_invocation_over_tokens(process: AgentProcess, own_identity: FakeIdentity, gateway: FakeGateway) -> None:
    gateway.tokens = own_identity.given
    assert process.ask(CALL).json()["response"] == 'The tool said: {"result": 112}'
    assert own_identity.asked() == 1
    assert own_identity.given[0] not in json.dumps(process.end())


def test_sigterm_ends_what_waits_for_a_token(process: AgentProcess, own_identity: FakeIdentity) -> None:
    own_identity.inject(ACCESS, fake_identity.silence, times=9)
    silent = threading.Event()
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(process.ask, CALL)
        while not own_identity.asked(ACCESS):
            silent.wait(0.01)
        log = process.end()
        assert answer.result().json()["error"]["code"] in {"shutting_down", "gateway_token_unavailable"}
    assert [line["code"] for line in log if line["event"] == "invocation"] == [answer.result().json()["error"]["code"]]
