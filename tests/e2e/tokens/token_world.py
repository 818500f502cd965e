"""A deployment with tokens whose agents really run, and what there is to be said of them afterwards."""

import copy
import json
import os
import signal
import time
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from tests.e2e.tokens.identity_front import IdentityFront
from tests.planning import SAMPLE
from toolgate.local.loopback_client import open_client
from toolgate.local.serve import assembly
from toolgate.local.serve.environment import process_environment
from toolgate.local.serve.server import Serving, serve

type Export = dict[str, Any]

SUM = "What is 100 + 12?"
ANSWER = "The result is 112."
_QUIET_SECONDS = 5.5  # the agent replaces a refused token no more often than every five


@dataclass
class World:
    """What is served.

    Attributes:
        serving: The deployment.
        front: What stands before AgentCore Identity.
        deployment: The export that it began with.
        said: Everything that a caller was answered.
    """

    serving: Serving
    front: IdentityFront
    deployment: Export
    said: list[str] = field(default_factory=list)
    _calm: float = 0.0

    def ask(self, agent: str, prompt: str = SUM) -> str:
        """The agent's answer, or the status it answered with."""
        client = open_client("bedrock-agentcore", self.serving.environment, Config(read_timeout=120))
        try:
            reply = client.invoke_agent_runtime(
                agentRuntimeArn=self.serving.agents[agent],
                runtimeSessionId=f"tokens-{uuid.uuid4()}",
                payload=json.dumps({"prompt": prompt}).encode(),
            )
            text = str(json.loads(reply["response"].read())["response"])
        except client.exceptions.ClientError as error:
            text = str(error.response["Error"]["Message"])
        self.said.append(text)
        return text

    def fault(self, agent: str, prompt: str = SUM) -> str:
        """The code that the agent's log has for an invocation; the caller is told the status alone."""
        said = self.ask(agent, prompt)
        line = self.log(agent, "invocation")[-1]
        assert said.startswith(f"Received error ({line['status']})"), said
        return str(line["code"])

    def ask_at_once(self, agent: str, prompts: Iterable[str]) -> list[str]:
        """The answers to as many invocations at once."""
        every = list(prompts)
        with ThreadPoolExecutor(len(every)) as pool:
            return list(pool.map(lambda prompt: self.ask(agent, prompt), every))

    def log(self, agent: str, event: str) -> list[dict[str, Any]]:
        """The agent's lines of one kind."""
        lines = self.serving.logs[agent].read_text().splitlines()
        return [found for line in lines if line.startswith("{") and (found := json.loads(line))["event"] == event]

    def process(self, agent: str) -> int:
        """The agent's process, by its id."""
        process = self.serving._world._agents[self.serving.agents[agent]].process._process
        assert process
        return process.pid

    def kill(self, agent: str) -> None:
        """End the agent's process: the next invocation meets another one, without a token."""
        runner = self.serving._world._agents[self.serving.agents[agent]].process
        os.kill(self.process(agent), signal.SIGKILL)
        assert runner.ended_within(30)

    @contextmanager
    def calm(self) -> Iterator[None]:
        """Begin once an agent would again replace a token that is refused, which it does in the block."""
        time.sleep(max(0.0, self._calm - time.monotonic()))
        try:
            yield
        finally:
            self._calm = time.monotonic() + _QUIET_SECONDS

    @contextmanager
    def rotated(self) -> Iterator[None]:
        """Keys are replaced, which ends every token; in the block an agent gets another one."""
        with self.calm():
            self.serving.rotate_keys()
            yield

    @contextmanager
    def instead(self, changed: Export) -> Iterator[None]:
        """Serve another deployment for a while."""
        self.serving.reload(changed)
        try:
            yield
        finally:
            self.serving.reload(self.deployment)

    def found_secrets(self) -> list[str]:
        """Where a token or a client's secret stands that no log, file or answer may have."""
        issuers = self.serving._world.host.issuers
        hidden = self.front.given | set(issuers._secrets.values()) | _secrets_of(self.deployment)
        assert self.front.given, "no token was given: there was nothing to hide"
        hidden |= {part for token in self.front.given for part in token.split(".")[1:]}
        files = [it for it in self.serving.access_log.parent.rglob("*") if it.is_file()]
        texts = {str(it): it.read_text(errors="replace") for it in files} | {"answers": "\n".join(self.said)}
        agents = self.serving._world._agents
        texts |= {f"environment of {it.process.name}": str(it.process._environment) for it in agents.values()}
        texts["deployment"] = json.dumps(_shown(self.deployment))
        texts["serving"] = repr(self.serving)
        return [f"{name}: {one[:6]}..." for name, text in texts.items() for one in hidden if one and one in text]


@contextmanager
def token_world(deployment: Export, logs: Path, **options: Any) -> Iterator[World]:
    """Serve a deployment with an Identity that can be broken; what is secret is looked for at the end.

    Args:
        deployment: The parsed stack export.
        logs: Where the logs go.
        options: What `serve` takes besides.
    """
    with pytest.MonkeyPatch.context() as patch:
        fronts: list[IdentityFront] = []

        def led(*of: Any) -> dict[str, str]:
            url = of[2]
            if not fronts:
                fronts.append(IdentityFront(url))
            return {**process_environment(*of), "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE": fronts[0].url}

        patch.setattr(assembly, "process_environment", led)
        with serve(deployment, root=SAMPLE, logs=logs, **options) as serving:
            [front] = fronts
            try:
                world = World(serving, front, deployment)
                yield world
                assert world.found_secrets() == []
            finally:
                front.close()


def talkative(export: Export) -> Export:
    """The deployment with agents whose log has all that it can have."""
    made = copy.deepcopy(export)
    for one in _of(made, ":AgentcoreAgentRuntime"):
        for side in ("inputs", "outputs"):
            one[side]["environmentVariables"] |= {"AGENT_LOG_LEVEL": "debug", "AGENT_LOG_CONTENT": "true"}
    return made


def only(export: Export, agent: str) -> Export:
    """The deployment without the other agents' runtimes: each is a process."""
    made = copy.deepcopy(export)
    for one in _of(made, ":AgentcoreAgentRuntime"):
        if not one["urn"].endswith(f"::{agent}-runtime"):
            made["deployment"]["resources"].remove(one)
    return made


def _of(export: Export, type_: str) -> list[Export]:
    return [it for it in export["deployment"]["resources"] if it["type"].endswith(type_)]


_SECRET = ("4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270")


def _secrets_of(export: Export) -> set[str]:
    """The clients' secrets as the plan has them."""
    return {json.loads(it["outputs"]["clientSecret"]["plaintext"]) for it in _of(export, ":UserPoolClient")}


def _shown(value: Any) -> Any:
    """The deployment as `pulumi stack export` shows it: what is marked as a secret is not there."""
    if isinstance(value, dict):
        return "[secret]" if value.get(_SECRET[0]) == _SECRET[1] else {key: _shown(it) for key, it in value.items()}
    return [_shown(it) for it in value] if isinstance(value, list) else value
