"""All issuers of a deployment: its user pools, and stand-ins for the foreign ones that its gateways trust.

Secrets and keys stay the same from one deployment to the next as long as the server runs: they are made here, and none
is read from a deployment.
"""

import hashlib
import secrets
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.tokens import CLIENT_CREDENTIALS, AppClient, Tokens, UserPool
from toolgate.local.serve.tokens.issuer import Client, Issuer, NoTokenError, SigningKey

_SECRET_LENGTH = 51  # characters of a secret that Cognito makes, as published
_LETTERS = string.ascii_lowercase + string.digits
_FOREIGN_SECONDS = 3600


class Issuers:
    """The issuers of what is served at the moment.

    Args:
        token_seconds: How long every token holds; each client's own time when left out.
    """

    def __init__(self, token_seconds: int | None = None) -> None:
        self._token_seconds = token_seconds
        self._secrets: dict[str, str] = {}
        self._keys: dict[str, SigningKey] = {}
        self._by_discovery: Mapping[str, Issuer] = {}

    def load(self, deployment: Deployment) -> None:
        """Be the issuers of this deployment."""
        self._by_discovery = {it.discovery_url: it for it in self._made(deployment)}

    def of(self, discovery_url: str) -> Issuer | None:
        """The issuer that a gateway or a provider names."""
        return self._by_discovery.get(discovery_url)

    def at(self, path: str) -> Issuer | None:
        """The issuer in this folder below `/issuer/`."""
        return next((it for it in self._by_discovery.values() if it.path == path), None)

    def of_client(self, client_id: str) -> Issuer | None:
        """The issuer that has this client."""
        return next((it for it in self._by_discovery.values() if client_id in it.clients), None)

    def token(self, client_id: str, changed: Mapping[str, Any]) -> str:
        """A token of a client in which claims are changed, or taken away by None.

        Raises:
            NoTokenError: There is no such client, or it gets none.
        """
        issuer = self.of_client(client_id)
        if issuer is None:
            raise NoTokenError("invalid_client")
        claims = {**issuer.claims(client_id), **changed}
        return issuer.sign({name: it for name, it in claims.items() if it is not None})

    def rotate(self) -> None:
        """Let every issuer sign with another key from now on: no gateway takes what was signed before."""
        for key in self._keys.values():
            key.rotate()

    def _made(self, deployment: Deployment) -> Iterator[Issuer]:
        tokens = deployment.tokens
        for pool in tokens.user_pools:
            yield self._of_pool(pool, [it for it in tokens.clients if it.pool_id == pool.id])
        for discovery_url in foreign(tokens):
            yield self._stand_in(discovery_url, deployment)

    def _of_pool(self, pool: UserPool, clients: Sequence[AppClient]) -> Issuer:
        return Issuer(
            url=pool.issuer,
            discovery_url=pool.discovery_url,
            path=pool.id,
            key=self._key(pool.issuer),
            clients={it.id: self._client(it) for it in clients},
            scopes=frozenset(pool.scopes),
            has_endpoint=pool.domain is not None,
        )

    def _client(self, of: AppClient) -> Client:
        secret = self._secret(of.id) if of.has_secret else ""
        return self._living(Client(of.id, of.flows, of.scopes, of.seconds, secret))

    def _stand_in(self, discovery_url: str, deployment: Deployment) -> Issuer:
        """For a foreign issuer: what it gives is what the gateways that trust it look for."""
        url = discovery_url.partition("/.well-known/")[0]
        trusting = [it.jwt for it in deployment.gateways if it.jwt and it.jwt.discovery_url == discovery_url]
        scopes = tuple(dict.fromkeys(scope for it in trusting for scope in it.scopes))
        named = [it.client_id for it in deployment.tokens.providers if it.discovery_url == discovery_url]
        return Issuer(
            url=url,
            discovery_url=discovery_url,
            path=hashlib.sha256(discovery_url.encode()).hexdigest()[:16],
            key=self._key(url),
            clients={
                it: self._living(Client(it, (CLIENT_CREDENTIALS,), scopes, _FOREIGN_SECONDS, self._secret(it)))
                for it in named
                if it
            },
            scopes=frozenset(scopes),
            has_endpoint=False,
            audiences=tuple(dict.fromkeys(audience for it in trusting for audience in it.audiences)),
            foreign=True,
        )

    def _living(self, client: Client) -> Client:
        return client if self._token_seconds is None else replace(client, seconds=self._token_seconds)

    def _key(self, issuer: str) -> SigningKey:
        return self._keys.setdefault(issuer, SigningKey())

    def _secret(self, client_id: str) -> str:
        made = "".join(secrets.choice(_LETTERS) for _ in range(_SECRET_LENGTH))
        return self._secrets.setdefault(client_id, made)


def foreign(tokens: Tokens) -> list[str]:
    """The discovery URLs of the issuers that providers name and that are no user pool of the deployment."""
    own = {pool.discovery_url for pool in tokens.user_pools}
    named = dict.fromkeys(it.discovery_url for it in tokens.providers if it.discovery_url)
    return [url for url in named if url not in own]
