"""Temporary credentials of the deployment's roles, issued by the local deployment itself."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from toolgate.access.deployment.roles import Role
from toolgate.local.serve.guards.sigv4 import Key


@dataclass(frozen=True)
class Credentials:
    """What a client signs with. The secrets are kept out of logs and tracebacks."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)

    def environment(self) -> dict[str, str]:
        """The variables that every AWS SDK reads."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_SESSION_TOKEN": self.session_token,
        }


@dataclass(frozen=True)
class SessionPrincipal:
    """Somebody who has assumed a role."""

    role: Role
    session: str

    @property
    def arn(self) -> str:
        """The ARN that AWS's messages name: `arn:aws:sts::<account>:assumed-role/<role>/<session>`."""
        return self.role.session_arn(self.session)


class Sessions:
    """All credentials that are in force: who signs with which key."""

    def __init__(self) -> None:
        self._keys: dict[str, tuple[Key, SessionPrincipal]] = {}
        self._lasting: dict[tuple[str, str], Credentials] = {}

    def assume(self, role: Role, session: str, lifetime: timedelta | None = None) -> Credentials:
        """Issue credentials of a role.

        Args:
            role: The role.
            session: The session's name, the last part of the principal's ARN.
            lifetime: How long they are valid; to the end of the process when left out.
        """
        issued = Credentials(
            access_key_id=f"ASIA{secrets.token_hex(8).upper()}",
            secret_access_key=secrets.token_urlsafe(30),
            session_token=secrets.token_urlsafe(96),
        )
        expires = datetime.now(UTC) + lifetime if lifetime is not None else None
        key = Key(issued.secret_access_key, issued.session_token, expires)
        self._keys[issued.access_key_id] = key, SessionPrincipal(role, session)
        return issued

    def lasting(self, role: Role, session: str) -> Credentials:
        """Credentials of a role for as long as the process lasts: the same ones for the same role and session.

        Args:
            role: The role, as it is now.
            session: The session's name.
        """
        issued = self._lasting.get((role.arn, session))
        if issued is None:
            issued = self._lasting[role.arn, session] = self.assume(role, session)
        self._keys[issued.access_key_id] = self._keys[issued.access_key_id][0], SessionPrincipal(role, session)
        return issued

    def renew(self, roles: Iterable[Role]) -> None:
        """Let whoever has assumed a role have what it may do now; a role that is not among these may do nothing."""
        now = {role.arn: role for role in roles}
        for access_key_id, (key, principal) in self._keys.items():
            arn = principal.role.arn
            role = now.get(arn) or Role(arn=arn, name=principal.role.name, trust={})
            self._keys[access_key_id] = key, SessionPrincipal(role, principal.session)

    def key(self, access_key_id: str) -> Key | None:
        """The key with this id, if it was ever issued."""
        found = self._keys.get(access_key_id)
        return found[0] if found else None

    def principal(self, access_key_id: str) -> SessionPrincipal:
        """Who signs with this key; call it with an id that `key` knows."""
        return self._keys[access_key_id][1]
