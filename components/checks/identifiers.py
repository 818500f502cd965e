"""Identifiers of what others made and we are given: the patterns that AWS takes, each with its source."""

import re
from dataclasses import dataclass
from typing import Any

from toolgate.components.checks.arguments import UsageError


@dataclass(frozen=True)
class Identifier:
    """What AWS takes as an identifier.

    Attributes:
        what: The kind of identifier, for messages.
        pattern: What the whole text must match.
        example: One, for messages.
    """

    what: str
    pattern: str
    example: str


# botocore bedrock-agentcore-control KmsKeyArn. An alias or a key id will not do.
KMS_KEY = Identifier(
    "ARN of a KMS key",
    r"arn:aws(|-cn|-us-gov):kms:[a-zA-Z0-9-]*:[0-9]{12}:key/[a-zA-Z0-9-]{36}",
    "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
)
# botocore bedrock-agentcore-control SubnetId, SecurityGroupId
SUBNET = Identifier("subnet id", r"subnet-[0-9a-zA-Z]{8,17}", "subnet-0123456789abcdef0")
SECURITY_GROUP = Identifier("security group id", r"sg-[0-9a-zA-Z]{8,17}", "sg-0123456789abcdef0")
# IAM user guide, "IAM identifiers": a managed policy of an account or of AWS; IAM API reference, CreatePolicy, Path and
# PolicyName.
MANAGED_POLICY = Identifier(
    "ARN of a managed policy",
    r"arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/([!-~]+/)?[\w+=,.@-]{1,128}",
    "arn:aws:iam::111122223333:policy/agents-boundary",
)
# Ours, within botocore bedrock-agentcore-control DefaultClientIdType (256 characters): what may stand in a Cedar string
# as it is, which is what OAuth allows for an id (RFC 6749, A.1) but for space, quote and backslash.
CLIENT = Identifier("id of an OAuth client", r"[\x21\x23-\x5B\x5D-\x7E]{1,256}", "0oa1b2c3d4e5f6g7h8i9")
# botocore bedrock-agentcore-control DiscoveryUrl and DiscoveryUrlType; OpenID Connect Discovery 1.0, section 4, has it
# by TLS only.
DISCOVERY = Identifier(
    "discovery URL of an issuer",
    r"https://[^\s?#\"\\]+/\.well-known/(openid-configuration|oauth-authorization-server)(/[^\s?#]+)?",
    "https://login.example.com/.well-known/openid-configuration",
)
# Secrets Manager user guide, "What's in a Secrets Manager secret?": an ARN ends in six characters that AWS adds.
# Systems Manager user guide, "Parameter names": the ARN of `/a/b` is `parameter/a/b`.
_OF_SECRETS_MANAGER = r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[\w/+=.@!-]+-[A-Za-z0-9]{6}"
_OF_PARAMETER_STORE = r"arn:aws[a-z-]*:ssm:[a-z0-9-]+:[0-9]{12}:parameter/[\w./-]+"
SECRET = Identifier(
    "ARN of a Secrets Manager secret or of an SSM parameter",
    f"{_OF_SECRETS_MANAGER}|{_OF_PARAMETER_STORE}",
    "arn:aws:secretsmanager:us-east-1:111122223333:secret:prices-key-a1B2c3",
)
MANAGED_SECRET = Identifier("ARN of a Secrets Manager secret", _OF_SECRETS_MANAGER, SECRET.example)
# IAM API reference, Role, Arn.
ROLE = Identifier(
    "ARN of a role",
    r"arn:aws[a-z-]*:iam::[0-9]{12}:role/([!-~]+/)?[\w+=,.@-]{1,64}",
    "arn:aws:iam::111122223333:role/orders",
)

# botocore bedrock-agentcore-control GatewayArn.
GATEWAY = Identifier(
    "ARN of a gateway",
    r"arn:aws(|-cn|-us-gov):bedrock-agentcore:[a-z0-9-]{1,20}:[0-9]{12}:gateway/([0-9a-z][-]?){1,48}-[a-z0-9]{10}",
    "arn:aws:bedrock-agentcore:us-east-1:111122223333:gateway/shared-tools-a1b2c3d4e5",
)
# botocore bedrock-agentcore-control RuntimeContainerUri, but for Amazon ECR Public, from which nobody needs a right to
# pull; Amazon ECR API reference, ImageIdentifier: an image without tag and digest would be `latest`.
IMAGE = Identifier(
    "image in a private repository of Amazon ECR, with its digest or its tag",
    r"(?=.{1,1024}$)(?P<account>[0-9]{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?"
    r"/(?P<repository>([a-z0-9]+([._-][a-z0-9]+)*/)*[a-z0-9]+([._-][a-z0-9]+)*)"
    r"(:\w[\w.-]{0,127}|(:\w[\w.-]{0,127})?@sha256:[0-9a-f]{64})",
    f"111122223333.dkr.ecr.us-east-1.amazonaws.com/agents/clerk@sha256:{'0123456789abcdef' * 4}",
)
# botocore bedrock-agentcore-control LambdaFunctionArn, with its 170 characters.
FUNCTION = Identifier(
    "ARN of a Lambda function",
    r"(?=.{1,170}$)arn:aws[a-zA-Z-]*:lambda:[a-z]{2}(-gov)?-[a-z]+-\d:\d{12}:function:[a-zA-Z0-9-_.]+"
    r"(:(\$LATEST|[a-zA-Z0-9-_]+))?",
    "arn:aws:lambda:us-east-1:111122223333:function:orders",
)
# API Gateway developer guide, "Control access for invoking an API", resources of execute-api: a stage, or its method.
API_STAGE = Identifier(
    "ARN of an API's stage",
    r"arn:aws[a-z-]*:execute-api:[a-z0-9-]+:[0-9]{12}:[a-z0-9]+/[\w$-]+(/[A-Z]+(/[^\s/]+)*/?)?",
    "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/prod",
)
# botocore bedrock-agentcore-control ApiKeyCredentialProviderArnType, CredentialProviderArnType: there the service is
# `acps`, in AgentCore's guide and in every example `bedrock-agentcore`.
PROVIDER = Identifier(
    "ARN of a credential provider",
    r"arn:aws[a-z-]*:(bedrock-agentcore|acps):[a-z0-9-]+:[0-9]{12}:token-vault/[^/\s]+/(apikey|oauth2)credentialprovider/"
    r"[a-zA-Z0-9_-]+",
    "arn:aws:bedrock-agentcore:us-east-1:111122223333:token-vault/default/apikeycredentialprovider/prices",
)
# botocore bedrock-runtime GuardrailIdentifier.
GUARDRAIL_ID = r"[a-z0-9]+"
GUARDRAIL = Identifier(
    "ARN of a guardrail",
    rf"arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{{1,20}}:[0-9]{{12}}:guardrail/{GUARDRAIL_ID}",
    "arn:aws:bedrock:us-east-1:111122223333:guardrail/ab1cd2ef3gh4",
)
# botocore bedrock-agentcore-control MemoryArn, MemoryId, for every partition.
MEMORY = Identifier(
    "ARN of a memory",
    r"arn:aws[a-z-]*:bedrock-agentcore:[a-z0-9-]+:[0-9]{12}:memory/[a-zA-Z][a-zA-Z0-9-_]{0,99}-[a-zA-Z0-9]{10}",
    "arn:aws:bedrock-agentcore:us-east-1:111122223333:memory/conversations-a1B2c3D4e5",
)
MEMORY_ID = Identifier("id of a memory", r"[a-zA-Z][a-zA-Z0-9-_]{0,99}-[a-zA-Z0-9]{10}", "conversations-a1B2c3D4e5")
# botocore bedrock-agent KnowledgeBaseArn.
KNOWLEDGE_BASE = Identifier(
    "ARN of a knowledge base",
    r"arn:aws(|-cn|-us-gov):bedrock:[a-zA-Z0-9-]*:[0-9]{12}:knowledge-base/[0-9a-zA-Z]+",
    "arn:aws:bedrock:us-east-1:111122223333:knowledge-base/A1B2C3D4E5",
)
# S3 user guide, "General purpose bucket naming rules".
BUCKET = Identifier("name of a bucket", r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "conversations-bucket-1234567")


def check(kind: Identifier, value: Any, where: str) -> None:
    """Check an identifier. An Output's value comes later.

    Raises:
        UsageError: AWS would refuse it.
    """
    if isinstance(value, str) and not re.fullmatch(kind.pattern, value, re.ASCII):
        raise UsageError(f"{where}: {value!r} is no {kind.what}. Write one like {kind.example}.")
