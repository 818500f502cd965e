"""A probe compares, reports, and never fails for what it found; it fails where nothing could be seen."""

from dataclasses import replace

import pytest

from tests.aws.probing import Finding, Observed, Probe
from tests.aws.world import MissingError, NotReproducedError, World

TEXT = """What does it say?

    docs/deploy.md says
    so.
    """


def asked(local: World, aws: World | None) -> tuple[Probe, list[Finding]]:
    found: list[Finding] = []
    return Probe("test_it", TEXT, local, aws, found.append), found


def title(world: World) -> Observed:
    return Observed(world.title, f"seen in {world.title}")


def test_a_difference_is_a_finding_and_no_failure(local: World) -> None:
    probe, found = asked(local, replace(local, title="AWS"))
    probe(title)
    assert found == [
        Finding(
            "test_it",
            "What does it say?",
            "docs/deploy.md says so.",
            assumed="the local deployment",
            source="the local deployment",
            observed="AWS",
            evidence="seen in AWS",
        )
    ]
    assert found[0].differs


def test_the_same_answer_does_not_differ(local: World) -> None:
    probe, found = asked(local, replace(local, region="eu-west-1"))
    probe(lambda world: Observed("same", world.region))
    assert not found[0].differs


def test_without_an_account_there_is_only_what_is_assumed(local: World) -> None:
    probe, found = asked(local, None)
    probe(title)
    assert (found[0].assumed, found[0].observed, found[0].differs) == ("the local deployment", None, False)


def test_what_the_local_deployment_cannot_say_is_taken_from_the_documentation(local: World) -> None:
    def observe(world: World) -> Observed:
        if world is local:
            raise NotReproducedError("not here")
        return title(world)

    probe, found = asked(local, replace(local, title="AWS"))
    probe(observe, documented="something")
    assert (found[0].assumed, found[0].source, found[0].observed) == ("something", "documentation", "AWS")
    with pytest.raises(NotReproducedError):
        probe(observe)


def test_documentation_beside_an_answer_of_the_local_deployment_is_a_mistake(local: World) -> None:
    probe, _ = asked(local, None)
    with pytest.raises(AssertionError, match="leave `documented` out"):
        probe(title, documented="something")


def test_what_cannot_be_seen_is_a_failure(local: World) -> None:
    def observe(world: World) -> Observed:
        if world is local:
            return title(world)
        raise MissingError("it was not made")

    probe, found = asked(local, replace(local, title="AWS"))
    with pytest.raises(MissingError):
        probe(observe)
    assert found == []
