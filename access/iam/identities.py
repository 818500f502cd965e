"""Whoever can sign a request, with all that AWS knows of what they may do."""

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
    """

    arn: str
    name: str
    policies: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    unknown_boundary: str | None = None
    unread: tuple[str, ...] = ()

    @property
    def account(self) -> str:
        """The account's 12 digits."""
        return account_of(self.arn)


ANY_CALLER = Identity(arn="arn:*:*:::*", name="*")
"""Somebody about whom nothing is known but that they can sign, and that no policy names them."""


def external_principal(arn: str) -> Identity:
    """Somebody whom the deployment names but does not hold, so that only what others grant them is known."""
    return Identity(arn=arn, name=arn.rsplit("/", 1)[-1], unread=(f"the identity policies of {arn}",))
