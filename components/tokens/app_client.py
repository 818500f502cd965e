"""A client in a user pool of the stack's own, which may come to exactly the gateways it was handed."""

import pulumi
import pulumi_aws as aws

from toolgate.components.grants.inbound import DEFAULT_MINUTES
from toolgate.components.tokens.issuers import Issuer


def scopes(issuer: Issuer) -> pulumi.Output[list[str]]:
    """The scopes of the gateways, each once."""
    given = pulumi.Output.all(*[it["scope"] for it in issuer.bearers() if "scope" in it])
    return given.apply(lambda known: list(dict.fromkeys(known)))


def make(resource_name: str, name: str, issuer: Issuer, opts: pulumi.ResourceOptions) -> aws.cognito.UserPoolClient:
    """The client: for machines, with a secret, and with the scopes of the handed gateways only.

    Args:
        resource_name: Its name in the program.
        name: Its name in AWS; names of clients need not be unique.
        issuer: Its user pool, and the gateways.
        opts: Its parent, and whether it is protected.
    """
    return aws.cognito.UserPoolClient(
        resource_name,
        name=name,
        user_pool_id=issuer.user_pool_id,
        generate_secret=True,
        # Cognito takes it with no other flow beside it (API reference, CreateUserPoolClient, AllowedOAuthFlows).
        allowed_oauth_flows=["client_credentials"],
        allowed_oauth_flows_user_pool_client=True,
        allowed_oauth_scopes=scopes(issuer),
        # Not left out: Cognito then lets users sign in by password and refresh (ExplicitAuthFlows). That it takes none
        # at all is how public programs write it; we have not seen it.
        explicit_auth_flows=[],
        access_token_validity=issuer.bearers()[0].get("access_token_minutes", DEFAULT_MINUTES),
        token_validity_units={"access_token": "minutes"},
        opts=opts,
    )
