"""What logs, traces and alarms are about."""

from dataclasses import dataclass
from typing import Literal

import pulumi


@dataclass(frozen=True)
class Monitored:
    """A gateway or runtime.

    Attributes:
        kind: Which of the two.
        name: Its name in AWS.
        arn: Its ARN.
        tags: Tags for whatever is made to observe it.
        kms_key_arn: The key that encrypts what is kept of it; None for CloudWatch's own.
    """

    kind: Literal["gateway", "runtime"]
    name: str
    arn: pulumi.Output[str]
    tags: pulumi.Input[dict[str, pulumi.Input[str]]] | None = None
    kms_key_arn: pulumi.Input[str] | None = None
