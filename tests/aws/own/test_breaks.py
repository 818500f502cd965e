"""The checks can fail: break the local deployment, and see the check that is about it fail."""

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from tests.aws import test_answers, test_refusals, test_tool_authorization
from tests.aws.local_world import Export, local_world
from tests.aws.refusals import ATTEMPTS
from tests.aws.world import World
from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.deployment.deployment import parse
from toolgate.local import refusals
from toolgate.local.cloud.control_plane import ControlPlane

Plan = tuple[Export, ControlPlane]
Change = Callable[[dict[str, Any]], None]
Broken = Callable[..., AbstractContextManager[World]]
RUNTIME = "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime"


@pytest.fixture
def broken(stack_plan: Export, scratch_plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Broken:
    """Serve the two deployments, changed; without agents, which most checks leave alone."""

    @contextmanager
    def run(*, stack: Change | None = None, scratch: Change | None = None, agents: bool = False) -> Iterator[World]:
        one, other = copy.deepcopy(dict(stack_plan)), copy.deepcopy(dict(scratch_plan[0]))
        for change, export in ((stack, one), (scratch, other)):
            if change:
                change(export)
        remove(other, RUNTIME)
        if not agents:
            remove(one, RUNTIME)
        with local_world(one, other, scratch_plan[1], tmp_path_factory.mktemp("logs")) as world:
            yield world

    return run


def remove(export: dict[str, Any], kind: str) -> None:
    resources = export["deployment"]["resources"]
    resources[:] = [it for it in resources if it["type"] != kind]


def change(export: dict[str, Any], kind: str, name: str, **properties: Any) -> None:
    """Set properties of the one resource of this kind and name; None takes one away."""
    found = [it for it in export["deployment"]["resources"] if it["type"].endswith(f":{kind}")]
    [resource] = [it for it in found if it["urn"].endswith(f"::{name}")]
    for side in ("inputs", "outputs"):
        resource[side] = {
            key: value
            for key, value in {**resource[side], **properties}.items()
            if properties.get(key, value) is not None
        }


def let_the_stranger_in(export: dict[str, Any]) -> None:
    """The knocker's policy on the stranger's role."""
    change(export, "RolePolicy", "knocker-caller", role="toolgate-probe-local-stranger")


def detach_the_engine(export: dict[str, Any]) -> None:
    change(export, "AgentcoreGateway", "ruled-gateway", policyEngineConfiguration=None)


def drop_the_condition(export: dict[str, Any]) -> None:
    for resource in export["deployment"]["resources"]:
        if resource["urn"].endswith("::bounded-ruled"):
            for side in ("inputs", "outputs"):
                cedar = resource[side]["definition"]["cedar"]
                # A plan's inputs and outputs may share it.
                cedar["statement"] = cedar["statement"].partition("\nwhen")[0].rstrip(";") + ";"


def test_who_is_let_in_without_a_right_is_seen(broken: Broken) -> None:
    with broken(scratch=let_the_stranger_in) as world:
        with pytest.raises(AssertionError, match="let in"):
            test_refusals.test_is_refused(world, "no right")
        with pytest.raises(AssertionError):
            test_refusals.test_whoever_signs_rightly_is_let_in(world)


def test_documents_that_say_something_else_are_seen(local: World, scratch_plan: Plan) -> None:
    """The gateways go by other documents than the matrix is computed from."""
    others = copy.deepcopy(dict(scratch_plan[0]))
    let_the_stranger_in(others)
    with pytest.raises(AssertionError):
        test_tool_authorization.test_the_matrix_is_what_callers_can_really_do(replace(local, scratch=parse(others)))


def test_an_engine_that_is_not_asked_is_seen(broken: Broken) -> None:
    with broken(scratch=detach_the_engine) as world:
        for check in (
            test_tool_authorization.test_a_caller_is_shown_exactly_what_it_may_call,
            test_tool_authorization.test_who_has_no_permit_is_shown_nothing,
            test_tool_authorization.test_a_denied_call_is_an_error_and_the_function_is_not_run,
            test_tool_authorization.test_a_condition_holds_at_its_edges,
        ):
            with pytest.raises(AssertionError):
                check(world)


def test_a_condition_that_is_gone_is_seen(broken: Broken) -> None:
    with broken(scratch=drop_the_condition) as world, pytest.raises(AssertionError, match="100"):
        test_tool_authorization.test_a_condition_holds_at_its_edges(world)


def test_a_denied_call_that_runs_the_function_is_seen(local: World) -> None:
    one_more = replace(local, runs=lambda _gateway, _target: lambda _at_least: 2)
    with pytest.raises(AssertionError):
        test_tool_authorization.test_a_denied_call_is_an_error_and_the_function_is_not_run(one_more)


def test_an_answer_without_a_tool_is_seen(local: World) -> None:
    without = replace(local, runs=lambda _gateway, _target: lambda _at_least: 0)
    with pytest.raises(AssertionError):
        test_answers.test_an_agent_answers_with_what_its_tool_returned(without)


def test_an_agent_that_is_refused_is_seen(broken: Broken, stack_plan: Export) -> None:
    gateway: Gateway = parse(stack_plan).gateways[0]

    def move(export: dict[str, Any]) -> None:
        export.update(refusals.with_grant_moved(export, gateway))

    with broken(stack=move, agents=True) as world:
        # The matrix would say that no agent may call the tool.
        asked = replace(world, stack=replace(world.stack, roles=parse(stack_plan).roles))
        with pytest.raises(AssertionError, match="RuntimeClientError"):
            test_answers.test_an_agent_answers_with_what_its_tool_returned(asked)


@pytest.mark.parametrize(
    "held",
    [
        {"AWS_SECRET_ACCESS_KEY": "x"},
        {"NOTE": "AKIAABCDEFGHIJKLMNOP"},
        {"GATEWAY_URL": "https://elsewhere.example.com/mcp"},
        {"TOKEN_GATEWAYS": '{"tokens": [{"gateways": ["https://elsewhere.example.com/mcp"]}]}'},
        {"GATEWAY_URL": ""},
        {"CLIENT_TOKEN": "x"},
        {"AWS_REGION": "eu-west-1"},
    ],
    ids=str,
)
def test_an_environment_with_more_than_the_role_is_seen(local: World, held: dict[str, str]) -> None:
    [runtime] = local.stack.runtimes
    spoilt = replace(runtime, environment={**runtime.environment, **held})
    with pytest.raises(AssertionError):
        test_answers.test_an_agent_holds_nothing_but_its_role(
            replace(local, stack=replace(local.stack, runtimes=(spoilt,)))
        )


def test_an_agent_that_comes_by_token_alone_holds_no_more(local: World) -> None:
    [runtime] = local.stack.runtimes
    url = local.front.url
    held = {name: it for name, it in runtime.environment.items() if name != "GATEWAY_URL"}
    held["TOKEN_GATEWAYS"] = json.dumps({"identity": "x", "tokens": [{"provider": "p", "gateways": [url]}]})
    by_token = replace(local.stack, runtimes=(replace(runtime, environment=held),))
    test_answers.test_an_agent_holds_nothing_but_its_role(replace(local, stack=by_token))


def test_every_way_to_get_in_is_another_request(local: World) -> None:
    """No two attempts are refused for the same reason at the same gateway, but for the rights that are missing."""
    words = {who: attempt(local).words(local) for who, attempt in ATTEMPTS.items()}
    at_plain = [said for who, said in words.items() if "the stack's gateway" not in who]
    assert len(set(at_plain)) == len(at_plain), json.dumps(words, indent=1)
