"""Who comes to a gateway with tokens: the clients of its issuer, and what is known of their tokens before there is one.

Source of the claims: Cognito developer guide, "Understanding the access token" and "Understanding the identity token";
of tokens without a user, several public decoders: `sub` and `client_id` are the client's id, `scope` what it asked for,
and there is no `aud`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from toolgate.access.cedar.cedar_decision import ANY_TOKEN, ToolEngine
from toolgate.access.cedar.cedar_policies import CedarPrincipal
from toolgate.access.cedar.tools_schema import OAUTH_USER
from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.tokens import AppClient, CredentialProvider, JwtAuthorizer, UserPool
from toolgate.access.iam.evaluation import Access
from toolgate.access.tokens.authorizer import AUDIENCE, CLIENT, SCOPE, Claims

SIGNED_IN = "aws.cognito.signin.user.admin"
"""The one scope of a token that a user got without a redirect (Cognito developer guide, "Scopes, M2M, and APIs")."""
_ISSUER, _SUBJECT, _USE = "iss", "sub", "token_use"


@dataclass(frozen=True)
class TokenCaller:
    """Somebody with tokens of one sort.

    Attributes:
        principal: How a matrix names them: `client/<id>`, `users of client/<id>`, `any client of <issuer>`.
        tokens: What is known of each sort of token that they can have; one that is let in is enough.
        cedar: How Cedar knows them.
        scopes: The scopes that they can have; they may ask for fewer.
        most: What they can have at best: `allow` for a client of which everything is known.
        why: For any other, on what it rests: the end of a condition, or what is not known.
        client: The client that they are, or else come with.
    """

    principal: str
    tokens: tuple[Claims, ...]
    cedar: CedarPrincipal = ANY_TOKEN
    scopes: tuple[str, ...] = ()
    most: Access = Access.ALLOW
    why: str = ""
    client: AppClient | None = None


def client_principal(client_id: str) -> str:
    """How a matrix names a client."""
    return f"client/{client_id}"


def provider_principal(provider: CredentialProvider) -> str:
    """How a matrix names the client of a provider that does not show it."""
    return f"client of provider/{provider.name}"


def new_client_principal(pool: UserPool) -> str:
    """How a matrix names a client that somebody may make."""
    return f"new client of {pool.id}"


def token_callers(deployment: Deployment, gateway: Gateway, engine: ToolEngine | None) -> tuple[TokenCaller, ...]:
    """Whoever may come to a gateway with tokens, as far as the deployment says who there is.

    Args:
        deployment: The deployment.
        gateway: A gateway that takes tokens, and says of whom.
        engine: Its policy engine.
    """
    jwt = gateway.jwt
    if jwt is None:
        return ()
    pool = deployment.tokens.pool_of(jwt.discovery_url)
    found = list(_of_pool(deployment, pool, jwt)) if pool else list(_of_foreign(deployment, jwt, engine))
    known = {caller.principal for caller in found}
    found += [it for it in _named_in_cedar(jwt, engine) if it.cedar.id not in {caller.cedar.id for caller in found}]
    strangers = (_stranger(jwt, it) for it in jwt.clients if not _held(deployment, pool, it))
    return (*found, *(it for it in strangers if it.principal not in known))


def _held(deployment: Deployment, pool: UserPool | None, client_id: str) -> bool:
    """Whether a client is one of the deployment's: all that it gets is known, or it gets tokens of another issuer."""
    return pool is not None and any(it.id == client_id for it in deployment.tokens.clients)


def _of_pool(deployment: Deployment, pool: UserPool, jwt: JwtAuthorizer) -> Iterator[TokenCaller]:
    tokens = deployment.tokens
    for client in tokens.clients:
        if client.pool_id == pool.id:
            if client.by_itself:
                yield machine(client, pool, client.scopes)
            if client.for_users:
                yield _users(client, pool)
    yield _new(pool)
    held = {client.id for client in tokens.clients}
    for provider in tokens.providers:
        if provider.discovery_url in (pool.discovery_url, None):
            if provider.client_id is None:
                yield _hidden(provider, jwt)
            elif provider.client_id not in held and provider.discovery_url:
                yield _stranger(jwt, provider.client_id)


def machine(client: AppClient, pool: UserPool, scopes: tuple[str, ...]) -> TokenCaller:
    """A client that gets tokens by itself.

    Args:
        client: The client.
        pool: Its user pool.
        scopes: What it may have at most.
    """
    principal, who = client_principal(client.id), {_ISSUER: pool.issuer, CLIENT: client.id, _SUBJECT: client.id}
    if pool.rewrites:
        return TokenCaller(
            principal,
            (Claims({_ISSUER: pool.issuer}, complete=False),),
            most=Access.CONDITIONAL,
            why=f"the function of {pool.label} that writes claims says so",
            client=client,
        )
    claims: dict[str, Any] = {**who, _USE: "access", SCOPE: " ".join(scopes), AUDIENCE: None}
    # Of several scopes it may ask for some, in an order that is Cognito's.
    tags = {**who, _USE: "access", **({SCOPE: scopes[0]} if len(scopes) == 1 else {})}
    known = CedarPrincipal(OAUTH_USER, client.id, tuple(sorted(tags.items())), all_tags=False)
    found = TokenCaller(principal, (Claims(claims, complete=False),), known, scopes, client=client)
    if pool.domain is None:
        return replace(found, most=Access.UNDECIDED, why=f"{pool.label} has no domain in the deployment")
    return found


def _new(pool: UserPool) -> TokenCaller:
    """A client that somebody makes: with every scope, and an id that nothing names."""
    made = AppClient("", "(new)", "", pool.id, ("client_credentials",), pool.scopes, (), 0, has_secret=True)
    return replace(machine(made, pool, pool.scopes), principal=new_client_principal(pool), client=None)


def _users(client: AppClient, pool: UserPool) -> TokenCaller:
    """The users who sign in with a client: access tokens in its name, and identity tokens for it."""
    redirected = {*client.flows} & {"code", "implicit"}
    scopes = (*(client.scopes if redirected else ()), *((SIGNED_IN,) if client.user_flows else ()))
    access = {_ISSUER: pool.issuer, CLIENT: client.id, _USE: "access", SCOPE: " ".join(scopes)}
    identity = {_ISSUER: pool.issuer, AUDIENCE: client.id, _USE: "id", CLIENT: None, SCOPE: None}
    kinds = [Claims(it, complete=False) for it in (access, identity)]
    tags: tuple[tuple[str, str], ...] = ((CLIENT, client.id), (_ISSUER, pool.issuer))
    if pool.rewrites:
        kinds, tags = [Claims({_ISSUER: pool.issuer}, complete=False)], ()
    signs_in = "a user signs in" if pool.closed else "a user signs in, and anybody may sign up"
    return TokenCaller(
        f"users of {client_principal(client.id)}",
        tuple(kinds),
        CedarPrincipal(OAUTH_USER, None, tags, all_tags=False),
        scopes,
        Access.CONDITIONAL,
        f"{signs_in} with client '{client.name}'",
        client,
    )


def _hidden(provider: CredentialProvider, jwt: JwtAuthorizer) -> TokenCaller:
    return TokenCaller(
        provider_principal(provider),
        (Claims({_ISSUER: jwt.issuer}, complete=False),),
        most=Access.UNDECIDED,
        why=f"the client of {provider.label}, which the deployment does not show",
    )


def _stranger(jwt: JwtAuthorizer, client_id: str) -> TokenCaller:
    """A client that the deployment names and does not hold."""
    tags = ((CLIENT, client_id), (_ISSUER, jwt.issuer))
    return TokenCaller(
        client_principal(client_id),
        (Claims(dict(tags), complete=False),),
        CedarPrincipal(OAUTH_USER, None, tags, all_tags=False),
        most=Access.UNDECIDED,
        why="the client's flows and scopes, as it is not in the deployment",
    )


def _named_in_cedar(jwt: JwtAuthorizer, engine: ToolEngine | None) -> Iterator[TokenCaller]:
    """Whoever a permit names by the subject of their tokens."""
    permits = [it for it in engine.policies if it.effect == "permit"] if engine and engine.enforce else []
    for subject in dict.fromkeys(id_ for it in permits for id_ in it.principals(OAUTH_USER)):
        tags = ((_ISSUER, jwt.issuer), (_SUBJECT, subject))
        yield TokenCaller(
            f"subject/{subject}",
            (Claims(dict(tags), complete=False),),
            CedarPrincipal(OAUTH_USER, subject, tags, all_tags=False),
            most=Access.CONDITIONAL,
            why=f"a token's sub is {subject}",
        )


def _of_foreign(deployment: Deployment, jwt: JwtAuthorizer, engine: ToolEngine | None) -> Iterator[TokenCaller]:
    """Of an issuer that the deployment does not make, whoever it gives tokens to, and the clients of providers."""
    yield TokenCaller(
        f"any client of {jwt.issuer}",
        (Claims({_ISSUER: jwt.issuer}, complete=False),),
        most=Access.CONDITIONAL,
        why=f"{jwt.issuer} gives a token",
    )
    providers = [it for it in deployment.tokens.providers if it.discovery_url in (jwt.discovery_url, None)]
    ids = {it.client_id for it in providers if it.client_id}
    naming = _naming(engine, ids)
    for provider in providers:
        if provider.client_id is None:
            yield _hidden(provider, jwt)
        elif provider.discovery_url:
            yield _foreign(provider.client_id, jwt, naming)


def _naming(engine: ToolEngine | None, ids: set[str]) -> tuple[str, ...]:
    """The claims that name a client: the one that Cognito has, and those by which a permit names one of these."""
    pins = (pin for policy in (engine.policies if engine else ()) for pin in policy.pinned_tags)
    return tuple(sorted({CLIENT, *(tag for tag, value in pins if value in ids)}))


def _foreign(client_id: str, jwt: JwtAuthorizer, naming: tuple[str, ...]) -> TokenCaller:
    # Whether the issuer writes the claim, and under which name, nobody here knows: only that it is no other client.
    let_in = {} if client_id in jwt.clients or not jwt.clients else {CLIENT: client_id}
    return TokenCaller(
        client_principal(client_id),
        (Claims({_ISSUER: jwt.issuer, **let_in}, complete=False),),
        CedarPrincipal(OAUTH_USER, None, tuple((claim, client_id) for claim in naming), all_tags=False),
        most=Access.CONDITIONAL,
        why=f"{jwt.issuer} gives client {client_id} such a token",
    )
