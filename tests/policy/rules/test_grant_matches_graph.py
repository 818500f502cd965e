from tests.policy import making
from tests.policy.driver import UNKNOWN, Pack, Registration, Violation
from tests.policy.making import GATEWAY, document, statement

RULE = "grant-matches-graph"
INVOKE = "bedrock-agentcore:InvokeGateway"
STRANGER = GATEWAY.replace("tools", "stranger")
ELSEWHERE = STRANGER.replace(making.ACCOUNT, "999999999999")


def found(pack: Pack, *resources: Registration) -> list[Violation]:
    return [violation for violation in pack.analyze_stack(resources) if violation.rule == RULE]


def grant(*arns: str) -> Registration:
    return making.role_policy(document(statement(INVOKE, list(arns), Sid="Call")))


def test_a_gateway_of_this_stack_passes(pack: Pack) -> None:
    assert found(pack, making.gateway(), making.role(), grant(GATEWAY)) == []


def test_a_gateway_from_elsewhere_in_this_account_violates(pack: Pack) -> None:
    (violation,) = found(pack, making.gateway(), making.role(), grant(GATEWAY, STRANGER))
    assert (violation.level, violation.urn) == ("mandatory", grant().urn)
    assert STRANGER in violation.message
    assert 'statement "Call"' in violation.message
    assert GATEWAY not in violation.message


def test_a_gateway_of_another_account_passes(pack: Pack) -> None:
    assert found(pack, making.gateway(), making.role(), grant(ELSEWHERE)) == []


def test_a_first_preview_knows_the_account_from_the_trust_policies(pack: Pack) -> None:
    role = Registration("aws:iam/role:Role", "agent", making.role(name=UNKNOWN).inputs)
    new = Registration("aws:bedrock/agentcoreGateway:AgentcoreGateway", "tools", making.gateway().inputs)
    assert len(found(pack, new, role, grant(STRANGER))) == 1
    assert found(pack, new, role, grant(ELSEWHERE)) == []


def test_external_gateways_are_listed(pack: Pack) -> None:
    pack.configure({RULE: {"externalGateways": [STRANGER.replace("abcdefghij", "*")]}})
    assert found(pack, making.gateway(), making.role(), grant(STRANGER)) == []


def test_a_document_made_of_a_new_gateway_is_in_order(pack: Pack) -> None:
    new = Registration("aws:bedrock/agentcoreGateway:AgentcoreGateway", "tools", making.gateway().inputs)
    unknown = Registration(
        "aws:iam/rolePolicy:RolePolicy", "policy", {"policy": UNKNOWN}, property_dependencies={"policy": [new.urn]}
    )
    assert found(pack, new, making.role(), unknown) == []
    known = Registration(unknown.type, "policy", grant(GATEWAY).inputs, property_dependencies={"policy": [new.urn]})
    assert found(pack, new, making.role(), known) == []


def test_patterns_are_the_other_rule_s_business(pack: Pack) -> None:
    assert found(pack, making.gateway(), making.role(), grant("*")) == []
