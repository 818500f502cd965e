from typing import Any

import pytest

from tests.policy import making
from tests.policy.driver import MANDATORY, UNKNOWN, Pack, Registration, Violation

RULE = "undecided-in-preview"
ROLE = making.role()


def found(pack: Pack, *resources: Registration) -> list[Violation]:
    return [violation for violation in pack.analyze_stack(resources) if violation.rule == RULE]


def unknown_policy(parent: str = "") -> Registration:
    inputs = {"role": "agent", "policy": UNKNOWN}
    return Registration("aws:iam/rolePolicy:RolePolicy", "policy", inputs, {}, parent)


def test_an_unknown_document_of_an_agentcore_role_is_said(pack: Pack) -> None:
    (violation,) = found(pack, ROLE, unknown_policy())
    assert (violation.level, violation.urn) == ("advisory", unknown_policy().urn)
    assert 'RolePolicy "policy", policy' in violation.message
    assert "judged at `pulumi up`" in violation.message


def test_a_known_document_is_decided(pack: Pack) -> None:
    assert found(pack, ROLE, making.role_policy(making.document(making.statement("s3:GetObject", "*")))) == []


@pytest.mark.parametrize(
    "kind", ["AgentRuntime", "ToolGateway", "GatewayInterceptor", "LambdaTools", "TokenIssuer", "MachineClient"]
)
def test_what_our_components_write_is_left_out(pack: Pack, kind: str) -> None:
    component = Registration(f"toolgate:index:{kind}", "assistant", {})
    assert found(pack, ROLE, component, unknown_policy(component.urn)) == []
    others = Registration("toolgate:index:SomethingElse", "assistant", {})
    assert len(found(pack, ROLE, others, unknown_policy(others.urn))) == 1


def test_roles_that_agentcore_cannot_take_are_left_out(pack: Pack) -> None:
    assert found(pack, making.role(trusted="ec2.amazonaws.com"), unknown_policy()) == []
    # Nothing tells that AgentCore may take it.
    assert found(pack, making.role(assumeRolePolicy=UNKNOWN), unknown_policy()) == []


def test_an_unknown_trust_policy_is_said_where_agentcore_has_the_role(pack: Pack) -> None:
    role = making.role(assumeRolePolicy=UNKNOWN)
    found_ = found(pack, role, making.gateway(roleArn=role.outputs["arn"]))
    assert [violation.urn for violation in found_] == [role.urn]


def test_partly_unknown_documents_are_undecided(pack: Pack) -> None:
    partly: list[Any] = [
        {"Statement": [making.statement("s3:GetObject", UNKNOWN)]},
        {"Statement": [making.statement(UNKNOWN, "*")]},
        {"Statement": [{**making.statement("s3:GetObject", "*"), "Condition": UNKNOWN}]},
        {"Statement": [UNKNOWN]},
        making.document(making.statement("s3:GetObject", f"arn:aws:s3:::{UNKNOWN}/*")),
    ]
    for policy in partly:
        assert len(found(pack, ROLE, making.role_policy(policy))) == 1, policy


def test_attachments_are_followed_to_their_policies(pack: Pack) -> None:
    kind = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    inputs = {"role": "agent", "policyArn": UNKNOWN}
    nobody_knows = Registration(kind, "attached", inputs)
    assert [violation.urn for violation in found(pack, ROLE, nobody_knows)] == [nobody_knows.urn]
    known = Registration(
        "aws:iam/policy:Policy", "p", {"policy": making.document(making.statement("s3:GetObject", "*"))}
    )
    followed = Registration(kind, "attached", inputs, property_dependencies={"policyArn": [known.urn]})
    assert found(pack, ROLE, known, followed) == []


def test_an_unknown_engine_mode_is_reported_not_mandatory(pack: Pack) -> None:
    for engine in (UNKNOWN, {"arn": "x", "mode": UNKNOWN}):
        gateway = making.gateway(policyEngineConfiguration=engine)
        (violation,) = [found for found in pack.run([gateway]) if found.rule != "logs-delivered"]
        assert (violation.rule, violation.level, violation.urn) == (RULE, "advisory", gateway.urn)


def test_an_unknown_resource_policy_is_said(pack: Pack) -> None:
    kind = "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy"
    assert len(found(pack, Registration(kind, "tools", {"policy": UNKNOWN}))) == 1


def test_strict_makes_it_mandatory(pack: Pack) -> None:
    pack.configure({RULE: {"enforcementLevel": MANDATORY}})
    (violation,) = found(pack, ROLE, unknown_policy())
    assert violation.level == "mandatory"


def url(**inputs: Any) -> Registration:
    function = {"functionName": "shop-math", "authorizationType": "NONE", **inputs}
    return Registration("aws:lambda/functionUrl:FunctionUrl", "url", function)


@pytest.mark.parametrize(
    ("inputs", "place"),
    [
        ({"authorizationType": UNKNOWN}, "authorizationType"),
        ({"functionName": UNKNOWN}, "functionName"),
        ({"functionName": UNKNOWN, "authorizationType": UNKNOWN}, "functionName"),
        ({"functionName": UNKNOWN, "authorizationType": "AWS_IAM"}, None),
        ({"functionName": "webhook", "authorizationType": UNKNOWN}, None),
        ({}, None),
    ],
)
def test_urls_of_functions(pack: Pack, inputs: dict[str, Any], place: str | None) -> None:
    found = [it for it in pack.analyze_stack([making.target(), url(**inputs)]) if it.rule == RULE]
    assert [it.urn for it in found] == ([url().urn] if place else [])
    assert all(f'FunctionUrl "url", {place}: ' in it.message for it in found)
    assert [it for it in pack.analyze_stack([url(**inputs)]) if it.rule == RULE] == []


def test_a_role_that_nothing_tells(pack: Pack) -> None:
    gateway = making.gateway(roleArn=UNKNOWN)
    (violation,) = [it for it in pack.analyze_stack([gateway]) if it.rule == RULE]
    assert 'AgentcoreGateway "tools", roleArn: its role is not known in this preview' in violation.message


def test_a_target_whose_function_nothing_tells(pack: Pack) -> None:
    function = Registration("aws:lambda/function:Function", "math", {"name": UNKNOWN})
    configuration = {"targetConfiguration": {"mcp": {"lambda": {"lambdaArn": UNKNOWN}}}}
    nobody_knows = Registration(making.target().type, "math", configuration)
    by_graph = Registration(nobody_knows.type, "math", configuration, {}, "", {"targetConfiguration": [function.urn]})
    (violation,) = found(pack, function, nobody_knows)
    assert 'AgentcoreGatewayTarget "math", targetConfiguration: which function it calls is not' in violation.message
    assert found(pack, function, by_graph) == found(pack, function, making.target()) == []


def test_what_a_scan_could_not_read_is_said(pack: Pack) -> None:
    missing = {"what": "the gateways in us-east-1", "why": "ListGateways: AccessDeniedException: no"}
    (violation,) = found(pack, Registration("toolgate:scan:NotRead", missing["what"], missing, missing))
    assert violation.level == "advisory"
    assert 'NotRead "the gateways in us-east-1": could not be read by the scan (ListGateways: Acc' in violation.message
