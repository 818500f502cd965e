"""The arguments by which a gateway or runtime can be observed, checked and carried out."""

from typing import NotRequired, TypedDict

import pulumi

from toolgate.components.observability import alarms, log_delivery
from toolgate.components.observability.alarms import Alarms
from toolgate.components.observability.log_delivery import LogDelivery
from toolgate.components.observability.metrics import Monitored


class Watching(TypedDict):
    """These arguments, which are among those of ToolGateway and AgentRuntime."""

    logs: NotRequired[LogDelivery]
    """Delivery of application logs."""
    traces: NotRequired[bool]
    """Whether spans are delivered."""
    alarms: NotRequired[Alarms]
    """Alarms on errors and throttling."""


def check(args: Watching, where: str) -> None:
    """Check what their types cannot say.

    Raises:
        UsageError: AWS would refuse a value.
    """
    log_delivery.check_retention(args.get("logs", {}).get("retention_days"), f"{where}.logs.retention_days")
    alarms.check_topics(args.get("alarms", {}).get("topics", []), f"{where}.alarms.topics")


def watch(parent: pulumi.ComponentResource, name: str, observed: Monitored, args: Watching) -> None:
    """Make the deliveries and alarms that the arguments ask for.

    Args:
        parent: The component.
        name: The component's name.
        observed: What they are about.
        args: The arguments.
    """
    log_delivery.write(parent, name, observed, args.get("logs"), traces=args.get("traces", False))
    alarms.write(parent, name, observed, args.get("alarms"))
