"""What of a stack takes tokens and what gives them: JWT authorizers, their issuers, and the clients of user pools."""

import functools
import re
from collections.abc import Iterator
from typing import Any

from toolgate.policy.language.agentcore_facts import (
    API_KEY_PROVIDER,
    GATEWAY,
    HARNESS,
    MANAGED_USER_POOL_CLIENT,
    OAUTH2_PROVIDER,
    RUNTIME,
    USER_POOL,
    USER_POOL_CLIENT,
)
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.properties import at, each
from toolgate.policy.rule import Resource
from toolgate.policy.stack import Stack

TAKERS = frozenset({GATEWAY, RUNTIME, HARNESS})
"""Types that can have a JWT authorizer."""
CLIENTS = (USER_POOL_CLIENT, MANAGED_USER_POOL_CLIENT)
PLACE = "authorizerConfiguration"
CUSTOM_JWT = "CUSTOM_JWT"
CLIENT_CREDENTIALS = "client_credentials"

# Amazon Cognito developer guide, "JSON web token signing key" and "Amazon Cognito user pools endpoints": the issuer of
# a pool. The pool's id is botocore's cognito-idp UserPoolIdType.
_OF_A_POOL = re.compile(
    r"https://cognito-idp(?:-fips)?\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/(?P<pool>[\w-]+_[0-9a-zA-Z]+)/\.well-known/.+"
)


def authorizer(resource: Resource) -> Any:
    """The JWT authorizer of a gateway, runtime or harness: a mapping, UNKNOWN, or what else stands there."""
    found = at(resource.props, PLACE, "customJwtAuthorizer")
    return found[0] if isinstance(found, list) and found else found


def takes_tokens(resource: Resource) -> bool:
    """Whether it is known to let in by tokens: a gateway says so by its type, what has no such type by having one."""
    if resource.type not in TAKERS:
        return False
    kind = at(resource.props, "authorizerType")
    if resource.type == GATEWAY and kind is not UNKNOWN:
        return bool(kind == CUSTOM_JWT)
    return isinstance(authorizer(resource), dict)


def discovery_url(resource: Resource) -> Any:
    """Where the issuer describes itself; UNKNOWN where a preview does not know it."""
    return at(authorizer(resource), "discoveryUrl")


def pool_in(url: object) -> str | None:
    """The user pool whose discovery URL this is, by its id."""
    found = _OF_A_POOL.fullmatch(url) if isinstance(url, str) else None
    return found["pool"] if found else None


def pools_of(stack: Stack, taker: Resource) -> list[Resource]:
    """The user pools of the stack whose tokens it takes: by the discovery URL where it is known, else by the graph."""
    url = discovery_url(taker)
    if isinstance(url, str):
        pool = pool_in(url)
        return [it for it in stack.of(USER_POOL) if pool in _ids(it)]
    return stack.behind(taker, PLACE, USER_POOL)


def _ids(pool: Resource) -> frozenset[str]:
    """What a user pool may be called by: its id, which ends its ARN and its endpoint, too."""
    known = (at(pool.props, key) for key in ("id", "arn", "endpoint"))
    return frozenset(value.rpartition("/")[2] for value in known if isinstance(value, str) and value)


def issuing_pools(stack: Stack) -> dict[str, tuple[Resource, Resource]]:
    """By URN: the pools of the stack that issue for its gateways and agents, each with one that takes the tokens."""
    return {pool.urn: (pool, taker) for taker in _takers(stack) for pool in pools_of(stack, taker)}


def issuing_clients(stack: Stack) -> Iterator[Resource]:
    """The clients of those pools. What is registered so far tells no pool's id, but a client and a URL may."""
    pools = issuing_pools(stack)
    ids = {pool_in(discovery_url(taker)) for taker in _takers(stack)} - {None}
    ids |= {name for pool, _ in pools.values() for name in _ids(pool)}
    for client in stack.of(*CLIENTS):
        pool = at(client.props, "userPoolId")
        if pool in ids if isinstance(pool, str) else any(it.urn in pools for it in _pools(stack, client)):
            yield client


def _pools(stack: Stack, client: Resource) -> list[Resource]:
    return stack.behind(client, "userPoolId", USER_POOL)


def _takers(stack: Stack) -> list[Resource]:
    return [it for it in stack.of(*TAKERS) if takes_tokens(it)]


@functools.lru_cache(maxsize=1)
def in_use(stack: Stack) -> bool:
    """Whether anything of the stack takes tokens, gives them to machines or keeps what they are had with."""
    return bool(
        stack.of(API_KEY_PROVIDER, OAUTH2_PROVIDER) or _takers(stack) or any(map(for_machines, stack.of(*CLIENTS)))
    )


def for_machines(client: Resource) -> bool:
    """Whether a client gets tokens for itself, without a user."""
    return CLIENT_CREDENTIALS in each(client.props, "allowedOauthFlows")
