"""A deployment reads alike however its resources were made, and what is in no spelling that is read is said."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.access.conftest import ACCOUNT, GATEWAY, INVOKE, Case
from toolgate.access.deployment.deployment import Deployment, parse
from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.access_matrix import matrix

Export = dict[str, Any]
Respell = Callable[[str, Mapping[str, Any], Mapping[str, Any]], Export]

POLICY = {"policy": "PolicyDocument", "name": "PolicyName"}
# By the type in `aws`: CloudFormation's type, and the properties that are not the same with a capital.
CLOUDFORMATION: dict[str, tuple[str, dict[str, str]]] = {
    "aws:iam/role:Role": ("IAM::Role", {"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"}),
    "aws:iam/rolePolicy:RolePolicy": ("IAM::RolePolicy", {**POLICY, "role": "RoleName"}),
    "aws:iam/policy:Policy": ("IAM::ManagedPolicy", {"policy": "PolicyDocument", "arn": "PolicyArn"}),
    "aws:lambda/function:Function": ("Lambda::Function", {"name": "FunctionName"}),
    "aws:bedrock/agentcoreGateway:AgentcoreGateway": (
        "BedrockAgentCore::Gateway",
        {"gatewayId": "GatewayIdentifier"},
    ),
    "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget": (
        "BedrockAgentCore::GatewayTarget",
        {"credentialProviderConfiguration": "CredentialProviderConfigurations", "inlinePayloads": "InlinePayload"},
    ),
    "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime": (
        "BedrockAgentCore::Runtime",
        {"entryPoints": "EntryPoint"},
    ),
    "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy": ("BedrockAgentCore::ResourcePolicy", {}),
    "aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine": ("BedrockAgentCore::PolicyEngine", {}),
    "aws:bedrock/agentcorePolicy:AgentcorePolicy": ("BedrockAgentCore::Policy", {}),
}


def pascal(names: Mapping[str, str], value: Any) -> Any:
    """What `aws` has, in CloudFormation's form."""
    if isinstance(value, list):
        return [pascal(names, item) for item in value]
    if not isinstance(value, Mapping):
        return value
    made: dict[str, Any] = {}
    for key, item in value.items():
        name = names.get(key, key[:1].upper() + key[1:])
        if name == "CredentialProviderConfigurations":
            made[name] = [{"CredentialProviderType": "GATEWAY_IAM_ROLE"}]
        elif name in ("PolicyDocument", "AssumeRolePolicyDocument"):
            made[name] = json.loads(item)
        elif name in ("Variables", "EnvironmentVariables"):
            made[name] = item
        elif key == "properties" and isinstance(item, list):
            named = [{**it} for it in item]
            made[name] = {
                it.pop("name"): pascal(names, {k: v for k, v in it.items() if k != "required"}) for it in named
            }
            made["Required"] = [it["name"] for it in item if it.get("required")]
        else:
            made[name] = pascal(names, item)
    return made


def camel(value: Any) -> Any:
    """CloudFormation's form as aws-native has it; its schemas know which keys are the user's."""
    if isinstance(value, list):
        return [camel(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    kept = {"PolicyDocument", "AssumeRolePolicyDocument", "Variables", "EnvironmentVariables", "Properties"}
    made = {key[:1].lower() + key[1:]: item if key in kept else camel(item) for key, item in value.items()}
    if isinstance(parameters := value.get("Properties"), Mapping):
        made["properties"] = {name: camel(schema) for name, schema in parameters.items()}
    return made


def as_cloud_control(kind: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Export:
    given = {"typeName": f"AWS::{kind}", "desiredState": json.dumps(inputs)}
    return {
        "type": "aws:cloudcontrol/resource:Resource",
        "inputs": given,
        "outputs": {**given, "properties": json.dumps(outputs)},
    }


def as_extension(kind: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Export:
    given = {"type": f"AWS::{kind}", "properties": inputs}
    return {"type": "aws-native:index:ExtensionResource", "inputs": given, "outputs": {**given, "outputs": outputs}}


def as_native(kind: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Export:
    service, _, name = kind.partition("::")
    return {"type": f"aws-native:{service.lower()}:{name}", "inputs": camel(inputs), "outputs": camel(outputs)}


def respelled(entry: Export, way: Respell) -> Export:
    if entry["type"] not in CLOUDFORMATION:
        return entry
    kind, names = CLOUDFORMATION[entry["type"]]
    given, answered = ({k: v for k, v in entry[key].items() if k != "code"} for key in ("inputs", "outputs"))
    return {**entry, **way(kind, pascal(names, given), pascal(names, answered))}


def read_in(export: Export, way: Respell) -> Deployment:
    resources = [respelled(entry, way) for entry in export["deployment"]["resources"]]
    return parse({"version": 3, "deployment": {"resources": resources}})


WAYS = pytest.mark.parametrize("way", [as_cloud_control, as_extension, as_native])


@WAYS
def test_a_whole_deployment_reads_alike(handmade: Export, way: Respell) -> None:
    plain, other = parse(handmade), read_in(handmade, way)
    functions = tuple(replace(it, code=None) for it in plain.functions)  # CloudFormation has no archives
    assert other == replace(plain, functions=functions)
    assert matrix(other).as_json() == matrix(plain).as_json()


GRANT = {"Effect": "Allow", "Action": INVOKE, "Resource": GATEWAY}
PERMIT = "permit(principal, action, resource is AgentCore::Gateway);"


@WAYS
@pytest.mark.parametrize(
    "case",
    [
        Case(identity=[GRANT]),
        Case(identity=[GRANT], resource=[{"Effect": "Deny", "Principal": "*", "Action": INVOKE, "Resource": GATEWAY}]),
        Case(resource=[{"Effect": "Allow", "Principal": "*", "Action": INVOKE, "Resource": GATEWAY}]),
        Case(identity=[GRANT], boundary=[{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]),
        Case(identity=[GRANT], cedar={"all": PERMIT}),
        Case(identity=[GRANT], cedar={}),
        Case(gateway={"authorizerType": "NONE"}),
        Case(identity=[GRANT], trust={"AWS": "*"}),
    ],
    ids=str,
)
def test_decisions_are_alike(case: Case, way: Respell) -> None:
    export = case.export()
    assert matrix(read_in(export, way)).as_json() == matrix(parse(export)).as_json()


def entry(kind: str, name: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any] | None = None) -> Export:
    urn = f"urn:pulumi:dev::p::{kind}::{name}"
    return {"urn": urn, "type": kind, "inputs": dict(inputs), "outputs": {**inputs, **(outputs or {})}}


def with_more(*entries: Export) -> Deployment:
    export = Case().export()
    return parse({"version": 3, "deployment": {"resources": [*export["deployment"]["resources"], *entries]}})


def allowed(deployment: Deployment) -> set[str]:
    return {it.principal.rpartition("/")[2] for it in matrix(deployment).entries if it.decision == "allow"}


USER = entry("aws:iam/user:User", "anna", {"name": "anna"}, {"arn": f"arn:aws:iam::{ACCOUNT}:user/anna"})
MEMBER = entry("aws:iam/groupMembership:GroupMembership", "m", {"group": "ops", "users": ["anna"]})
DOCUMENT = {"Version": "2012-10-17", "Statement": [GRANT]}
MANAGED = f"arn:aws:iam::{ACCOUNT}:policy/callers"
POLICY_ITSELF = entry("aws:iam/policy:Policy", "callers", {"policy": json.dumps(DOCUMENT)}, {"arn": MANAGED})


@pytest.mark.parametrize(
    ("kind", "holder", "who"),
    [
        ("aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive", {"roleName": "caller"}, "caller"),
        ("aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive", {"userName": "anna"}, "anna"),
        ("aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive", {"groupName": "ops"}, "anna"),
    ],
)
def test_exclusive_attachments_attach(kind: str, holder: dict[str, str], who: str) -> None:
    exclusive = entry(kind, "only", {**holder, "policyArns": [MANAGED]})
    assert allowed(with_more(USER, MEMBER, POLICY_ITSELF, exclusive)) == {who}
    nothing = entry(kind, "only", {**holder, "policyArns": []})
    assert allowed(with_more(USER, MEMBER, POLICY_ITSELF, nothing)) == set()


def test_exclusive_inline_policies_write_none() -> None:
    kind = "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive"
    deployment = with_more(entry(kind, "only", {"roleName": "caller", "policyNames": ["x"]}))
    assert (allowed(deployment), matrix(deployment).unsupported) == (set(), ())


@pytest.mark.parametrize("kind", ["ManagedPolicy", "Policy"])
def test_a_policy_of_cloudformation_s_is_of_each_whom_it_names(kind: str) -> None:
    arn = {"policyArn": MANAGED} if kind == "ManagedPolicy" else {}
    for holder, who in (("roles", "caller"), ("users", "anna"), ("groups", "anna")):
        holders = {holder: [{"roles": "caller", "users": "anna", "groups": "ops"}[holder]]}
        policy = entry(f"aws-native:iam:{kind}", "p", {"policyDocument": DOCUMENT, **holders}, arn)
        assert allowed(with_more(USER, MEMBER, policy)) == {who}, holder
    several = {"policyDocument": DOCUMENT, "roles": ["caller", "other"], "users": ["anna"]}
    assert allowed(with_more(USER, MEMBER, entry(f"aws-native:iam:{kind}", "p", several, arn))) == {"caller", "anna"}
    nobody = entry(f"aws-native:iam:{kind}", "p", {"policyDocument": DOCUMENT}, arn)
    assert allowed(with_more(USER, MEMBER, nobody)) == set()


def test_users_and_groups_of_cloudformation_s_carry_policies_and_memberships() -> None:
    arn = {"arn": f"arn:aws:iam::{ACCOUNT}:user/anna"}
    inline = {"policies": [{"policyName": "x", "policyDocument": DOCUMENT}]}
    for given in (inline, {"managedPolicyArns": [MANAGED]}):
        user = entry("aws-native:iam:User", "anna", {"userName": "anna", **given}, arn)
        assert allowed(with_more(POLICY_ITSELF, user)) == {"anna"}
        named = {"arn": f"arn:aws:iam::{ACCOUNT}:group/ops"}
        group = entry("aws-native:iam:Group", "ops", {"groupName": "ops", **given}, named)
        member = entry("aws-native:iam:User", "anna", {"userName": "anna", "groups": ["ops"]}, arn)
        assert allowed(with_more(POLICY_ITSELF, group, member)) == {"anna"}
        assert allowed(with_more(POLICY_ITSELF, group, USER, MEMBER)) == {"anna"}
        assert allowed(with_more(POLICY_ITSELF, group, USER)) == set()


@pytest.mark.parametrize(
    "given", [{"inlinePolicy": DOCUMENT}, {"managedPolicies": [MANAGED]}], ids=["inline", "managed"]
)
def test_a_permission_set_of_cloudformation_s_is_a_row(given: dict[str, Any]) -> None:
    arn = {"permissionSetArn": "arn:aws:sso:::permissionSet/ssoins-1/ps-1"}
    made = entry("aws-native:sso:PermissionSet", "ops", {"name": "ops", **given}, arn)
    cells = {it.principal: it.decision for it in matrix(with_more(POLICY_ITSELF, made)).entries}
    assert cells["permission-set/ops"] is Access.UNDECIDED


def cloud_control(kind: Any, state: Any) -> Export:
    return entry("aws:cloudcontrol/resource:Resource", "it", {"typeName": kind, "desiredState": state})


UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
ENCRYPTED = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x"}
TEMPLATE = json.dumps({"Resources": {"Open": {"Type": "AWS::IAM::Role"}}})


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (cloud_control("AWS::IAM::RolePolicy", UNKNOWN), "cannot be read"),
        (cloud_control("AWS::IAM::RolePolicy", ENCRYPTED), "cannot be read"),
        (cloud_control("AWS::IAM::RolePolicy", "{"), "cannot be read"),
        (cloud_control(UNKNOWN, "{}"), "type is not known"),
        (entry("aws:cloudformation/stack:Stack", "it", {"templateBody": TEMPLATE}), "AWS::IAM::Role"),
        (entry("aws-native:cloudformation:StackSet", "it", {"templateUrl": "https://t"}), "cannot be read"),
        (cloud_control("AWS::CloudFormation::Stack", json.dumps({"TemplateBody": TEMPLATE})), "AWS::IAM::Role"),
        (entry("aws:lambda/resourcePolicy:ResourcePolicy", "it", {}), "aws:lambda/resourcePolicy:ResourcePolicy"),
        (entry("aws-native:lambda:WebFunctionEndpoint", "it", {}), "aws-native:lambda:WebFunctionEndpoint"),
        (entry("aws:index/iamRole:IamRole", "it", {}), "aws:index/iamRole:IamRole"),
        (entry("aws:iam/tomorrow:Tomorrow", "it", {}), "aws:iam/tomorrow:Tomorrow"),
    ],
)
def test_what_is_not_judged_is_said(made: Export, says: str) -> None:
    deployment = with_more(made)
    (line,) = matrix(deployment).unsupported
    assert "'it'" in line
    assert says in line
    assert deployment.others == ()


@pytest.mark.parametrize(
    ("made", "label"),
    [
        (cloud_control("AWS::BedrockAgentCore::Gateway", UNKNOWN), "AgentcoreGateway 'it'"),
        (cloud_control("AWS::BedrockAgentCore::Tomorrow", "{}"), "Tomorrow 'it'"),
        (entry("aws-native:bedrockagentcore:Tomorrow", "it", {}), "Tomorrow 'it'"),
        (entry("aws:bedrock/agentcoreHarness:AgentcoreHarness", "it", {}), "AgentcoreHarness 'it'"),
        (
            entry("awscc:index/bedrockagentcoreGateway:BedrockagentcoreGateway", "it", {}),
            "BedrockagentcoreGateway 'it'",
        ),
        (entry("aws-native:bedrockagentcore:Harness", "it", {}), "AgentcoreHarness 'it'"),
    ],
)
def test_what_is_not_judged_of_agentcore_s_is_refused_by_up_as_well(made: Export, label: str) -> None:
    deployment = with_more(made)
    assert deployment.others == (label,)
    (line,) = matrix(deployment).unsupported
    assert line.startswith(label)


@pytest.mark.parametrize(
    "made",
    [
        entry("aws:s3/bucket:Bucket", "it", {}),
        entry("aws:iam/accessKey:AccessKey", "it", {}),
        entry("aws-native:iam:InstanceProfile", "it", {}),
        entry("aws:bedrock/agentcoreMemoryStrategy:AgentcoreMemoryStrategy", "it", {}),
        entry("aws-native:bedrockagentcore:BrowserProfile", "it", {}),
        cloud_control("AWS::S3::Bucket", UNKNOWN),
        entry("kubernetes:core/v1:Pod", "it", {}),
        entry("aws:cloudformation/stack:Stack", "it", {"templateBody": TEMPLATE.replace("IAM::Role", "S3::Bucket")}),
    ],
    ids=lambda made: str(made["type"]),
)
def test_what_opens_nothing_is_passed_over(made: Export) -> None:
    assert matrix(with_more(made)).unsupported == ()


POOL = "us-east-1_AbCdEf123"
ISSUER = f"cognito-idp.us-east-1.amazonaws.com/{POOL}"
VAULT = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:token-vault/default/oauth2credentialprovider/shop"
KEPT = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:bedrock-agentcore-identity!default/oauth2/shop-AbCdEf"
CUSTOM = {"clientId": "shop1234", "oauthDiscovery": {"discoveryUrl": "https://login.example.com/.well-known/x"}}


def test_what_tokens_are_made_with_in_cloudformation_s_names() -> None:
    """CloudFormation says OAuth where pulumi_aws says Oauth, and has one secret where pulumi_aws has a list."""
    closed = {"allowAdminCreateUserOnly": True}
    machine = {
        "allowedOAuthFlows": ["client_credentials"],
        "allowedOAuthScopes": ["tools/invoke"],
        "allowedOAuthFlowsUserPoolClient": True,
    }
    read = with_more(
        entry(
            "aws-native:cognito:UserPool",
            "pool",
            {"userPoolName": "shop", "adminCreateUserConfig": closed},
            {"userPoolId": POOL, "providerName": ISSUER},
        ),
        entry(
            "aws-native:cognito:UserPoolClient",
            "client",
            {"clientName": "shop", "userPoolId": POOL, "generateSecret": True, **machine},
            {"clientId": "shop1234"},
        ),
        entry(
            "aws-native:bedrockagentcore:OAuth2CredentialProvider",
            "provider",
            {
                "name": "shop",
                "credentialProviderVendor": "CustomOauth2",
                "oauth2ProviderConfigInput": {"customOauth2ProviderConfig": CUSTOM},
            },
            {"credentialProviderArn": VAULT, "clientSecretArn": {"secretArn": KEPT}},
        ),
    ).tokens
    (pool,), (client,), (provider,) = read.user_pools, read.clients, read.providers
    assert (pool.id, pool.issuer, pool.closed) == (POOL, f"https://{ISSUER}", True)
    assert (client.id, client.scopes, client.by_itself) == ("shop1234", ("tools/invoke",), True)
    assert (provider.arn, provider.client_id, provider.secret_arns) == (VAULT, "shop1234", (KEPT,))
