"""`toolgate:observability`: its keys, what they come to, and how an agent with telemetry starts."""

from dataclasses import dataclass
from typing import NotRequired, TypedDict

import pulumi

from toolgate.components.checks.arguments import UsageError
from toolgate.components.observability import alarms, log_delivery
from toolgate.components.observability.monitoring import Watching

TELEMETRY_ENTRY_POINTS = ["opentelemetry-instrument", "main.py"]
"""AgentCore developer guide, "Add observability to your agentic resources": the ADOT distro's start."""

TELEMETRY_ENVIRONMENT: dict[str, pulumi.Input[str]] = {
    # opentelemetry-instrumentation-botocore: prompts and answers in log events. The ADOT distro's default is "true".
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "false",
    # The ADOT distro's MCP spans hold each call's arguments and result, with no setting against it. Strands has a span
    # for each call too, and without these httpx has one for each request.
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "aws_mcp",
}
"""What keeps prompts and tool content out of what the agent's libraries send.

Read before `main.py` runs, so the deployment sets it; the agent itself sees to strands (agent/traces.py).
"""


class ObservabilityConfig(TypedDict):
    """What can be seen afterwards: `toolgate:observability`."""

    telemetry: NotRequired[bool]
    """Whether agents send their own traces and metrics to CloudWatch. Default: true."""
    logs: NotRequired[bool]
    """Whether gateway and runtimes deliver their application logs. Default: false."""
    retentionDays: NotRequired[int]
    """Days to keep these logs. Default: 30."""
    traces: NotRequired[bool]
    """Whether gateway and runtimes deliver their spans. Default: false."""
    alarms: NotRequired[bool]
    """Whether there are alarms on their errors and throttling. Default: false."""
    alarmTopics: NotRequired[list[str]]
    """ARNs of the SNS topics that alarms tell."""
    dashboard: NotRequired[bool]
    """Whether there is a dashboard. Default: false."""


@dataclass(frozen=True)
class Observability:
    """What can be seen afterwards: the agents' own telemetry, what gateway and runtimes are given, a dashboard."""

    telemetry: bool
    watched: Watching
    dashboard: bool


def observability(seen: ObservabilityConfig, where: str) -> Observability:
    """What is observed.

    Raises:
        UsageError: A value is out of AWS's bounds, or says nothing without another.
    """
    for key, needed in (("retentionDays", "logs"), ("alarmTopics", "alarms")):
        if key in seen and not seen.get(needed):
            raise UsageError(f"{where}.{key}: says nothing without {needed}. Write {needed}: true, or leave it out.")
    watched: Watching = {}
    if seen.get("logs"):
        days = seen.get("retentionDays", log_delivery.DEFAULT_RETENTION_DAYS)
        log_delivery.check_retention(days, f"{where}.retentionDays")
        watched["logs"] = {"retention_days": days}
    if seen.get("traces"):
        watched["traces"] = True
    if seen.get("alarms"):
        topics = seen.get("alarmTopics", [])
        alarms.check_topics(topics, f"{where}.alarmTopics")
        watched["alarms"] = {"topics": [*topics]}
    return Observability(seen.get("telemetry", True), watched, seen.get("dashboard", False))
