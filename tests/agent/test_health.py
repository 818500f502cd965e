import json
from typing import Any

import pytest

from health import Health


class Clock:
    def __init__(self) -> None:
        self.now = 100.7

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    return Health(clock)


def told(health: Health) -> tuple[str, Any]:
    said: dict[str, Any] = json.loads(health.answer())
    return said.pop("status"), said.pop("time_of_last_update") if list(said) == ["time_of_last_update"] else said


def test_it_is_healthy_since_it_was_made(health: Health, clock: Clock) -> None:
    clock.now = 200
    assert told(health) == told(health) == ("Healthy", 100)


def test_it_is_busy_from_the_first_invocation_to_the_end_of_the_last(health: Health, clock: Clock) -> None:
    for now, step, status in (
        (200, health.begin, ("HealthyBusy", 200)),
        (300, health.begin, ("HealthyBusy", 200)),
        (400, health.end, ("HealthyBusy", 200)),
        (500, health.end, ("Healthy", 500)),
    ):
        clock.now = now
        step()
        clock.now = now + 50
        assert told(health) == status


def test_an_invocation_that_nobody_saw_is_stamped_all_the_same(health: Health, clock: Clock) -> None:
    clock.now = 200
    health.begin()
    clock.now = 300
    health.end()
    clock.now = 400
    assert told(health) == ("Healthy", 300)


def test_work_that_outlives_its_request_keeps_it_busy(health: Health, clock: Clock) -> None:
    under_way = [True]
    health.begin()
    health.tasks = lambda: bool(under_way)
    clock.now = 200
    health.end()
    assert told(health) == ("HealthyBusy", 100)
    under_way.clear()
    clock.now = 300
    assert told(health) == ("Healthy", 300)
