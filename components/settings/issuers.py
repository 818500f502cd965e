"""`toolgate:issuers` and `toolgate:inbound`: by whose tokens callers come to a gateway, if not by IAM."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

from toolgate.components.checks import arguments, names
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import inbound
from toolgate.components.grants.inbound import Inbound
from toolgate.components.settings.values import NAMESPACE, as_written

IAM = "iam"
"""The way in of callers whose requests an IAM role signs."""
JWT = "jwt"
"""The way in of callers with tokens of the stack's own issuer."""
OWN_ISSUER = "tokens"
"""Name of the stack's own issuer."""
_WHERE = f"{NAMESPACE}:issuers"


class IssuerConfig(TypedDict):
    """One entry of `toolgate:issuers`: a foreign issuer, and which of its tokens a gateway lets in."""

    discoveryUrl: str
    """Where it describes itself: `https://.../.well-known/openid-configuration`."""
    audiences: NotRequired[list[str]]
    """The audiences (`aud`) that are let in; these or `scopes`."""
    scopes: NotRequired[list[str]]
    """The scopes of which a token needs one."""
    clientClaim: NotRequired[str]
    """The claim that names the client, such as `azp`, `appid` or `cid`. Default: client_id."""


# In a stack's configuration -> of the components.
_KEYS = {
    "discoveryUrl": "discovery_url",
    "audiences": "audiences",
    "scopes": "scopes",
    "clientClaim": "client_claim",
}


def read(config: Mapping[str, Any]) -> dict[str, Inbound]:
    """The foreign issuers by name, as a ToolGateway takes them.

    Raises:
        UsageError: A name means something else already, AWS would refuse a value, or all tokens would be let in.
    """
    found: dict[str, Inbound] = {}
    for name, entry in config.get("issuers", {}).items():
        where = f"{_WHERE}.{name}"
        names.issuer(name, where)
        if name in (IAM, JWT, OWN_ISSUER):
            raise UsageError(f"{where}: {name!r} is not free for an issuer of others. Rename it.")
        told: Any = {"issuer": name} | {ours: entry[key] for key, ours in _KEYS.items() if key in entry}
        with as_written(_KEYS):
            inbound.check(told, where)
        found[name] = told
    return found


def way_in(value: str, foreign: Mapping[str, Inbound], where: str) -> str:
    """A gateway's way in: `iam`, `jwt`, or an issuer of others.

    Raises:
        UsageError: It is none of them.
    """
    if value not in (IAM, JWT, *foreign):
        hint = arguments.did_you_mean(value, [IAM, JWT, *foreign])
        known = ", ".join(map(repr, (IAM, JWT, *foreign)))
        raise UsageError(
            f"{where}: {value!r} is no way in.{hint} There are: {known}. An issuer of others is written into {_WHERE}."
        )
    return value


def check_used(foreign: Mapping[str, Inbound], ways_in: Mapping[str, str]) -> None:
    """Check that each issuer is one of a gateway.

    Args:
        foreign: The foreign issuers.
        ways_in: Each gateway's way in.

    Raises:
        UsageError: No gateway takes an issuer's tokens.
    """
    for name in foreign:
        if name not in ways_in.values():
            raise UsageError(
                f"{_WHERE}.{name}: no gateway takes its tokens. Write it as inbound ({NAMESPACE}:inbound, or of one of "
                f"{NAMESPACE}:gateways), or remove it."
            )
