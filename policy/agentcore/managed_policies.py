"""What AWS managed policies grant of the things the pack guards, as documents that are read like any other.

Only the part of a policy that is about a gateway, a function, a model, rights or a whole service stands here. Source:
AWS Managed Policy Reference, page of the policy's name
(docs.aws.amazon.com/aws-managed-policy/latest/reference/<name>.html).
"""

import re
from typing import Any

from toolgate.policy.language import documents
from toolgate.policy.language.agentcore_facts import CREATE_INFERENCE, INVOKE_FUNCTION, INVOKE_MODEL
from toolgate.policy.language.documents import Document

_ARN = re.compile(r"arn:aws[a-z-]*:iam::aws:policy/(?:[\w+=,.@-]+/)*(?P<name>[\w+=,.@-]+)")


# Each partition has its own copy of a policy, with the partition's ARNs.
def _allow(resource: str, *actions: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


_INVOKES_ANY_FUNCTION = (
    "AWSCodeDeployRoleForECS",
    "AWSLambdaFullAccess",
    "AWSLambdaInvocation-DynamoDB",
    "AWSLambdaRole",
    "AWSLambda_FullAccess",
    "AdministratorAccess-Amplify",
    "AmazonDynamoDBFullAccesswithDataPipeline",
    "AmazonSageMakerJobFullAccess",
    "DataScientist",
    "SageMakerStudioQueryExecutionRolePolicy",
    "SystemAdministrator",
)
_INVOKES_ANY_MODEL = (
    "AmazonBedrockAgentCoreMemoryBedrockModelInferenceExecutionRolePolicy",
    "AmazonBedrockFullAccess",
    "AmazonBedrockLimitedAccess",
    "AmazonSageMakerCanvasAIServicesAccess",
    "SageMakerStudioAdminIAMDefaultExecutionPolicy",
    "SageMakerStudioAdminIAMPermissiveExecutionPolicy",
    "SageMakerStudioBedrockEvaluationJobServiceRolePolicy",
    "SageMakerStudioUserIAMDefaultExecutionPolicy",
    "SageMakerStudioUserIAMPermissiveExecutionPolicy",
)
# Policies that hold a service's whole actions on everything, of the services that tools and agents use.
_WHOLE_SERVICES = {
    "AmazonAthenaFullAccess": "athena",
    "AmazonDynamoDBFullAccess": "dynamodb",
    "AmazonEC2FullAccess": "ec2",
    "AmazonEventBridgeFullAccess": "events",
    "AmazonKinesisFullAccess": "kinesis",
    "AmazonRDSFullAccess": "rds",
    "AmazonS3FullAccess": "s3",
    "AmazonSESFullAccess": "ses",
    "AmazonSNSFullAccess": "sns",
    "AmazonSQSFullAccess": "sqs",
    "AmazonSSMFullAccess": "ssm",
    "AWSStepFunctionsFullAccess": "states",
    "CloudWatchLogsFullAccess": "logs",
    "IAMFullAccess": "iam",
    "SecretsManagerReadWrite": "secretsmanager",
}
_USES_MANTLE = ("AmazonBedrockMantleFullAccess", "AmazonBedrockMantleInferenceAccess")

_FUNCTIONS = _allow("arn:*:lambda:*:*:function:*", INVOKE_FUNCTION)
_MODELS = _allow("arn:*:bedrock:*::foundation-model/*", *INVOKE_MODEL)
_GRANTS: dict[str, list[dict[str, Any]]] = {
    **{name: [_FUNCTIONS] for name in _INVOKES_ANY_FUNCTION},
    **{name: [_MODELS] for name in _INVOKES_ANY_MODEL},
    **{name: [_allow("*", f"{service}:*")] for name, service in _WHOLE_SERVICES.items()},
    **{name: [_allow("arn:*:bedrock-mantle:*:*:project/*", CREATE_INFERENCE)] for name in _USES_MANTLE},
    "AdministratorAccess": [_allow("*", "*")],
    "PowerUserAccess": [
        {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"},
    ],
    "BedrockAgentCoreFullAccess": [
        _allow("arn:*:bedrock-agentcore:*:*:*", "bedrock-agentcore:*"),
        _MODELS,
        _FUNCTIONS,
    ],
}

_DOCUMENTS = {name: documents.read({"Statement": grants}) for name, grants in _GRANTS.items()}


def is_aws(policy_arn: str) -> bool:
    """Whether a managed policy is one of AWS's."""
    return _ARN.fullmatch(policy_arn) is not None


def judged_where_attached(policy_arn: str) -> bool:
    """Whether an AWS managed policy, found in an account, is no finding by itself: nobody there can change it.

    Those that are known here are judged wherever they are attached; those of service-linked roles only AWS attaches.
    """
    return document(policy_arn) is not None or (is_aws(policy_arn) and ":policy/aws-service-role/" in policy_arn)


def document(policy_arn: str) -> Document | None:
    """What is guarded in an AWS managed policy; None where it is not one, or grants nothing of that."""
    match = _ARN.fullmatch(policy_arn)
    return _DOCUMENTS.get(match["name"]) if match else None
