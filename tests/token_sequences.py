"""What an update does with user pools, their clients, and who asks for their tokens; a part of `tests/sequences.py`.

Source: hashicorp/terraform-provider-aws, internal/service/cognitoidp and bedrockagentcore.
"""

from tests.local.cloud.conftest import (
    APP_CLIENT,
    GOOD,
    OAUTH2_PROVIDER,
    RESOURCE_SERVER,
    USER_POOL,
    USER_POOL_DOMAIN,
    WORKLOAD_IDENTITY,
)
from tests.sequence_steps import Inputs, Out, Step, With, without


def id_of(pool: str) -> With:
    """The id of a user pool, which its endpoint ends with."""
    return With((Out(pool, "endpoint"),), lambda endpoint: endpoint.partition("/")[2])


def scopes(*names: str) -> With:
    """Scopes of the resource server."""
    return With((Out("server", "identifier"),), lambda identifier: [f"{identifier}/{name}" for name in names])


POOL = id_of("pool")
READ = {"scopes": [{"scopeName": it, "scopeDescription": "x"} for it in ("read", "invoke")]}
OF_USERS: Inputs = dict.fromkeys(
    ("allowedOauthFlows", "allowedOauthFlowsUserPoolClient", "allowedOauthScopes", "generateSecret")
)
"""A client that is no machine."""
OTHER: dict[str, tuple[str, Inputs]] = {"other": (USER_POOL, {**GOOD[USER_POOL], "name": "other"})}


def issued(**changes: Inputs) -> dict[str, tuple[str, Inputs]]:
    """A user pool with a domain and a scope, a client, and who asks for its tokens; a change of None takes away.

    As in our components, what must be there before is among the inputs of what needs it.
    """
    discovery = With(
        (Out("pool", "endpoint"), Out("domain", "domain")),
        lambda endpoint, _domain: f"https://{endpoint}/.well-known/openid-configuration",
    )
    custom = {
        "clientId": "3n4b5urk1ft4fl3mg5e62d9ado",
        "clientSecret": Out("client", "clientSecret"),
        "clientAuthenticationMethod": "CLIENT_SECRET_BASIC",
        "oauthDiscovery": {"discoveryUrl": discovery},
    }
    made: dict[str, tuple[str, Inputs]] = {
        "pool": (USER_POOL, GOOD[USER_POOL]),
        "domain": (USER_POOL_DOMAIN, {**GOOD[USER_POOL_DOMAIN], "userPoolId": POOL}),
        "server": (RESOURCE_SERVER, {**GOOD[RESOURCE_SERVER], "userPoolId": POOL}),
        "client": (APP_CLIENT, {**GOOD[APP_CLIENT], "userPoolId": POOL, "allowedOauthScopes": scopes("invoke")}),
        "identity": (WORKLOAD_IDENTITY, GOOD[WORKLOAD_IDENTITY]),
        "provider": (
            OAUTH2_PROVIDER,
            {**GOOD[OAUTH2_PROVIDER], "oauth2ProviderConfig": {"customOauth2ProviderConfig": custom}},
        ),
    }
    changed = {name: (kind, {**inputs, **changes.get(name, {})}) for name, (kind, inputs) in made.items()}
    return {
        name: (kind, {key: value for key, value in inputs.items() if value is not None})
        for name, (kind, inputs) in changed.items()
    }


def undiscovered() -> tuple[str, Inputs]:
    """A credential provider that does not wait for the domain of its pool."""
    kind, inputs = issued()["provider"]
    custom = inputs["oauth2ProviderConfig"]["customOauth2ProviderConfig"]
    url = With((Out("pool", "endpoint"),), lambda endpoint: f"https://{endpoint}/.well-known/openid-configuration")
    at_once = {**custom, "oauthDiscovery": {"discoveryUrl": url}}
    return kind, {**inputs, "oauth2ProviderConfig": {"customOauth2ProviderConfig": at_once}}


def one(name: str, kind: str, *programs: Inputs) -> list[Step]:
    """The issuer, then programs each of which changes the one resource in the way that is named."""
    steps = [Step(issued(**{name: program}), {name: kind}) for program in programs]
    return [Step(issued()), *steps, Step(issued(**{name: programs[-1]}))]


TOKEN_SEQUENCES: dict[str, list[Step]] = {
    "pool: protection, name, tags, who signs up": one(
        "pool",
        "update",
        {"deletionProtection": "ACTIVE"},
        {"name": "other"},
        {"tags": {"a": "b"}},
        {"adminCreateUserConfig": {"allowAdminCreateUserOnly": False}},
    ),
    "pool: who signs up, left out, stays": [
        Step(issued()),
        Step(issued(pool={"adminCreateUserConfig": None})),
    ],
    "pool: protected": [
        Step(issued(pool={"deletionProtection": "ACTIVE"})),
        Step({}, error="because deletion protection is activated"),
    ],
    "domain: other prefix": one("domain", "replace", {"domain": "other"}),
    "domain: login page": one("domain", "update", {"managedLoginVersion": 2}),
    "server: scopes, name": one(
        "server",
        "update",
        {"name": "other"},
        READ,
    ),
    "server: the order of scopes": [
        Step(issued(server=READ)),
        Step(issued(server={"scopes": READ["scopes"][::-1]})),
    ],
    "client: validity, name, scopes": one(
        "client",
        "update",
        {"accessTokenValidity": 5},
        {"name": "other"},
        {"tokenValidityUnits": None, "accessTokenValidity": 1},
        {"explicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"]},
    ),
    "client: the order of scopes and flows": [
        Step(issued(server=READ, client={"allowedOauthScopes": scopes("read", "invoke")})),
        Step(issued(server=READ, client={"allowedOauthScopes": scopes("invoke", "read")})),
        Step(issued(server=READ, client={"allowedOauthScopes": scopes("invoke")}), {"client": "update"}),
    ],
    "client: it gets a secret": [
        Step(without(issued(client=OF_USERS), "provider")),
        Step(without(issued(client={**OF_USERS, "generateSecret": True}), "provider"), {"client": "replace"}),
    ],
    "client: other pool": [
        Step({**OTHER, **without(issued(client=OF_USERS), "provider")}),
        Step(
            {**OTHER, **without(issued(client={**OF_USERS, "userPoolId": id_of("other")}), "provider")},
            {"client": "replace"},
        ),
    ],
    "client: nothing is the same as no flows": [
        Step(issued()),
        Step(issued(client={"explicitAuthFlows": None})),
        Step(issued(client={"explicitAuthFlows": []})),
    ],
    "client: flows left out stay": [
        Step(issued(client={"explicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"]})),
        Step(issued(client={"explicitAuthFlows": None})),
        Step(issued(), {"client": "update"}),
    ],
    "client: without a secret": [
        Step(issued(client={"generateSecret": False}), error="does not have a client secret"),
    ],
    "client: before its scope": [
        Step(
            {"pool": issued()["pool"], "client": (APP_CLIENT, {**GOOD[APP_CLIENT], "userPoolId": POOL})},
            error="ScopeDoesNotExistException: Invalid scope requested: toolgate-dev-tools/invoke",
        )
    ],
    "identity: return URLs, tags": one(
        "identity", "update", {"allowedResourceOauth2ReturnUrls": ["https://x.test/back"]}, {"tags": {"a": "b"}}
    ),
    "identity: other name": one("identity", "replace", {"name": "other"}),
    "provider: other name": one("provider", "replace", {"name": "other"}),
    "provider: tags": one("provider", "update", {"tags": {"a": "b"}}),
    "provider: before the domain": [
        Step(
            {**without(issued(), "domain"), "provider": undiscovered()},
            error="names no token endpoint: user pool .* has no domain",
        ),
    ],
}
