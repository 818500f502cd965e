"""The gateways that take a token, as `TOKEN_GATEWAYS` has them."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

_CLOSED = ConfigDict(extra="forbid", frozen=True)
_Text = Annotated[str, Field(min_length=1)]


class TokenGateways(BaseModel):
    """The gateways that take the tokens of one issuer, and how the agent comes by these.

    Attributes:
        provider: Name of the credential provider with the agent's client of the issuer.
        scopes: Scopes that are asked for.
        parameters: Further parameters of the token request.
        gateways: The gateways' MCP endpoints.
    """

    model_config = _CLOSED
    # Patterns of botocore's bedrock-agentcore model (GetResourceOauth2Token), and of RFC 6749, 3.3.
    provider: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,128}$")]
    scopes: tuple[Annotated[str, Field(pattern=r"^[\x21\x23-\x5B\x5D-\x7E]+$")], ...]
    parameters: dict[_Text, _Text] = {}
    gateways: Annotated[tuple[str, ...], Field(min_length=1)]


class Tokens(BaseModel):
    """What the agent gets tokens as, and those that it gets."""

    model_config = _CLOSED
    # Pattern of botocore's bedrock-agentcore model (GetWorkloadAccessToken).
    identity: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{3,255}$")]
    tokens: Annotated[tuple[TokenGateways, ...], Field(min_length=1)]
