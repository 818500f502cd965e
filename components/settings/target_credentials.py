"""What a stack's configuration says of how a gateway signs in to a target."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

from toolgate.components.settings.values import as_written
from toolgate.components.targets import credentials
from toolgate.components.targets.credentials import IamService, KeyLocation, TargetCredential


class ApiKeyConfig(TypedDict):
    """An API key: where it lies, and how it is sent."""

    secretArn: str
    """ARN of the Secrets Manager secret that holds the key; it is made elsewhere."""
    name: str
    """Of the header or parameter that it is sent in."""
    jsonKey: NotRequired[str]
    """The key of the secret's JSON whose value is the API key."""
    providerArn: NotRequired[str]
    """ARN of a credential provider that is there already, instead of `jsonKey`."""
    location: NotRequired[KeyLocation]
    """`HEADER` or `QUERY_PARAMETER`. Default: HEADER."""
    prefix: NotRequired[str]
    """What stands before it. Default: nothing."""


class OAuthConfig(TypedDict):
    """A client at an issuer."""

    secretArn: str
    """ARN of the Secrets Manager secret that holds the client's secret; it is made elsewhere."""
    jsonKey: NotRequired[str]
    """The key of the secret's JSON whose value is the client's secret."""
    clientId: NotRequired[str]
    """The client's id at the issuer."""
    discoveryUrl: NotRequired[str]
    """Where the issuer describes itself."""
    providerArn: NotRequired[str]
    """ARN of a credential provider that is there already, instead of these three."""
    scopes: NotRequired[list[str]]
    """The scopes that are asked for. Default: none."""
    parameters: NotRequired[dict[str, str]]
    """Further parameters of the request for a token. Default: none."""


class SignatureConfig(TypedDict):
    """The signature of the gateway's role."""

    service: IamService
    """`execute-api` or `lambda`."""
    resources: list[str]
    """ARNs of what the gateway calls: functions; stages, of which an API's own methods are meant, or methods."""
    region: NotRequired[str]
    """The Region that it is signed for. Default: the gateway's."""


class TargetCredentialConfig(TypedDict):
    """A target's `credential`: one of these."""

    apiKey: NotRequired[ApiKeyConfig]
    """An API key."""
    oauth: NotRequired[OAuthConfig]
    """A token."""
    iam: NotRequired[SignatureConfig]
    """The signature of the gateway's role."""


# In a stack's configuration -> of a target.
_KINDS = {"apiKey": "api_key", "oauth": "oauth", "iam": "iam"}
_KEYS = {
    "secretArn": "secret_arn",
    "jsonKey": "json_key",
    "clientId": "client_id",
    "discoveryUrl": "discovery_url",
    "providerArn": "provider_arn",
}


def read(entry: TargetCredentialConfig, where: str) -> TargetCredential:
    """What the gateway signs in with.

    Args:
        entry: It, as configured.
        where: Its place, for messages.

    Raises:
        UsageError: It is none or several, or AWS would refuse a value.
    """
    given: Mapping[str, Mapping[str, Any]] = entry  # type: ignore[assignment]  # every key of it is a map
    found: Any = {_KINDS[kind]: {_KEYS.get(key, key): value for key, value in it.items()} for kind, it in given.items()}
    with as_written(_KINDS | _KEYS):
        credentials.check(found, where)
    return found  # type: ignore[no-any-return]  # checked
