from typing import Any

import pulumi
import pytest

from toolgate.components.iam import iam_propagation

REFUSALS = [
    "ValidationException: Gateway execution role lacks permission to invoke Lambda function arn:aws:lambda:x",
    "AccessDeniedException: Policy Engine 'x' does not have the required permissions to be used",
    "ValidationException: Role validation failed for 'arn:aws:iam::1:role/x'. Please verify the role exists",
    "InvalidParameterValueException: The role defined for the function cannot be assumed by Lambda.",
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


class Component(pulumi.ComponentResource):
    """A component with a hook, as the real ones make it."""

    def __init__(self, name: str) -> None:
        super().__init__("toolgate:index:Component", name)
        self.binding = iam_propagation.retry(self, name)


@pytest.fixture
def retries(run: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let a resource fail with one error after another until the hook gives up; returns the waits it made.

    The clock moves by what the hook waits, and by `each` for every try.
    """

    def failing(*errors: str, each: float = 0.0, operation: str = "create") -> list[float]:
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
                    urn="u", id="", name="r", type="t", failed_operation=operation, errors=newest_first
                )
                answer = hook.callback(args)
                if not (answer if isinstance(answer, bool) else await answer):
                    break
            return "failed"

        with monkeypatch.context() as patched:
            patched.setattr(iam_propagation, "_sleep", sleeping)
            patched.setattr(iam_propagation, "_clock", lambda: now[0])
            run(lambda: pulumi.Output.all(failed()))
        return waits

    return failing


@pytest.mark.parametrize("error", REFUSALS)
def test_a_refusal_that_may_be_iams_delay_is_retried(retries: Any, error: str) -> None:
    assert retries(error) == [iam_propagation.FIRST_DELAY]
    assert retries(error.upper()) == [iam_propagation.FIRST_DELAY]


@pytest.mark.parametrize("error", OTHERS)
def test_anything_else_is_not(retries: Any, error: str) -> None:
    assert retries(error) == []


LATE_GATEWAY = "creation failed: CREATE_FAILED: Insufficient permissions to call gateway with ID tools-a1b2c3d4e5"


def test_a_failed_policy_is_repaired_by_an_update_and_never_created_twice(
    retries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, **_: warnings.append(text))
    assert retries(LATE_GATEWAY, operation="update") == [iam_propagation.FIRST_DELAY]
    assert warnings == []
    assert retries(LATE_GATEWAY, operation="create") == []
    assert "run `pulumi up` again" in warnings[0]
    assert "lacks bedrock-agentcore:InvokeGateway" in warnings[0]


def test_a_policy_that_stays_refused_says_what_may_lack(retries: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, **_: warnings.append(text))
    assert sum(retries(*[LATE_GATEWAY] * 100, operation="update")) >= iam_propagation.LONGEST_WAIT
    assert len(warnings) == 1


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
