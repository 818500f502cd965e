"""What is written for AWS and can be tried without it: waiting for IAM, counting runs, cleaning up."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.credentials import Credentials

from tests.aws import aws_world, temporary, throwaway, waiting
from tests.aws.aws_world import Aws, assumed, runs, settled
from tests.aws.local_world import Export
from tests.aws.own.pretending import Control, error, pretended
from tests.aws.stack_under_test import UnderTest
from tests.aws.throwaway import Deployed, Place
from tests.aws.world import Making, World
from toolgate.access.deployment.deployment import parse
from toolgate.access.deployment.tokens import NO_TOKENS

ROLE = "arn:aws:iam::123456789012:role/toolgate-probe/x"
ISSUED = {"AccessKeyId": "ASIAX", "SecretAccessKey": "s", "SessionToken": "t"}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waiting takes no time: the clock goes on by what is slept."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(waiting, "sleep", sleep)
    monkeypatch.setattr(waiting, "clock", lambda: now[0])
    return now


class Sts:
    """Answers one after another; the last one for good."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)

    def assume_role(self, **_its: str) -> Any:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return {"Credentials": answer}


def test_a_role_that_iam_does_not_know_yet_is_waited_for(clock: list[float]) -> None:
    denied = error("AccessDenied")
    taken = assumed(Sts(denied, denied, ISSUED), ROLE)
    assert (taken.access_key, taken.secret_key, taken.token) == ("ASIAX", "s", "t")
    assert clock[0] == 2 * waiting.BETWEEN


def test_a_role_that_stays_closed_is_waited_for_only_so_long(clock: list[float]) -> None:
    with pytest.raises(TimeoutError, match="not in 120 s"):
        assumed(Sts(error("AccessDenied")), ROLE)
    assert clock[0] <= aws_world.ASSUME_SECONDS + waiting.BETWEEN


def test_another_refusal_is_not_waited_for(clock: list[float]) -> None:
    with pytest.raises(Exception, match="ExpiredToken"):
        assumed(Sts(error("ExpiredToken")), ROLE)
    assert clock[0] == 0


def test_rights_that_hold_are_seen(local: World) -> None:
    found = settled(pretended(local))
    of_callers = {f"{caller} at {gateway}" for caller, gateway in aws_world.SETTLING}
    assert set(found) == {*of_callers, aws_world.TOKEN, aws_world.WITH_TOKEN}
    assert None not in found.values()


def test_rights_that_do_not_come_and_gateways_that_are_not_there_keep_nobody_waiting_for_ever(local: World) -> None:
    ruled, plain = local.scratch_gateway("ruled"), local.scratch_gateway("plain")
    fewer = replace(local.scratch, gateways=(plain, replace(ruled, name="toolgate-probe-local-gone")))
    fewer = replace(fewer, tokens=NO_TOKENS)
    world = replace(pretended(local), scratch=fewer, session=lambda _arn, at: local.caller("stranger", at))
    assert set(settled(world).values()) == {None}


class Cloud:
    """A session whose clock and log go by what is called."""

    def __init__(self, *logged: int) -> None:
        self._seconds = iter(range(10**6))
        self._logged = list(logged)
        self.asked: list[dict[str, Any]] = []

    def client(self, _service: str, **_its: Any) -> "Cloud":
        return self

    def get_caller_identity(self) -> dict[str, Any]:
        date = f"Tue, 24 Nov 2026 18:00:{next(self._seconds):02} GMT"
        return {"ResponseMetadata": {"HTTPHeaders": {"date": date}}}

    def get_paginator(self, _operation: str) -> "Cloud":
        return self

    def paginate(self, **its: Any) -> list[dict[str, Any]]:
        self.asked.append(its)
        number = self._logged.pop(0) if len(self._logged) > 1 else self._logged[0]
        return [{"events": [{}]}] * number


class Logs(Cloud):
    """A session whose log groups are gone, but for one that never was."""

    def __init__(self, order: list[str]) -> None:
        super().__init__(1)
        self._order = order

    def delete_log_group(self, *, logGroupName: str) -> None:  # noqa: N803  # the API's name
        self._order.append(logGroupName)
        if "unread" in logGroupName:
            raise error("ResourceNotFoundException")


def test_what_was_left_goes_first_and_the_logs_last(
    stack_plan: Export, scratch_plan: tuple[Export, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    @contextmanager
    def deployed(run: str, config: dict[str, str], _place: Place) -> Iterator[Deployed]:
        order.append(f"made {run}, trusted by {config['probe:trusted']}, {config['probe:everything']}")
        yield Deployed(scratch_plan[0], Making(seconds={"ruled-gateway": 9.0}))
        order.append("taken down")

    monkeypatch.setattr(throwaway, "left_behind", lambda _place: ["an old run"])
    monkeypatch.setattr(throwaway, "take_down", order.append)
    monkeypatch.setattr(throwaway, "deployed", deployed)
    monkeypatch.setattr(aws_world, "settled", lambda _world: {"adder at ruled": 3.0})
    under_test = UnderTest("dev", parse(stack_plan), "123456789012", "us-east-1", "arn:aws:iam::1:user/alice")
    aws = Aws(Logs(order), "us-east-1")
    with aws_world.aws_world(under_test, "r0a1b2", aws, Place()) as world:
        assert world.making == Making(seconds={"ruled-gateway": 9.0}, settled={"adder at ruled": 3.0})
        assert world.endpoint(world.front) == world.front.url
        assert world.scratch_gateway("ruled").name == "toolgate-probe-local-ruled"
        assert world.runs(world.front, world.target(world.front, "math"))(1) == 1
        order.append("asked")
    logs = "/aws/bedrock-agentcore/runtimes/toolgate_probe_local_"
    assert order[:4] == [
        "an old run",
        "made r0a1b2, trusted by arn:aws:iam::1:user/alice, true",
        "asked",
        "taken down",
    ]
    forgotten = {name.removeprefix(logs).partition("-")[0] for name in order[4:]}
    assert forgotten == {"beyond", "served", "tokened", "unread", "unversioned"}
    assert all(name.endswith("-DEFAULT") for name in order[4:])


def test_a_caller_invokes_with_its_own_credentials() -> None:
    aws = Aws(boto3.Session("AKIAOPERATOR", "s"), "us-east-1")
    own = aws_world._runtimes(aws, None)
    callers = aws_world._runtimes(aws, Credentials("ASIACALLER", "s", "t"))
    signers = [client._request_signer._credentials.access_key for client in (own, callers)]
    assert signers == ["AKIAOPERATOR", "ASIACALLER"]


def test_runs_are_counted_from_the_next_second_until_there_are_enough() -> None:
    cloud = Cloud(0, 1, 2)
    since = runs(Aws(cloud, "us-east-1"), "toolgate-probe-r0a1b2-math")
    assert cloud.get_caller_identity()["ResponseMetadata"]["HTTPHeaders"]["date"].endswith("18:00:03 GMT")
    assert since(2) == 2
    assert [it["logGroupName"] for it in cloud.asked] == ["/aws/lambda/toolgate-probe-r0a1b2-math"] * 3
    assert {it["startTime"] for it in cloud.asked} == {1795543202000}  # two seconds after the clock was read first


def test_runs_that_do_not_come_are_said() -> None:
    since = runs(Aws(Cloud(0), "us-east-1"), "f")
    with pytest.raises(TimeoutError, match="1 runs of f in its log"):
        since(1)


def test_a_policy_is_there_as_long_as_the_block_runs() -> None:
    control = Control("CREATING", "ACTIVE")
    with temporary.policy(control, "engine", "permit ...") as outcome:
        assert outcome == "ACTIVE"
        assert control.deleted == []
    assert control.deleted == control.made


def test_a_policy_is_gone_after_a_failure() -> None:
    control = Control("ACTIVE")

    def fail() -> None:
        with temporary.policy(control, "engine", "permit ..."):
            raise RuntimeError("in between")

    with pytest.raises(RuntimeError, match="in between"):
        fail()
    assert control.deleted == control.made != []


def test_a_policy_that_fails_says_why_and_is_gone() -> None:
    control = Control("CREATE_FAILED")
    with temporary.policy(control, "engine", "permit ...") as outcome:
        assert outcome == "CREATE_FAILED: a reason"
    assert control.deleted == control.made


def test_a_policy_that_is_refused_leaves_nothing_to_delete(monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control("ACTIVE")

    def refuse(**_its: Any) -> Any:
        raise error("ValidationException", "too short")

    monkeypatch.setattr(control, "create_policy", refuse)
    with temporary.policy(control, "engine", "permit ...") as outcome:
        assert outcome == "ValidationException: too short"
    assert control.deleted == []


def test_a_gateway_is_tried_and_gone() -> None:
    control = Control("CREATING", "READY")
    mcp = {"supportedVersions": ["2025-11-25"]}
    assert temporary.gateway(control, "toolgate-probe-r0a1b2-versions", ROLE, mcp) == "READY"
    assert control.deleted == control.made == ["toolgate-probe-r0a1b2-versions"]
