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

    def workload_identity(self, owner_id: str) -> list[dict[str, str]]:
        """What a gateway or runtime reports of the workload identity that AgentCore makes for it.

        Args:
            owner_id: The gateway's or runtime's id, which names the identity.
        """
        resource = f"workload-identity-directory/default/workload-identity/{owner_id}"
        return [{"workloadIdentityArn": self.arn("bedrock-agentcore", resource)}]
