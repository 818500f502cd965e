"""The IAM documents that let an agent, or a gateway, take tokens: as its own identity, of its own providers only.

AgentCore does not tie an identity to a provider: a role that may use another agent's provider is that agent at every
gateway (AgentCore developer guide, "Scope access to credential providers by workload identity"). So each ARN is exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from toolgate.components.iam import iam_documents
from toolgate.components.iam.iam_documents import READ_SECRET, AwsEnvironment, Document, Statement, Text

# AWS Service Authorization Reference, "Amazon Bedrock AgentCore".
TAKE_WORKLOAD_TOKEN = "bedrock-agentcore:GetWorkloadAccessToken"  # noqa: S105  # an action
TAKE_ACCESS_TOKEN = "bedrock-agentcore:GetResourceOauth2Token"  # noqa: S105  # an action
TAKE_API_KEY = "bedrock-agentcore:GetResourceApiKey"


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
    directory, vault = _directory(env), _vault(env)
    return iam_documents.document(
        iam_documents.allow("TakeWorkloadToken", TAKE_WORKLOAD_TOKEN, [directory, identity]),
        iam_documents.allow("TakeAccessToken", TAKE_ACCESS_TOKEN, [directory, identity, vault, *providers]),
        iam_documents.allow("ReadClientSecret", READ_SECRET, secrets),
    )


@dataclass(frozen=True)
class Providers:
    """What a gateway signs in to its targets with.

    Attributes:
        tokens: ARNs of the credential providers that give tokens.
        keys: ARNs of those that give API keys.
        secrets: ARNs of the secrets that hold what they keep.
    """

    tokens: Sequence[Text]
    keys: Sequence[Text]
    secrets: Sequence[Text]


def sign_in(env: AwsEnvironment, gateway_name: str, providers: Providers, targets: str) -> list[Statement]:
    """The gateway takes tokens and API keys for its targets.

    AgentCore developer guide, "Set up outbound authorization for your gateway", permissions of the service role.
    AgentCore makes the gateway's identity with the gateway, and calls it by the gateway's name, a hyphen and more that
    nobody can know before the role: hence the `*`.

    Args:
        env: Where the stack is deployed.
        gateway_name: The gateway's name.
        providers: What it signs in with.
        targets: What kind of targets it is for, as the end of the statements' names.
    """
    if not providers.secrets:
        return []
    identity = pulumi.Output.concat(_directory(env), f"/workload-identity/{gateway_name}-*")
    as_gateway = [_directory(env), identity]
    found = [iam_documents.allow(f"TakeWorkloadToken{targets}", TAKE_WORKLOAD_TOKEN, as_gateway)]
    for sid, action, of in (
        ("TakeAccessToken", TAKE_ACCESS_TOKEN, providers.tokens),
        ("TakeApiKey", TAKE_API_KEY, providers.keys),
    ):
        if of:
            found.append(iam_documents.allow(f"{sid}{targets}", action, [*as_gateway, _vault(env), *of]))
    return [*found, iam_documents.allow(f"ReadSecret{targets}", READ_SECRET, list(providers.secrets))]


def _directory(env: AwsEnvironment) -> pulumi.Output[str]:
    """There is one in an account and Region, and this is its name."""
    return env.arn("bedrock-agentcore", "workload-identity-directory/default")


def _vault(env: AwsEnvironment) -> pulumi.Output[str]:
    """Likewise."""
    return env.arn("bedrock-agentcore", "token-vault/default")
