"""Alarms on what a gateway or runtime refuses, and on where it fails."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import arguments
from toolgate.components.checks.arguments import UsageError
from toolgate.components.observability import metrics
from toolgate.components.observability.metrics import Monitored

PERIOD = 300
"""Seconds that an alarm looks at together. AgentCore publishes its metrics every minute."""
# botocore cloudwatch ResourceList
MOST_TOPICS = 5
_TOPIC = re.compile(r"arn:[^:]+:sns:[^:]+:\d{12}:[\w-]{1,256}", re.ASCII)


class Alarms(TypedDict):
    """Alarms on errors and throttling; without a topic they are seen in CloudWatch only."""

    topics: NotRequired[list[pulumi.Input[str]]]
    """ARNs of the SNS topics that are told when an alarm goes off, and when it is over; at most five."""


@dataclass(frozen=True)
class Alarm:
    """One alarm.

    Attributes:
        name: What is put to the resource's name.
        metric: A metric of AgentCore, counted as a sum.
        threshold: As many in one period set it off.
        why: What it means, for whoever is woken up.
    """

    name: str
    metric: str
    threshold: int
    why: str


# AgentCore developer guide, "AgentCore generated gateway observability data" and "... runtime observability data".
TABLES = {
    "gateway": (
        Alarm("system-errors", "SystemErrors", 1, "Calls failed with a 5xx."),
        Alarm("throttles", "Throttles", 1, "Calls were refused with 429: the quota of calls on a gateway is used up."),
        # A single one is a caller's slip.
        Alarm("user-errors", "UserErrors", 5, "Calls were refused with a 4xx: no signature, no grant, or a bad call."),
    ),
    "runtime": (
        Alarm("system-errors", "SystemErrors", 1, "Invocations failed with a 5xx."),
        Alarm("throttles", "Throttles", 1, "Invocations were refused with 429: a quota is used up."),
        # A single one is a caller's slip. An agent's error answer is 424 to its caller (RuntimeClientError).
        Alarm("user-errors", "UserErrors", 5, "Invocations ended with a 4xx: a bad request, no grant, its own error."),
    ),
}


def check_topics(topics: Sequence[Any], where: str) -> None:
    """Check topics. An Output's value comes later.

    Raises:
        UsageError: There are too many, or one is no topic's ARN.
    """
    arguments.within(len(topics), 0, MOST_TOPICS, f"{where}: number of topics")
    for index, topic in enumerate(topics):
        if isinstance(topic, str) and not _TOPIC.fullmatch(topic):
            raise UsageError(
                f"{where}[{index}]: {topic!r} is not the ARN of an SNS topic. "
                "Write arn:aws:sns:<Region>:<account>:<topic>."
            )


def write(parent: pulumi.ComponentResource, name: str, of: Monitored, alarms: Alarms | None) -> None:
    """Make the alarms of a gateway or runtime.

    Args:
        parent: The component.
        name: The component's name.
        of: What is watched.
        alarms: Whom they tell; None for no alarms.
    """
    if alarms is None:
        return
    topics = alarms.get("topics") or None
    dimensions = of.arn.apply(metrics.DIMENSIONS[of.kind])
    for alarm in TABLES[of.kind]:
        aws.cloudwatch.MetricAlarm(
            f"{name}-{alarm.name}",
            name=f"{of.name}-{alarm.name}",
            alarm_description=alarm.why,
            namespace=metrics.AGENTCORE,
            metric_name=alarm.metric,
            dimensions=dimensions,
            statistic="Sum",
            period=PERIOD,
            evaluation_periods=1,
            threshold=alarm.threshold,
            comparison_operator="GreaterThanOrEqualToThreshold",
            # Nothing is published where nothing is called.
            treat_missing_data="notBreaching",
            alarm_actions=topics,
            ok_actions=topics,
            tags=of.tags,
            opts=pulumi.ResourceOptions(parent=parent),
        )
