"""An agent's `credentials`: its clients at foreign issuers, whose secrets lie elsewhere."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from toolgate.components.checks import arguments, identifiers
from toolgate.components.checks.arguments import UsageError
from toolgate.components.settings.values import NAMESPACE, as_written
from toolgate.components.tokens import client_credentials
from toolgate.components.tokens.client_credentials import ClientCredentials


class CredentialsConfig(TypedDict):
    """One entry of an agent's `credentials`: its client at a foreign issuer."""

    clientId: str
    """The client's id at the issuer."""
    secretArn: str
    """ARN of the Secrets Manager secret that holds the client's secret; it is made elsewhere."""
    jsonKey: str
    """The key of the secret's JSON whose value is the client's secret."""
    scopes: NotRequired[list[str]]
    """The scopes that the agent asks for. Default: none."""
    parameters: NotRequired[dict[str, str]]
    """Further parameters of the request for a token, such as `audience` for Auth0. Default: none."""


# In a stack's configuration -> of AgentRuntime.
_KEYS = {
    "clientId": "client_id",
    "secretArn": "secret_arn",
    "jsonKey": "json_key",
    "scopes": "scopes",
    "parameters": "parameters",
}


def read(given: Mapping[str, CredentialsConfig], needed: Mapping[str, str], where: str) -> list[ClientCredentials]:
    """An agent's clients at foreign issuers.

    Args:
        given: They, as configured.
        needed: The foreign issuers whose tokens the agent needs, and for which gateway.
        where: Their place, for messages.

    Raises:
        UsageError: One is missing, is for nothing, or AWS would refuse it.
    """
    for issuer, gateway in needed.items():
        if issuer not in given:
            raise UsageError(
                f"{where}: the gateway {gateway!r} takes tokens of {issuer!r}, and the agent has no client there. "
                f"Write {issuer}: {{clientId: ..., secretArn: ..., jsonKey: ...}}."
            )
    found: list[ClientCredentials] = []
    for issuer, entry in given.items():
        if issuer not in needed:
            hint = arguments.did_you_mean(issuer, needed)
            raise UsageError(
                f"{where}.{issuer}: no gateway whose tools the agent is handed takes tokens of such an issuer.{hint} "
                "Remove it, or hand over tools of one that does."
            )
        if not re.fullmatch(identifiers.MANAGED_SECRET.pattern, entry["secretArn"]):
            raise UsageError(
                f"{where}.{issuer}.secretArn: what is written there is no {identifiers.MANAGED_SECRET.what}, and is "
                f"not repeated, as it may be the secret. Write one like {identifiers.MANAGED_SECRET.example}."
            )
        told: Any = {"issuer": issuer} | {ours: entry[key] for key, ours in _KEYS.items() if key in entry}  # type: ignore[literal-required]  # the table has its keys
        with as_written(_KEYS | {f".{issuer}": "[0]"}):
            client_credentials.check([told], where)
        found.append(told)
    return found


def check_apart(of_agents: Mapping[str, Sequence[ClientCredentials]]) -> None:
    """Check that no two agents have one client, or one secret, which each of their roles may read.

    Args:
        of_agents: The clients by agent.

    Raises:
        UsageError: Two have one, so that each could do what the other was handed.
    """
    seen: dict[tuple[Any, ...], str] = {}
    for agent, its in of_agents.items():
        for one in its:
            for key, *held in (("clientId", one["issuer"], one["client_id"]), ("secretArn", one["secret_arn"])):
                if (other := seen.setdefault((key, *held), agent)) != agent:
                    raise UsageError(
                        f"{NAMESPACE}:agents.{agent}.credentials.{one['issuer']}.{key}: {held[-1]} is that of "
                        f"{NAMESPACE}:agents.{other} as well. Each could do what the other was handed. Give each its "
                        "own."
                    )
