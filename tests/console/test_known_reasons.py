"""The reason of a refusal reaches the page, and a flood of refusals is not worked out call by call."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.console.conftest import World
from tests.console.test_live import until_call
from tests.console.test_routes import STRANGER, called
from tests.planning import SAMPLE
from toolgate.access.deployment.deployment import Deployment
from toolgate.console import known_reasons, reasons
from toolgate.console.known_reasons import KnownReasons

SHOWN = ("greeter may not call math___add_numbers", "Pulumi.agents.yaml")


def test_a_refused_call_says_why_and_which_line_would_change(world: World) -> None:
    found = called(world, "greeter")
    reason = found["reason"]
    assert (reason["text"].partition(":")[0], reason["file"]) == SHOWN
    assert (SAMPLE / reason["file"]).read_text().splitlines()[reason["line"] - 1] == reason["code"]
    with world.client.stream("GET", "/api/events") as answer:
        assert until_call(answer, found["request_id"])[-1]["reason"] == reason


def test_so_does_a_call_that_was_not_made_as_it_was_written(world: World) -> None:
    assert called(world, "calculator", a="x")["reason"]["missing"] == "schema"
    assert called(world, "calculator")["reason"] is None


class Counting:
    def __init__(self) -> None:
        self.lines: list[Mapping[str, Any]] = []

    def __call__(self, deployment: Deployment, line: Mapping[str, Any], program: Path | None) -> Any:
        self.lines.append(line)
        return {"text": line["principal"]}


def test_of_the_same_refusal_it_is_found_once_for_a_while(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    finds = Counting()
    monkeypatch.setattr(reasons, "reason", finds)
    known, deployment = KnownReasons(SAMPLE), world.serving.deployment
    first, again, other = (called(world, who)["line"] for who in ("greeter", "greeter", STRANGER))
    finds.lines.clear()
    assert first["request_id"] != again["request_id"]
    assert known.of(deployment, first) == known.of(deployment, again) == {"text": first["principal"]}
    assert finds.lines == [first]
    assert known.of(deployment, other) == {"text": other["principal"]}
    assert finds.lines == [first, other]
    monkeypatch.setattr(known_reasons, "SECONDS", 0.0)
    known.of(deployment, again)
    assert finds.lines == [first, other, again]


def test_it_keeps_a_bounded_number(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasons, "reason", Counting())
    monkeypatch.setattr(known_reasons, "MOST", 3)
    known, line = KnownReasons(None), called(world, "greeter")["line"]
    for number in range(10):
        known.of(world.serving.deployment, {**line, "tool": str(number)})
    assert len(known._known) == 3
