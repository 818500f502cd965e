"""Where the stand-in account is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CloudEnvironment:
    """An account in a Region.

    Attributes:
        account: Twelve digits.
        region: Such as `us-east-1`.
        partition: Such as `aws`.
    """

    account: str = "123456789012"
    region: str = "us-east-1"
    partition: str = "aws"

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a regional resource of this account."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def global_arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of this account that has no Region, as in IAM."""
        return f"arn:{self.partition}:{service}::{self.account}:{resource}"
