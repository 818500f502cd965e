from typing import Any

import pytest

from tests.policy import making
from tests.policy.driver import UNKNOWN, Pack, Registration, Violation
from tests.policy.making import ENGINE, permit

RULE = "policy-engine-attached"
POLICY = making.cedar(permit("math"))
ATTACHED: dict[str, Any] = {"policyEngineConfiguration": {"arn": ENGINE, "mode": "ENFORCE"}}


def found(pack: Pack, *resources: Registration) -> list[Violation]:
    return [violation for violation in pack.run(resources) if violation.rule == RULE]


def test_an_engine_on_a_gateway_passes(pack: Pack) -> None:
    assert found(pack, making.engine(), making.gateway(**ATTACHED), making.target(), POLICY) == []


def test_an_engine_with_policies_on_no_gateway_violates(pack: Pack) -> None:
    more = making.cedar(permit("math___add"), "more")
    (violation,) = found(pack, making.engine(), making.gateway(), making.target(), POLICY, more)
    assert (violation.level, violation.urn) == ("mandatory", making.engine().urn)
    assert 'AgentcorePolicy "permit" and 1 more' in violation.message


def test_an_engine_of_another_gateway_violates(pack: Pack) -> None:
    other: dict[str, Any] = {"policyEngineConfiguration": {"arn": ENGINE.replace("tools", "other"), "mode": "ENFORCE"}}
    assert len(found(pack, making.engine(), making.gateway(**other), making.target(), POLICY)) == 1


def test_an_engine_without_policies_and_one_of_another_stack_pass(pack: Pack) -> None:
    assert found(pack, making.engine(), making.gateway()) == []
    assert found(pack, making.gateway(), making.target(), POLICY) == []


def unknown_engine(**dependencies: list[str]) -> Registration:
    """A gateway of a first preview."""
    first = making.gateway(policyEngineConfiguration={"arn": UNKNOWN, "mode": "ENFORCE"})
    return Registration(first.type, first.name, first.inputs, property_dependencies=dependencies)


def test_a_first_preview_knows_it_from_the_graph(pack: Pack) -> None:
    new = Registration(making.engine().type, "engine", making.engine().inputs)
    other = Registration(new.type, "other", new.inputs)
    policy = making.cedar(permit("math"), engine_id=UNKNOWN, policyEngineId=[new.urn])
    assert found(pack, new, other, unknown_engine(policyEngineConfiguration=[new.urn]), policy) == []
    (violation,) = found(pack, new, other, unknown_engine(policyEngineConfiguration=[other.urn]), policy)
    assert violation.urn == new.urn


def test_a_configuration_that_is_gone_is_no_attachment_whatever_the_graph_remembers(pack: Pack) -> None:
    gateway = making.gateway()
    remembered = {"policyEngineConfiguration": [making.engine().urn]}
    bare = Registration(gateway.type, "tools", gateway.inputs, gateway.outputs, property_dependencies=remembered)
    assert len(found(pack, making.engine(), bare, making.target(), POLICY)) == 1


def test_an_engine_nobody_knows_may_be_this_one(pack: Pack) -> None:
    assert found(pack, making.engine(), unknown_engine(), POLICY) == []
    assert found(pack, making.engine(), making.gateway(policyEngineConfiguration=UNKNOWN), POLICY) == []


def component(authorization: Any) -> Registration:
    return Registration("toolgate:index:ToolGateway", "tools", {"authorization": authorization})


def part(of: Registration, **inputs: Any) -> Registration:
    first = making.gateway(**inputs)
    return Registration(first.type, "tools-gateway", first.inputs, first.outputs, parent=of.urn)


@pytest.mark.parametrize("configuration", [{}, {"policyEngineConfiguration": []}, {"policyEngineConfiguration": None}])
def test_a_component_that_grants_tools_singly_has_an_engine(pack: Pack, configuration: dict[str, Any]) -> None:
    by_tool = component("tool")
    pack.analyze(by_tool)
    bare = part(by_tool, **configuration)
    # Said before the gateway is created.
    (violation,) = pack.analyze(bare)
    assert (violation.rule, violation.level, violation.urn) == (RULE, "mandatory", bare.urn)
    assert 'ToolGateway "tools"' in violation.message
    assert len(found(pack, by_tool, bare)) == 1


@pytest.mark.parametrize("configuration", [ATTACHED, {"policyEngineConfiguration": UNKNOWN}], ids=["known", "unknown"])
def test_a_component_with_an_engine_passes(pack: Pack, configuration: dict[str, Any]) -> None:
    by_tool = component("tool")
    assert found(pack, by_tool, part(by_tool, **configuration)) == []


def test_other_gateways_need_none(pack: Pack) -> None:
    by_gateway, unknown = component("gateway"), component(UNKNOWN)
    assert found(pack, by_gateway, part(by_gateway)) == []
    assert found(pack, unknown, part(unknown)) == []
    by_tool = component("tool")
    assert found(pack, by_tool, making.gateway()) == []
    # What a run's components say holds for that run only.
    assert found(pack, part(by_tool)) == []


OPEN_ARN = making.GATEWAY.replace("tools", "more")


def open_gateway(**inputs: Any) -> Registration:
    """A second gateway, without an engine."""
    first = making.gateway("more", **inputs)
    return Registration(first.type, "more", first.inputs, {"gatewayArn": OPEN_ARN})


def behind(gateway_arn: str, name: str, arn: Any = making.FUNCTION) -> Registration:
    made = making.target(name, gateway=gateway_arn.rpartition("/")[2])
    configuration = {"mcp": {"lambda": {"lambdaArn": arn}}}
    return Registration(made.type, name, {**made.inputs, "targetConfiguration": configuration})


def test_a_gateway_without_an_engine_in_front_of_the_same_function_violates(pack: Pack) -> None:
    locked = making.gateway(**ATTACHED)
    around = behind(OPEN_ARN, "around", f"{making.FUNCTION}:live")
    stack = [making.engine(), locked, open_gateway(), behind(making.GATEWAY, "math"), around]
    (violation,) = found(pack, *stack, POLICY)
    assert (violation.level, violation.urn) == ("mandatory", around.urn)
    assert 'AgentcoreGateway "more" has none' in violation.message


def test_a_preview_knows_the_function_by_the_graph(pack: Pack) -> None:
    function = Registration("aws:lambda/function:Function", "math", {"name": "shop-math"})
    kind = making.target().type
    configuration = {"mcp": {"lambda": {"lambdaArn": UNKNOWN}}}
    gateways = [unknown_engine(), Registration(making.gateway().type, "more", making.gateway("more").inputs)]
    targets = [
        Registration(
            kind,
            name,
            {"targetConfiguration": configuration, "gatewayIdentifier": UNKNOWN},
            {},
            "",
            {"targetConfiguration": [function.urn], "gatewayIdentifier": [gateway.urn]},
        )
        for name, gateway in zip(("math", "around"), gateways, strict=True)
    ]
    assert [it.urn for it in found(pack, function, *gateways, *targets)] == [targets[1].urn]


def test_functions_of_their_own_and_two_engines_pass(pack: Pack) -> None:
    locked = making.gateway(**ATTACHED)
    other = behind(OPEN_ARN, "other", making.FUNCTION.replace("math", "orders"))
    math = behind(making.GATEWAY, "math")
    assert found(pack, making.engine(), locked, open_gateway(), math, other, POLICY) == []
    around = behind(OPEN_ARN, "around")
    assert found(pack, making.engine(), locked, open_gateway(**ATTACHED), math, around, POLICY) == []
    unknown: dict[str, Any] = {"policyEngineConfiguration": UNKNOWN}
    assert found(pack, making.engine(), locked, open_gateway(**unknown), math, around, POLICY) == []
    assert found(pack, making.gateway(), open_gateway(), math, around) == []
