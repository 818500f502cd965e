from collections.abc import Callable
from typing import Any

import pytest

from toolgate.local.engine.pack_process import Violation
from toolgate.review.planning import NOTHING, Failed, Planned
from toolgate.review.stack_review import Verdict, judge

GATEWAY = "aws:bedrock/agentcoreGateway:AgentcoreGateway"
WRONG = Violation("rule", "mandatory", "urn", "Wrong.")


@pytest.fixture
def unreadable(resource: Callable[..., Any], deployment: Callable[..., Any]) -> Planned:
    """A plan with a gateway of which nothing is known."""
    return Planned(deployment(resource(GATEWAY, "g")))


def verdict_of(before: Planned | Failed, after: Planned | Failed) -> Verdict:
    found = judge(before, after)
    assert isinstance(found, Verdict)
    return found


def test_a_plan_that_failed_has_no_verdict() -> None:
    assert judge(NOTHING, Failed("why")) == Failed("why")


def test_a_plan_whose_access_cannot_be_read_has_no_verdict(unreadable: Planned) -> None:
    found = judge(NOTHING, unreadable)
    assert isinstance(found, Failed)
    assert found.reason.startswith("who may call what cannot be read from the plan: ")


def test_without_a_base_everything_is_new(
    unreadable: Planned, resource: Callable[..., Any], deployment: Callable[..., Any]
) -> None:
    after = Planned(deployment(resource("aws:s3/bucket:Bucket", "b")), (WRONG,))
    for before in (Failed("why"), unreadable):
        found = verdict_of(before, after)
        assert found.changes.added == ("aws:s3:Bucket b",)
        assert found.base_failure
    assert verdict_of(NOTHING, after).base_failure is None


def test_violations_of_the_base_are_known() -> None:
    found = verdict_of(Planned(NOTHING.deployment, (WRONG,)), Planned(NOTHING.deployment, (WRONG,)))
    assert found.mandatory == (WRONG,)
    assert found.known == {WRONG}
