"""How a credential provider asks an issuer for tokens, as one client of it."""

from typing import Any

import pulumi

VENDOR = "CustomOauth2"
"""An issuer that describes itself; those that AgentCore knows by name take the same."""


def external(
    client_id: pulumi.Input[str], secret_arn: pulumi.Input[str], json_key: pulumi.Input[str]
) -> dict[str, Any]:
    """A client whose secret is made elsewhere: nothing of it comes into Pulumi's state."""
    return {
        "client_id": client_id,
        "client_secret_source": "EXTERNAL",
        "client_secret_config": {"secret_id": secret_arn, "json_key": json_key},
    }


def configuration(as_client: dict[str, Any], discovery_url: pulumi.Input[str]) -> dict[str, Any]:
    """The provider's `oauth2_provider_config`: client credentials, of the issuer that this URL describes."""
    return {
        "custom_oauth2_provider_config": {
            **as_client,
            "client_authentication_method": "CLIENT_SECRET_BASIC",
            "oauth_discovery": {"discovery_url": discovery_url},
        }
    }
