"""The throw-away stack under a real engine, with the stand-in for AWS: made as far as AWS makes it, and always gone."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi import automation as auto

from tests.aws import throwaway
from tests.aws.local_world import Export, configuration
from tests.aws.throwaway import Deployed, Place
from tests.engine.control_api import POLICY, ControlApi, served
from toolgate.access.deployment.deployment import parse
from toolgate.components.iam import iam_propagation
from toolgate.local.cloud.store import MemoryStore
from toolgate.local.engine.provider import Provider, started

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(
        shutil.which("pulumi") is None,
        reason="no `pulumi` on PATH: install its CLI to run the tests with a real engine",
    ),
]

GATEWAY = "aws:bedrock/agentcoreGateway:AgentcoreGateway"
OF_TOKENS = {"tokens", "seeking", "lasting", "overheard", "clients", "audiences", "scopes", "claims"}
OF_SERVERS = {"fronting", "beyond"}
GATEWAYS = {
    *("plain", "ruled", "searching", "nested", "racing", "intercepted", "unable", "throttled"),
    *OF_SERVERS,
    *OF_TOKENS,
}
TOO_NEW = "CREATE_FAILED: Insufficient permissions to call gateway with ID x"
STICKS = "ConflictException: it is in use"
NOT_YET = "AccessDeniedException: Policy Engine 'x' does not have the required permissions"
CONFIG = configuration("r0a1b", "us-east-1", "arn:aws:iam::123456789012:user/tester", everything=False)


@dataclass
class Sticky(Provider):
    """A stand-in for AWS in which deletes may stick."""

    sticks: bool = False

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802  # the protocol's name
        if self.sticks:
            context.abort(grpc.StatusCode.UNKNOWN, STICKS)
        return super().Delete(request, context)


@pytest.fixture
def provider() -> Sticky:
    return Sticky(MemoryStore(), {})


@pytest.fixture
def place(tmp_path: Path, provider: Sticky) -> Iterator[Place]:
    server, port = started(provider)
    variables = {"PULUMI_DEBUG_PROVIDERS": f"aws:{port}", "PULUMI_HOME": str(tmp_path / "home")}
    yield Place(tmp_path / "state", variables)
    server.stop(None).wait()


def account(provider: Sticky) -> list[str]:
    """The types of what exists in the stand-in account."""
    with provider.store.transaction() as made:
        return sorted(record["type"] for record in made["resources"].values())


def gateways(made: Deployed) -> set[str]:
    return {it.name.rpartition("-")[2] for it in parse(made.export).gateways}


def test_it_is_made_as_planned_and_gone_after_a_failure(
    place: Place, provider: Sticky, scratch_plan: tuple[Export, object]
) -> None:
    planned = sorted(it["type"] for it in scratch_plan[0]["deployment"]["resources"] if it["type"].startswith("aws:"))

    def fail_in_between() -> None:
        with throwaway.deployed("r0a1b", CONFIG, place) as made:
            assert account(provider) == planned
            assert gateways(made) == GATEWAYS
            assert [role.name for role in parse(made.export).roles if "-r0a1b-" not in role.name] == []
            assert made.making.refused == {}
            assert {"ruled-gateway", "racing-gateway", "adder-caller"} <= set(made.making.seconds)
            raise RuntimeError("in between")

    with pytest.raises(RuntimeError, match="in between"):
        fail_in_between()
    assert account(provider) == []
    assert throwaway.left_behind(place) == []


def test_an_update_that_goes_wrong_is_said(place: Place, provider: Sticky) -> None:
    wrong = {**CONFIG, "probe:everything": "perhaps"}
    with pytest.raises(auto.CommandError, match="probe:everything"), throwaway.deployed("r0a1b", wrong, place):
        pass
    assert account(provider) == []
    assert throwaway.left_behind(place) == []


def test_what_is_refused_keeps_nothing_else_from_being_made(place: Place, provider: Sticky) -> None:
    """The gateways come one by one, and all but one of them are tried again by the components' hook."""
    provider.refusals = {GATEWAY: [NOT_YET] * 2}
    with throwaway.deployed("r0a1b", CONFIG, place) as made:
        refused, repeated = made.making.refused, made.making.repeated
        there = gateways(made)
    assert set(refused) <= {"racing-gateway"}
    assert all("does not have the required permissions" in said for said in refused.values())
    assert sum(repeated.values()) + len(refused) == 2
    assert there == GATEWAYS - {it.split("-")[0] for it in refused}


@pytest.fixture
def control(monkeypatch: pytest.MonkeyPatch, provider: Sticky) -> Iterator[ControlApi]:
    """Where the components' hook asks AWS for what failed."""
    api = ControlApi(provider.store)
    with served(api):
        monkeypatch.delenv("AWS_PROFILE", raising=False)
        for name, value in api.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(iam_propagation, "delay", lambda _: 0.1)
        yield api


def test_policies_of_a_gateway_that_is_too_new_are_made_in_the_end(
    place: Place, provider: Sticky, control: ControlApi
) -> None:
    provider.refusals = {POLICY: [TOO_NEW], GATEWAY: [NOT_YET] * 6}
    with throwaway.deployed("r0a1b", CONFIG, place) as made:
        policies = [it.name for engine in parse(made.export).policy_engines for it in engine.policies]
    assert len(made.making.late) == 1
    assert not made.making.late & set(made.making.refused)
    assert len(policies) == 10
    assert set(made.making.refused) <= {"racing-gateway"}
    assert [it.partition(" ")[0] for it in control.asked].count("DELETE") == 1


def test_what_could_not_be_taken_down_is_said_and_taken_down_later(
    place: Place, provider: Sticky, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.sticks = True
    with pytest.raises(auto.CommandError, match=STICKS), throwaway.deployed("r0a1b", CONFIG, place):
        pass
    assert account(provider)
    assert [stack.name for stack in throwaway.left_behind(place)] == ["r0a1b"]

    provider.sticks = False
    assert throwaway.main(place) == 0
    assert "taking down r0a1b" in capsys.readouterr().out
    assert account(provider) == []
    assert throwaway.left_behind(place) == []
