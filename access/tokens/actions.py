"""The one table of what a client of an issuer can be had by, besides the issuer's own sign-in.

An action's resource: Service Authorization Reference, "Amazon Bedrock AgentCore", "AWS Secrets Manager", "Amazon
Cognito User Pools". Nobody here has seen AWS decide about any of them.
"""

from dataclasses import dataclass

from toolgate.policy.language.agentcore_facts import ACCESS_TOKEN, GET_SECRET, WORKLOAD_TOKENS

__all__ = ["ACCESS_TOKEN", "POOL_ACTIONS", "READ_SECRET", "WIDEN", "WORKLOAD_TOKEN", "PoolAction"]

WORKLOAD_TOKEN = WORKLOAD_TOKENS
"""Any of them gives a token of a workload identity; the one for agents is `GetWorkloadAccessToken`.

Asked on the directory and on the identity (AgentCore developer guide, "Get workload access token").
"""
# `ACCESS_TOKEN` gives a client's token for a workload identity's: asked on the directory, the identity, the token vault
# and the credential provider. AgentCore ties no identity to a provider: what the caller may do is the whole boundary
# (AgentCore developer guide, "Scope credential provider access").
READ_SECRET = GET_SECRET
"""AgentCore reads the client's secret as the caller (seen live by others); and whoever reads it needs no AgentCore."""


@dataclass(frozen=True)
class PoolAction:
    """What somebody may do to a user pool's clients and be one by it.

    Attributes:
        action: The action, asked on the user pool.
        new: Whether it makes a client, instead of giving away one that there is.
        source: Where its answer is described.
    """

    action: str
    new: bool
    source: str


POOL_ACTIONS = (
    PoolAction("cognito-idp:DescribeUserPoolClient", False, "botocore cognito-idp `UserPoolClientType.ClientSecret`"),
    PoolAction(
        "cognito-idp:AddUserPoolClientSecret",
        False,
        "botocore cognito-idp `ClientSecretDescriptorType.ClientSecretValue`: a new one, or one of the caller's own",
    ),
    PoolAction(
        "cognito-idp:CreateUserPoolClient",
        True,
        "botocore cognito-idp `CreateUserPoolClientRequest`: any scope of the pool, and the answer has the secret",
    ),
)
"""Lists are none: `ListUserPoolClients` has ids and names, `ListUserPoolClientSecrets` never the value (botocore)."""
WIDEN = "cognito-idp:UpdateUserPoolClient"
"""Gives a client any scope of its pool, and takes any away (botocore cognito-idp `UpdateUserPoolClientRequest`).

By itself it makes nobody a client; whoever is one may then have every scope.
"""
