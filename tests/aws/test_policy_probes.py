"""Policy engines: what they show, refuse and take, and how long all of it takes."""

import time
from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from tests.aws import temporary
from tests.aws.aws_world import CONTROL
from tests.aws.masking import masked
from tests.aws.probing import Observed, Probe
from tests.aws.signed import SEARCH, call, listed
from tests.aws.waiting import until
from tests.aws.world import Making, MissingError, NotReproducedError, World
from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.components.grants import cedar_text
from toolgate.components.iam import iam_propagation
from toolgate.policy.language.agentcore_facts import entity_id

ADD, MULTIPLY, GREETING = (f"math___{name}" for name in ("add_numbers", "multiply_numbers", "greeting"))
AT_ONCE = 5.0
"""Seconds: what is there by then needs nobody to wait."""
REGIONS_OF = "lambda"
"""A service that is in every Region that botocore knows."""


def test_words_of_a_denied_call(probe: Probe) -> None:
    """With which HTTP status, code and message is a call refused that no policy permits?

    agent/gateway/transport.py takes JSON-RPC -32002 for the policy's refusal; local/serve/guards/cedar_guard.py
    answers so, with HTTP 200.
    """

    def observe(world: World) -> Observed:
        answer = call(world, world.scratch_gateway("ruled"), "adder", GREETING, {"name": "Alice"})
        return Observed(answer.words(world), masked(answer.text, world))

    probe(observe)


def test_list_of_a_caller_with_a_condition(probe: Probe) -> None:
    """Is a tool listed that a caller may call with some arguments only?

    local/serve/guards/cedar_guard.py lists it: there is a call of it that the caller may make.
    """

    def observe(world: World) -> Observed:
        shown = listed(world, world.scratch_gateway("ruled"), "bounded")
        return Observed("listed" if ADD in shown else "not listed", ", ".join(sorted(shown)))

    probe(observe)


def test_search_of_a_gateway_with_an_engine(probe: Probe) -> None:
    """Does a search show tools that the caller may not call?

    components/tool_gateway.py leaves the search out with authorization 'tool' because one live test said so.
    """

    def observe(world: World) -> Observed:
        answer = call(world, world.scratch_gateway("searching"), "adder", SEARCH, {"query": "multiply, greet, add"})
        shown = [tool for tool in (MULTIPLY, GREETING) if tool in answer.text]
        return Observed(f"shows {', '.join(shown) or 'none'}", masked(answer.text, world))

    probe(observe)


def test_listing_of_the_search_with_an_engine(probe: Probe) -> None:
    """Is the search tool itself listed where an engine enforces, and no policy names it?

    access/cedar/cedar_decision.py gives it no decision of its own.
    """

    def observe(world: World) -> Observed:
        shown = listed(world, world.scratch_gateway("searching"), "adder")
        return Observed("listed" if SEARCH in shown else "not listed", ", ".join(sorted(shown)))

    probe(observe)


def test_permit_for_the_search(probe: Probe) -> None:
    """Can a Cedar policy name the search tool?

    components/grants/cedar_text.py never does; if it can, a gateway with authorization 'tool' could have a search for
    those who may see every tool.
    """
    probe(lambda world: _taken(world, "searching", [SEARCH]))


def test_permit_with_a_single_action(probe: Probe) -> None:
    """Does AgentCore's analysis take a permit that writes `action ==` instead of a list?

    components/grants/cedar_text.py always writes a list: one report says that the other form is refused.
    """

    def observe(world: World) -> Observed:
        statement = _permit(world, world.scratch_gateway("ruled"), [ADD])
        single = statement.replace("action in [\n", "action ==\n").replace("\n  ],\n", ",\n")
        assert single != statement
        return Observed(masked(world.policy(world.engine, single), world), masked(single, world))

    probe(observe)


def _taken(world: World, gateway: str, actions: list[str]) -> Observed:
    statement = _permit(world, world.scratch_gateway(gateway), actions)
    return Observed(masked(world.policy(world.engine, statement), world), masked(statement, world))


def _permit(world: World, gateway: Gateway, actions: list[str]) -> str:
    return cedar_text.permit(
        cedar_text.Scope(cedar_text.IamRole(entity_id(world.caller_role("adder").arn)), gateway.arn), actions
    )


def test_engine_right_after_its_role(probe: Probe) -> None:
    """Does Pulumi's AWS provider by itself get over GenesisPolicyEngineCheck, with a role that was just written?

    components/iam/iam_propagation.py tries again what is refused with "does not have the required permissions".
    """

    def observe(world: World) -> Observed:
        making = _made(world)
        if refused := making.refused.get("racing-gateway"):
            return Observed("refused", masked(refused, world))
        return Observed("made", f"in {making.seconds['racing-gateway']:.0f} s")

    probe(observe, documented="refused")


def test_time_that_iam_takes(probe: Probe) -> None:
    """Are three minutes of trying again enough for what the components make?

    components/iam/iam_propagation.py gives up after LONGEST_WAIT.
    """

    def observe(world: World) -> Observed:
        making = _made(world)
        late = [
            name
            for name, said in making.refused.items()
            if name != "racing-gateway" and iam_propagation.is_propagation(said, "create")
        ]
        slowest = sorted(making.seconds.items(), key=lambda it: -it[1])[:5]
        took = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in slowest)
        again = ", ".join(f"{name} {times}" for name, times in making.repeated.items()) or "none"
        answer = f"not for {', '.join(late)}" if late else "they are"
        return Observed(answer, f"tried again: {again}; slowest: {took}")

    probe(observe, documented="they are")


def test_policies_of_a_new_gateway(probe: Probe) -> None:
    """Does AgentCore take Cedar policies for a gateway that was made a moment ago?

    components/iam/iam_propagation.py removes what failed and makes it again for LONGEST_WAIT_FOR_GATEWAY: reports say
    that it may not know the gateway for minutes.
    """

    def observe(world: World) -> Observed:
        late = sorted(_made(world).late)
        return Observed("not always" if late else "it does", f"refused at first: {', '.join(late) or 'none'}")

    probe(observe, documented="not always")


def test_time_until_rights_hold(probe: Probe) -> None:
    """Once everything is made, how long until callers are let in and their permits hold?

    docs/deploy.md says what to expect after a deployment; nothing of ours waits.
    """

    def observe(world: World) -> Observed:
        settled = _made(world).settled
        each = ", ".join(f"{who}: {_seconds(it)}" for who, it in settled.items())
        known = [it for it in settled.values() if it is not None]
        return Observed(_seconds(max(known) if len(known) == len(settled) else None), each)

    probe(observe, documented="at once")


def test_time_until_a_policy_holds(probe: Probe) -> None:
    """How long after a Cedar policy is ACTIVE do calls go by it, and how long after it is deleted?

    An access that was taken away lasts that long; local/serve/guards/cedar_guard.py
    decides by the deployment's policies at once.
    """

    def observe(world: World) -> Observed:
        control, gateway = world.service(CONTROL), world.scratch_gateway("ruled")
        engine = world.engine.id

        def allowed() -> bool:
            return call(world, gateway, "adder", MULTIPLY, {"a": 2, "b": 3}).made

        with temporary.policy(control, engine, _permit(world, gateway, [MULTIPLY])) as outcome:
            if outcome != "ACTIVE":
                raise MissingError(f"the policy was not made: {outcome}")
            given = _took("the call being allowed", allowed)
        taken = _took("the call being refused", lambda: not allowed())
        return Observed(_seconds(given), f"refused again {taken:.0f} s after the policy was gone")

    probe(observe, documented="at once")


def test_regions_with_policy(probe: Probe) -> None:
    """In which Regions does Policy answer?

    docs/deploy.md sends readers to AWS's list; reports name 13 at the start and two more.
    """

    def observe(world: World) -> Observed:
        names = boto3.Session().get_available_regions(REGIONS_OF)
        regions = {name: _answers(world.service(CONTROL, name)) for name in names}
        answering = [region for region, said in regions.items() if said == "answers"]
        others = ", ".join(f"{region}: {said}" for region, said in regions.items() if said != "answers")
        return Observed(f"{len(answering)} Regions", f"{', '.join(answering)}; not: {others}")

    probe(observe, documented="15 Regions")


def _made(world: World) -> Making:
    if world.making is None:
        raise NotReproducedError("nothing is made here: it is there at once")
    return world.making


def _took(what: str, seen: Callable[[], bool]) -> float:
    """The seconds until it is so."""
    started = time.monotonic()
    until(what, seen, temporary.SECONDS)
    return time.monotonic() - started


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "not in time"
    return "at once" if seconds < AT_ONCE else f"{seconds:.0f} s"


def _answers(control: Any) -> str:
    try:
        control.list_policy_engines(maxResults=1)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    except BotoCoreError as error:
        return type(error).__name__
    return "answers"
