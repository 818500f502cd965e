"""What a deployment says of tokens: who gives them, to which client, and through what an agent takes one.

Amazon Cognito is the issuer of user pools: `https://cognito-idp.<region>.amazonaws.com/<pool's id>`, its discovery
document at `/.well-known/openid-configuration` below (Cognito developer guide, "Verifying JSON web tokens"). A pool
without a domain has no token endpoint.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolgate.access.deployment.stack_export import Resource
from toolgate.policy.language.agentcore_facts import (
    API_KEY_PROVIDER,
    OAUTH2_PROVIDER,
    RESOURCE_SERVER,
    USER_POOL,
    USER_POOL_CLIENT,
    USER_POOL_DOMAIN,
    WORKLOAD_IDENTITY,
)

WELL_KNOWN = "/.well-known/openid-configuration"
CLIENT_CREDENTIALS = "client_credentials"
MANAGED_SECRET = ":secret:bedrock-agentcore-identity!"  # noqa: S105  # a part of an ARN
"""In the ARN of a secret that AgentCore makes for a provider (facts of public accounts)."""
_DEFAULT_MINUTES = 60  # Cognito API reference, CreateUserPoolClient, AccessTokenValidity
SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
"""Seconds in a unit of a token's life (botocore cognito-idp `TimeUnitsType`)."""


@dataclass(frozen=True)
class CustomClaim:
    """A claim that a token must have (botocore bedrock-agentcore-control `CustomClaimValidationType`).

    Attributes:
        name: The claim's name.
        type: `STRING` or `STRING_ARRAY`.
        operator: `EQUALS`, `CONTAINS` or `CONTAINS_ANY`.
        values: What it is compared with.
    """

    name: str
    type: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class JwtAuthorizer:
    """How a gateway checks tokens; whatever is given is checked, and one of the four lists is given.

    Attributes:
        discovery_url: Where the issuer says who it is and what its keys are.
        audiences: Of `aud` one must be among them.
        clients: `client_id` must be among them.
        scopes: Of `scope` one must be among them.
        claims: Further claims.
        unread: What else it checks, by the names of its settings.
    """

    discovery_url: str
    audiences: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    claims: tuple[CustomClaim, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def issuer(self) -> str:
        """The issuer that the discovery URL is of, as its tokens name it (OpenID Connect Discovery, section 4)."""
        return self.discovery_url.partition("/.well-known/")[0]


@dataclass(frozen=True)
class UserPool:
    """A user pool of Amazon Cognito, and what hangs on it.

    Attributes:
        label: The resource's type and name, for messages.
        id: `<region>_<characters>`.
        issuer: The issuer's URL, as its tokens name it.
        domain: The prefix of its token endpoint's host, or a whole host; None without one.
        scopes: Every scope of its resource servers, `<server>/<scope>`.
        closed: Whether nobody can sign up.
        rewrites: Whether a function of its owner may change the claims of tokens.
        arn: `arn:aws:cognito-idp:<region>:<account>:userpool/<id>`; empty where the file does not say.
    """

    label: str
    id: str
    issuer: str
    domain: str | None
    scopes: tuple[str, ...]
    closed: bool
    rewrites: bool
    arn: str = ""

    @property
    def discovery_url(self) -> str:
        """Where the issuer says who it is."""
        return f"{self.issuer}{WELL_KNOWN}"


@dataclass(frozen=True)
class AppClient:
    """A client of a user pool.

    Attributes:
        label: The resource's type and name, for messages.
        id: What its tokens say in `client_id`.
        name: The name that the program gave it.
        pool_id: Its user pool.
        flows: `client_credentials`, `code`, `implicit`; none where it may use no flow of OAuth.
        scopes: The scopes that it can have at most.
        user_flows: Ways in which users sign in with it, as `ALLOW_USER_PASSWORD_AUTH`.
        seconds: How long its access tokens hold.
        has_secret: Whether it has a secret.
        urn: Pulumi's name of it, by which a secret's version is known to be made of it.
    """

    label: str
    id: str
    name: str
    pool_id: str
    flows: tuple[str, ...]
    scopes: tuple[str, ...]
    user_flows: tuple[str, ...]
    seconds: int
    has_secret: bool
    urn: str = ""

    @property
    def by_itself(self) -> bool:
        """Whether it gets tokens without a user."""
        return CLIENT_CREDENTIALS in self.flows and self.has_secret

    @property
    def for_users(self) -> bool:
        """Whether users get tokens with it."""
        return bool(self.user_flows or {*self.flows} - {CLIENT_CREDENTIALS})


@dataclass(frozen=True)
class CredentialProvider:
    """What AgentCore Identity asks for access tokens in a client's name.

    Attributes:
        label: The resource's type and name, for messages.
        name: Its name.
        arn: `arn:aws:bedrock-agentcore:<region>:<account>:token-vault/<vault>/oauth2credentialprovider/<name>`.
        vendor: `CustomOauth2`, or another one of the API's.
        client_id: The client; None where the file neither shows it nor says of which client it was made.
        discovery_url: The issuer's; None for vendors that AgentCore knows.
        method: How the client says who it is, as `CLIENT_SECRET_BASIC`.
        secret_arns: The secrets that hold the client's: AgentCore's own, or the program's.
    """

    label: str
    name: str
    arn: str
    vendor: str
    client_id: str | None
    discovery_url: str | None
    method: str
    secret_arns: tuple[str, ...]


@dataclass(frozen=True)
class ApiKeyProvider:
    """What a gateway asks for the key of an API.

    Attributes:
        label: The resource's type and name, for messages.
        name: Its name.
        arn: `arn:aws:bedrock-agentcore:<region>:<account>:token-vault/<vault>/apikeycredentialprovider/<name>`.
        secret_arns: The secrets that hold the key: AgentCore's own, or the program's.
        json_key: The member of the program's secret that is the key.
    """

    label: str
    name: str
    arn: str
    secret_arns: tuple[str, ...]
    json_key: str | None = None


@dataclass(frozen=True)
class WorkloadIdentity:
    """In whose name an agent asks AgentCore Identity.

    Attributes:
        label: The resource's type and name, for messages.
        name: Its name.
        arn: `arn:aws:bedrock-agentcore:<region>:<account>:workload-identity-directory/<directory>/workload-identity/`
            and the name.
    """

    label: str
    name: str
    arn: str


@dataclass(frozen=True)
class Tokens:
    """Everything of a deployment that tokens are made with."""

    user_pools: tuple[UserPool, ...] = ()
    clients: tuple[AppClient, ...] = ()
    providers: tuple[CredentialProvider, ...] = ()
    identities: tuple[WorkloadIdentity, ...] = ()
    api_keys: tuple[ApiKeyProvider, ...] = ()

    def pool_of(self, discovery_url: str) -> UserPool | None:
        """The user pool with this discovery URL, if it is one of the deployment."""
        return next((pool for pool in self.user_pools if pool.discovery_url == discovery_url), None)


NO_TOKENS = Tokens()


def read_tokens(found: tuple[Resource, ...]) -> Tokens:
    """What tokens are made with.

    Raises:
        DeploymentError: A value is of another kind than AWS's, or hidden where it is needed.
    """
    by_type: dict[str, list[Resource]] = {}
    for resource in found:
        by_type.setdefault(resource.type, []).append(resource)
    domains = {r.text("userPoolId"): r.text("domain") for r in by_type.get(USER_POOL_DOMAIN, ())}
    scopes: dict[str, list[str]] = {}
    for server in by_type.get(RESOURCE_SERVER, ()):
        scopes.setdefault(server.text("userPoolId"), []).extend(_server_scopes(server))
    clients = {r.urn: r.text("id") for r in by_type.get(USER_POOL_CLIENT, ())}
    return Tokens(
        user_pools=tuple(_user_pool(r, domains, scopes) for r in by_type.get(USER_POOL, ())),
        clients=tuple(_client(r) for r in by_type.get(USER_POOL_CLIENT, ())),
        providers=tuple(_provider(r, clients) for r in by_type.get(OAUTH2_PROVIDER, ())),
        api_keys=tuple(map(_api_key, by_type.get(API_KEY_PROVIDER, ()))),
        identities=tuple(
            WorkloadIdentity(r.label, r.text("name"), r.text("workloadIdentityArn"))
            for r in by_type.get(WORKLOAD_IDENTITY, ())
        ),
    )


def read_authorizer(resource: Resource) -> JwtAuthorizer | None:
    """How a gateway or runtime checks tokens; None where it does not.

    Raises:
        DeploymentError: It is described in another way than AWS's.
    """
    settings = resource.mapping("authorizerConfiguration", "customJwtAuthorizer")
    if not settings:
        return None
    url = settings.get("discoveryUrl")
    if not isinstance(url, str):
        raise resource.wrong("discoveryUrl", url, "a URL")
    claims = settings.get("customClaims") or ()
    if not isinstance(claims, list | tuple):
        raise resource.wrong("customClaims", claims, "a list of claims")
    return JwtAuthorizer(
        discovery_url=url,
        audiences=resource.texts("allowedAudiences", settings.get("allowedAudiences")),
        clients=resource.texts("allowedClients", settings.get("allowedClients")),
        scopes=resource.texts("allowedScopes", settings.get("allowedScopes")),
        claims=tuple(_claim(resource, claim) for claim in claims),
        unread=tuple(sorted(key for key, value in settings.items() if value and key not in _CHECKS)),
    )


_CHECKS = frozenset({"discoveryUrl", "allowedAudiences", "allowedClients", "allowedScopes", "customClaims"})


def _claim(resource: Resource, claim: Any) -> CustomClaim:
    try:
        match = claim["authorizingClaimMatchValue"]
        value = match["claimMatchValue"]
        values = value.get("matchValueStringLists") or value.get("matchValueStringList") or [value["matchValueString"]]
        return CustomClaim(
            str(claim["inboundTokenClaimName"]),
            str(claim["inboundTokenClaimValueType"]),
            str(match["claimMatchOperator"]),
            tuple(map(str, values)),
        )
    except (KeyError, TypeError, AttributeError):
        raise resource.wrong("customClaims", claim, "a claim with its type, operator and value") from None


def _user_pool(resource: Resource, domains: Mapping[str, str], scopes: Mapping[str, list[str]]) -> UserPool:
    pool_id = resource.text("id")
    lambdas = resource.mapping("lambdaConfig")
    return UserPool(
        label=resource.label,
        id=pool_id,
        issuer=f"https://{resource.text('endpoint')}",
        domain=domains.get(pool_id),
        scopes=tuple(scopes.get(pool_id, ())),
        closed=resource.mapping("adminCreateUserConfig").get("allowAdminCreateUserOnly") is True,
        rewrites=bool(lambdas.get("preTokenGeneration") or lambdas.get("preTokenGenerationConfig")),
        arn=resource.optional_text("arn") or "",
    )


def _server_scopes(server: Resource) -> list[str]:
    scopes = server.get("scopes") or ()
    if not isinstance(scopes, list | tuple):
        raise server.wrong("scopes", scopes, "a list of scopes")
    named = [scope.get("scopeName") if isinstance(scope, Mapping) else None for scope in scopes]
    return [f"{server.text('identifier')}/{name}" for name in named if isinstance(name, str)]


def _client(resource: Resource) -> AppClient:
    unit = resource.mapping("tokenValidityUnits").get("accessToken") or "hours"
    lasts = resource.get("accessTokenValidity")
    # Cognito takes no flow of OAuth for a client of which this is not said (API reference, CreateUserPoolClient).
    with_oauth = resource.get("allowedOauthFlowsUserPoolClient") is True
    seconds = lasts * SECONDS.get(unit, 0) if isinstance(lasts, int | float) else 0
    return AppClient(
        label=resource.label,
        id=resource.text("id"),
        name=resource.text("name"),
        pool_id=resource.text("userPoolId"),
        flows=resource.texts("allowedOauthFlows", resource.get("allowedOauthFlows")) if with_oauth else (),
        scopes=resource.texts("allowedOauthScopes", resource.get("allowedOauthScopes")) if with_oauth else (),
        user_flows=resource.texts("explicitAuthFlows", resource.get("explicitAuthFlows")),
        seconds=int(seconds) or _DEFAULT_MINUTES * 60,
        has_secret=resource.get("generateSecret") is True or bool(resource.get("clientSecret")),
        urn=resource.urn,
    )


def _provider(resource: Resource, clients: Mapping[str, str]) -> CredentialProvider:
    config = resource.get("oauth2ProviderConfig")
    of_vendor = next((it for it in config.values() if it), None) if isinstance(config, Mapping) else None
    settings: Mapping[str, Any] = of_vendor if isinstance(of_vendor, Mapping) else {}
    discovery, external = settings.get("oauthDiscovery"), settings.get("clientSecretConfig")
    return CredentialProvider(
        label=resource.label,
        name=resource.text("name"),
        arn=resource.text("credentialProviderArn"),
        vendor=resource.text("credentialProviderVendor"),
        client_id=_shown(settings.get("clientId")) or _made_of_client(resource, clients),
        discovery_url=_shown(discovery.get("discoveryUrl")) if isinstance(discovery, Mapping) else None,
        method=_shown(settings.get("clientAuthenticationMethod")) or "CLIENT_SECRET_BASIC",
        secret_arns=_secrets(resource.get("clientSecretArns"), external),
    )


def _api_key(resource: Resource) -> ApiKeyProvider:
    return ApiKeyProvider(
        label=resource.label,
        name=resource.text("name"),
        arn=resource.text("credentialProviderArn"),
        secret_arns=_secrets(resource.get("apiKeySecretArns"), resource.get("apiKeySecretConfig")),
        json_key=_shown(resource.mapping("apiKeySecretConfig").get("jsonKey")),
    )


def _secrets(managed: Any, external: Any) -> tuple[str, ...]:
    """AgentCore's own secrets, and the program's by its ARN or its name."""
    arns = [it.get("secretArn") for it in managed if isinstance(it, Mapping)] if isinstance(managed, list) else []
    arns += [external.get("secretId")] if isinstance(external, Mapping) else []
    return tuple(dict.fromkeys(arn for arn in arns if isinstance(arn, str)))


def _made_of_client(resource: Resource, clients: Mapping[str, str]) -> str | None:
    """The client that the program made the provider of: the provider's own schema calls its id a secret."""
    found = [clients[urn] for urn in resource.made_of.get("oauth2ProviderConfig", ()) if urn in clients]
    return found[0] if len(found) == 1 else None


def _shown(value: Any) -> str | None:
    return value if isinstance(value, str) else None
