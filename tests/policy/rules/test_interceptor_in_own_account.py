from typing import Any

import pytest

from tests.policy import making
from tests.policy.driver import UNKNOWN, Pack, Registration, Violation
from tests.policy.making import ACCOUNT, FUNCTION

RULE = "interceptor-in-own-account"
STRANGER = FUNCTION.replace(ACCOUNT, "444455556666")


def gateway(*arns: Any, **inputs: Any) -> Registration:
    interceptors = [{"interceptionPoints": ["REQUEST"], "interceptor": {"lambda": {"arn": arn}}} for arn in arns]
    return making.gateway(interceptorConfigurations=interceptors, **inputs)


def found(pack: Pack, *resources: Registration) -> list[Violation]:
    return [it for it in pack.run(resources) if it.rule == RULE]


def test_another_account_s_function_violates_before_the_gateway_is_created(pack: Pack) -> None:
    (violation,) = [it for it in pack.analyze(gateway(FUNCTION, STRANGER)) if it.rule == RULE]
    assert violation.level == "mandatory"
    assert STRANGER in violation.message


@pytest.mark.parametrize("arns", [(), (FUNCTION,), (f"{FUNCTION}:live",), (UNKNOWN,), ("odd",), (None, 3)], ids=str)
def test_functions_of_the_account_pass(pack: Pack, arns: tuple[Any, ...]) -> None:
    assert found(pack, gateway(*arns)) == []
    assert found(pack, making.gateway(interceptorConfigurations=UNKNOWN)) == []


def test_an_account_can_be_allowed(pack: Pack) -> None:
    pack.configure({RULE: {"allowedAccounts": ["444455556666"]}})
    assert found(pack, gateway(STRANGER)) == []


def test_while_the_role_is_not_known_the_stack_tells_its_account(pack: Pack) -> None:
    known = gateway(STRANGER, roleArn=UNKNOWN)
    new = Registration(known.type, "tools", known.inputs)
    assert len(found(pack, making.role(name="gateway"), new)) == 1
    assert found(pack, new) == []
