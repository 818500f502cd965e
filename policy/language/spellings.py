"""The other ways to write the resources that rules and the analyser read, put into the words of the provider `aws`.

`aws-native` has CloudFormation's names in camelCase. Cloud Control (`aws:cloudcontrol/resource:Resource`) and
aws-native's `ExtensionResource` name the type and hand over CloudFormation's properties as they are. A type that the
table does not have keeps the name that `aws-native` gives it.

Source: the inputs and outputs of pulumi_aws 7.51 and pulumi_aws_native 1.84, which are the CloudFormation schemas'.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from toolgate.policy.language import agentcore_facts as facts

CLOUD_CONTROL = "aws:cloudcontrol/resource:Resource"
EXTENSION = "aws-native:index:ExtensionResource"

ALL = "*"
"""Stands for every property where one property of the program holds them all."""
ADDS_NO_PERMISSION = "addsNoPermission"
"""True on a function URL that CloudFormation makes: `aws` writes the public statements beside it, the others do not.

Source: pulumi_aws 7.51, docstring of lambda FunctionUrl; CloudFormation, AWS::Lambda::Url.
"""

type Shape = Callable[[Any], Any]


@dataclass(frozen=True)
class _Spelling:
    type: str
    names: Mapping[str, str] = field(default_factory=dict)
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    """By the property's name in `aws`: how a value that is built otherwise becomes one of `aws`, with all below it."""
    marks: Mapping[str, Any] = field(default_factory=dict)
    """Properties that say what else this way of writing means."""


@dataclass(frozen=True)
class _Wrapper:
    kind: str
    """The property that names CloudFormation's type."""
    written: str
    """The property that holds what the program wrote."""
    answered: str
    """The output that holds what AWS answered."""


_CLOUD_CONTROL = _Wrapper("typeName", "desiredState", "properties")
_WRAPPERS = {
    CLOUD_CONTROL: _CLOUD_CONTROL,
    # Of Terraform's own provider, bridged as it is.
    "aws:index/cloudcontrolapiResource:CloudcontrolapiResource": _CLOUD_CONTROL,
    EXTENSION: _Wrapper("type", "properties", "outputs"),
}

WRAPPERS = frozenset(_WRAPPERS)
"""Types that say nothing of what they make; `type_of` then needs the properties."""

_CREDENTIALS = {
    "GATEWAY_IAM_ROLE": "gatewayIamRole",
    "CALLER_IAM_CREDENTIALS": "callerIamCredentials",
    "JWT_PASSTHROUGH": "jwtPassthrough",
    "API_KEY": "apiKey",
    "OAUTH": "oauth",
}
"""The one credential provider of a target: its type in CloudFormation and its member in pulumi_aws."""


def _credentials(given: Any) -> Any:
    first = given[0] if isinstance(given, list) and given else given
    if not isinstance(first, Mapping):
        return given
    provider = first.get("credentialProvider")
    members = list(provider.values()) if isinstance(provider, Mapping) else []
    kind = first.get("credentialProviderType")
    return {_CREDENTIALS.get(kind, kind): members[0] if members else {}} if isinstance(kind, str) else given


def _schema(given: Any) -> Any:
    """A tool's schema: pulumi_aws lists an object's properties, each with its name and whether it is required."""
    if not isinstance(given, Mapping):
        return given
    made = {key: _schema(value) if key == "items" else value for key, value in given.items() if key != "required"}
    if isinstance(properties := given.get("properties"), Mapping):
        required = given.get("required")
        names = required if isinstance(required, list) else []
        made["properties"] = [
            {**(schema if isinstance(schema := _schema(it), Mapping) else {}), "name": name, "required": name in names}
            for name, it in properties.items()
        ]
    return made


def _payload(given: Any) -> Any:
    """A document in the target itself: CloudFormation has the text where pulumi_aws has a block with it."""
    inline = given.get("inlinePayload") if isinstance(given, Mapping) else None
    return {**given, "inlinePayload": {"payload": inline}} if isinstance(inline, str) else given


def _listed(given: Any) -> Any:
    return [given] if isinstance(given, Mapping) else given


def _protocol(given: Any) -> Any:
    return {"serverProtocol": given} if isinstance(given, str) else given


_DOCUMENT = {"policyDocument": "policy", "policyName": "name"}
_IDENTITY = {**_DOCUMENT, "policies": "inlinePolicies"}
_JWT = {"allowedAudience": "allowedAudiences"}

# By aws-native's name of the type, which is CloudFormation's in other letters. What is not among the names is called
# the same in both. Types that only CloudFormation has are here, too: Cloud Control may learn them.
_TABLE: dict[str, _Spelling] = {
    "aws-native:bedrockagentcore:ApiKeyCredentialProvider": _Spelling(
        facts.API_KEY_PROVIDER, {"apiKeySecretArn": "apiKeySecretArns"}, {"apiKeySecretArns": _listed}
    ),
    "aws-native:bedrockagentcore:BrowserCustom": _Spelling(facts.BROWSER, {"recordingConfig": "recording"}),
    "aws-native:bedrockagentcore:CodeInterpreterCustom": _Spelling(facts.CODE_INTERPRETER),
    "aws-native:bedrockagentcore:Gateway": _Spelling(facts.GATEWAY, {**_JWT, "gatewayIdentifier": "gatewayId"}),
    "aws-native:bedrockagentcore:GatewayTarget": _Spelling(
        facts.TARGET,
        {
            "credentialProviderConfigurations": "credentialProviderConfiguration",
            "inlinePayload": "inlinePayloads",
            "enabled": "enableds",
        },
        {
            "credentialProviderConfiguration": _credentials,
            "inputSchema": _schema,
            "outputSchema": _schema,
            **dict.fromkeys(("mcpToolSchema", "openApiSchema", "smithyModel"), _payload),
        },
    ),
    "aws-native:bedrockagentcore:Harness": _Spelling(
        facts.HARNESS,
        {**_JWT, "environment": "environments", "systemPrompt": "systemPrompts", "truncation": "truncations"},
    ),
    "aws-native:bedrockagentcore:Memory": _Spelling(facts.MEMORY, {"memoryArn": "arn", "memoryId": "id"}),
    "aws-native:bedrockagentcore:OnlineEvaluationConfig": _Spelling(facts.ONLINE_EVALUATION),
    "aws-native:bedrockagentcore:OAuth2CredentialProvider": _Spelling(
        facts.OAUTH2_PROVIDER,
        {"oauth2ProviderConfigInput": "oauth2ProviderConfig", "clientSecretArn": "clientSecretArns"},
        {"clientSecretArns": _listed},
    ),
    "aws-native:bedrockagentcore:Policy": _Spelling(facts.CEDAR_POLICY),
    "aws-native:bedrockagentcore:PolicyEngine": _Spelling(facts.POLICY_ENGINE),
    "aws-native:bedrockagentcore:ResourcePolicy": _Spelling(facts.RESOURCE_POLICY),
    "aws-native:bedrockagentcore:Runtime": _Spelling(
        facts.RUNTIME, {**_JWT, "entryPoint": "entryPoints"}, {"protocolConfiguration": _protocol}
    ),
    "aws-native:bedrockagentcore:WorkloadIdentity": _Spelling(facts.WORKLOAD_IDENTITY),
    "aws-native:cognito:UserPool": _Spelling(
        facts.USER_POOL, {"userPoolName": "name", "userPoolId": "id", "providerName": "endpoint"}
    ),
    "aws-native:cognito:UserPoolClient": _Spelling(
        facts.USER_POOL_CLIENT,
        {
            "clientName": "name",
            "clientId": "id",
            "allowedOAuthFlows": "allowedOauthFlows",
            "allowedOAuthFlowsUserPoolClient": "allowedOauthFlowsUserPoolClient",
            "allowedOAuthScopes": "allowedOauthScopes",
        },
    ),
    "aws-native:cognito:UserPoolDomain": _Spelling(facts.USER_POOL_DOMAIN),
    "aws-native:cognito:UserPoolResourceServer": _Spelling(facts.RESOURCE_SERVER),
    "aws-native:iam:Group": _Spelling(facts.GROUP, {**_IDENTITY, "groupName": "name"}),
    "aws-native:iam:GroupPolicy": _Spelling(facts.GROUP_POLICY, {**_DOCUMENT, "groupName": "group"}),
    "aws-native:iam:ManagedPolicy": _Spelling(
        facts.MANAGED_POLICY, {**_DOCUMENT, "managedPolicyName": "name", "policyArn": "arn"}
    ),
    # It has no ARN and is inline in each of its roles, users and groups.
    "aws-native:iam:Policy": _Spelling(facts.MANAGED_POLICY, _DOCUMENT),
    "aws-native:iam:Role": _Spelling(
        facts.ROLE,
        {**_IDENTITY, "assumeRolePolicyDocument": "assumeRolePolicy", "roleName": "name", "roleId": "uniqueId"},
    ),
    "aws-native:iam:RolePolicy": _Spelling(facts.ROLE_POLICY, {**_DOCUMENT, "roleName": "role"}),
    "aws-native:iam:User": _Spelling(facts.USER, {**_IDENTITY, "userName": "name"}),
    "aws-native:iam:UserPolicy": _Spelling(facts.USER_POLICY, {**_DOCUMENT, "userName": "user"}),
    "aws-native:iam:UserToGroupAddition": _Spelling(facts.MEMBERS_OF_GROUP, {"groupName": "group"}),
    "aws-native:lambda:Alias": _Spelling(facts.FUNCTION_ALIAS, {"aliasArn": "arn"}),
    "aws-native:lambda:Function": _Spelling(facts.FUNCTION, {"functionName": "name"}),
    "aws-native:lambda:Permission": _Spelling(facts.LAMBDA_PERMISSION, {"functionName": "function"}),
    "aws-native:lambda:Url": _Spelling(
        facts.FUNCTION_URL,
        {"authType": "authorizationType", "targetFunctionArn": "functionName"},
        marks={ADDS_NO_PERMISSION: True},
    ),
    # A name for a state of a function, as an alias is.
    "aws-native:lambda:Version": _Spelling(facts.FUNCTION_ALIAS, {"functionArn": "arn", "version": "name"}),
    "aws-native:logs:Delivery": _Spelling(facts.LOG_DELIVERY),
    "aws-native:logs:DeliverySource": _Spelling(facts.LOG_DELIVERY_SOURCE),
    "aws-native:sso:PermissionSet": _Spelling(facts.PERMISSION_SET, {"permissionSetArn": "arn"}),
}
_BY_CLOUDFORMATION = {kind.partition(":")[2].lower(): kind for kind in _TABLE}

# Below these, in CloudFormation's names, the keys are the user's or an IAM document's own.
_KEPT = frozenset(
    {
        *("assumeRolePolicyDocument", "environmentVariables", "inlinePolicy", "policyDocument", "tags"),
        *("templateBody", "variables"),
    }
)
_NAMED = "properties"
"""In a tool's schema: keys are the tool's parameters, values are schemas again."""

_CLOUDFORMATION = re.compile(r"AWS::(?P<service>\w+)::(?P<name>\w+)", re.IGNORECASE)
_FIRST_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]+$|[A-Z]")


def type_of(kind: str, properties: Mapping[str, Any]) -> str:
    """The type as `aws` calls it.

    Args:
        kind: The type as the program wrote it.
        properties: Its properties; they count for Cloud Control and ExtensionResource only.

    Returns:
        The name in `aws-native` where neither rules nor views read the type, `kind` where nobody knows what is made.
    """
    native = _native(kind, properties)
    return _TABLE[native].type if native in _TABLE else native


def property_of(kind: str, name: str) -> str:
    """The property as `aws` calls it, `ALL` for one that holds every other."""
    if kind in _WRAPPERS:
        return ALL if name == _WRAPPERS[kind].written else name
    return _TABLE[kind].names.get(name, name) if kind in _TABLE else name


def properties_of(kind: str, properties: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Plain properties in the words of `aws`.

    Args:
        kind: The type as the program wrote it.
        properties: Inputs, outputs, or both as one. Leaves may be of any sort; those that are no text, list or mapping
            are handed on.

    Returns:
        None where they cannot be read: one property holds them all and is unknown or no JSON object, or they are nested
        too deeply.
    """
    spelling = _TABLE.get(_native(kind, properties))
    try:
        plain = _unwrapped(_WRAPPERS[kind], properties) if kind in _WRAPPERS else properties
        if plain is None or spelling is None:
            return plain
        return {**_renamed(spelling, plain), **spelling.marks}
    except RecursionError:
        return None


def _unwrapped(wrapper: _Wrapper, properties: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What AWS answered comes before what the program wrote: it has the ARNs, and what somebody changed by hand."""
    given = [properties[key] for key in (wrapper.written, wrapper.answered) if key in properties]
    read = [_camel(found) for value in given if (found := _object(value)) is not None]
    if given and not read:
        return None
    return {key: value for one in read for key, value in one.items()}


def _native(kind: str, properties: Mapping[str, Any]) -> str:
    named = properties.get(_WRAPPERS[kind].kind) if kind in _WRAPPERS else None
    if not isinstance(named, str):
        return kind
    match = _CLOUDFORMATION.fullmatch(named)
    if match is None:
        return named
    called = f"{match['service'].lower()}:{match['name']}"
    return _BY_CLOUDFORMATION.get(called.lower(), f"aws-native:{called}")


def _object(value: Any) -> Mapping[str, Any] | None:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, Mapping) else None


def _camel(properties: Mapping[str, Any]) -> dict[str, Any]:
    """CloudFormation's names as aws-native writes them."""
    return {name: _camel_value(name, value) for key, value in properties.items() for name in [_camel_name(key)]}


def _camel_name(key: str) -> str:
    return _FIRST_WORD.sub(lambda word: word[0].lower(), key, count=1) if key[:1].isupper() else key


def _camel_value(name: str, value: Any) -> Any:
    if name in _KEPT:
        return value
    if isinstance(value, list):
        return [_camel_value("", item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {key: _camel_value("", item) for key, item in value.items()} if name == _NAMED else _camel(value)


def _renamed(spelling: _Spelling, properties: Mapping[str, Any]) -> dict[str, Any]:
    named = ((key, spelling.names.get(key, key), value) for key, value in properties.items())
    return {
        name: value if key in _KEPT else spelling.shapes.get(name, partial(_renamed_value, spelling))(value)
        for key, name, value in named
    }


def _renamed_value(spelling: _Spelling, value: Any) -> Any:
    if isinstance(value, list):
        return [_renamed_value(spelling, item) for item in value]
    return _renamed(spelling, value) if isinstance(value, Mapping) else value
