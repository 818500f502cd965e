"""Programs on aws-native, Cloud Control and ExtensionResource are judged like those on aws; templates are reported."""

import json
from typing import Any

import pytest

from tests.policy import making, making_tokens
from tests.policy.driver import MANDATORY, UNKNOWN, Pack, Registration, Violation, rules
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


def cloud_control(kind: str, name: str, state: Any, **more: Any) -> Registration:
    inputs = {"typeName": kind, "desiredState": state if isinstance(state, str) else json.dumps(state)}
    return Registration("aws:cloudcontrol/resource:Resource", name, inputs, **more)


def extension(kind: str, name: str, state: Any, **more: Any) -> Registration:
    return Registration("aws-native:index:ExtensionResource", name, {"type": kind, "properties": state}, **more)


WAYS = pytest.mark.parametrize("way", [cloud_control, extension])


def mandatory(pack: Pack, *resources: Registration) -> list[str]:
    return sorted(it.rule for it in pack.run(resources) if it.level == "mandatory")


def reported(pack: Pack, *resources: Registration) -> list[Violation]:
    return [it for it in pack.run(resources) if it.rule == "undecided-in-preview"]


@WAYS
def test_cloudformation_s_names_are_read(pack: Pack, way: Any) -> None:
    gateway = "AWS::BedrockAgentCore::Gateway"
    weak = {"AuthorizerType": "NONE", "PolicyEngineConfiguration": {"Mode": "LOG_ONLY"}}
    assert rules(pack.analyze(way(gateway, "g", weak))) == ["gateway-authorizer-iam", "policy-engine-enforces"]
    assert pack.analyze(way(gateway, "g", {"AuthorizerType": "AWS_IAM"})) == []
    wide = {"Statement": [statement("bedrock-agentcore:InvokeGateway", "*")]}
    narrow = {"Statement": [statement("bedrock-agentcore:InvokeGateway", GATEWAY)]}
    for kind in ("RolePolicy", "UserPolicy", "GroupPolicy", "ManagedPolicy", "Policy"):
        found = [pack.analyze(way(f"AWS::IAM::{kind}", "p", {"PolicyDocument": it})) for it in (wide, narrow)]
        assert (rules(found[0]), found[1]) == (["invoke-gateway-exact-arn"], []), kind
    open_to_all = {"FunctionName": "shop-math", "Principal": "*", "Action": "lambda:InvokeFunction"}
    assert rules(pack.analyze(way("AWS::Lambda::Permission", "p", open_to_all))) == ["lambda-permission-pinned"]
    everybody = {**statement("bedrock-agentcore:InvokeGateway", GATEWAY), "Principal": "*"}
    policy = {"ResourceArn": GATEWAY, "Policy": making.document(everybody)}
    assert rules(pack.analyze(way("AWS::BedrockAgentCore::ResourcePolicy", "p", policy))) == ["resource-policy-private"]
    assert pack.analyze(way("AWS::S3::Bucket", "b", {"PolicyDocument": wide})) == []


@WAYS
def test_roles_and_what_they_are_given_in_any_mixture(pack: Pack, way: Any) -> None:
    trusted = {"RoleName": "agent", "AssumeRolePolicyDocument": trust(PINNED)}
    agent = way("AWS::IAM::Role", "agent", trusted)
    wide = statement("lambda:InvokeFunction", "*")
    bound = "gateway-role-exact-lambda"
    for given in (
        making.role_policy(making.document(wide)),
        policy("ManagedPolicy", wide, roles=["other", "agent"]),
        way("AWS::IAM::RolePolicy", "p", {"RoleName": "agent", "PolicyDocument": {"Statement": [wide]}}),
        way("AWS::IAM::ManagedPolicy", "p", {"Roles": ["agent"], "PolicyDocument": {"Statement": [wide]}}),
    ):
        assert mandatory(pack, agent, given) == [bound], given
        assert mandatory(pack, role(), given) == [bound], given
    assert rules(pack.analyze(way("AWS::IAM::Role", "agent", {**trusted, "AssumeRolePolicyDocument": trust({})}))) == [
        "service-trust-pinned"
    ]


@WAYS
def test_the_answer_of_aws_is_read_where_the_whole_stack_is(pack: Pack, way: Any) -> None:
    """Targets, engines and gateways name one another by what only AWS's answer has."""
    answer = {"GatewayArn": GATEWAY, "GatewayIdentifier": GATEWAY_ID}
    outputs = {"properties": json.dumps(answer)} if way is cloud_control else {"outputs": answer}
    state = {"AuthorizerType": "AWS_IAM", "ProtocolConfiguration": {"Mcp": {}}}
    gateway = way("AWS::BedrockAgentCore::Gateway", "g", state, outputs=outputs)
    runtime = {"AgentRuntimeName": "a", "RoleArn": role().outputs["arn"]}
    payload = [{"Name": "add", "InputSchema": {"Type": "object"}}]
    function = {"LambdaArn": FUNCTION, "ToolSchema": {"InlinePayload": payload}}
    configuration = {"Mcp": {"Lambda": function}}
    target = {"Name": "math", "GatewayIdentifier": GATEWAY_ID, "TargetConfiguration": configuration}
    shop = [
        role(),
        gateway,
        way("AWS::BedrockAgentCore::GatewayTarget", "math", target),
        way("AWS::BedrockAgentCore::Runtime", "a", runtime),
        making.role_policy(making.document(statement("bedrock-agentcore:InvokeGateway", GATEWAY))),
    ]
    assert mandatory(pack, *shop) == []
    past = making.role_policy(making.document(statement("lambda:InvokeFunction", FUNCTION)), name="past")
    assert mandatory(pack, *shop, past) == ["agent-cannot-bypass-gateway"]
    assert mandatory(pack, *shop, making.engine(), making.cedar(making.permit("math___ad"))) == [
        "cedar-names-exist",
        "policy-engine-attached",
    ]


@pytest.mark.parametrize("state", [UNKNOWN, "not JSON", "[]"])
def test_a_state_that_cannot_be_read_is_reported(pack: Pack, state: str) -> None:
    """A first preview knows nothing of a JSON text with one unknown in it; `up` judges it before it takes effect."""
    unread = [
        cloud_control("AWS::BedrockAgentCore::Gateway", "g", state),
        cloud_control("AWS::BedrockAgentCore::GatewayTarget", "math", state),
        cloud_control("AWS::IAM::RolePolicy", "p", state, property_dependencies={"desiredState": [role().urn]}),
    ]
    permit = making.cedar(making.permit("math___add"), definition=[unread[0].urn])
    stack = [role(), *unread, making.engine(), permit]
    found = reported(pack, *stack)
    assert [it.urn for it in found] == [it.urn for it in unread]
    assert all("cannot be read" in it.message for it in found)
    assert mandatory(pack, *stack) == []
    assert rules(pack.analyze(cloud_control("AWS::S3::Bucket", "b", state))) == []


@pytest.mark.parametrize("written", ["desiredState", "properties"])
def test_the_graph_tells_what_a_state_that_is_not_known_is_made_of(pack: Pack, written: str) -> None:
    """Nothing else says that the role is an agent's."""
    way: Any = cloud_control if written == "desiredState" else extension
    role = making.role(assumeRolePolicy=UNKNOWN)
    wide = making.role_policy(making.document(statement("lambda:InvokeFunction", "*")))
    runtime = way("AWS::BedrockAgentCore::Runtime", "a", UNKNOWN, property_dependencies={written: [role.urn]})
    assert mandatory(pack, role, wide, runtime) == ["gateway-role-exact-lambda"]
    assert mandatory(pack, role, wide, way("AWS::BedrockAgentCore::Runtime", "a", UNKNOWN)) == []


def test_an_unknown_type_is_reported(pack: Pack) -> None:
    (found,) = reported(pack, cloud_control(UNKNOWN, "any", {}))
    assert "type is not known" in found.message
    (found,) = reported(pack, extension("AWS::BedrockAgentCore::Tomorrow", "new", {}))
    assert "aws-native:bedrockagentcore:Tomorrow" in found.message
    assert reported(pack, cloud_control("AWS::S3::Bucket", "b", {}), extension("Acme::Shop::Thing", "x", {})) == []


OPEN_GATEWAY = {"Type": "AWS::BedrockAgentCore::Gateway", "Properties": {"AuthorizerType": "NONE"}}
TEMPLATE = {"Resources": {"Open": OPEN_GATEWAY}}


@pytest.mark.parametrize("kind", ["aws:cloudformation/stack:Stack", "aws:cloudformation/stackSet:StackSet"])
def test_templates_are_reported(pack: Pack, kind: str) -> None:
    body = Registration(kind, "s", {"templateBody": json.dumps(TEMPLATE)})
    (found,) = reported(pack, body)
    assert (found.level, found.urn) == ("advisory", body.urn)
    assert "AWS::BedrockAgentCore::Gateway" in found.message
    assert len(reported(pack, Registration(kind, "s", {"templateUrl": "https://acme.s3.amazonaws.com/t.json"}))) == 1
    assert len(reported(pack, Registration(kind, "s", {"templateBody": UNKNOWN}))) == 1
    bucket = json.dumps({"Resources": {"B": {"Type": "AWS::S3::Bucket"}}})
    assert reported(pack, Registration(kind, "s", {"templateBody": bucket})) == []


def test_templates_of_aws_native_are_reported(pack: Pack) -> None:
    for kind in ("Stack", "StackSet"):
        assert (
            len(reported(pack, Registration(f"aws-native:cloudformation:{kind}", "s", {"templateBody": TEMPLATE}))) == 1
        )
        assert len(reported(pack, cloud_control(f"AWS::CloudFormation::{kind}", "s", {"TemplateBody": TEMPLATE}))) == 1
    pack.configure({"undecided-in-preview": {"enforcementLevel": MANDATORY}})
    (found,) = reported(pack, Registration("aws-native:cloudformation:Stack", "s", {"templateBody": TEMPLATE}))
    assert found.level == "mandatory"


def role_in_template(condition: Any) -> dict[str, Any]:
    """As CloudFormation's own pages have it: names and accounts are references."""
    return {"RoleName": "agent", "AssumeRolePolicyDocument": trust(condition)}


ACCOUNT_REF = {"Ref": "AWS::AccountId"}
SUB = {"Fn::Sub": "arn:aws:bedrock-agentcore:us-east-1:${AWS::AccountId}:gateway/*"}
PINNED_BY_REFERENCE = {"StringEquals": {"aws:SourceAccount": ACCOUNT_REF}, "ArnLike": {"aws:SourceArn": SUB}}
ROLE_REF = {"Ref": "Agent"}


def test_resources_of_a_template_in_json_are_judged_by_themselves(pack: Pack) -> None:
    wide = {"PolicyName": "p", "PolicyDocument": {"Statement": [WIDE]}, "Roles": [ROLE_REF]}
    functions = {"Statement": [statement("lambda:InvokeFunction", "*")]}
    resources = {
        "Wide": {"Type": "AWS::IAM::Policy", "Properties": wide},
        "Functions": {"Type": "AWS::IAM::RolePolicy", "Properties": {"RoleName": "agent", "PolicyDocument": functions}},
        "Agent": {"Type": "AWS::IAM::Role", "Properties": role_in_template({})},
        "Open": OPEN_GATEWAY,
        "Other": {"Type": "AWS::S3::Bucket"},
    }
    wanted = sorted(
        ["gateway-authorizer-iam", "gateway-role-exact-lambda", "invoke-gateway-exact-arn", "service-trust-pinned"]
    )
    template = {"Resources": resources}
    for body in (template, json.dumps(template)):
        found = pack.analyze(Registration("aws-native:cloudformation:Stack", "shop", {"templateBody": body}))
        assert sorted(rules(found)) == wanted
        assert 'AgentcoreGateway "shop/Open"' in next(it.message for it in found if it.rule == "gateway-authorizer-iam")
        pack.analyze_stack([])


def test_an_ordinary_template_violates_nothing(pack: Pack) -> None:
    exact = {"Statement": [statement("bedrock-agentcore:InvokeGateway", {"Fn::GetAtt": ["Tools", "GatewayArn"]})]}
    permission = {"Principal": "apigateway.amazonaws.com", "FunctionName": {"Ref": "F"}, "SourceArn": SUB}
    resources = {
        "Agent": {"Type": "AWS::IAM::Role", "Properties": role_in_template(PINNED_BY_REFERENCE)},
        "Call": {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": exact, "Roles": [ROLE_REF]}},
        "Tools": {"Type": "AWS::BedrockAgentCore::Gateway", "Properties": {"AuthorizerType": "AWS_IAM", "Name": SUB}},
        "Permission": {"Type": "AWS::Lambda::Permission", "Properties": permission},
        "Odd": {"Type": "AWS::IAM::Role", "Properties": {"Fn::If": ["A", {}, {}]}},
    }
    for body in ({"Resources": resources}, json.dumps({"Resources": resources})):
        stack = Registration("aws-native:cloudformation:Stack", "shop", {"templateBody": body})
        assert [it for it in pack.run([stack]) if it.level == "mandatory"] == []


@pytest.mark.parametrize(
    "body",
    [7, [], {}, "[]", {"Resources": []}, {"Resources": {"R": 7}}, {"Resources": {"R": {"Type": 7}}}, '{"a":' * 5_000],
    ids=lambda body: str(body)[:20],
)
def test_what_is_no_template_is_reported(pack: Pack, body: Any) -> None:
    stack = Registration("aws-native:cloudformation:Stack", "shop", {"templateBody": body})
    (found,) = pack.run([stack])
    assert (found.rule, found.level) == ("undecided-in-preview", "advisory")


def test_permission_sets(pack: Pack) -> None:
    exact = ["invoke-gateway-exact-arn"]
    full = "arn:aws:iam::aws:policy/BedrockAgentCoreFullAccess"
    reader = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    exclusive = "aws:ssoadmin/managedPolicyAttachmentsExclusive:ManagedPolicyAttachmentsExclusive"
    assert rules(pack.analyze(Registration(exclusive, "x", {"managedPolicyArns": [reader, full]}))) == exact
    assert pack.analyze(Registration(exclusive, "x", {"managedPolicyArns": [reader]})) == []
    native = "aws-native:sso:PermissionSet"
    wide, narrow = {"Statement": [WIDE]}, {"Statement": [NARROW]}
    for document, found in ((wide, exact), (json.dumps(wide), exact), (narrow, []), (json.dumps(narrow), [])):
        assert rules(pack.analyze(Registration(native, "x", {"name": "Dev", "inlinePolicy": document}))) == found
    assert rules(pack.analyze(Registration(native, "x", {"name": "Dev", "managedPolicies": [full]}))) == exact
    assert rules(pack.analyze(cloud_control("AWS::SSO::PermissionSet", "x", {"InlinePolicy": wide}))) == exact


@WAYS
def test_user_pools_their_clients_and_providers(pack: Pack, way: Any) -> None:
    """CloudFormation says OAuth where pulumi_aws says Oauth."""
    jwt = {"discoveryUrl": making_tokens.DISCOVERY, "allowedScopes": ["tools/invoke"]}
    taking = making_tokens.gateway(authorizerConfiguration={"customJwtAuthorizer": jwt})
    client = {
        "UserPoolId": making_tokens.POOL_ID,
        "AllowedOAuthFlows": ["client_credentials", "code"],
        "AllowedOAuthScopes": ["openid"],
        "GenerateSecret": True,
        "ExplicitAuthFlows": [],
        "AccessTokenValidity": 2,
        "TokenValidityUnits": {"AccessToken": "hours"},
    }
    pool = {"AdminCreateUserConfig": {"AllowAdminCreateUserOnly": False}}
    answer = {"Arn": making_tokens.POOL_ARN, "UserPoolId": making_tokens.POOL_ID}
    outputs = {"properties": json.dumps(answer)} if way is cloud_control else {"outputs": answer}
    provider = {
        "Name": "x",
        "Oauth2ProviderConfigInput": {"CustomOauth2ProviderConfig": {"ClientSecret": "hunter2hunter2"}},
    }
    resources = [
        way("AWS::Cognito::UserPool", "pool", pool, outputs=outputs),
        taking,
        way("AWS::Cognito::UserPoolClient", "client", client),
        way("AWS::BedrockAgentCore::OAuth2CredentialProvider", "provider", provider),
        way("AWS::BedrockAgentCore::WorkloadIdentity", "identity", {"Name": "shop"}),
        making_tokens.runtime(environmentVariables={"X": "hunter2hunter2"}),
    ]
    pack.configure(making_tokens.ALLOWED)
    found = [(it.rule, it.urn.rpartition("::")[2]) for it in pack.run(resources) if it.rule != "logs-delivered"]
    assert sorted(found) == [
        *[("machine-client-only", "client")] * 3,
        ("no-secret-in-environment", "assistant"),
        ("user-pool-closed", "pool"),
    ]


def test_the_same_in_aws_native(pack: Pack) -> None:
    pool = Registration("aws-native:cognito:UserPool", "pool", {"userPoolName": "x"}, {"arn": making_tokens.POOL_ARN})
    props = {"userPoolId": making_tokens.POOL_ID, "allowedOAuthFlows": ["client_credentials"], "explicitAuthFlows": []}
    client = Registration("aws-native:cognito:UserPoolClient", "client", props)
    pack.configure(making_tokens.ALLOWED)
    found = [it.rule for it in pack.run([pool, making_tokens.gateway(), client]) if it.rule != "logs-delivered"]
    assert sorted(found) == ["machine-client-only", "user-pool-closed"]
