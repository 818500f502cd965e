"""The one table of AgentCore's names, and its neighbours': resource types, service principal, actions, tools."""

import re
from urllib.parse import unquote

from toolgate.policy.language.patterns import ACCOUNT, ID, PARTITION, REGION, chain

GATEWAY = "aws:bedrock/agentcoreGateway:AgentcoreGateway"
TARGET = "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget"
RUNTIME = "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime"
RUNTIME_ENDPOINT = "aws:bedrock/agentcoreAgentRuntimeEndpoint:AgentcoreAgentRuntimeEndpoint"
HARNESS = "aws:bedrock/agentcoreHarness:AgentcoreHarness"
POLICY_ENGINE = "aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine"
CEDAR_POLICY = "aws:bedrock/agentcorePolicy:AgentcorePolicy"
RESOURCE_POLICY = "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy"
MEMORY = "aws:bedrock/agentcoreMemory:AgentcoreMemory"
MEMORY_STRATEGY = "aws:bedrock/agentcoreMemoryStrategy:AgentcoreMemoryStrategy"
BROWSER = "aws:bedrock/agentcoreBrowser:AgentcoreBrowser"
CODE_INTERPRETER = "aws:bedrock/agentcoreCodeInterpreter:AgentcoreCodeInterpreter"
ONLINE_EVALUATION = "aws:bedrock/agentcoreOnlineEvaluationConfig:AgentcoreOnlineEvaluationConfig"
API_KEY_PROVIDER = "aws:bedrock/agentcoreApiKeyCredentialProvider:AgentcoreApiKeyCredentialProvider"
OAUTH2_PROVIDER = "aws:bedrock/agentcoreOauth2CredentialProvider:AgentcoreOauth2CredentialProvider"
WORKLOAD_IDENTITY = "aws:bedrock/agentcoreWorkloadIdentity:AgentcoreWorkloadIdentity"
USER_POOL = "aws:cognito/userPool:UserPool"
USER_POOL_DOMAIN = "aws:cognito/userPoolDomain:UserPoolDomain"
RESOURCE_SERVER = "aws:cognito/resourceServer:ResourceServer"
USER_POOL_CLIENT = "aws:cognito/userPoolClient:UserPoolClient"
MANAGED_USER_POOL_CLIENT = "aws:cognito/managedUserPoolClient:ManagedUserPoolClient"
"""Settings of a client that another service made."""
FUNCTION = "aws:lambda/function:Function"
FUNCTION_ALIAS = "aws:lambda/alias:Alias"
SECRET = "aws:secretsmanager/secret:Secret"  # noqa: S105  # a type
SECRET_POLICY = "aws:secretsmanager/secretPolicy:SecretPolicy"  # noqa: S105  # a type
FUNCTION_URL = "aws:lambda/functionUrl:FunctionUrl"
LAMBDA_PERMISSION = "aws:lambda/permission:Permission"
REST_API = "aws:apigateway/restApi:RestApi"
REST_API_POLICY = "aws:apigateway/restApiPolicy:RestApiPolicy"
REST_API_DEPLOYMENT = "aws:apigateway/deployment:Deployment"
REST_API_STAGE = "aws:apigateway/stage:Stage"
LOG_DELIVERY_SOURCE = "aws:cloudwatch/logDeliverySource:LogDeliverySource"
LOG_DELIVERY = "aws:cloudwatch/logDelivery:LogDelivery"

# botocore bedrock-agentcore-control GatewayArn.
GATEWAY_ARNS = (chain("arn:", PARTITION, ":bedrock-agentcore:", REGION, ":", ACCOUNT, ":gateway/", ID),)
# botocore bedrock-agentcore-control MemoryArn.
MEMORY_ARNS = (chain("arn:", PARTITION, ":bedrock-agentcore:", REGION, ":", ACCOUNT, ":memory/", ID),)

ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ROLE_ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
USER = "aws:iam/user:User"
USER_POLICY = "aws:iam/userPolicy:UserPolicy"
USER_ATTACHMENT = "aws:iam/userPolicyAttachment:UserPolicyAttachment"
MEMBERS_OF_GROUP = "aws:iam/groupMembership:GroupMembership"
GROUPS_OF_USER = "aws:iam/userGroupMembership:UserGroupMembership"
GROUP = "aws:iam/group:Group"
GROUP_POLICY = "aws:iam/groupPolicy:GroupPolicy"
GROUP_ATTACHMENT = "aws:iam/groupPolicyAttachment:GroupPolicyAttachment"
MANAGED_POLICY = "aws:iam/policy:Policy"
POLICY_ATTACHMENT = "aws:iam/policyAttachment:PolicyAttachment"
PERMISSION_SET = "aws:ssoadmin/permissionSet:PermissionSet"

# Which property names the role that AgentCore takes for a resource.
ROLE_USERS = {
    GATEWAY: "roleArn",
    RUNTIME: "roleArn",
    HARNESS: "executionRoleArn",
    BROWSER: "executionRoleArn",
    CODE_INTERPRETER: "executionRoleArn",
    MEMORY: "memoryExecutionRoleArn",
    ONLINE_EVALUATION: "evaluationExecutionRoleArn",
}

NOT_READ = "toolgate:scan:NotRead"
"""A note in the file of `toolgate access scan`: what of the account it could not read."""

TOOL_GATEWAY = "toolgate:index:ToolGateway"
AGENT_RUNTIME = "toolgate:index:AgentRuntime"
LAMBDA_TOOLS = "toolgate:index:LambdaTools"
GATEWAY_INTERCEPTOR = "toolgate:index:GatewayInterceptor"
TOKEN_ISSUER = "toolgate:index:TokenIssuer"  # noqa: S105  # a type
MACHINE_CLIENT = "toolgate:index:MachineClient"
MCP_SERVER = "toolgate:index:McpServer"
AGENT_MEMORY = "toolgate:index:Memory"
CONVERSATION_BUCKET = "toolgate:index:ConversationBucket"
COMPONENTS = frozenset(
    {
        *(TOOL_GATEWAY, GATEWAY_INTERCEPTOR, AGENT_RUNTIME, LAMBDA_TOOLS, TOKEN_ISSUER, MACHINE_CLIENT, MCP_SERVER),
        *(AGENT_MEMORY, CONVERSATION_BUCKET),
    }
)
HANDED = (AGENT_RUNTIME, LAMBDA_TOOLS, GATEWAY_INTERCEPTOR, MCP_SERVER)
"""Those that are handed statements for a role."""

# AgentCore developer guide, "IAM permissions for AgentCore Runtime", trust policy.
SERVICE_PRINCIPAL = "bedrock-agentcore.amazonaws.com"

# Service Authorization Reference: "Amazon Bedrock AgentCore", "AWS Lambda", "Amazon Bedrock", "AWS Security Token
# Service". Converse and ConverseStream are authorized by the two model actions.
INVOKE_GATEWAY = "bedrock-agentcore:InvokeGateway"
INVOKE_RUNTIME = "bedrock-agentcore:InvokeAgentRuntime"
INVOKE_RUNTIME_FOR_USER = "bedrock-agentcore:InvokeAgentRuntimeForUser"
# By HTTP and by a websocket.
ASK_RUNTIME = (INVOKE_RUNTIME, "bedrock-agentcore:InvokeAgentRuntimeWithWebSocketStream")
# Each is a shell in a session's machine, with the agent's role (AgentCore developer guide, "runtime-execute-command").
RUN_COMMANDS = ("bedrock-agentcore:InvokeAgentRuntimeCommand", "bedrock-agentcore:InvokeAgentRuntimeCommandShell")
# Each asks an agent for an answer; the endings ForUser in a user's name, which the caller chooses. The harness is an
# agent without code of its own.
ASK_AGENT = (
    INVOKE_RUNTIME,
    INVOKE_RUNTIME_FOR_USER,
    "bedrock-agentcore:InvokeAgentRuntimeWithWebSocketStream",
    "bedrock-agentcore:InvokeAgentRuntimeWithWebSocketStreamForUser",
    "bedrock-agentcore:InvokeHarness",
)
# Each gives a token for a workload identity, by which credentials of users and of third parties are had.
WORKLOAD_TOKENS = (
    "bedrock-agentcore:GetWorkloadAccessToken",
    "bedrock-agentcore:GetWorkloadAccessTokenForJWT",
    "bedrock-agentcore:GetWorkloadAccessTokenForUserId",
)
# Gives a token of somebody's issuer for a client whose secret is in the token vault.
ACCESS_TOKEN = "bedrock-agentcore:GetResourceOauth2Token"  # noqa: S105  # an action
# Gives the key that a credential provider keeps, for a workload identity's token.
GET_API_KEY = "bedrock-agentcore:GetResourceApiKey"
# "Amazon API Gateway Management": a method of a stage.
INVOKE_API = "execute-api:Invoke"
WORKLOAD_TOKEN_FOR_USER = WORKLOAD_TOKENS[2]
GET_SECRET = "secretsmanager:GetSecretValue"  # noqa: S105  # an action
STOP_RUNTIME_SESSION = "bedrock-agentcore:StopRuntimeSession"
GET_POLICY_ENGINE = "bedrock-agentcore:GetPolicyEngine"
AUTHORIZE_CALL = "bedrock-agentcore:AuthorizeAction"
AUTHORIZE_LIST = "bedrock-agentcore:PartiallyAuthorizeActions"
INVOKE_FUNCTION = "lambda:InvokeFunction"
INVOKE_FUNCTION_URL = "lambda:InvokeFunctionUrl"
# What a function does, and who may have it do that.
CHANGE_FUNCTION = (
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
    "lambda:AddPermission",
    "lambda:CreateFunctionUrlConfig",
    "lambda:UpdateFunctionUrlConfig",
    "lambda:UpdateAlias",
)
INVOKE_MODEL = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")
# "Amazon Bedrock Powered by AWS Mantle", Bedrock's other endpoint: the resource is a project, and a condition key has
# the model.
CREATE_INFERENCE = "bedrock-mantle:CreateInference"
MANTLE_MODEL = "bedrock-mantle:model"
ASSUME_ROLE = "sts:AssumeRole"
# AWS STS API reference: the other actions by which somebody takes a role.
ASSUME_WITH_WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"
ASSUME_WITH_SAML = "sts:AssumeRoleWithSAML"

TOOL_SEPARATOR = "___"
"""Between a target's name and a tool's in the tool's full name; the first one counts.

Source: https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/gateway-add-target-lambda.html
"""


def full_name(target: str, tool: str) -> str:
    """The name under which a gateway offers a tool."""
    return f"{target}{TOOL_SEPARATOR}{tool}"


def entity_id(arn: str) -> str:
    """The id that Cedar policies know a caller by.

    Args:
        arn: A role's ARN (`arn:aws:iam::<account>:role/<path><name>`), a session's, or another caller's.

    Returns:
        For a role and its sessions `arn:aws:sts::<account>:assumed-role/<name>`, without path and session name; any
        other ARN as it is. Source: policy-conditions.html in AgentCore's developer guide.
    """
    role = _ROLE_OR_SESSION.fullmatch(arn)
    if role is None:
        return arn
    return f"arn:{role['partition']}:sts::{role['account']}:assumed-role/{role['name'] or role['of_session']}"


_ROLE_OR_SESSION = re.compile(
    r"arn:(?P<partition>[^:]+):(?:iam|sts)::(?P<account>\d{12}):"
    r"(?:role/(?:.*/)?(?P<name>[^/]+)|assumed-role/(?P<of_session>[^/]+)(?:/.*)?)",
    re.DOTALL,
)


_RUNTIME_URL = re.compile(r"https://bedrock-agentcore\.[^/]+/runtimes/(?P<arn>[^/?]+)/invocations(\?.*)?", re.DOTALL)
_GATEWAY_URL = re.compile(r"https://(?P<id>[^./]+)\.gateway\.bedrock-agentcore\.[^/]+/mcp", re.DOTALL)


def runtime_at(endpoint: str) -> str | None:
    """The ARN of the runtime that a URL invokes, if it is such a one.

    Source: AgentCore developer guide, "Deploy MCP servers in AgentCore Runtime"; the ARN is URL-encoded.
    """
    found = _RUNTIME_URL.fullmatch(endpoint)
    return unquote(found["arn"]) if found else None


def gateway_at(endpoint: str) -> str | None:
    """The id of the gateway that a URL is of, if it is such a one."""
    found = _GATEWAY_URL.fullmatch(endpoint)
    return found["id"] if found else None


# What names the client in an access token: Amazon Cognito developer guide, "Understanding the access token" (client_id,
# sub); OpenID Connect Core 1.0, section 2 (azp); Microsoft Entra, "Access token claims reference" (appid); Okta
# developer guide, "Access token payload" (cid).
CALLER_CLAIMS = ("client_id", "sub", "azp", "appid", "cid")


def target_of(name: str) -> str:
    """The target in a tool's full name, or the name of a target as it is."""
    return name.partition(TOOL_SEPARATOR)[0]


def written_by_component(urn: str) -> bool:
    """Whether a resource is a part of one of toolgate's components: a URN carries the types of its parents."""
    parts = urn.split("::")
    return len(parts) > 2 and not COMPONENTS.isdisjoint(parts[2].split("$")[:-1])
