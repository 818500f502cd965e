"""An agent's client at a foreign issuer, made there by somebody else."""

from typing import NotRequired, TypedDict

import pulumi


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
