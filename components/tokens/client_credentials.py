"""An agent's client at a foreign issuer, made there by somebody else."""

import re
from collections.abc import Sequence
from typing import NotRequired, TypedDict

import pulumi

from toolgate.components.checks import arguments, identifiers, names
from toolgate.components.checks.arguments import UsageError

# botocore bedrock-agentcore-control SecretJsonKeyType
LONGEST_JSON_KEY = 128
# botocore bedrock-agentcore ScopeType, of GetResourceOauth2Token
LONGEST_SCOPE = 128
# botocore bedrock-agentcore CustomRequestParametersType
_PARAMETER = re.compile(r"[a-zA-Z0-9_.-]{1,256}")
LONGEST_PARAMETER = 2048


class ClientCredentials(TypedDict):
    """An agent's client at a foreign issuer: who it is there, and where its secret lies."""

    issuer: str
    """The issuer's name here, as the gateways' `inbound` has it."""
    client_id: pulumi.Input[str]
    """The client's id at the issuer."""
    secret_arn: pulumi.Input[str]
    """ARN of the Secrets Manager secret that holds the client's secret; it is made elsewhere."""
    json_key: str
    """The key of the secret's JSON whose value is the client's secret."""
    scopes: NotRequired[list[str]]
    """The scopes that the agent asks for, such as `api://tools/.default`. Default: none."""
    parameters: NotRequired[dict[str, str]]
    """Further parameters of the request for a token, such as `audience` for Auth0. Default: none."""


def check(credentials: Sequence[ClientCredentials], where: str) -> None:
    """Check what a type cannot say. What an Output holds comes later.

    Args:
        credentials: The agent's clients.
        where: Their place, for messages.

    Raises:
        UsageError: AWS would refuse a value, or an issuer has two clients.
    """
    issuers = [it["issuer"] for it in credentials]
    for index, it in enumerate(credentials):
        here = f"{where}[{index}]"
        names.issuer(it["issuer"], f"{here}.issuer")
        if issuers.index(it["issuer"]) < index:
            raise UsageError(
                f"{here}: a second client of {it['issuer']!r}. An agent has one with each issuer: remove one."
            )
        identifiers.check(identifiers.CLIENT, it["client_id"], f"{here}.client_id")
        identifiers.check(identifiers.MANAGED_SECRET, it["secret_arn"], f"{here}.secret_arn")
        arguments.within(it["json_key"], 1, LONGEST_JSON_KEY, f"{here}.json_key")
        for scope in it.get("scopes", []):
            arguments.within(scope, 1, LONGEST_SCOPE, f"{here}.scopes: {scope!r}")
        for name, value in it.get("parameters", {}).items():
            if not _PARAMETER.fullmatch(name):
                raise UsageError(f"{here}.parameters: {name!r} is refused. Write letters, digits and '_.-' only.")
            # Of the value its length only: it may be what others must not see.
            arguments.within(len(value), 1, LONGEST_PARAMETER, f"{here}.parameters.{name}: number of characters")
