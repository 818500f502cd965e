"""Programs on aws-native, whose documents are objects with unknown leaves, are judged like those on aws."""

from typing import Any

from tests.policy import making
from tests.policy.driver import UNKNOWN, Pack, Registration, rules
from tests.policy.making import ACCOUNT, AGENTCORE, FUNCTION, GATEWAY, PINNED, statement

GATEWAY_ID = GATEWAY.rpartition("/")[2]


def trust(condition: Any) -> dict[str, Any]:
    entry = {"Effect": "Allow", "Principal": {"Service": AGENTCORE}, "Action": "sts:AssumeRole"}
    return {"Statement": [{**entry, "Condition": condition}]}


def role(condition: Any = PINNED, **more: Any) -> Registration:
    inputs = {"roleName": "agent", "assumeRolePolicyDocument": trust(condition), **more}
    return Registration("aws-native:iam:Role", "agent", inputs, {"arn": f"arn:aws:iam::{ACCOUNT}:role/agent"})


def policy(kind: str, *entries: Any, **more: Any) -> Registration:
    return Registration(f"aws-native:iam:{kind}", "policy", {"policyDocument": {"Statement": list(entries)}, **more})


WIDE = statement("bedrock-agentcore:InvokeGateway", [UNKNOWN, "*"])
NARROW = statement("bedrock-agentcore:InvokeGateway", [UNKNOWN, GATEWAY])


def test_gateways(pack: Pack) -> None:
    kind = "aws-native:bedrockagentcore:Gateway"
    open_one = Registration(kind, "g", {"authorizerType": "NONE", "policyEngineConfiguration": {"mode": "LOG_ONLY"}})
    assert rules(pack.analyze(open_one)) == ["gateway-authorizer-iam", "policy-engine-enforces"]
    assert pack.analyze(Registration(kind, "g", {"authorizerType": "AWS_IAM"})) == []


def test_cedar_policies(pack: Pack) -> None:
    kind = "aws-native:bedrockagentcore:"
    function = {"lambdaArn": FUNCTION, "toolSchema": {"inlinePayload": [{"name": "add"}]}}
    configuration = {"mcp": {"lambda": function}}
    target = {"name": "math", "gatewayIdentifier": GATEWAY_ID, "targetConfiguration": configuration}
    graph = [
        Registration(f"{kind}PolicyEngine", "engine", {"name": "shop_tools"}, {"policyEngineArn": making.ENGINE}),
        Registration(f"{kind}Gateway", "g", {"authorizerType": "AWS_IAM"}, {"gatewayArn": GATEWAY}),
        Registration(f"{kind}GatewayTarget", "math", target),
    ]

    def found(actions: str) -> list[str]:
        statement = {"cedar": {"statement": making.permit(actions)}}
        inputs = {"name": "p", "policyEngineId": making.ENGINE_ID, "definition": statement}
        policy = Registration(f"{kind}Policy", "p", inputs)
        return [it.rule for it in pack.run([*graph, policy]) if it.level == "mandatory"]

    assert found("math___add") == ["policy-engine-attached"]
    assert sorted(found("math__add math___ad")) == ["cedar-names-exist"] * 2 + ["policy-engine-attached"]


def test_every_carrier(pack: Pack) -> None:
    exact = "invoke-gateway-exact-arn"
    for kind in ("RolePolicy", "UserPolicy", "GroupPolicy", "ManagedPolicy"):
        assert rules(pack.analyze(policy(kind, WIDE))) == [exact], kind
        assert pack.analyze(policy(kind, NARROW)) == [], kind
    inline = [{"policyName": "x", "policyDocument": {"Statement": [WIDE]}}]
    admin = ["arn:aws:iam::aws:policy/PowerUserAccess"]
    for kind in ("User", "Group"):
        both = {"policies": inline, "managedPolicyArns": admin}
        assert rules(pack.analyze(Registration(f"aws-native:iam:{kind}", "x", both))) == [exact, exact], kind
    assert rules(pack.analyze(role(policies=inline))) == [exact]


def test_trust_policies(pack: Pack) -> None:
    assert rules(pack.analyze(role({}))) == ["service-trust-pinned"]
    assert pack.analyze(role()) == []


def test_documents_of_agentcore_s_roles(pack: Pack) -> None:
    bound = "gateway-role-exact-lambda"
    wide = statement("lambda:InvokeFunction", "*")
    assert pack.analyze(role()) == []
    assert rules(pack.analyze(policy("RolePolicy", wide, roleName="agent"))) == [bound]
    assert rules(pack.analyze(policy("ManagedPolicy", wide, roles=["other", "agent"]))) == [bound]
    assert pack.analyze(policy("RolePolicy", wide, roleName="other")) == []
    unknown = policy("RolePolicy", wide, roleName=UNKNOWN)
    unknown = Registration(unknown.type, "unknown", unknown.inputs, property_dependencies={"roleName": [role().urn]})
    assert bound in rules(pack.analyze_stack([role(), unknown]))


def test_an_agent_that_bypasses_its_gateway(pack: Pack) -> None:
    target = {"targetConfiguration": {"mcp": {"lambda": {"lambdaArn": FUNCTION}}}}
    resources = [
        role(),
        policy("RolePolicy", statement("lambda:InvokeFunction", FUNCTION), roleName="agent"),
        Registration("aws-native:bedrockagentcore:GatewayTarget", "math", target),
        Registration("aws-native:bedrockagentcore:Runtime", "a", {"roleArn": role().outputs["arn"]}),
        Registration("aws-native:lambda:Permission", "open", {"functionName": "shop-math", "principal": "*"}),
    ]
    found = [violation.rule for violation in pack.run(resources) if violation.level == "mandatory"]
    assert sorted(found) == ["agent-cannot-bypass-gateway", "lambda-permission-pinned"]
