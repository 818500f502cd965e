from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pulumi
import pytest

from toolgate.components.iam import iam_propagation, leftovers
from toolgate.components.iam.iam_documents import AwsEnvironment
from toolgate.components.iam.leftovers import InUseError, NotRemovedError

REFUSALS = [
    "ValidationException: Gateway execution role lacks permission to invoke Lambda function arn:aws:lambda:x",
    "AccessDeniedException: Policy Engine 'x' does not have the required permissions to be used",
    "ValidationException: Role validation failed for 'arn:aws:iam::1:role/x'. Please verify the role exists",
    "InvalidParameterValueException: The role defined for the function cannot be assumed by Lambda.",
    "ValidationException: Gateway service failed to perform AssumeRole on Gateway role arn:aws:iam::1:role/x",
    "ValidationException: Access denied while calling GetPolicyEngine on Policy Engine x with Gateway role y",
    "AccessDeniedException: User: arn:aws:sts::1:assumed-role/x/GenesisMCPTargetTargetEncryption is not authorized to "
    "perform: kms:GenerateDataKey on resource: y because no identity-based policy allows it",
]
OTHERS = [
    "AccessDeniedException: User: x is not authorized to perform: bedrock-agentcore:CreateGateway",
    "AccessDeniedException: User: deployer is not authorized to perform: kms:CreateGrant on resource: y",
    "ConflictException: Gateway already exists",
    "1 error occurred:\n\t* creating",
    "",
]
# As the provider words it once the thing is made: terraform-provider-aws internal/service/smarterr.hcl and
# internal/retry/error.go.
MADE = [
    f"ID: x\nCause: While waiting, unexpected state 'FAILED', wanted target 'READY'. last error: {REFUSALS[0]}",
    f"ID: x\nCause: timeout while waiting for state to become 'READY' (timeout: 30m0s): {REFUSALS[4]}",
    f"ID: x\nCause: While finding, operation error GetAgentRuntime: {REFUSALS[2]}",
]
HERE = AwsEnvironment("aws", "eu-west-1", "123456789012", "amazonaws.com")
POLICY = {"policyEngineId": "engine-a1b2c3d4e5", "name": "agent"}


class Component(pulumi.ComponentResource):
    """A component with a hook, as the real ones make it."""

    def __init__(self, name: str) -> None:
        super().__init__("toolgate:index:Component", name)
        self.binding = iam_propagation.retry(self, name, HERE)


@pytest.fixture
def retries(run: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let a resource fail with one error after another until the hook gives up; returns the waits it made.

    The clock moves by what the hook waits, and by `each` for every try.
    """

    def failing(
        *errors: str,
        each: float = 0.0,
        operation: str = "create",
        kind: str = "t",
        inputs: Mapping[str, str] = MappingProxyType({}),
        preview: bool = False,
    ) -> list[float]:
        now = [0.0]
        waits: list[float] = []

        async def sleeping(seconds: float) -> None:
            waits.append(seconds)
            now[0] += seconds

        async def failed() -> str:
            [hook] = Component("c").binding.on_error or []
            for tries in range(1, len(errors) + 1):
                now[0] += each
                newest_first = list(reversed(errors[:tries]))
                args = pulumi.ErrorHookArgs(
                    urn="u",
                    id="",
                    name="r",
                    type=kind,
                    new_inputs=inputs,
                    failed_operation=operation,
                    errors=newest_first,
                )
                answer = hook.callback(args)
                if not (answer if isinstance(answer, bool) else await answer):
                    break
            return "failed"

        with monkeypatch.context() as patched:
            patched.setattr(iam_propagation, "_sleep", sleeping)
            patched.setattr(iam_propagation, "_clock", lambda: now[0])
            run(lambda: pulumi.Output.all(failed()), preview=preview)
        return waits

    return failing


@pytest.mark.parametrize("error", REFUSALS)
def test_a_refusal_that_may_be_iams_delay_is_retried(retries: Any, error: str) -> None:
    assert retries(error) == [iam_propagation.FIRST_DELAY]
    assert retries(error.upper()) == [iam_propagation.FIRST_DELAY]


@pytest.mark.parametrize("error", OTHERS)
def test_anything_else_is_not(retries: Any, error: str) -> None:
    assert retries(error) == []


@pytest.mark.parametrize("error", MADE)
def test_a_create_that_has_made_the_thing_is_not_repeated(retries: Any, error: str) -> None:
    assert retries(error) == []
    assert retries(error, operation="update") == [iam_propagation.FIRST_DELAY]


@pytest.mark.parametrize("error", REFUSALS)
def test_nothing_is_waited_for_in_a_preview(retries: Any, error: str) -> None:
    assert retries(error, preview=True) == []


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, **_: found.append(text))
    return found


KINDS = [kind for kind in leftovers.KINDS if kind != leftovers.POLICY]


@pytest.mark.parametrize("kind", KINDS)
def test_what_such_a_create_left_is_named_with_the_commands_that_remove_it(
    retries: Any, warnings: list[str], kind: str
) -> None:
    inputs = {"gatewayIdentifier": "tools-a1b2c3d4e5", "name": "x"}
    assert retries(MADE[0], kind=kind, inputs=inputs) == []
    [text] = warnings
    named, *commands = text.splitlines()
    assert named.startswith(f"r: the {leftovers.KINDS[kind].noun} was made and then failed.")
    assert [it.split()[:2] for it in commands] == [["aws", "bedrock-agentcore-control"]] * 2
    assert all(it.endswith(" --region eu-west-1") for it in commands)
    assert " x --region" in commands[1]
    assert "{" not in text


@pytest.mark.parametrize(
    "cause",
    [
        "ConflictException: already exists",
        "ValidationException: Credential provider with name: toolgate_dev_a_tokens already exists",
        "ValidationException: WorkloadIdentity with name 'toolgate_dev_a' already exists.",
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_name_that_is_taken_is_said_with_commands_too(
    retries: Any, warnings: list[str], kind: str, cause: str
) -> None:
    assert retries(f'ID: "tools"\nCause: {cause}', kind=kind) == []
    assert "may be in AWS and not in this stack" in warnings[0]
    assert f"{leftovers.KINDS[kind].identifier} --region" in warnings[0]


def test_what_fails_in_the_hook_itself_does_not_hide_the_providers_error(
    retries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> list[str]:
        raise RuntimeError("the engine is gone")

    monkeypatch.setattr(leftovers, "commands", fail)
    gateway = "aws:bedrock/agentcoreGateway:AgentcoreGateway"
    assert retries(f"ConflictException: taken, {MADE[0]}", kind=gateway) == []


def test_a_refusal_that_made_nothing_says_nothing_more(retries: Any, warnings: list[str]) -> None:
    for kind in leftovers.KINDS:
        assert retries(OTHERS[0], kind=kind) == []
    assert warnings == []


LATE_GATEWAY = (
    "ID: agent-f123456789\nCause: While waiting, unexpected state 'CREATE_FAILED', wanted target 'ACTIVE'. "
    "last error: Insufficient permissions to call gateway with ID tools-a1b2c3d4e5"
)
FINDINGS = LATE_GATEWAY.replace("Insufficient permissions to call gateway", "Overly Permissive")
TAKEN = "ConflictException: A policy with the name agent already exists"


@pytest.fixture
def policy(retries: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """As `retries`, for a policy; `removal` is what its removal comes to, one for each time or always the same."""

    def failing(*errors: str, removal: Any = True, **more: Any) -> tuple[list[float], int]:
        outcomes = list(removal) if isinstance(removal, list) else None
        removals = 0

        async def removed(component: Any, inputs: Mapping[str, str], here: AwsEnvironment) -> bool:
            nonlocal removals
            removals += 1
            assert (inputs, here) == (POLICY, HERE)
            outcome = outcomes.pop(0) if outcomes is not None else removal
            if isinstance(outcome, Exception):
                raise outcome
            return bool(outcome)

        with monkeypatch.context() as patched:
            patched.setattr(leftovers, "remove_failed_policy", removed)
            return retries(*errors, kind=leftovers.POLICY, inputs=POLICY, **more), removals

    return failing


def test_a_policy_of_a_new_gateway_is_removed_and_made_again(policy: Any, warnings: list[str]) -> None:
    assert policy(LATE_GATEWAY, LATE_GATEWAY) == ([2, 4], 2)
    assert policy(LATE_GATEWAY, operation="update") == ([2], 0)
    assert policy(LATE_GATEWAY, preview=True) == ([], 0)
    assert warnings == []


def test_a_policy_that_stays_refused_is_removed_at_the_end_and_it_says_what_may_lack(
    policy: Any, warnings: list[str]
) -> None:
    waits, removals = policy(*[LATE_GATEWAY] * 100)
    longest = iam_propagation.LONGEST_WAIT_FOR_GATEWAY
    assert longest <= sum(waits) < longest + iam_propagation.LONGEST_DELAY
    assert removals == len(waits) + 1
    [text] = warnings
    assert "lacks bedrock-agentcore:InvokeGateway" in text
    assert "the failed policy is removed" in text


def test_a_policy_with_findings_is_removed_and_not_repeated(policy: Any, warnings: list[str]) -> None:
    assert policy(FINDINGS, FINDINGS) == ([], 1)
    assert "the failed policy is removed. Put right what AWS says of it" in warnings[0]


def test_a_name_that_an_earlier_update_left_taken_is_freed_and_the_create_repeated(
    policy: Any, warnings: list[str]
) -> None:
    assert policy(TAKEN, LATE_GATEWAY, FINDINGS) == ([4], 3)
    assert len(warnings) == 1


def test_a_name_that_stays_taken_after_the_removal_is_waited_for_in_time(policy: Any) -> None:
    waits, _ = policy(LATE_GATEWAY, *[TAKEN] * 100, removal=[True, *[False] * 100])
    assert iam_propagation.LONGEST_WAIT <= sum(waits) < iam_propagation.LONGEST_WAIT + iam_propagation.LONGEST_DELAY


def test_a_name_that_no_policy_of_the_engine_has_is_said(policy: Any, warnings: list[str]) -> None:
    assert policy(TAKEN, TAKEN, removal=False) == ([], 1)
    assert "no policy of this name is in its policy engine" in warnings[0]


def test_a_policy_that_did_not_fail_is_named_for_an_import(policy: Any, warnings: list[str]) -> None:
    assert policy(TAKEN, TAKEN, removal=InUseError("agent-z9y8x7w6v5", "ACTIVE")) == ([], 1)
    assert "Its status is ACTIVE, so it is left alone" in warnings[0]
    command = f"pulumi import {leftovers.POLICY} r engine-a1b2c3d4e5,agent-z9y8x7w6v5 --parent 'c=urn:pulumi:"
    assert command in warnings[0]


def test_a_policy_that_cannot_be_removed_is_named_with_the_commands(policy: Any, warnings: list[str]) -> None:
    assert policy(LATE_GATEWAY, LATE_GATEWAY, removal=NotRemovedError("AccessDenied")) == ([], 1)
    assert "It could not be removed from here: AccessDenied." in warnings[0]
    engine = "--policy-engine-id engine-a1b2c3d4e5"
    assert warnings[0].splitlines()[1:] == [
        f"aws bedrock-agentcore-control list-policies {engine} --region eu-west-1",
        f"aws bedrock-agentcore-control delete-policy {engine} --policy-id agent-f123456789 --region eu-west-1",
    ]


def test_each_policy_has_a_bound_of_its_own(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now, answers = [0.0], []

    async def removed(*_: Any) -> bool:
        return True

    async def sleeping(_: float) -> None:
        """Take no time."""

    async def asked() -> None:
        [hook] = Component("c").binding.on_error or []
        for urn, at in (("one", 0.0), ("two", 400.0), ("one", 500.0), ("two", 500.0)):
            now[0] = at
            args = pulumi.ErrorHookArgs(urn, "", "r", leftovers.POLICY, POLICY, None, None, "create", [LATE_GATEWAY])
            answer = hook.callback(args)
            answers.append(answer if isinstance(answer, bool) else await answer)

    monkeypatch.setattr(leftovers, "remove_failed_policy", removed)
    monkeypatch.setattr(iam_propagation, "_sleep", sleeping)
    monkeypatch.setattr(iam_propagation, "_clock", lambda: now[0])
    run(lambda: pulumi.Output.all(asked()))
    assert answers == [True, True, False, True]


def test_what_fails_otherwise_after_a_retry_is_shown(retries: Any) -> None:
    assert retries(REFUSALS[0], OTHERS[0], REFUSALS[0]) == [iam_propagation.FIRST_DELAY]


def test_the_waits_grow_to_their_bound_and_end_in_time(retries: Any) -> None:
    waits = retries(*[REFUSALS[0]] * 100)
    assert waits == sorted(waits)
    assert waits[:4] == [2, 4, 8, 16]
    assert max(waits) == iam_propagation.LONGEST_DELAY
    assert iam_propagation.LONGEST_WAIT <= sum(waits) < iam_propagation.LONGEST_WAIT + iam_propagation.LONGEST_DELAY


def test_slow_tries_count_as_time(retries: Any) -> None:
    assert len(retries(*[REFUSALS[0]] * 100, each=120.0)) == 2


def test_two_components_of_one_name_have_two_hooks(run: Any) -> None:
    class Another(Component):
        pass

    found: list[str] = []

    def program() -> None:
        for component in (Component("c"), Another("c")):
            found.extend(hook.name for hook in component.binding.on_error or [])

    run(program)
    assert found == ["Component-c-propagation", "Another-c-propagation"]


def test_no_error_at_all_is_no_reason_to_retry(run: Any) -> None:
    answers: list[Any] = []

    def program() -> None:
        [hook] = Component("c").binding.on_error or []
        args = pulumi.ErrorHookArgs(urn="u", id="", name="r", type="t", failed_operation="create", errors=[])
        pulumi.Output.from_input(hook.callback(args)).apply(answers.append)

    run(program)
    assert answers == [False]
