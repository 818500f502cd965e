"""A gateway's way in by tokens: what the gateway is told of their issuer, and what its tools tell who is handed them."""

import re
from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi

from toolgate.components.checks import arguments, identifiers, names
from toolgate.components.checks.arguments import UsageError

CLIENT_CLAIM = "client_id"
"""The claim that names the client in a token of Cognito (Cognito developer guide, "Understanding the access token")."""
SCOPE = "invoke"
"""The one scope that a gateway has of a user pool; with the gateway's name before it, it opens that gateway only."""
# botocore bedrock-agentcore-control InboundTokenClaimNameType, without the letters between its `.` and `:`.
_CLAIM = re.compile(r"[A-Za-z0-9_.:-]{1,255}")
# botocore bedrock-agentcore-control AllowedScopeType
_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,255}")
# Cognito developer guide, "Verifying JSON web tokens": where a user pool's issuer is.
_COGNITO = re.compile(r"https://cognito-idp[.-]")


class Inbound(TypedDict):
    """An issuer of tokens, and which of its tokens a gateway lets in. Those of a TokenIssuer are its `inbound`."""

    issuer: str
    """The issuer's name here. Gateways with one issuer share an agent's client there: letters, digits, hyphens."""
    discovery_url: pulumi.Input[str]
    """Where it describes itself: `https://.../.well-known/openid-configuration`."""
    user_pool_id: NotRequired[pulumi.Input[str]]
    """Id of its user pool, where the issuer is one of the stack's own. The gateway then has a scope of its own in it."""
    token_endpoint: NotRequired[pulumi.Input[str]]
    """Where the user pool gives tokens."""
    access_token_minutes: NotRequired[pulumi.Input[int]]
    """How long a token of the user pool lives; 5 to 1440. Default 60."""
    audiences: NotRequired[list[str]]
    """Of a foreign issuer: the audiences (`aud`) that are let in."""
    scopes: NotRequired[list[str]]
    """Of a foreign issuer: the scopes of which a token needs one."""
    client_claim: NotRequired[str]
    """Of a foreign issuer: the claim that names the client, such as `azp`, `appid` or `cid`. Default `client_id`."""


class Bearer(TypedDict):
    """How to come to a gateway that takes tokens: whose, and with which scope."""

    issuer: str
    """The issuer's name here."""
    discovery_url: pulumi.Input[str]
    """Where the issuer describes itself."""
    user_pool_id: NotRequired[pulumi.Input[str]]
    """Id of its user pool, where the issuer is one of the stack's own: clients are made there."""
    token_endpoint: NotRequired[pulumi.Input[str]]
    """Where the user pool gives tokens."""
    access_token_minutes: NotRequired[pulumi.Input[int]]
    """How long a token of the user pool lives; 5 to 1440. Default 60."""
    scope: NotRequired[pulumi.Input[str]]
    """The gateway's scope in the user pool."""
    client_claim: NotRequired[str]
    """Of a foreign issuer: the claim that names the client. Default `client_id`."""
