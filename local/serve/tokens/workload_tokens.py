"""Workload tokens: in whose name AgentCore Identity is asked. Opaque to who holds one, signed by this server."""

import base64
import hmac
import json
import secrets
import time

SECONDS = 15 * 60
"""How long one holds; it cannot be chosen (AgentCore developer guide, "policy-session-based-temporal")."""


class WorkloadTokenError(Exception):
    """This is no workload token of this server, or it has expired."""

    def __init__(self, *, expired: bool) -> None:
        super().__init__("expired" if expired else "invalid")
        self.expired = expired


class WorkloadTokens:
    """Gives workload tokens, and knows those that it has given: they hold from one deployment to the next."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def issue(self, name: str, seconds: int = SECONDS) -> str:
        """A token for the workload identity of this name."""
        said = _encoded(json.dumps([name, time.time() + seconds]).encode())
        return f"{said}.{_encoded(self._mac(said))}"

    def name(self, token: str) -> str:
        """The name of the workload identity that a token is for.

        Raises:
            WorkloadTokenError: It is none, or has expired.
        """
        said, _, mac = token.partition(".")
        if not hmac.compare_digest(mac.encode(errors="replace"), _encoded(self._mac(said)).encode()):
            raise WorkloadTokenError(expired=False)
        name, expires = json.loads(base64.urlsafe_b64decode(said))
        if time.time() >= expires:
            raise WorkloadTokenError(expired=True)
        return str(name)

    def _mac(self, said: str) -> bytes:
        return hmac.digest(self._key, said.encode(errors="replace"), "sha256")


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode()
