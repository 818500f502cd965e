"""TokenIssuer: who gives agents and other machines the tokens that gateways take."""

from dataclasses import dataclass
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import arguments, names, tags
from toolgate.components.grants.inbound import DEFAULT_MINUTES, LONGEST_MINUTES, SHORTEST_MINUTES, Inbound
from toolgate.components.iam import iam_documents


class TokenIssuerArgs(TypedDict):
    """An issuer of the stack's own: a user pool without users."""

    access_token_minutes: NotRequired[pulumi.Input[int]]
    """How long a token lives; 5 to 1440. Nobody can take one back, and each costs money. Default 60."""
    deletion_protection: NotRequired[bool]
    """Whether Cognito refuses to delete the user pool. Default: false."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Tags for the user pool, besides the one that says which stack it is of."""


@dataclass(frozen=True)
class _Wanted:
    """What the arguments come to, checked: where it is for messages, the user pool's name, and the tokens' life."""

    name: str
    minutes: pulumi.Input[int]


class TokenIssuer(pulumi.ComponentResource):
    """A Cognito user pool in which only machines have clients, and its domain, which gives their tokens."""

    user_pool_id: pulumi.Output[str]
    """Id of the user pool."""
    discovery_url: pulumi.Output[str]
    """Where the issuer describes itself; known once it has a domain, without which it names no token endpoint."""
    token_endpoint: pulumi.Output[str]
    """Where a client gets a token."""

    def __init__(self, name: str, args: TokenIssuerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        self._wanted = wanted = _checked(name, args)
        super().__init__("toolgate:index:TokenIssuer", name, {**args}, opts)
        self._name = name
        here = iam_documents.current_environment(self)
        project, stack = pulumi.get_project(), pulumi.get_stack()
        whose = f"{project}/{stack}"
        pool = aws.cognito.UserPool(
            f"{name}-pool",
            name=wanted.name,
            # Nobody signs up, and nobody makes users: who wants a token is a client.
            admin_create_user_config={"allow_admin_create_user_only": True},
            deletion_protection="ACTIVE" if args.get("deletion_protection", False) else "INACTIVE",
            # By it the deployer's document names the pool before it has an id.
            tags=pulumi.Output.from_input(args.get("tags")).apply(lambda own: {**(own or {}), tags.STACK: whose}),
            opts=pulumi.ResourceOptions(parent=self),
        )
        domain = aws.cognito.UserPoolDomain(
            f"{name}-domain",
            domain=pulumi.Output.from_input(here.account).apply(
                lambda account: names.user_pool_domain(project, stack, name, account)
            ),
            user_pool_id=pool.id,
            # A replacement cannot be made while the old one holds the name.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.user_pool_id = pool.id
        self.discovery_url = pulumi.Output.all(pool.endpoint, domain.id).apply(
            lambda known: f"https://{known[0]}/.well-known/openid-configuration"
        )
        self.token_endpoint = pulumi.Output.all(domain.domain, here.region, here.partition).apply(
            lambda known: _token_endpoint(*known)
        )
        self.register_outputs(
            {
                "user_pool_id": self.user_pool_id,
                "discovery_url": self.discovery_url,
                "token_endpoint": self.token_endpoint,
            }
        )

    @property
    def inbound(self) -> Inbound:
        """What a ToolGateway is told of it. In another language it is written out, with the outputs."""
        return {
            "issuer": self._name,
            "discovery_url": self.discovery_url,
            "user_pool_id": self.user_pool_id,
            "token_endpoint": self.token_endpoint,
            "access_token_minutes": self._wanted.minutes,
        }


def _checked(name: str, args: TokenIssuerArgs) -> _Wanted:
    """Derive all that can be wrong, before anything is made.

    Raises:
        UsageError: AWS would refuse a value or a name.
    """
    where = f"TokenIssuer {name!r}"
    arguments.check(args, TokenIssuerArgs, where)
    minutes = args.get("access_token_minutes", DEFAULT_MINUTES)
    arguments.within(minutes, SHORTEST_MINUTES, LONGEST_MINUTES, f"{where}.access_token_minutes")
    tags.check(args.get("tags"), f"{where}.tags")
    names.issuer(name, where)
    project, stack = pulumi.get_project(), pulumi.get_stack()
    names.user_pool_domain(project, stack, name)
    return _Wanted(names.user_pool(project, stack, name), minutes)


def _token_endpoint(domain: str, region: str, partition: str) -> str:
    # AWS GovCloud user guide, "Amazon Cognito": FIPS endpoints only.
    auth = "auth-fips" if partition == "aws-us-gov" else "auth"
    return f"https://{domain}.{auth}.{region}.amazoncognito.com/oauth2/token"
