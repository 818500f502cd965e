"""Whole programs through the pack's real process, in a first preview and in an update."""

from collections.abc import Callable

import pytest

from tests.policy import programs, recording
from tests.policy.driver import Pack, Violation

ADVISORIES = {"agent-image-by-digest", "logs-delivered", "undecided-in-preview"}


def mandatory(violations: list[Violation]) -> list[tuple[str, str]]:
    return [(found.rule, found.urn.rpartition("::")[2]) for found in violations if found.level == "mandatory"]


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "up"])
@pytest.mark.parametrize("program", programs.EXPECTED, ids=lambda program: program.__name__)
def test_what_violates_is_found_and_nothing_else(pack: Pack, program: Callable[[], None], preview: bool) -> None:
    violations = pack.run(recording.record(program, preview=preview))
    found = mandatory(violations)
    assert set(found) == programs.EXPECTED[program]
    assert len(found) == len(set(found)), "said twice"
    assert {violation.rule for violation in violations if violation.level == "advisory"} <= ADVISORIES


@pytest.mark.parametrize("program", programs.EXPECTED, ids=lambda program: program.__name__)
def test_an_update_is_decided_before_the_resources_are_created(pack: Pack, program: Callable[[], None]) -> None:
    """All but the rules that need the whole stack are heard in the resource checks."""
    resources = recording.record(program, preview=False)
    found = mandatory(pack.analyze_each(resources))
    assert set(found) == programs.EXPECTED[program] - programs.AT_THE_END


def test_a_preview_says_what_it_left_undecided(pack: Pack) -> None:
    violations = pack.run(recording.record(programs.flat, preview=True))
    undecided = {found.urn.rpartition("::")[2] for found in violations if found.rule == "undecided-in-preview"}
    assert undecided == {"gateway", "careful"}
    violations = pack.run(recording.record(programs.flat, preview=False))
    assert not [found for found in violations if found.rule == "undecided-in-preview"]
