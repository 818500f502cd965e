"""What AgentCore and its neighbours are called: resource types, the service principal, actions, families of ARNs."""

from toolgate.policy import patterns
from toolgate.policy.patterns import ACCOUNT, ACCOUNT_ID, ID, NAME, PARTITION, REGION, Some, chain

GATEWAY = "aws:bedrock/agentcoreGateway:AgentcoreGateway"
TARGET = "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget"
RUNTIME = "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime"
HARNESS = "aws:bedrock/agentcoreHarness:AgentcoreHarness"
POLICY_ENGINE = "aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine"
CEDAR_POLICY = "aws:bedrock/agentcorePolicy:AgentcorePolicy"
RESOURCE_POLICY = "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy"
FUNCTION = "aws:lambda/function:Function"
FUNCTION_ALIAS = "aws:lambda/alias:Alias"
LAMBDA_PERMISSION = "aws:lambda/permission:Permission"
LOG_DELIVERY_SOURCE = "aws:cloudwatch/logDeliverySource:LogDeliverySource"
LOG_DELIVERY = "aws:cloudwatch/logDelivery:LogDelivery"

# Which property names the role that AgentCore takes for a resource.
ROLE_USERS = {
    GATEWAY: "roleArn",
    RUNTIME: "roleArn",
    HARNESS: "executionRoleArn",
    "aws:bedrock/agentcoreBrowser:AgentcoreBrowser": "executionRoleArn",
    "aws:bedrock/agentcoreCodeInterpreter:AgentcoreCodeInterpreter": "executionRoleArn",
    "aws:bedrock/agentcoreMemory:AgentcoreMemory": "memoryExecutionRoleArn",
    "aws:bedrock/agentcoreOnlineEvaluationConfig:AgentcoreOnlineEvaluationConfig": "evaluationExecutionRoleArn",
}

TOOL_GATEWAY = "toolgate:index:ToolGateway"
AGENT_RUNTIME = "toolgate:index:AgentRuntime"
LAMBDA_TOOLS = "toolgate:index:LambdaTools"
COMPONENTS = frozenset({TOOL_GATEWAY, AGENT_RUNTIME, LAMBDA_TOOLS})

# AgentCore developer guide, "IAM permissions for AgentCore Runtime", trust policy.
PRINCIPAL = "bedrock-agentcore.amazonaws.com"

# Service Authorization Reference: "Amazon Bedrock AgentCore", "AWS Lambda", "Amazon Bedrock", "AWS Security Token
# Service". Converse and ConverseStream are authorized by the two model actions.
INVOKE_GATEWAY = "bedrock-agentcore:InvokeGateway"
INVOKE_FUNCTION = "lambda:InvokeFunction"
INVOKE_MODEL = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")
ASSUME_ROLE = "sts:AssumeRole"

_QUALIFIER = Some(NAME + "$.", ("-", "zzz"))
_MODEL_ID = Some(NAME + ".:/", ("-", "zzz"))


def _bedrock(account: str | Some, kind: str) -> patterns.Chain:
    return chain("arn:", PARTITION, ":bedrock:", REGION, ":", account, f":{kind}/", _MODEL_ID)


# botocore bedrock-agentcore-control GatewayArn.
GATEWAYS = (chain("arn:", PARTITION, ":bedrock-agentcore:", REGION, ":", ACCOUNT, ":gateway/", ID),)

_IAM_NAME = Some(NAME + "+=,.@", ("-", "zzz"))
_IAM_PATH_AND_NAME = Some(NAME + "+=,.@/", ("-", "zzz"))

# AgentCore developer guide, "Policy conditions": the caller's ARN without the session's name. A role's sessions show
# neither its path nor the role's own ARN. That a user is its ARN is not written there, and nothing says otherwise.
IAM_ENTITIES = (
    chain("arn:", PARTITION, ":sts::", ACCOUNT_ID, ":assumed-role/", _IAM_NAME),
    chain("arn:", PARTITION, ":iam::", ACCOUNT_ID, ":user/", _IAM_PATH_AND_NAME),
)

# botocore bedrock-runtime InvokeModelIdentifier: what a model id can be the ARN of.
MODELS = (
    _bedrock("", "foundation-model"),
    # A `global.` profile's model has no Region either (Bedrock user guide, "Global cross-Region inference").
    chain("arn:", PARTITION, ":bedrock:::foundation-model/", _MODEL_ID),
    *(
        _bedrock(ACCOUNT, kind)
        for kind in (
            "inference-profile",
            "application-inference-profile",
            "provisioned-model",
            "custom-model",
            "custom-model-deployment",
            "imported-model",
            "prompt-router",
            "default-prompt-router",
        )
    ),
)


def function_named(name: str) -> tuple[patterns.Chain, ...]:
    """The ARNs a function of this name can have, in any Region and account."""
    return _with_qualifier("arn:", PARTITION, ":lambda:", REGION, ":", ACCOUNT, f":function:{name}")


def function_family(arn: str) -> tuple[patterns.Chain, ...]:
    """The ARNs of one function: its own, and those of its versions and aliases."""
    return _with_qualifier(":".join(arn.split(":")[:7]))


def _with_qualifier(*parts: str | Some) -> tuple[patterns.Chain, ...]:
    return chain(*parts), chain(*parts, ":", _QUALIFIER)


# botocore lambda FunctionArn.
FUNCTIONS = _with_qualifier("arn:", PARTITION, ":lambda:", REGION, ":", ACCOUNT, ":function:", ID)


def written_by_component(urn: str) -> bool:
    """Whether a resource is a part of one of toolgate's components: a URN carries the types of its parents."""
    parts = urn.split("::")
    return len(parts) > 2 and not COMPONENTS.isdisjoint(parts[2].split("$")[:-1])
