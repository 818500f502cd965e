"""An issuer of this machine: its key, its clients, and the tokens that it signs. Nothing is ever fetched.

The claims and the errors are Amazon Cognito's for the client credentials grant: Cognito developer guide, "Understanding
the access token" and "The token issuer endpoint"; what its pages leave open (which error a scope gets, that `sub` is
the client's id) is as ministack's Cognito has it, and a contract test holds the two together.
"""

import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from joserfc import jws
from joserfc.jwk import RSAKey

from toolgate.access.deployment.tokens import CLIENT_CREDENTIALS
from toolgate.local.serve.json_body import compact

ALGORITHM = "RS256"
"""What Cognito signs with; what else a gateway takes is not documented."""
_BITS = 2048
_STANDARD = frozenset({"openid", "email", "phone", "profile", "aws.cognito.signin.user.admin"})
"""Scopes of users (Cognito developer guide, "Scopes, M2M, and resource servers")."""


class NoTokenError(Exception):
    """An issuer gives no token; `code` is OAuth's error (RFC 6749, section 5.2)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Client:
    """A client of an issuer.

    Attributes:
        id: Its id.
        flows: The flows of OAuth that it may use.
        scopes: The scopes that it can have at most.
        seconds: How long its tokens hold.
        secret: Its secret on this machine; empty where it has none.
    """

    id: str
    flows: tuple[str, ...]
    scopes: tuple[str, ...]
    seconds: int
    secret: str = field(default="", repr=False)


class SigningKey:
    """An issuer's key pair, made when it is first needed: it takes a tenth of a second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: RSAKey | None = None

    def pair(self) -> RSAKey:
        """The key pair."""
        with self._lock:
            if self._key is None:
                self._key = RSAKey.generate_key(_BITS, {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
            return self._key

    def public(self, kid: object) -> RSAKey | None:
        """The key of this id, whatever a token says for one; none is made to look for it: nobody has signed with it."""
        key = self._key
        return key if key is not None and key.kid == kid else None

    def rotate(self) -> None:
        """Sign with another one from now on; what the old one has signed is nobody's any more."""
        with self._lock:
            self._key = None


@dataclass(frozen=True)
class Issuer:
    """Who gives tokens.

    Attributes:
        url: What its tokens say in `iss`.
        discovery_url: By which the gateways name it.
        path: Its folder below `/issuer/` here.
        key: What it signs with.
        clients: Its clients by their ids.
        scopes: Every scope that it knows.
        has_endpoint: Whether it has a token endpoint; a user pool without a domain has none.
        audiences: What its tokens say in `aud`; Cognito's have none.
        foreign: Whether it stands in for one that is not the deployment's own.
    """

    url: str
    discovery_url: str
    path: str
    key: SigningKey
    clients: Mapping[str, Client]
    scopes: frozenset[str]
    has_endpoint: bool = True
    audiences: tuple[str, ...] = ()
    foreign: bool = False

    def issue(self, client_id: str, scopes: Sequence[str] = (), parameters: Mapping[str, str] | None = None) -> str:
        """A token for a client in its own name; see `claims`."""
        return self.sign(self.claims(client_id, scopes, parameters))

    def claims(
        self, client_id: str, scopes: Sequence[str] = (), parameters: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """What a token says that a client gets now.

        Args:
            client_id: The client; whoever asks has said that it is this one.
            scopes: Those that are asked for; none stands for all that the client has.
            parameters: Further parameters of the request; Auth0's has `audience`.

        Raises:
            NoTokenError: It gets none.
        """
        client = self.clients.get(client_id)
        if client is None:
            raise NoTokenError("invalid_client")
        if self.foreign:
            return self._foreign_claims(client, scopes, parameters or {})
        granted = self._granted(client, scopes)
        now = int(time.time())
        return {
            "sub": client.id,
            "token_use": "access",
            "scope": " ".join(granted),
            "auth_time": now,
            "iss": self.url,
            "exp": now + client.seconds,
            "iat": now,
            "version": 2,
            "jti": str(uuid.uuid4()),
            "client_id": client.id,
        }

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A token with these claims."""
        key = self.key.pair()
        header = {"kid": key.kid, "alg": ALGORITHM}
        return jws.serialize_compact(header, compact(claims), key, algorithms=[ALGORITHM])

    def _granted(self, client: Client, asked: Sequence[str]) -> list[str]:
        """The scopes that a client of a user pool gets."""
        wanted = [*asked] or sorted(it for it in client.scopes if "/" in it)
        known = [it for it in wanted if it in self.scopes]
        if CLIENT_CREDENTIALS not in client.flows:
            unknown = any("/" not in it and it not in _STANDARD for it in wanted)
            raise NoTokenError("invalid_scope" if unknown or not (known or {*wanted} & _STANDARD) else "invalid_grant")
        if any("/" not in it for it in wanted):
            raise NoTokenError("invalid_scope")
        if any(it not in client.scopes for it in known):
            raise NoTokenError("invalid_grant")
        if wanted and not known:
            raise NoTokenError("invalid_scope")
        if not client.secret:
            raise NoTokenError("invalid_client")
        return list(dict.fromkeys(it for it in wanted if it in client.scopes))

    def _foreign_claims(self, client: Client, asked: Sequence[str], parameters: Mapping[str, str]) -> dict[str, Any]:
        """What the deployment's gateways look for: what the issuer itself would say is not known here.

        The client stands under each of the names that issuers have for it (Okta `cid`, Auth0 and Entra `azp`, Entra's
        first version `appid`).
        """
        now = int(time.time())
        named = parameters.get("audience")
        audiences = [named] if named else [*self.audiences]
        return {
            "sub": client.id,
            "iss": self.url,
            "exp": now + client.seconds,
            "iat": now,
            "jti": str(uuid.uuid4()),
            **dict.fromkeys(("client_id", "azp", "appid", "cid"), client.id),
            **({"aud": audiences} if audiences else {}),
            "scope": " ".join(asked or client.scopes),
        }
