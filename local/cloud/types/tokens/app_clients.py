"""App clients of Cognito's user pools: who may ask a pool for tokens.

Reproduced are those that are no application with a sign-in page: nothing of callbacks and identity providers. Source
of the rules: Cognito API reference, CreateUserPoolClient; its words where somebody has quoted them. What the provider
reports of a client is what its own tests find (hashicorp/terraform-provider-aws, cognitoidp/user_pool_client_test.go:
_basic, _emptySets, _nulls).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from toolgate.access.deployment.tokens import CLIENT_CREDENTIALS, SECONDS
from toolgate.local.cloud.api_requests import Member
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import Failure
from toolgate.local.cloud.resource_type import (
    LOWER_ALPHANUMERIC,
    ApiRequest,
    Existing,
    Made,
    Making,
    ResourceType,
)
from toolgate.local.cloud.types.tokens.user_pools import of_pool, pool_exists
from toolgate.local.cloud.values import UNKNOWN, Properties, is_known
from toolgate.policy.language.agentcore_facts import RESOURCE_SERVER, USER_POOL_CLIENT

STANDARD_SCOPES = frozenset({"phone", "email", "openid", "profile", "aws.cognito.signin.user.admin"})
"""The scopes that every pool has, about its users."""
_DAY = 86_400
_VALIDITIES = {
    "accessTokenValidity": ("accessToken", "access_token_validity", 300, _DAY),
    "idTokenValidity": ("idToken", "id_token_validity", 300, _DAY),
    "refreshTokenValidity": ("refreshToken", "refresh_token_validity", 3600, 3650 * _DAY),
}
"""For how long a token may be valid: its unit, its name in the provider, and the bounds in seconds."""
_UNITS = {"accessToken": "hours", "idToken": "hours", "refreshToken": "days"}
_LISTS = (
    *("allowedOauthFlows", "allowedOauthScopes", "explicitAuthFlows"),
    *("callbackUrls", "logoutUrls", "readAttributes", "supportedIdentityProviders", "writeAttributes"),
)


def _make(inputs: Properties, making: Making) -> Made:
    secret = making.characters(51, LOWER_ALPHANUMERIC, "secret") if inputs.get("generateSecret") else ""
    client_id = making.characters(26, LOWER_ALPHANUMERIC)
    return Made(client_id, {"id": client_id, "clientSecret": secret})


def _reported(inputs: Properties) -> Mapping[str, Any]:
    units = {"tokenValidityUnits": _UNITS} if inputs.get("tokenValidityUnits") is not None else {}
    return {
        **{name: [] for name in _LISTS},
        **units,
        "accessTokenValidity": 0,  # an hour
        "idTokenValidity": 0,
        "refreshTokenValidity": 30,
        "authSessionValidity": 3,
        "allowedOauthFlowsUserPoolClient": False,
        "enableTokenRevocation": True,
        "enablePropagateAdditionalUserContextData": False,
        "defaultRedirectUri": "",
        "preventUserExistenceErrors": "",
    }


def _flows(inputs: Properties) -> Iterator[Failure]:
    flows, scopes = inputs.get("allowedOauthFlows") or [], inputs.get("allowedOauthScopes") or []
    if UNKNOWN in (flows, scopes) or not is_known(flows):
        return
    if inputs.get("allowedOauthFlowsUserPoolClient") is True and not (flows and scopes):
        text = (
            "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed to use OAuth flows."
        )
        yield Failure("allowedOauthFlows", f"InvalidParameterException: {text}")
    # Whether AWS refuses them or gives the client no token then, nobody has said.
    if inputs.get("allowedOauthFlowsUserPoolClient") in (None, False) and (flows or scopes):
        text = (
            "AllowedOAuthFlowsUserPoolClient must be true for a client that has AllowedOAuthFlows or AllowedOAuthScopes"
        )
        yield Failure("allowedOauthFlowsUserPoolClient", f"InvalidParameterException: {text}")
    if CLIENT_CREDENTIALS in flows:
        yield from _machine(inputs, flows, scopes)


def _machine(inputs: Properties, flows: list[str], scopes: list[Any]) -> Iterator[Failure]:
    if len(flows) > 1:
        text = f"{CLIENT_CREDENTIALS} flow can not be selected along with code flow or implicit flow."
        yield Failure("allowedOauthFlows", f"InvalidOAuthFlowException: {text}")
    if inputs.get("generateSecret") in (None, False):
        text = f"{CLIENT_CREDENTIALS} flow can not be selected if client does not have a client secret."
        yield Failure("generateSecret", f"InvalidOAuthFlowException: {text}")
    for scope in scopes:
        if scope in STANDARD_SCOPES:
            text = f"{scope} is not supported with {CLIENT_CREDENTIALS} flow"
            yield Failure("allowedOauthScopes", f"InvalidOAuthFlowException: {text}")


def _validities(inputs: Properties) -> Iterator[Failure]:
    """The provider's own check, in its words (cognitoidp/user_pool_client.go, ModifyPlan)."""
    units = inputs.get("tokenValidityUnits") or {}
    if not isinstance(units, Mapping):
        return
    for name, (unit_name, attribute, least, most) in _VALIDITIES.items():
        count, unit = inputs.get(name), units.get(unit_name) or _UNITS[unit_name]
        if not isinstance(count, int) or not count or unit is UNKNOWN:
            continue
        seconds = count * SECONDS[unit]
        if not least <= seconds <= most:
            between = f"between {_duration(least)} and {_duration(most)}, got: {_duration(seconds)}"
            yield Failure(name, f"Attribute {attribute} must have a duration {between}")


def _duration(seconds: int) -> str:
    """As Go writes it."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _scopes_exist(inputs: Properties, _made: Made, _env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    servers = of_pool(inputs["userPoolId"], RESOURCE_SERVER, existing)
    known = {*STANDARD_SCOPES, *(scope for server in servers for scope in server.outputs["scopeIdentifiers"])}
    for scope in inputs.get("allowedOauthScopes") or []:
        if scope not in known:
            yield f"ScopeDoesNotExistException: Invalid scope requested: {scope}"


APP_CLIENT_TYPE = ResourceType(
    type=USER_POOL_CLIENT,
    requests=(
        ApiRequest(
            "cognito-idp",
            "CreateUserPoolClient",
            {
                "name": "ClientName",
                "userPoolId": "UserPoolId",
                "generateSecret": "GenerateSecret",
                "allowedOauthFlows": "AllowedOAuthFlows",
                "allowedOauthFlowsUserPoolClient": "AllowedOAuthFlowsUserPoolClient",
                "allowedOauthScopes": "AllowedOAuthScopes",
                "explicitAuthFlows": "ExplicitAuthFlows",
                "accessTokenValidity": "AccessTokenValidity",
                "idTokenValidity": "IdTokenValidity",
                "refreshTokenValidity": "RefreshTokenValidity",
                "tokenValidityUnits": Member(
                    "TokenValidityUnits",
                    {"accessToken": "AccessToken", "idToken": "IdToken", "refreshToken": "RefreshToken"},
                ),
                "enableTokenRevocation": "EnableTokenRevocation",
                "preventUserExistenceErrors": "PreventUserExistenceErrors",
            },
        ),
    ),
    make=_make,
    computed=("id", "clientSecret"),
    replaces=frozenset({"userPoolId", "generateSecret"}),
    framework=True,
    auto_name="name",
    reported=_reported,
    secrets=frozenset({"clientSecret"}),
    unordered=frozenset({"allowedOauthFlows", "allowedOauthScopes", "explicitAuthFlows"}),
    rules=(_flows, _validities),
    needs=(pool_exists, _scopes_exist),
    # The provider's page of aws_cognito_user_pool_client, "Import": `<pool's id>/<client's id>`.
    imported=lambda given: given.rpartition("/")[2],
)
