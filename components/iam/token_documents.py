"""The IAM document that lets an agent take tokens: as its own workload identity, of its own credential providers only.

AgentCore does not tie an identity to a provider: a role that may use another agent's provider is that agent at every
gateway (AgentCore developer guide, "Scope access to credential providers by workload identity"). So each ARN is exact.
"""

from collections.abc import Sequence

import pulumi

from toolgate.components.iam import iam_documents
from toolgate.components.iam.iam_documents import READ_SECRET, AwsEnvironment, Document, Text

# AWS Service Authorization Reference, "Amazon Bedrock AgentCore".
TAKE_WORKLOAD_TOKEN = "bedrock-agentcore:GetWorkloadAccessToken"  # noqa: S105  # an action
TAKE_ACCESS_TOKEN = "bedrock-agentcore:GetResourceOauth2Token"  # noqa: S105  # an action


def take_tokens(
    env: AwsEnvironment, identity: Text, providers: Sequence[Text], secrets: pulumi.Input[Sequence[str]]
) -> Document:
    """The agent takes tokens.

    The service asks for the action on each of the ARNs, the directory and the vault among them, and reads the client's
    secret as the role (AgentCore developer guide, "Get workload access token" and "Obtain OAuth 2.0 access token"; the
    last was seen live by others).

    Args:
        env: Where the stack is deployed.
        identity: ARN of the agent's workload identity.
        providers: ARNs of its credential providers.
        secrets: ARNs of the secrets that hold its clients' secrets.
    """
    # Both are one for an account and Region, and have this name.
    directory = env.arn("bedrock-agentcore", "workload-identity-directory/default")
    vault = env.arn("bedrock-agentcore", "token-vault/default")
    return iam_documents.document(
        iam_documents.allow("TakeWorkloadToken", TAKE_WORKLOAD_TOKEN, [directory, identity]),
        iam_documents.allow("TakeAccessToken", TAKE_ACCESS_TOKEN, [directory, identity, vault, *providers]),
        iam_documents.allow("ReadClientSecret", READ_SECRET, secrets),
    )
