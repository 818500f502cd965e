"""MachineClient: a caller outside of AgentCore, with exactly the tools it was handed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import arguments, identifiers, names, tags
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import callers_table, cedar_permits
from toolgate.components.grants.cedar_permits import Handed
from toolgate.components.grants.cedar_text import OAuthClient
from toolgate.components.grants.inbound import CLIENT_CLAIM
from toolgate.components.grants.tool_grants import GatewayTools
from toolgate.components.iam import component_role, iam_documents, iam_propagation
from toolgate.components.tokens import app_client, issuers
from toolgate.components.tokens.issuers import Issuer


class MachineClientArgs(TypedDict):
    """A client of the stack's own issuer, and its tools."""

    tools: list[GatewayTools]
    """What it is handed: the grant. In Python by `gateway.tools(...)`, of gateways with one TokenIssuer."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the KMS key that encrypts its secret. Default: a key of AWS's own."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Tags for its secret; a client takes none."""


@dataclass(frozen=True)
class _Wanted:
    """What the arguments come to, checked.

    Attributes:
        name: The client's name in AWS.
        issuer: Its issuer.
        token_endpoint: Where it gets its tokens.
        handed: The tools it is handed.
    """

    name: str
    issuer: Issuer
    token_endpoint: pulumi.Input[str]
    handed: Handed


class MachineClient(pulumi.ComponentResource):
    """A caller with tokens instead of AWS credentials; what it needs for one lies in Secrets Manager."""

    client_id: pulumi.Output[str]
    """The client's id."""
    secret_arn: pulumi.Output[str]
    """ARN of the secret with `client_id`, `client_secret`, `token_endpoint` and `scope`, as JSON."""
    tool_names: pulumi.Output[list[str]]
    """Full names of the tools it was handed."""

    def __init__(self, name: str, args: MachineClientArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        wanted = _checked(name, args)
        super().__init__("toolgate:index:MachineClient", name, {**args}, opts)
        child = pulumi.ResourceOptions(parent=self)
        client = app_client.make(f"{name}-client", wanted.name, wanted.issuer, child)
        # Without a name of ours: Secrets Manager keeps the name of a deleted secret for its recovery window.
        secret = aws.secretsmanager.Secret(
            f"{name}-secret",
            description=f"What the client {wanted.name} needs for a token",
            kms_key_id=args.get("kms_key_arn"),
            tags=args.get("tags"),
            opts=child,
        )
        aws.secretsmanager.SecretVersion(
            f"{name}-secret-version",
            secret_id=secret.id,
            # The provider makes it a secret, whatever is given.
            secret_string=_needed(client, wanted),
            opts=component_role.replaceable(self),
        )
        hooks = iam_propagation.retry(self, name, iam_documents.current_environment(self))
        caller = client.id.apply(lambda known: OAuthClient(CLIENT_CLAIM, known))
        callers_table.write(name, wanted.handed, lambda _: caller, child, args.get("tags"))
        cedar_permits.write(name, wanted.handed, lambda _: caller, child.merge(pulumi.ResourceOptions(hooks=hooks)))
        self.client_id = client.id
        self.secret_arn = secret.arn
        self.tool_names = wanted.handed.names()
        self.register_outputs(
            {"client_id": self.client_id, "secret_arn": self.secret_arn, "tool_names": self.tool_names}
        )


def _checked(name: str, args: MachineClientArgs) -> _Wanted:
    """Derive all that can be wrong, before anything is made.

    Raises:
        UsageError: AWS would refuse a value or a name, or a grant is none that the client could use.
    """
    where = f"MachineClient {name!r}"
    arguments.check(args, MachineClientArgs, where)
    identifiers.check(identifiers.KMS_KEY, args.get("kms_key_arn"), f"{where}.kms_key_arn")
    tags.check(args.get("tags"), f"{where}.tags")
    project, stack = pulumi.get_project(), pulumi.get_stack()
    client_name = names.user_pool(project, stack, name)
    issuer = _issuer(args["tools"], where)
    if "token_endpoint" not in (bearer := issuer.bearers()[0]):
        raise UsageError(f"{where}.tools[0].bearer: missing 'token_endpoint'. Write the token issuer's output.")
    handed = cedar_permits.handed(args["tools"], partial(names.client_policy, project, stack, name), where)
    callers_table.check(name, args["tools"], where)
    return _Wanted(client_name, issuer, bearer["token_endpoint"], handed)


def _issuer(grants: Sequence[GatewayTools], where: str) -> Issuer:
    """The one issuer that all of the gateways have, which makes the client.

    Raises:
        UsageError: There is none, or another one.
    """
    if not grants:
        raise UsageError(f"{where}.tools: is empty, and so would be the client's scopes. Hand it a gateway's tools.")
    for index, grant in enumerate(grants):
        if "bearer" not in grant:
            raise UsageError(
                f"{where}.tools[{index}]: its gateway takes requests that an IAM role signs, and no tokens. Give the "
                "gateway an 'inbound', or let a role invoke it."
            )
    found = issuers.grouped(grants, where)
    if foreign := [it.name for it in found if it.user_pool_id is None]:
        raise UsageError(
            f"{where}.tools: clients of {', '.join(map(repr, foreign))} are made there, not by this stack. Hand over "
            "tools of gateways with a TokenIssuer."
        )
    if len(found) > 1:
        raise UsageError(
            f"{where}.tools: of {len(found)} issuers ({', '.join(repr(it.name) for it in found)}), and a client has "
            "one. Make one MachineClient for each."
        )
    return found[0]


def _needed(client: aws.cognito.UserPoolClient, wanted: _Wanted) -> pulumi.Output[str]:
    """What whoever is the client needs for a token, as JSON."""
    needed: dict[str, Any] = {
        "client_id": client.id,
        "client_secret": client.client_secret,
        "token_endpoint": wanted.token_endpoint,
        "scope": app_client.scopes(wanted.issuer).apply(" ".join),
    }
    return pulumi.Output.json_dumps(needed)
