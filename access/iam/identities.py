"""Whoever can sign a request, with all that AWS knows of what they may do."""

from collections.abc import Iterable
from dataclasses import dataclass

from toolgate.access.iam.policies import Policy
from toolgate.policy.language.arns import account_of


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A role, a user, or somebody of whom only the ARN is known.

    Attributes:
        arn: The IAM ARN, e.g. `arn:aws:iam::<account>:role/<path><name>`.
        name: Its name, without a path.
        policies: Identity policies, inline, attached and by group.
        boundary: The permissions boundary, if one is set and its document is known.
        unknown_boundary: The ARN of the permissions boundary, if one is set and its document is not known: it may take
            away anything, and grants nothing.
        unread: What its permissions also depend on but the deployment does not hold: policy ARNs, or a sentence's rest.
        used_in: The account that it is used in, where that is sure and its ARN was written for another: a plan of the
            stand-in names an account that is not the real one.
    """

    arn: str
    name: str
    policies: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    unknown_boundary: str | None = None
    unread: tuple[str, ...] = ()
    used_in: str | None = None

    @property
    def account(self) -> str:
        """The account's 12 digits."""
        return self.used_in or account_of(self.arn)


ANY_CALLER = Identity(arn="arn:*:*:::*", name="*")
"""Somebody about whom nothing is known but that they can sign, and that no policy names them."""


def external_principal(arn: str) -> Identity:
    """Somebody whom the deployment names but does not hold, so that only what others grant them is known."""
    return Identity(arn=arn, name=name_in(arn), unread=(f"the identity policies of {arn}",))


def given_role(arn: str, policies: Iterable[Policy], used_in: str) -> Identity:
    """A role that AgentCore takes and the deployment does not make: it may have other policies, and a boundary.

    A service takes roles of its own account only (IAM user guide, "Grant a user permissions to pass a role").

    Args:
        arn: Its ARN.
        policies: What the deployment writes into it.
        used_in: The account of what has it.
    """
    known = tuple(policies)
    unread = f"the other policies of {arn} and its permissions boundary" if known else f"the identity policies of {arn}"
    return Identity(arn=arn, name=name_in(arn), policies=known, unread=(unread,), used_in=used_in)


def name_in(arn: str) -> str:
    """The name in the ARN of a role or user, without its path."""
    return arn.rsplit("/", 1)[-1]
