"""Whoever can sign a request, with all that AWS knows of what they may do."""

from collections.abc import Iterable
from dataclasses import dataclass

from toolgate.access.iam.policies import Policy
from toolgate.policy.language.arns import account_of
from toolgate.policy.language.principals import is_account

ANY_ACCOUNT = "*"
"""The account of somebody of whom it is not known; judged as if it were the resource's own."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A role, a user, or somebody whom the deployment names but does not hold.

    Attributes:
        arn: The IAM ARN, e.g. `arn:aws:iam::<account>:role/<path><name>`; for one that has none, what it is called.
        name: Its name, without a path.
        policies: Identity policies, inline, attached and by group.
        boundary: The permissions boundary, if one is set and its document is known.
        unknown_boundary: The ARN of the permissions boundary, if one is set and its document is not known: it may take
            away anything, and grants nothing.
        unread: ARNs of attached policies whose documents the deployment does not hold.
        beyond: What else its permissions depend on, as a noun, where the deployment does not hold it; else empty.
        many: Whether it stands for principals whose ARNs nobody knows, as a group does for its members.
        federated: Whether it comes with a token of the identity provider `arn` instead of a signature of its own.
        used_in: The account that it is used in, where that is sure and its ARN was written for another: a plan of the
            stand-in names an account that is not the real one. `ANY_ACCOUNT` where it may be in any.
    """

    arn: str
    name: str
    policies: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    unknown_boundary: str | None = None
    unread: tuple[str, ...] = ()
    beyond: str = ""
    many: bool = False
    federated: bool = False
    used_in: str | None = None

    @property
    def principal(self) -> str:
        """How a reader is told of it: its ARN, or `*` for anybody."""
        return self.name if self is ANY_CALLER else self.arn

    @property
    def account(self) -> str:
        """The account's 12 digits, or `ANY_ACCOUNT`."""
        return self.used_in or account_of(self.arn)

    @property
    def unknowns(self) -> tuple[str, ...]:
        """What is not known of its permissions, a noun each; its boundary stands in `unknown_boundary`."""
        return (*self.unread, self.beyond) if self.beyond else self.unread


ANY_CALLER = Identity(arn="arn:*:*:::*", name="*")
"""Somebody about whom nothing is known but that they can sign, and that no policy names them."""


def outsider(
    arn: str, policies: Iterable[Policy] = (), unread: Iterable[str] = (), used_in: str | None = None
) -> Identity:
    """A role, a user or an account that the deployment names but does not hold.

    Args:
        arn: Its ARN, or its unique id.
        policies: What the deployment writes into it.
        unread: ARNs of policies that the deployment attaches to it and does not hold.
        used_in: The account that it is used in, where that is sure; else the ARN's, or any.
    """
    known, missing = tuple(policies), tuple(unread)
    account = used_in or account_of(arn) or ANY_ACCOUNT
    return Identity(
        arn=arn,
        name=name_in(arn),
        policies=known,
        unread=missing,
        beyond="its other policies and its permissions boundary" if known or missing else "its identity policies",
        many=is_account(arn) or account == ANY_ACCOUNT,
        used_in=account,
    )


def token_holder(provider: str) -> Identity:
    """Somebody with a token of an identity provider, which a trust policy names by its ARN or by itself."""
    return Identity(arn=provider, name=name_in(provider), many=True, federated=True)


def name_in(arn: str) -> str:
    """The name in the ARN of a role or user, without its path."""
    return arn.rsplit("/", 1)[-1]
