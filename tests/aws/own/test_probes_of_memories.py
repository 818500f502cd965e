"""Probes of memories, sessions and guardrails: AWS is asked as its API takes it, and its answers are read rightly."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from tests.aws import test_memory_probes, test_runtime_probes, waiting
from tests.aws.own.pretending import elsewhere, error, pretended
from tests.aws.own.test_probes import Body
from tests.aws.probing import Finding, Probe
from tests.aws.world import World
from toolgate.access.deployment.memories import Memory

VAULT = Memory(
    "agentcore",
    "vault",
    "arn:aws:bedrock-agentcore:us-east-1:123456789012:memory/x_vault-0123456789",
    "x_vault-0123456789",
    "v",
)


class Modelled:
    """A client of a service: what it is asked must fit botocore's model; each operation answers by its name.

    Attributes:
        asked: The operations that were asked for.
    """

    def __init__(self, service: str, **answers: Any) -> None:
        self._model = botocore.session.get_session().get_service_model(service)
        self._answers = answers
        self.asked: list[str] = []

    def __getattr__(self, method: str) -> Callable[..., Any]:
        operation = self._model.operation_model(
            next(it for it in self._model.operation_names if botocore.xform_name(it) == method)
        )

        def ask(**given: Any) -> Any:
            report = ParamValidator().validate(given, operation.input_shape)
            assert not report.has_errors(), report.generate_report()
            self.asked.append(method)
            answer = self._answers[method]
            if isinstance(answer, list):
                answer = answer.pop(0) if len(answer) > 1 else answer[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return ask


@pytest.fixture
def ask(local: World) -> Callable[..., Finding]:
    """Ask a probe with arguments of a pretended AWS, changed; what it finds."""

    def run(function: Callable[..., None], world: World | None = None, **arguments: Any) -> Finding:
        found: list[Finding] = []
        text = inspect.cleandoc(function.__doc__ or "")
        function(Probe(function.__name__, text, local, world or pretended(local), found.append), **arguments)
        [finding] = found
        return finding

    return run


@pytest.mark.parametrize(
    ("keyless", "keyed", "answer"),
    [("no", "", "the three"), ("", "", "none"), ("no", "no", "more than the three"), ("", "no", "none, and with them")],
)
def test_a_key_that_must_be_held(
    ask: Callable[..., Finding], local: World, keyless: str, keyed: str, answer: str
) -> None:
    roles = {name: replace(local.callers[0], name=f"toolgate-probe-local-{name}") for name in ("keyless", "keyed")}
    roles = {name: replace(role, arn=f"{role.arn}-{name}") for name, role in roles.items()}
    said = {roles["keyless"].arn: keyless, roles["keyed"].arn: keyed}

    def client(_runtime: Any, role_arn: Any) -> Modelled:
        created = error("AccessDeniedException") if said[role_arn] else {"event": {"eventId": "0000#a"}}
        return Modelled("bedrock-agentcore", create_event=created, list_events={"events": []})

    scratch = replace(
        local.scratch, roles=(*local.scratch.roles, *roles.values()), memories=(*local.scratch.memories, VAULT)
    )
    world = replace(pretended(local), scratch=scratch, session=lambda arn, _at: arn, runtimes=client)
    finding = ask(test_memory_probes.test_rights_on_the_key_of_a_memory, world)
    assert finding.assumed == "the three"
    assert (finding.observed or "").startswith(answer)


def test_without_a_key_nothing_is_asked(ask: Callable[..., Finding]) -> None:
    with pytest.raises(pytest.skip.Exception, match="--key"):
        ask(test_memory_probes.test_rights_on_the_key_of_a_memory)


@pytest.mark.parametrize("busy", [True, False])
@pytest.mark.parametrize("processes", ["aa", "ab"])
def test_a_session_that_is_idle(
    ask: Callable[..., Finding], local: World, monkeypatch: pytest.MonkeyPatch, busy: bool, processes: str
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(waiting, "sleep", slept.append)
    answers = [
        {"ResponseMetadata": {"HTTPStatusCode": 200}, "response": Body(f'{{"process": "{it}"}}')} for it in processes
    ]
    client = Modelled("bedrock-agentcore", invoke_agent_runtime=answers)
    world = replace(pretended(local), runtimes=lambda *_its: client)
    finding = ask(test_runtime_probes.test_idle_session, world, busy=busy)
    goes_on = {True: "it goes on", False: "it ends"}
    assert (finding.assumed, finding.observed) == (goes_on[busy], goes_on[processes == "aa"])
    assert slept == [test_runtime_probes.IDLE_SECONDS]
    assert len(client.asked) == 2


@pytest.mark.parametrize(("answer", "observed"), [({}, "answered"), (error("AccessDeniedException"), "refused")])
def test_a_model_call_through_the_guardrail_of_the_stack(
    ask: Callable[..., Finding], local: World, monkeypatch: pytest.MonkeyPatch, answer: Any, observed: str
) -> None:
    model = Modelled("bedrock-runtime", converse=answer)
    monkeypatch.setattr(test_runtime_probes, "converse", lambda *_its: model)
    given = {"GUARDRAIL": '{"id": "ab1cd2ef3gh4", "version": "1"}'}
    for environment in (given, {}):
        runtimes = tuple(replace(it, environment={**it.environment, **environment}) for it in local.stack.runtimes)
        control = functools.partial(elsewhere, (*runtimes, *local.scratch.runtimes))
        world = replace(pretended(local), stack=replace(local.stack, runtimes=runtimes), service=control)
        if environment:
            finding = ask(test_runtime_probes.test_right_to_apply_a_guardrail, world, caller="guarded")
            assert (finding.assumed, finding.observed) == ("answered", observed)
        else:
            with pytest.raises(pytest.skip.Exception, match="no agent of the stack has a guardrail"):
                ask(test_runtime_probes.test_right_to_apply_a_guardrail, world, caller="unguarded")
    assert model.asked == ["converse"]


def test_what_is_modelled_takes_nothing_that_the_api_does_not() -> None:
    """`Modelled` would not fail if botocore's names were read wrongly."""
    with pytest.raises(AssertionError, match="Missing required parameter"):
        Modelled("bedrock", create_guardrail={}).create_guardrail(name="x")
    with pytest.raises(AssertionError, match="Unknown parameter"):
        Modelled("bedrock", delete_guardrail={}).delete_guardrail(guardrailIdentifier="x", other="y")


def test_what_the_local_deployment_answers(ask: Callable[..., Finding]) -> None:
    assert ask(test_memory_probes.test_deletion_of_events_by_actor).assumed == "its own alone"
    assert ask(test_memory_probes.test_order_of_events_of_one_millisecond).assumed == "they are not"
    assert ask(test_runtime_probes.test_caller_that_leaves).assumed == "it does"
