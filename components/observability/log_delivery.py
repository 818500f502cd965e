"""Log and trace delivery: what AgentCore writes about a gateway or runtime, sent to CloudWatch Logs and X-Ray.

AgentCore hands out neither until a delivery asks for it (AgentCore developer guide, "Add observability to your Amazon
Bedrock AgentCore resources"). A delivery connects a source, which is one log type of one resource, with a destination.
"""

from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import names
from toolgate.components.checks.arguments import UsageError
from toolgate.components.observability.metrics import Monitored

LOGS, TRACES = "APPLICATION_LOGS", "TRACES"
# CloudWatch Logs API reference, PutRetentionPolicy, retentionInDays
RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
DEFAULT_RETENTION_DAYS = 30


class LogDelivery(TypedDict):
    """Delivery of application logs to a log group of the component's own."""

    retention_days: NotRequired[pulumi.Input[int]]
    """Days to keep them: one of the values that CloudWatch Logs has. Default 30."""


def check_retention(days: Any, where: str) -> None:
    """Check a number of days. An Output's value comes later.

    Raises:
        UsageError: CloudWatch Logs does not take it.
    """
    if isinstance(days, int | float) and days not in RETENTION_DAYS:
        allowed = ", ".join(map(str, RETENTION_DAYS))
        raise UsageError(f"{where}: {days:g} is not one of the days that CloudWatch Logs takes: {allowed}.")


def write(
    parent: pulumi.ComponentResource, name: str, of: Monitored, logs: LogDelivery | None, *, traces: bool
) -> None:
    """Deliver a resource's application logs, its traces, both or neither.

    Args:
        parent: The component.
        name: The component's name.
        of: What they are about.
        logs: Where the logs go; None for nowhere.
        traces: Whether spans go to X-Ray. It takes CloudWatch Transaction Search in the account.
    """
    made: list[pulumi.Resource] = []
    if logs is not None:
        group = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=log_group(of),
            retention_in_days=logs.get("retention_days", DEFAULT_RETENTION_DAYS),
            kms_key_id=of.kms_key_arn,
            tags=of.tags,
            opts=pulumi.ResourceOptions(parent=parent),
        )
        destination = {"delivery_destination_configuration": {"destination_resource_arn": group.arn}}
        made.append(_deliver(parent, f"{name}-logs", of, _Part("logs", LOGS, destination), made))
    if traces:
        # X-Ray is one for the account: it has no ARN (hashicorp/terraform-provider-aws#44995).
        part = _Part("traces", TRACES, {"delivery_destination_type": "XRAY"})
        _deliver(parent, f"{name}-traces", of, part, made)


def log_group(of: Monitored) -> str:
    """The log group's name."""
    # What begins so needs no statement of its own in the account's log resource policy, whose size is limited
    # (CloudWatch Logs user guide, "Log group resource policy size limit considerations").
    return f"/aws/vendedlogs/bedrock-agentcore/{of.kind}/{LOGS}/{of.name}"


@dataclass(frozen=True)
class _Part:
    """One delivery: what its source and destination are called after, the log type, the destination's own arguments."""

    purpose: str
    log_type: str
    destination: dict[str, Any]


def _deliver(
    parent: pulumi.ComponentResource, name: str, of: Monitored, part: _Part, after: list[pulumi.Resource]
) -> aws.cloudwatch.LogDelivery:
    # AWS takes one source of a log type for a resource: a new one cannot come before the old one is gone.
    child = pulumi.ResourceOptions(parent=parent, delete_before_replace=True)
    shared = names.delivery(of.name, part.purpose)
    source = aws.cloudwatch.LogDeliverySource(
        name, name=shared, log_type=part.log_type, resource_arn=of.arn, tags=of.tags, opts=child
    )
    destination = aws.cloudwatch.LogDeliveryDestination(name, name=shared, **part.destination, tags=of.tags, opts=child)
    return aws.cloudwatch.LogDelivery(
        name,
        delivery_source_name=source.name,
        delivery_destination_arn=destination.arn,
        tags=of.tags,
        # Deliveries that share something are refused when made at once (hashicorp/terraform-provider-aws#42194); AWS's
        # own CDK makes those of one resource one after another.
        opts=child.merge(pulumi.ResourceOptions(depends_on=after)),
    )
