"""Which issuers an agent needs tokens of, by the grants that it was handed."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from toolgate.components.checks import arguments
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import inbound
from toolgate.components.grants.inbound import Bearer
from toolgate.components.grants.tool_grants import GatewayTools
from toolgate.components.tokens import client_credentials
from toolgate.components.tokens.client_credentials import ClientCredentials


@dataclass(frozen=True)
class Issuer:
    """An issuer, and the gateways that take its tokens.

    Attributes:
        name: Its name.
        discovery_url: Where it describes itself.
        user_pool_id: Its user pool, where it is the stack's own.
        grants: The grants of gateways that take its tokens, one or more.
        credentials: The agent's client there, where it is a foreign one.
    """

    name: str
    discovery_url: pulumi.Input[str]
    user_pool_id: pulumi.Input[str] | None
    grants: Sequence[GatewayTools]
    credentials: ClientCredentials | None

    def bearers(self) -> list[Bearer]:
        """How to come to its gateways."""
        return [grant["bearer"] for grant in self.grants if "bearer" in grant]


def of_agent(grants: Sequence[GatewayTools], credentials: Sequence[ClientCredentials], where: str) -> list[Issuer]:
    """The issuers that an agent needs tokens of, checked before anything is made.

    Args:
        grants: What it was handed.
        credentials: Its clients at foreign issuers.
        where: Whose they are, for messages.

    Raises:
        UsageError: A foreign issuer is without credentials, credentials are for nothing, or one name is two issuers.
    """
    client_credentials.check(credentials, f"{where}.credentials")
    given = {it["issuer"]: it for it in credentials}
    found = grouped(grants, where)
    for issuer in found:
        place = f"{where}.credentials"
        if issuer.user_pool_id is None and issuer.name not in given:
            raise UsageError(
                f"{where}.tools: a gateway takes tokens of {issuer.name!r}, and the agent has no client there. Write "
                f"'credentials': [{{'issuer': {issuer.name!r}, 'client_id': '...', 'secret_arn': '...', "
                "'json_key': '...'}]."
            )
        if issuer.user_pool_id is not None and issuer.name in given:
            raise UsageError(
                f"{place}: {issuer.name!r} is the stack's own, in which the agent's client is made for it. Remove them."
            )
    if unused := sorted(given.keys() - {issuer.name for issuer in found}):
        raise UsageError(
            f"{where}.credentials: no gateway that was handed over takes tokens of {', '.join(map(repr, unused))}. "
            "Remove them, or hand over a gateway's tools that takes them."
        )
    return [Issuer(it.name, it.discovery_url, it.user_pool_id, it.grants, given.get(it.name)) for it in found]


def grouped(grants: Sequence[GatewayTools], where: str) -> list[Issuer]:
    """The issuers whose tokens the grants' gateways take, in order.

    Args:
        grants: The grants.
        where: Whose they are, for messages.

    Raises:
        UsageError: AWS would refuse a value, or one name is two issuers; of Outputs as soon as they are known.
    """
    by_name: dict[str, list[GatewayTools]] = {}
    for index, grant in enumerate(grants):
        if "bearer" in grant:
            inbound.check_bearer(grant["bearer"], f"{where}.tools[{index}].bearer")
            by_name.setdefault(grant["bearer"]["issuer"], []).append(grant)
    return [_issuer(name, its_grants, where) for name, its_grants in by_name.items()]


def _issuer(name: str, grants: Sequence[GatewayTools], where: str) -> Issuer:
    bearers = [grant["bearer"] for grant in grants if "bearer" in grant]
    if len({"user_pool_id" in it for it in bearers}) > 1:
        raise UsageError(f"{where}.tools: {_TWO.format(name)} One has a user pool of the stack's own, one has not.")
    pools = [it["user_pool_id"] for it in bearers if "user_pool_id" in it]
    return Issuer(
        name,
        _one(name, [it["discovery_url"] for it in bearers], where),
        _one(name, pools, where) if pools else None,
        grants,
        None,
    )


_TWO = "two issuers have the name {0!r}. Give each a name of its own."


def _one(name: str, values: Sequence[pulumi.Input[str]], where: str) -> pulumi.Input[str]:
    """The one value that all of them are."""

    def one(known: Sequence[str]) -> str:
        if len(set(known)) > 1:
            raise UsageError(f"{where}.tools: {_TWO.format(name)} {' and '.join(dict.fromkeys(known))}")
        return known[0]

    return arguments.derived(list(values), list[str], f"{where}.tools", one)
