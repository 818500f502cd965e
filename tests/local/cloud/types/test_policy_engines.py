"""Policy engines and policies: what AWS would refuse, before anything is deployed."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.local.cloud.conftest import ENGINE, GATEWAY, GOOD, POLICY, ROLE, TARGET, trust
from tests.local.cloud.types.targets.conftest import given
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError
from toolgate.local.cloud.resource_type import Made
from toolgate.local.cloud.types import policy_engines

Check = Callable[..., list[str]]
ROLE_ID = "arn:aws:sts::123456789012:assumed-role/calculator"


def statement(
    gateway: str, action: str = "math___add", principal: str = ROLE_ID, when: str = "", op: str = "=="
) -> dict[str, Any]:
    text = (
        f'permit(principal == AgentCore::IamEntity::"{principal}", action {op} AgentCore::Action::"{action}",'
        f' resource == AgentCore::Gateway::"{gateway}"){when};'
    )
    return {"definition": {"cedar": {"statement": text}}}


def create(plane: ControlPlane, engine: Made, **changes: Any) -> Made:
    return plane.create(POLICY, GOOD[POLICY] | {"policyEngineId": engine.id} | changes)


@pytest.mark.parametrize("token", [ENGINE, POLICY])
@pytest.mark.parametrize("name", ["with-hyphen", "1digit", "_under", "", "a" * 49])
def test_names_that_are_refused(token: str, name: str, check: Check) -> None:
    [reason] = check(token, name=name)[:1]
    assert reason.startswith("name: CreatePolicy")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("permit(principal, action, resource)", "not one Cedar policy"),
        ("permit(principal, action, resource is AgentCore::Gateway); " * 2, "exactly one policy"),
        ("permit(principal == ?principal, action, resource);", "without slots"),
        ("permit(principal,action,resource);", "length greater than or equal to 35"),
        (f"permit(principal, action, resource); // {'x' * 10_000}", "length less than or equal to 10000"),
    ],
)
def test_statements_that_are_refused_on_sight(text: str, fault: str, check: Check) -> None:
    [reason] = check(POLICY, definition={"cedar": {"statement": text}})
    assert reason.startswith("definition: ")
    assert fault in reason


def test_definitions_other_than_cedar_are_not_reproduced(check: Check) -> None:
    [reason] = check(POLICY, definition={"policy": {"statement": "x" * 40}})
    assert "does not reproduce definition.policy" in reason
    [reason] = check(POLICY, enforcementMode="LOG_ONLY")
    assert "does not reproduce enforcementMode" in reason


def test_ids_and_arns_have_the_models_form(plane: ControlPlane, engine: Made, policed: Made) -> None:
    base = "arn:aws:bedrock-agentcore:us-east-1:123456789012:policy-engine"
    assert engine.outputs["policyEngineArn"] == f"{base}/{engine.id}"
    assert engine.id.startswith("toolgate_dev_tools-")
    made = create(plane, engine, **statement(policed.outputs["gatewayArn"]))
    policy_id = made.outputs["policyId"]
    assert made.id == f"{engine.id},{policy_id}"
    assert made.outputs["policyArn"] == f"{base}/{engine.id}/policy/{policy_id}"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"action": "math___divide"}, "math___divide"),
        ({"action": "math__add"}, "math__add"),
        ({"action": "other___add"}, "other___add"),
        ({"action": "math"}, "unable to find an applicable action"),
        ({"principal": "arn:aws:iam::123456789012:role/calculator"}, "no caller has the id"),
        ({"when": " when { context.input.c < 1 }"}, "c"),
        ({"when": ' when { context.input.a == "1" }'}, "String"),
    ],
)
def test_policies_that_do_not_fit_the_gateways_tools(
    plane: ControlPlane, engine: Made, policed: Made, changes: dict[str, str], fault: str
) -> None:
    with pytest.raises(RefusalError) as caught:
        create(plane, engine, **statement(policed.outputs["gatewayArn"], **changes))
    assert str(caught.value).startswith("unexpected state 'CREATE_FAILED'")
    assert fault in str(caught.value)


@pytest.mark.parametrize("changes", [{}, {"action": "math", "op": "in"}, {"when": " when { context.input.a < 100 }"}])
def test_policies_that_fit(plane: ControlPlane, engine: Made, policed: Made, changes: dict[str, str]) -> None:
    assert create(plane, engine, **statement(policed.outputs["gatewayArn"], **changes)).outputs["policyId"]


def test_a_policy_comes_after_the_target_whose_tools_it_names(
    plane: ControlPlane, engine: Made, policed: Made, gateway: Made
) -> None:
    inputs = statement(gateway.outputs["gatewayArn"], action="later___add")
    with pytest.raises(RefusalError, match="later___add"):
        create(plane, engine, **inputs)
    with plane.store.transaction() as account:
        [failed] = [it["id"] for it in account["resources"].values() if it["type"] == POLICY]
    with pytest.raises(RefusalError, match="ConflictException: A policy with the name"):
        create(plane, engine, **inputs)
    with pytest.raises(RefusalError, match="has policies"):
        plane.delete(ENGINE, engine.id)
    plane.delete(POLICY, failed)
    plane.create(TARGET, GOOD[TARGET] | {"gatewayIdentifier": gateway.id, "name": "later"})
    create(plane, engine, **inputs)


def test_an_update_is_held_to_the_same(plane: ControlPlane, engine: Made, policed: Made) -> None:
    arn = policed.outputs["gatewayArn"]
    made = create(plane, engine, **statement(arn))
    inputs = GOOD[POLICY] | {"policyEngineId": engine.id}
    plane.update(POLICY, made.id, inputs | statement(arn, action="math", op="in"))
    with pytest.raises(RefusalError, match="math___divide"):
        plane.update(POLICY, made.id, inputs | statement(arn, action="math___divide"))


def test_a_policy_needs_its_engine_and_the_gateway_that_it_names(
    plane: ControlPlane, engine: Made, policed: Made
) -> None:
    arn = policed.outputs["gatewayArn"]
    with pytest.raises(RefusalError, match="ResourceNotFoundException: Policy engine with ID"):
        create(plane, engine, policyEngineId="toolgate_dev_tools-zzzzzzzzzz", **statement(arn))
    with pytest.raises(RefusalError, match=r"ResourceNotFoundException: Gateway arn:.*-zzzzzzzzzz not found"):
        create(plane, engine, **statement(f"{arn[:-10]}zzzzzzzzzz"))


@pytest.mark.parametrize("scope", ["principal", 'principal == AgentCore::IamEntity::"' + ROLE_ID + '"'])
def test_a_permit_for_tools_to_come_is_a_finding(plane: ControlPlane, engine: Made, policed: Made, scope: str) -> None:
    wide = {"cedar": {"statement": f"permit({scope}, action, resource is AgentCore::Gateway);"}}
    with pytest.raises(RefusalError, match=r"Overly Permissive: .*\(Any Future Tools\)"):
        create(plane, engine, definition=wide)
    create(plane, engine, name="other", definition=wide, validationMode="IGNORE_ALL_FINDINGS")


def test_a_permit_with_a_condition_is_none(plane: ControlPlane, engine: Made, policed: Made) -> None:
    role = f'principal == AgentCore::IamEntity::"{ROLE_ID}"'
    text = f"permit({role}, action, resource is AgentCore::Gateway) when {{ context.input.a < 1 }};"
    assert create(plane, engine, definition={"cedar": {"statement": text}}).outputs["policyId"]


def test_another_gateways_tools_do_not_count(plane: ControlPlane, engine: Made, policed: Made) -> None:
    trusting = trust("bedrock-agentcore.amazonaws.com")
    plane.update(ROLE, "gateway-role", {"name": "gateway-role", "assumeRolePolicy": trusting})
    other = plane.create(GATEWAY, GOOD[GATEWAY] | {"name": "other"})
    plane.create(TARGET, GOOD[TARGET] | {"gatewayIdentifier": other.id, "name": "elsewhere"})
    create(plane, engine, name="there", **statement(other.outputs["gatewayArn"], action="elsewhere___add"))
    with pytest.raises(RefusalError, match="elsewhere___add"):
        create(plane, engine, name="here", **statement(policed.outputs["gatewayArn"], action="elsewhere___add"))


def test_a_forbid_of_everything_is_none(plane: ControlPlane, engine: Made, policed: Made) -> None:
    stop = {"cedar": {"statement": "forbid(principal, action, resource is AgentCore::Gateway);"}}
    assert create(plane, engine, definition=stop).outputs["policyId"]


def test_a_policy_of_every_gateway_is_held_against_those_of_its_engine(
    plane: ControlPlane, engine: Made, policed: Made
) -> None:
    text = "forbid(principal is AgentCore::IamEntity, action, resource is AgentCore::Gateway) when { context.input.c };"
    with pytest.raises(RefusalError, match="CREATE_FAILED"):
        create(plane, engine, definition={"cedar": {"statement": text}})


def test_names_are_taken_once(plane: ControlPlane, engine: Made, policed: Made) -> None:
    with pytest.raises(RefusalError, match="ConflictException: A policy engine with the name 'toolgate_dev_tools'"):
        plane.create(ENGINE, GOOD[ENGINE])
    create(plane, engine, **statement(policed.outputs["gatewayArn"]))
    other = plane.create(ENGINE, {"name": "other"})
    with pytest.raises(RefusalError, match="ConflictException: A policy with the name"):
        create(plane, other, **statement(policed.outputs["gatewayArn"]))


def test_an_engine_is_full_at_its_quota(
    plane: ControlPlane, engine: Made, policed: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_engines, "POLICIES_PER_ENGINE", 2)
    inputs = statement(policed.outputs["gatewayArn"])
    one, _ = (create(plane, engine, name=name, **inputs) for name in ("one", "two"))
    same = GOOD[POLICY] | {"policyEngineId": engine.id, "name": "one"} | inputs
    plane.update(POLICY, one.id, same)  # takes no more room
    with pytest.raises(RefusalError, match="ServiceQuotaExceededException: a policy engine takes at most 2"):
        create(plane, engine, name="three", **inputs)


def test_an_engine_goes_after_its_policies_and_its_gateway(plane: ControlPlane, engine: Made, policed: Made) -> None:
    made = create(plane, engine, **statement(policed.outputs["gatewayArn"]))
    with pytest.raises(RefusalError, match=r"has policies.*: toolgate_dev_assistant_tools"):
        plane.delete(ENGINE, engine.id)
    plane.delete(POLICY, made.id)
    with pytest.raises(RefusalError, match=f"is attached to gateway '{policed.id}'"):
        plane.delete(ENGINE, engine.id)
    plane.update(GATEWAY, policed.id, GOOD[GATEWAY])
    plane.delete(ENGINE, engine.id)
    assert plane.read(ENGINE, engine.id) is None


def test_an_engines_key_cannot_be_changed() -> None:
    """botocore, UpdatePolicyEngine: it takes a description, and no key."""
    assert policy_engines.ENGINE_TYPE.replaces == {"name", "encryptionKeyArn"}


@pytest.mark.parametrize(
    "case",
    [
        ("mcpServer", "other___add", False),
        ("mcpServer", "other___subtract", True),
        ("openApiSchema", "other___list_orders", False),
        ("openApiSchema", "other___add", True),
        ("connector", "other___Retrieve", False),
        ("connector", "math___add", False),
        ("connector", "math___subtract", True),
        ("apiGateway", "other", False),
    ],
)
def test_a_policy_is_held_to_the_tools_of_targets_of_each_kind(
    case: tuple[str, str, bool], plane: ControlPlane, gateway: Made, engine: Made
) -> None:
    """Of what only AWS lists nothing is said."""
    kind, action, refused = case
    for inputs in ({}, {"name": "other", **given(kind)}):
        plane.create(TARGET, GOOD[TARGET] | inputs | {"gatewayIdentifier": gateway.id})
    about = statement(gateway.outputs["gatewayArn"], action, op="in" if "___" not in action else "==")
    if refused:
        with pytest.raises(RefusalError, match="CREATE_FAILED"):
            create(plane, engine, **about)
    else:
        create(plane, engine, **about)
