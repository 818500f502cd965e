"""A stack's whole life: each setting changed, updates that break off, and the end. Nothing is left over."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import grpc
import pytest
from pulumi import automation as auto

from toolgate.components.iam import iam_propagation
from toolgate.local.engine.provider import Provider, started

from .conftest import Engine, Start
from .control_api import ControlApi, served

GATEWAY = "aws:bedrock/agentcoreGateway:AgentcoreGateway"
TARGET = "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget"
RUNTIME = "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime"
POLICY = "aws:bedrock/agentcorePolicy:AgentcorePolicy"
SUBNETS = {"subnets": ["subnet-0123456789abcdef0"], "securityGroups": ["sg-0123456789abcdef0"]}
STATEMENT = {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::reports/*"]}
SETTINGS: list[tuple[str, str]] = [
    ("authorization", "tool"),
    ("observability", "{}"),
    ("logLevel", "debug"),
    ("modelId", "global.anthropic.claude-haiku-4-5-20251001-v1:0"),
    ("agents", json.dumps({"assistant": {"systemPrompt": "Be short."}, "greeter": {"tools": ["math"]}})),
    ("agents", json.dumps({"assistant": {"statements": [STATEMENT]}})),
    ("targets", json.dumps({"math": {"timeout": 9, "environment": {"LEVEL": "1"}, "reservedConcurrency": 2}})),
    ("network", json.dumps(SUBNETS)),
    ("tags", json.dumps({"team": "agents"})),
    ("permissionsBoundary", "arn:aws:iam::123456789012:policy/boundary"),
    ("kmsKey", "create"),
    ("authorization", "gateway"),
]


def test_each_setting_is_changed_and_taken_back_and_nothing_is_left(start: Start) -> None:
    engine = start()
    engine.up()
    for key, value in SETTINGS:
        engine.stack.set_config(f"toolgate:{key}", auto.ConfigValue(value))
        assert set(engine.up()) - {"same"}, f"{key}: nothing has changed"
        assert set(engine.up()) == {"same"}, f"{key}: a second update changes something"
        engine.stack.refresh(expect_no_changes=True)
    for key in {key for key, _ in SETTINGS} - {"observability"}:
        engine.stack.remove_config(f"toolgate:{key}")
    engine.up()
    assert set(engine.up()) == {"same"}
    engine.stack.destroy()
    assert engine.account() == []


@dataclass
class Breaking(Provider):
    """The stand-in, whose process ends while it makes a resource of a type: before AWS has it, or after.

    Attributes:
        at: The type.
        after: Whether AWS has made it.
        end: Ends the process.
    """

    at: str = ""
    after: bool = False
    end: Callable[[], Any] = lambda: None

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802 the name of the call
        """Break off, or do as the stand-in does."""
        if request.preview or not request.urn.rpartition("::")[0].endswith(self.at):
            return super().Create(request, context)
        if self.after:
            super().Create(request, context)
        self.end()
        context.abort(grpc.StatusCode.UNAVAILABLE, "the provider is gone")
        return None


def broken_off(engine: Engine, at: str, *, after: bool) -> None:
    """An update whose provider is killed while it makes a resource of type `at`."""
    breaking = Breaking(engine.provider.store, {}, at=at, after=after)
    server, port = started(breaking)
    breaking.end = lambda: server.stop(None)
    with attached(engine, port), pytest.raises(auto.CommandError):
        engine.up()
    server.stop(None).wait()


@contextlib.contextmanager
def attached(engine: Engine, port: int) -> Iterator[None]:
    """While the block runs the engine asks the provider at this port."""
    variables = cast("dict[str, str]", engine.stack.workspace.env_vars)
    before = variables["PULUMI_DEBUG_PROVIDERS"]
    variables["PULUMI_DEBUG_PROVIDERS"] = f"aws:{port}"
    try:
        yield
    finally:
        variables["PULUMI_DEBUG_PROVIDERS"] = before


@pytest.mark.parametrize("at", [GATEWAY, TARGET, RUNTIME])
def test_a_provider_that_is_killed_before_it_made_something_leaves_nothing(start: Start, at: str) -> None:
    engine = start()
    broken_off(engine, at, after=False)
    assert at not in engine.account()
    engine.up()
    assert set(engine.up()) == {"same"}
    engine.stack.destroy()
    assert engine.account() == []


@pytest.mark.parametrize("at", [GATEWAY, TARGET, RUNTIME])
def test_what_it_made_is_named_with_the_commands_that_take_it_away(start: Start, at: str) -> None:
    engine = start()
    broken_off(engine, at, after=True)
    assert engine.account().count(at) == 1
    engine.events.clear()
    with pytest.raises(auto.CommandError):
        engine.up()
    told = "\n".join(engine.messages())
    assert "ConflictException" in told
    verb = {GATEWAY: "delete-gateway", TARGET: "delete-gateway-target", RUNTIME: "delete-agent-runtime"}[at]
    assert f"aws bedrock-agentcore-control {verb} " in told
    # What the command does, with the id that the list of the other one has.
    plane = engine.provider._plane
    with plane.store.transaction() as account:
        [left] = [it["id"] for it in account["resources"].values() if it["type"] == at]
    plane.delete(at, left)
    engine.up()
    assert set(engine.up()) == {"same"}
    engine.stack.destroy()
    assert engine.account() == []


def test_slow_iam_and_a_failed_policy_in_one_life(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = start()
    engine.stack.set_config("toolgate:authorization", auto.ConfigValue("tool"))
    monkeypatch.setattr(iam_propagation, "delay", lambda failures: 0.1 * failures)
    api = ControlApi(engine.provider.store)
    with served(api):
        for name, value in api.environment().items():
            monkeypatch.setenv(name, value)
        engine.provider.refusals = {
            TARGET: ["ValidationException: Gateway execution role lacks permission to invoke Lambda function x"],
            GATEWAY: ["ValidationException: Gateway service failed to perform AssumeRole on Gateway role"],
            RUNTIME: ["ValidationException: Role validation failed for 'x'"],
            POLICY: ["CREATE_FAILED: Insufficient permissions to call gateway with ID x"],
        }
        assert set(engine.up()) == {"create"}
        assert set(engine.up()) == {"same"}
        engine.stack.refresh(expect_no_changes=True)
        engine.stack.destroy()
    assert engine.account() == []
