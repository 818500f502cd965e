"""`toolgate:clients`: callers outside of AgentCore, and what each is handed."""

from collections.abc import Mapping
from functools import partial
from typing import Any, TypedDict

import pulumi

from toolgate.components.checks import names
from toolgate.components.checks.arguments import UsageError
from toolgate.components.settings import handed_tools, issuers
from toolgate.components.settings.gateways import Gateways
from toolgate.components.settings.handed_tools import Handed
from toolgate.components.settings.values import NAMESPACE


class ClientConfig(TypedDict):
    """One entry of `toolgate:clients`: a caller with tokens of the stack's own issuer instead of an IAM role."""

    tools: list[str]
    """What it is handed, as an agent's `tools`; of gateways with the stack's own issuer."""


def read(config: Mapping[str, Any], of_stack: Gateways) -> dict[str, Handed]:
    """What each client is handed, by the client's name.

    Args:
        config: The stack's configuration.
        of_stack: The stack's gateways.

    Raises:
        UsageError: One is handed nothing, what cannot be handed over, or tools of a gateway to which it has no way in;
            or a name would be refused, or is another client's as well.
    """
    project, stack = pulumi.get_project(), pulumi.get_stack()
    found: dict[str, Handed] = {}
    policies: dict[str, str] = {}
    for name, entry in config.get("clients", {}).items():
        where = f"{NAMESPACE}:clients.{name}"
        if not name:
            raise UsageError(f"{NAMESPACE}:clients: a client has an empty name. Give it one.")
        names.user_pool(project, stack, name)
        of_client = partial(names.client_policy, project, stack, name)
        if (policy := of_client(1)) in policies:
            raise UsageError(f"{where}: gets the same policy name {policy!r} as {policies[policy]!r}. Rename one.")
        policies[policy] = name
        handed = handed_tools.read(of_stack, entry["tools"], f"{where}.tools")
        if not handed:
            raise UsageError(f"{where}.tools: is empty. Name the tools that are meant, or leave the client out.")
        for gateway in handed:
            if (way_in := of_stack.by_name[gateway].inbound) != issuers.JWT:
                raise UsageError(
                    f"{where}.tools: a client has tokens of the stack's own issuer, and the inbound of the gateway "
                    f"{gateway!r} is {way_in!r}. Write {issuers.JWT!r} there, or hand over tools of one that has it."
                )
        handed_tools.check_policies(of_stack, handed, of_client, f"{where}.tools")
        found[name] = handed
    return found
