"""An account with what a gateway needs, and the inputs of each resource as the program would give them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.resource_type import Made
from toolgate.local.cloud.store import MemoryStore
from toolgate.local.cloud.values import Package

ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
FUNCTION = "aws:lambda/function:Function"
BUCKET = "aws:s3/bucket:Bucket"
OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
GATEWAY = "aws:bedrock/agentcoreGateway:AgentcoreGateway"
TARGET = "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget"
ENGINE = "aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine"
POLICY = "aws:bedrock/agentcorePolicy:AgentcorePolicy"
RUNTIME = "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime"
RESOURCE_POLICY = "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy"
SOURCE = "aws:cloudwatch/logDeliverySource:LogDeliverySource"
DESTINATION = "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination"
DELIVERY = "aws:cloudwatch/logDelivery:LogDelivery"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
KEY = "aws:kms/key:Key"
ALIAS = "aws:kms/alias:Alias"
TABLE = "aws:dynamodb/table:Table"
QUEUE = "aws:sqs/queue:Queue"
TOPIC = "aws:sns/topic:Topic"
SECRET = "aws:secretsmanager/secret:Secret"
SECRET_VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
PARAMETER = "aws:ssm/parameter:Parameter"
USER_POOL = "aws:cognito/userPool:UserPool"
USER_POOL_DOMAIN = "aws:cognito/userPoolDomain:UserPoolDomain"
RESOURCE_SERVER = "aws:cognito/resourceServer:ResourceServer"
APP_CLIENT = "aws:cognito/userPoolClient:UserPoolClient"
WORKLOAD_IDENTITY = "aws:bedrock/agentcoreWorkloadIdentity:AgentcoreWorkloadIdentity"
OAUTH2_PROVIDER = "aws:bedrock/agentcoreOauth2CredentialProvider:AgentcoreOauth2CredentialProvider"
API_KEY_PROVIDER = "aws:bedrock/agentcoreApiKeyCredentialProvider:AgentcoreApiKeyCredentialProvider"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
MEMORY = "aws:bedrock/agentcoreMemory:AgentcoreMemory"
MEMORY_STRATEGY = "aws:bedrock/agentcoreMemoryStrategy:AgentcoreMemoryStrategy"
PERMISSION = "aws:lambda/permission:Permission"
REST_API = "aws:apigateway/restApi:RestApi"
REST_API_POLICY = "aws:apigateway/restApiPolicy:RestApiPolicy"
DEPLOYMENT = "aws:apigateway/deployment:Deployment"
STAGE = "aws:apigateway/stage:Stage"

Inputs = dict[str, Any]
ACCOUNT = {"AWS": "arn:aws:iam::123456789012:root"}

GATEWAY_ARN = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/toolgate-dev-tools-0123456789"
ONLY_THE_AGENT = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "bedrock-agentcore:InvokeGateway",
    "Resource": GATEWAY_ARN,
    "Condition": {"ArnNotEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/agent-role"}},
}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(service: str, **condition: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return document({**statement, **({"Condition": condition} if condition else {})})


def dashboard_body(*widgets: Any) -> str:
    return json.dumps({"widgets": list(widgets)})


def tool(name: str = "add", **schema: Any) -> Inputs:
    return {"name": name, "description": "Add.", "inputSchema": {"type": "object", **schema}}


API: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "orders", "version": "1"},
    "paths": {"/orders": {"get": {"x-amazon-apigateway-integration": {"type": "mock"}}}},
}
GOOD: dict[str, Inputs] = {
    ROLE: {"name": "role", "assumeRolePolicy": trust("lambda.amazonaws.com")},
    ROLE_POLICY: {
        "name": "policy",
        "role": "role",
        "policy": document({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/key"}),
    },
    FUNCTION: {
        "name": "function",
        "role": "arn:aws:iam::123456789012:role/role",
        "code": Package("digest"),
        "handler": "dispatch.handler",
        "runtime": "python3.13",
        "architectures": ["arm64"],
    },
    PERMISSION: {
        "statementId": "api",
        "action": "lambda:InvokeFunction",
        "function": "function",
        "principal": "apigateway.amazonaws.com",
        "sourceArn": "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/*",
    },
    REST_API: {"name": "orders", "body": json.dumps(API), "putRestApiMode": "overwrite"},
    REST_API_POLICY: {
        "restApiId": "a1b2c3d4e5",
        "policy": document(
            {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}
        ),
    },
    DEPLOYMENT: {"restApi": "a1b2c3d4e5", "triggers": {"body": "1"}},
    STAGE: {"restApi": "a1b2c3d4e5", "deployment": "a1b2c3", "stageName": "prod"},
    BUCKET: {"bucket": "bucket"},
    OBJECT: {"bucket": "bucket", "key": "agent.zip", "source": Package("digest")},
    KEY: {
        "policy": document({"Effect": "Allow", "Principal": ACCOUNT, "Action": "kms:*", "Resource": "*"}),
        "enableKeyRotation": True,
        "deletionWindowInDays": 30,
    },
    ALIAS: {"name": "alias/toolgate-dev-data", "targetKeyId": "1234abcd-12ab-34cd-56ef-1234567890ab"},
    VERSIONING: {"bucket": "bucket", "versioningConfiguration": {"status": "Enabled"}},
    LIFECYCLE: {
        "bucket": "bucket",
        "rules": [{"id": "forget", "status": "Enabled", "filter": {"prefix": ""}, "expiration": {"days": 30}}],
    },
    MEMORY: {"name": "toolgate_dev_conversations", "eventExpiryDuration": 30},
    MEMORY_STRATEGY: {
        "memoryId": "toolgate_dev_conversations-a1B2c3D4e5",
        "name": "facts",
        "type": "SEMANTIC",
        "namespaceTemplates": ["/facts/{actorId}/"],
    },
    TABLE: {
        "name": "orders",
        "billingMode": "PAY_PER_REQUEST",
        "hashKey": "customer",
        "rangeKey": "placed",
        "attributes": [{"name": name, "type": "S"} for name in ("customer", "placed", "state")],
        "globalSecondaryIndexes": [
            {"name": "by-state", "hashKey": "state", "rangeKey": "placed", "projectionType": "ALL"}
        ],
        "localSecondaryIndexes": [{"name": "by-customer", "rangeKey": "state", "projectionType": "KEYS_ONLY"}],
        "ttl": {"attributeName": "until", "enabled": True},
        "pointInTimeRecovery": {"enabled": True},
    },
    QUEUE: {"name": "orders", "visibilityTimeoutSeconds": 60, "sqsManagedSseEnabled": True},
    TOPIC: {"name": "orders", "displayName": "Orders"},
    SECRET: {"name": "orders/api-key", "recoveryWindowInDays": 7},
    SECRET_VERSION: {
        "secretId": "arn:aws:secretsmanager:us-east-1:123456789012:secret:orders/api-key-a1B2c3",
        "secretString": "open sesame",
    },
    PARAMETER: {"name": "/orders/limit", "type": "String", "value": "10"},
    LOG_GROUP: {"name": "/aws/lambda/function", "retentionInDays": 30},
    GATEWAY: {
        "name": "toolgate-dev-tools",
        "roleArn": "arn:aws:iam::123456789012:role/gateway-role",
        "authorizerType": "AWS_IAM",
        "protocolType": "MCP",
        "protocolConfiguration": {"mcp": {"searchType": "SEMANTIC", "supportedVersions": ["2025-11-25"]}},
    },
    TARGET: {
        "name": "math",
        "gatewayIdentifier": "toolgate-dev-tools-0123456789",
        "credentialProviderConfiguration": {"gatewayIamRole": {}},
        "targetConfiguration": {
            "mcp": {
                "lambda": {
                    "lambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:function",
                    "toolSchema": {"inlinePayloads": [tool()]},
                }
            }
        },
    },
    ENGINE: {"name": "toolgate_dev_tools"},
    POLICY: {
        "name": "toolgate_dev_assistant_tools",
        "policyEngineId": "toolgate_dev_tools-0123456789",
        "definition": {"cedar": {"statement": "permit(principal, action, resource is AgentCore::Gateway);"}},
        "validationMode": "FAIL_ON_ANY_FINDINGS",
    },
    RUNTIME: {
        "agentRuntimeName": "toolgate_dev_assistant",
        "roleArn": "arn:aws:iam::123456789012:role/agent-role",
        "networkConfiguration": {"networkMode": "PUBLIC"},
        "platformVersion": "V1",
        "environmentVariables": {"AWS_REGION": "us-east-1"},
        "agentRuntimeArtifact": {
            "codeConfiguration": {
                "entryPoints": ["main.py"],
                "runtime": "PYTHON_3_13",
                "code": {"s3": {"bucket": "bucket", "prefix": "agent.zip"}},
            }
        },
    },
    RESOURCE_POLICY: {"resourceArn": GATEWAY_ARN, "policy": document(ONLY_THE_AGENT)},
    USER_POOL: {
        "name": "toolgate-dev-tokens",
        "deletionProtection": "INACTIVE",
        "adminCreateUserConfig": {"allowAdminCreateUserOnly": True},
    },
    USER_POOL_DOMAIN: {"domain": "toolgate-dev-tokens-123456789012", "userPoolId": "us-east-1_AbCdEf123"},
    RESOURCE_SERVER: {
        "identifier": "toolgate-dev-tools",
        "name": "toolgate-dev-tools",
        "userPoolId": "us-east-1_AbCdEf123",
        "scopes": [{"scopeName": "invoke", "scopeDescription": "Call the gateway's tools."}],
    },
    APP_CLIENT: {
        "name": "toolgate_dev_assistant",
        "userPoolId": "us-east-1_AbCdEf123",
        "generateSecret": True,
        "allowedOauthFlows": ["client_credentials"],
        "allowedOauthFlowsUserPoolClient": True,
        "allowedOauthScopes": ["toolgate-dev-tools/invoke"],
        "explicitAuthFlows": [],
        "accessTokenValidity": 60,
        "tokenValidityUnits": {"accessToken": "minutes"},
    },
    WORKLOAD_IDENTITY: {"name": "toolgate_dev_assistant"},
    OAUTH2_PROVIDER: {
        "name": "toolgate_dev_assistant_tokens",
        "credentialProviderVendor": "CustomOauth2",
        "oauth2ProviderConfig": {
            "customOauth2ProviderConfig": {
                "clientId": "3n4b5urk1ft4fl3mg5e62d9ado",
                "clientSecret": "the-secret-of-the-client",
                "clientAuthenticationMethod": "CLIENT_SECRET_BASIC",
                "oauthDiscovery": {
                    "discoveryUrl": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEf123"
                    "/.well-known/openid-configuration"
                },
            }
        },
    },
    API_KEY_PROVIDER: {"name": "toolgate_dev_tools_orders", "apiKey": "the-key-of-the-orders"},
    SOURCE: {
        "name": "toolgate-dev-tools-logs",
        "logType": "APPLICATION_LOGS",
        "resourceArn": "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/toolgate-dev-tools-0123456789",
    },
    DESTINATION: {
        "name": "toolgate-dev-tools-logs",
        "deliveryDestinationConfiguration": {
            "destinationResourceArn": "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/function"
        },
    },
    DELIVERY: {
        "deliverySourceName": "toolgate-dev-tools-logs",
        "deliveryDestinationArn": ("arn:aws:logs:us-east-1:123456789012:delivery-destination:toolgate-dev-tools-logs"),
    },
    ALARM: {
        "name": "toolgate-dev-tools-system-errors",
        "namespace": "AWS/Bedrock-AgentCore",
        "metricName": "SystemErrors",
        "dimensions": {"Operation": "InvokeGateway", "Protocol": "MCP"},
        "statistic": "Sum",
        "period": 300,
        "evaluationPeriods": 1,
        "threshold": 1,
        "comparisonOperator": "GreaterThanOrEqualToThreshold",
        "treatMissingData": "notBreaching",
        "alarmActions": ["arn:aws:sns:us-east-1:123456789012:oncall"],
    },
    DASHBOARD: {
        "dashboardName": "toolgate-dev-overview",
        "dashboardBody": dashboard_body({"type": "text", "properties": {"markdown": "# Tools"}}),
    },
}
"""One good example of each resource type."""


@pytest.fixture
def plane() -> ControlPlane:
    """An empty account."""
    return ControlPlane(CloudEnvironment(), MemoryStore(), {})


@pytest.fixture
def check(plane: ControlPlane) -> Callable[..., list[str]]:
    """The reasons for which the good inputs of a type are refused once some are changed (None takes one away)."""

    def reasons(token: str, **changes: Any) -> list[str]:
        inputs = {name: value for name, value in (GOOD[token] | changes).items() if value is not None}
        return [str(failure) for failure in plane.check(token, inputs)]

    return reasons


@pytest.fixture
def gateway(plane: ControlPlane) -> Made:
    """A gateway in the account, with a role that it may assume and that may invoke the function `function`."""
    condition = {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnLike": {
            "aws:SourceArn": "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/toolgate-dev-tools-??????????"
        },
    }
    plane.create(
        ROLE, {"name": "gateway-role", "assumeRolePolicy": trust("bedrock-agentcore.amazonaws.com", **condition)}
    )
    invoke = {
        "Effect": "Allow",
        "Action": "lambda:InvokeFunction",
        "Resource": "arn:aws:lambda:us-east-1:123456789012:function:function",
    }
    plane.create(ROLE_POLICY, {"name": "invoke", "role": "gateway-role", "policy": document(invoke)})
    return plane.create(GATEWAY, GOOD[GATEWAY])


GATEWAYS = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/toolgate-dev-tools-??????????"


def authorizing(engine: str) -> list[dict[str, Any]]:
    """The statements that a gateway's role needs for its policy engine, as the developer guide lists them."""
    service = "bedrock-agentcore"
    decide = [f"{service}:AuthorizeAction", f"{service}:PartiallyAuthorizeActions"]
    return [
        {"Effect": "Allow", "Action": f"{service}:GetPolicyEngine", "Resource": engine},
        {"Effect": "Allow", "Action": decide, "Resource": [engine, GATEWAYS]},
    ]


@pytest.fixture
def engine(plane: ControlPlane) -> Made:
    """A policy engine."""
    return plane.create(ENGINE, GOOD[ENGINE])


@pytest.fixture
def policed(plane: ControlPlane, gateway: Made, engine: Made) -> Made:
    """The gateway with the engine attached, and a target with the tool `math___add`."""
    arn = engine.outputs["policyEngineArn"]
    plane.create(ROLE_POLICY, {"name": "authorize", "role": "gateway-role", "policy": document(*authorizing(arn))})
    numbers = [{"name": name, "type": "integer", "required": True} for name in ("a", "b")]
    function = GOOD[TARGET]["targetConfiguration"]["mcp"]["lambda"]["lambdaArn"]
    tools = {"inlinePayloads": [tool(properties=numbers)]}
    configuration = {"mcp": {"lambda": {"lambdaArn": function, "toolSchema": tools}}}
    target = GOOD[TARGET] | {"gatewayIdentifier": gateway.id, "targetConfiguration": configuration}
    plane.create(TARGET, target)
    return plane.update(GATEWAY, gateway.id, with_engine(arn))


def with_engine(arn: str) -> Inputs:
    """A gateway's inputs with an engine attached."""
    return GOOD[GATEWAY] | {"policyEngineConfiguration": {"arn": arn, "mode": "ENFORCE"}}
