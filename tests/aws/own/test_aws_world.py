"""What is written for AWS and can be tried without it: waiting for IAM, counting runs, cleaning up."""

from dataclasses import replace
from typing import Any

import pytest

from tests.aws import aws_world, temporary, waiting
from tests.aws.aws_world import Aws, assumed, runs, settled
from tests.aws.own.pretending import Control, error, pretended
from tests.aws.world import World

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
    assert set(found) == {f"{caller} at {gateway}" for caller, gateway in aws_world.SETTLING}
    assert None not in found.values()


def test_rights_that_do_not_come_and_gateways_that_are_not_there_keep_nobody_waiting_for_ever(local: World) -> None:
    ruled, plain = local.scratch_gateway("ruled"), local.scratch_gateway("plain")
    fewer = replace(local.scratch, gateways=(plain, replace(ruled, name="toolgate-probe-local-gone")))
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


def test_runs_are_counted_from_the_next_second_until_there_are_enough() -> None:
    cloud = Cloud(0, 1, 2)
    since = runs(Aws(cloud, "us-east-1"), "toolgate-probe-r0a1b2-math")
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
    assert temporary.gateway(control, "toolgate-probe-r0a1b2-versions", ROLE, ["2025-11-25"]) == "READY"
    assert control.deleted == control.made == ["toolgate-probe-r0a1b2-versions"]
