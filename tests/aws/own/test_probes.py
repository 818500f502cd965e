"""The probes: each asks in a sentence and says for which files it matters; what only AWS can answer is read rightly."""

import functools
import importlib
import inspect
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.aws import (
    test_gateway_probes,
    test_interceptor_probes,
    test_metric_probes,
    test_policy_probes,
    test_runtime_probes,
)
from tests.aws.local_world import PROGRAM, PROJECT, configuration
from tests.aws.own.pretending import MAKING, error, pretended
from tests.aws.probing import Finding, Probe
from tests.aws.signed import Answer
from tests.aws.world import MissingError, World
from toolgate.access.deployment.agentcore_resources import Runtime
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.store import MemoryStore
from toolgate.local.engine.recorder import Program, ProgramError, record

SUITE = Path(__file__).resolve().parents[1]
ROOT = SUITE.parents[1]
NOT_YET = "AccessDeniedException: Policy Engine 'x' does not have the required permissions"


def probes() -> Iterator[Callable[..., None]]:
    for file in sorted(SUITE.glob("test_*.py")):
        module = importlib.import_module(f"tests.aws.{file.stem}")
        for name, function in vars(module).items():
            parameters = inspect.signature(function).parameters if inspect.isfunction(function) else {}
            if name.startswith("test_") and "probe" in parameters:
                yield function


PROBES = list(probes())


def test_what_is_assumed_of_gateways_is_what_the_stand_in_does(local: World) -> None:
    assert local.gateway({"supportedVersions": ["2025-11-25"]}) == "READY"
    answers = {name: local.gateway(*change) for name, change in test_gateway_probes.CHANGES.items()}
    assert answers["search on"].startswith("ValidationException: Semantic search can only")
    assert answers["search off"].startswith("READY, no search")
    assert answers["a version more"].startswith("ValidationException: Protocol versions cannot be added")
    assert answers["a version less"].startswith("READY")


def test_a_policy_that_failed_for_one_question_is_not_in_the_way_of_the_next(local: World) -> None:
    wide = "permit(principal, action, resource is AgentCore::Gateway);"
    first, second = (local.policy(local.engine, wide) for _ in range(2))
    assert first.startswith("CREATE_FAILED: ")
    assert second == first


@pytest.mark.parametrize(
    ("caller", "answer"), [("for-users-by-runtime-endpoint", "it hears it"), ("by-runtime-endpoint", "refused")]
)
def test_only_who_may_ask_for_users_is_heard_so(local: World, caller: str, answer: str) -> None:
    found: list[Finding] = []
    test_runtime_probes.test_user_of_a_request(Probe("user", "Is it? Yes.", local, None, found.append), caller)
    assert [it.assumed for it in found] == [answer]


def test_there_are_probes() -> None:
    assert len(PROBES) > 25
    names = [function.__name__ for function in PROBES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("function", PROBES, ids=lambda it: it.__name__)
def test_a_probe_says_what_it_asks_and_which_files_go_by_the_answer(function: Callable[..., None]) -> None:
    question, _, matters = inspect.cleandoc(function.__doc__ or "").partition("\n\n")
    assert question.endswith("?")
    named = re.findall(r"\b(?:(?:[a-z]+/)+[a-z_]+\.(?:py|md)|ask\.py)\b", matters)
    assert named
    assert [file for file in named if not (ROOT / file).is_file()] == []


@pytest.fixture
def ask(local: World) -> Callable[..., Finding]:
    """Ask one probe of a pretended AWS, changed; what it finds."""

    def run(function: Callable[..., None], **changes: Any) -> Finding:
        found: list[Finding] = []
        aws = replace(pretended(local), **changes)
        function(Probe(function.__name__, inspect.cleandoc(function.__doc__ or ""), local, aws, found.append))
        [finding] = found
        return finding

    return run


@pytest.mark.parametrize(
    ("function", "assumed", "observed"),
    [
        (test_runtime_probes.test_platform_that_is_left_out, "V1", "V2"),
        (test_runtime_probes.test_start_under_opentelemetry, "it does", "it does"),
        (test_policy_probes.test_engine_right_after_its_role, "refused", "made"),
        (test_policy_probes.test_time_that_iam_takes, "they are", "they are"),
        (test_policy_probes.test_policies_of_a_new_gateway, "not always", "it does"),
        (test_policy_probes.test_time_until_rights_hold, "at once", "42 s"),
        (test_policy_probes.test_regions_with_policy, "15 Regions", "2 Regions"),
    ],
    ids=lambda it: getattr(it, "__name__", None),
)
def test_what_only_aws_can_answer(
    ask: Callable[..., Finding], function: Callable[..., None], assumed: str, observed: str
) -> None:
    finding = ask(function)
    assert (finding.assumed, finding.observed, finding.differs) == (assumed, observed, assumed != observed)


def test_a_gateway_that_was_refused_is_an_answer(ask: Callable[..., Finding]) -> None:
    refused = replace(MAKING, refused={"racing-gateway": NOT_YET})
    finding = ask(test_policy_probes.test_engine_right_after_its_role, making=refused)
    assert (finding.observed, finding.evidence) == ("refused", NOT_YET)
    assert ask(test_policy_probes.test_time_that_iam_takes, making=refused).observed == "they are"


def test_what_stayed_refused_was_not_waited_for_long_enough(ask: Callable[..., Finding]) -> None:
    refused = replace(MAKING, refused={"ruled-gateway": NOT_YET, "nested-echo": "ValidationException: too deep"})
    finding = ask(test_policy_probes.test_time_that_iam_takes, making=refused)
    assert finding.observed == "not for ruled-gateway"
    assert "tried again: ruled-gateway 3" in finding.evidence


def test_policies_that_came_too_early(ask: Callable[..., Finding]) -> None:
    late = replace(MAKING, late=frozenset({"adder-ruled"}))
    finding = ask(test_policy_probes.test_policies_of_a_new_gateway, making=late)
    assert (finding.observed, finding.evidence) == ("not always", "refused at first: adder-ruled")


def test_rights_that_never_held(ask: Callable[..., Finding]) -> None:
    never = replace(MAKING, settled={"knocker at plain": 1.0, "adder at ruled": None})
    assert ask(test_policy_probes.test_time_until_rights_hold, making=never).observed == "not in time"


class Listing:
    """CloudWatch, with metrics of these dimensions."""

    def __init__(self, *sets: dict[str, str]) -> None:
        self.sets = sets

    def list_metrics(self, **_its: Any) -> dict[str, Any]:
        listed = [[{"Name": name, "Value": it} for name, it in one.items()] for one in self.sets]
        return {"Metrics": [{"Dimensions": one} for one in listed]}


def test_metrics_under_other_dimensions(ask: Callable[..., Finding]) -> None:
    def asked(*sets: dict[str, str]) -> Finding:
        probe = functools.partial(test_metric_probes.test_dimensions_of_metrics, kind="gateway")
        functools.update_wrapper(probe, test_metric_probes.test_dimensions_of_metrics)
        return ask(probe, service=lambda *_its: Listing(*sets))

    finding = asked({"Resource": "arn", "Service": "AgentCore.Gateway"})
    assert (finding.assumed, finding.observed, finding.differs) == ("they are", "they are not", True)
    assert finding.evidence == "{'Resource': 'arn', 'Service': 'AgentCore.Gateway'}"
    with pytest.raises(MissingError, match="lists no invocation of the gateway yet"):
        asked()


def test_a_policy_that_holds_at_once_and_is_gone_at_once(
    ask: Callable[..., Finding], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = iter([True, False])
    answer = {True: {"jsonrpc": "2.0", "result": {}}, False: {"jsonrpc": "2.0", "error": {"code": -32002}}}
    monkeypatch.setattr(test_policy_probes, "call", lambda *_its: Answer(200, "", "", answer[next(made)]))
    finding = ask(test_policy_probes.test_time_until_a_policy_holds)
    assert finding.observed == "at once"
    assert finding.evidence == "refused again 0 s after the policy was gone"


def test_a_policy_that_is_not_made_is_no_answer(ask: Callable[..., Finding]) -> None:
    class Refusing:
        def create_policy(self, **_its: Any) -> None:
            raise error("ValidationException", "no")

    with pytest.raises(MissingError, match="ValidationException: no"):
        ask(test_policy_probes.test_time_until_a_policy_holds, service=lambda *_its: Refusing())


class Agent:
    """A client whose runtime answers with a document, or refuses."""

    def __init__(self, document: Any = None) -> None:
        self._document = document

    def invoke_agent_runtime(self, **_its: Any) -> Any:
        if self._document is None:
            refusal = error("RuntimeClientError", "it did not start")
            refusal.response["ResponseMetadata"] = {"HTTPStatusCode": 424}
            raise refusal
        body = json.dumps(self._document)
        return {"ResponseMetadata": {"HTTPStatusCode": 200}, "response": Body(body)}


class Body(str):
    """A text that is read like a stream."""

    __slots__ = ()

    def read(self) -> str:
        return self


def by(document: Any = None) -> Callable[[Runtime, Any], Agent]:
    return lambda _runtime, _credentials: Agent(document)


def test_a_zip_that_nobody_could_read(ask: Callable[..., Finding], local: World) -> None:
    reader = test_runtime_probes.test_reader_of_the_zip
    finding = ask(reader, runtimes=by())
    assert (finding.observed, finding.evidence) == (
        "it does not",
        "HTTP 424, RuntimeClientError: it did not start",
    )
    assert ask(reader, runtimes=by({"region": "x"})).observed == "it does"
    fewer = replace(local.scratch, runtimes=())
    assert ask(reader, scratch=fewer).observed == "it is not even made"


def test_a_metadata_service_without_tokens(ask: Callable[..., Finding]) -> None:
    finding = ask(test_runtime_probes.test_metadata_service, runtimes=by({"metadata_without_token": 200}))
    assert (finding.assumed, finding.observed) == ("HTTP 401", "HTTP 200")
    assert "requireMMDSV2" in finding.evidence


def test_a_schema_that_is_not_taken_is_an_answer(ask: Callable[..., Finding], local: World) -> None:
    from tests.aws.test_gateway_probes import test_schema_of_three_levels as schema  # noqa: PLC0415

    targets = tuple(it for it in local.scratch.targets if it.name != "echo")
    refused = replace(MAKING, refused={"nested-echo": "ValidationException: too deep"})
    finding = ask(schema, scratch=replace(local.scratch, targets=targets), making=refused)
    assert (finding.observed, finding.evidence) == ("not taken", "nested-echo: ValidationException: too deep")


SEALED = test_gateway_probes.test_key_of_a_gateway_through_agentcore_alone


def test_a_key_that_only_agentcore_may_use(ask: Callable[..., Finding], local: World) -> None:
    gateway = replace(local.scratch_gateway("ruled"), name="toolgate-probe-local-sealed")
    sealed = replace(local.scratch, gateways=(gateway, *local.scratch.gateways))
    assert ask(SEALED, scratch=sealed).observed == "it may"
    none = tuple(it for it in sealed.targets if it.gateway_id != gateway.id)
    refused = replace(MAKING, refused={"sealed-math": "AccessDeniedException: kms:Decrypt"})
    finding = ask(SEALED, scratch=replace(sealed, targets=none), making=refused)
    assert (finding.assumed, finding.observed) == ("it may not", "it may not")
    assert "kms:Decrypt" in finding.evidence
    with pytest.raises(pytest.skip.Exception, match="--key"):
        ask(SEALED)


def test_a_gateway_whose_role_may_use_its_key_through_agentcore_alone() -> None:
    """Its documents are the component's, with the condition beside what they had."""
    key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    plane = ControlPlane(CloudEnvironment(), MemoryStore(), {})
    config = configuration("local", "us-east-1", "arn:aws:iam::123456789012:user/t", everything=False, key=key)
    # The stand-in goes by what this project goes by.
    with pytest.raises(ProgramError, match=r"(?s)sealed-gateway.*GenesisMCPTargetTargetEncryption.*kms:DescribeKey"):
        record(Program(PROGRAM, PROJECT, "local", config), plane)


def test_probes_are_found_by_module() -> None:
    """`probes` reads every module of the suite."""
    modules: set[ModuleType | None] = {inspect.getmodule(function) for function in PROBES}
    assert {test_interceptor_probes, test_policy_probes, test_runtime_probes} <= modules
