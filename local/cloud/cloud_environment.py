"""Where the stand-in account is."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.loaders import Loader


@dataclass(frozen=True)
class CloudEnvironment:
    """An account in a Region.

    Attributes:
        account: Twelve digits.
        region: Such as `us-east-1`; the partition follows from it.
    """

    account: str = "123456789012"
    region: str = "us-east-1"

    @property
    def partition(self) -> str:
        """The Region's partition, such as `aws` or `aws-us-gov`."""
        name: str = partition_of(self.region)["id"]
        return name

    @property
    def dns_suffix(self) -> str:
        """What the names of the Region's service hosts end with, such as `amazonaws.com`."""
        return dns_suffix(self.region)

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a regional resource of this account."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def global_arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of this account that has no Region, as in IAM."""
        return f"arn:{self.partition}:{service}::{self.account}:{resource}"

    def host(self, service: str) -> str:
        """A service's host: as such a principal of some services, and what `kms:ViaService` says of what it calls."""
        return f"{service}.{self.region}.{self.dns_suffix}"

    def workload_identity(self, owner_id: str) -> list[dict[str, str]]:
        """What a gateway or runtime reports of the workload identity that AgentCore makes for it.

        Args:
            owner_id: The gateway's or runtime's id, which names the identity.
        """
        resource = f"workload-identity-directory/default/workload-identity/{owner_id}"
        return [{"workloadIdentityArn": self.arn("bedrock-agentcore", resource)}]


@cache
def partitions() -> tuple[dict[str, Any], ...]:
    """The partitions as botocore has them: `id`, `regionRegex`, `regions`, `outputs`."""
    return tuple(Loader().load_data("partitions")["partitions"])


@cache
def partition_of(region: str) -> dict[str, Any]:
    """The partition that a Region is in.

    A Region that no partition has is taken for one of `aws`, as AWS's SDKs do (Smithy rules engine, function
    `aws.partition`).
    """
    known = partitions()
    fitting = (it for it in known if region in it["regions"] or re.match(it["regionRegex"], region))
    return next(fitting, known[0])


def dns_suffix(region: str) -> str:
    """What the names of a Region's service hosts end with, such as `amazonaws.com`."""
    suffix: str = partition_of(region)["outputs"]["dnsSuffix"]
    return suffix
