"""CloudWatch dashboards."""

import json
import re
from collections.abc import Iterator
from typing import Any

from toolgate.local.cloud.failures import Failure
from toolgate.local.cloud.resource_type import ApiRequest, Made, Making, ResourceType
from toolgate.local.cloud.values import UNKNOWN, Properties

DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"

GRID = 24
"""Columns (CloudWatch API reference, "Dashboard Body Structure and Syntax", which the rules below are from)."""
TYPES = frozenset({"metric", "text", "log", "alarm", "explorer"})


def _make(inputs: Properties, making: Making) -> Made:
    name = inputs["dashboardName"]
    return Made(
        name,
        {"dashboardArn": making.env.global_arn("cloudwatch", f"dashboard/{name}")},
    )


def _body(inputs: Properties) -> Iterator[Failure]:
    text = inputs.get("dashboardBody")
    if text is UNKNOWN or not isinstance(text, str):
        return
    try:
        body = json.loads(text)
    except ValueError as error:
        yield _invalid(f"The field DashboardBody must be a valid JSON object ({error})")
        return
    widgets = body.get("widgets") if isinstance(body, dict) else None
    if not isinstance(widgets, list):
        yield _invalid("The dashboard body needs a list `widgets`")
        return
    for index, widget in enumerate(widgets):
        for reason in _widget(widget):
            yield _invalid(f"/widgets/{index}: {reason}")


def _widget(widget: Any) -> Iterator[str]:
    if not isinstance(widget, dict) or widget.get("type") not in TYPES:
        yield f"should be a widget of type {', '.join(sorted(TYPES))}"
        return
    left, width = widget.get("x", 0), widget.get("width", 6)
    if not 1 <= width <= GRID or not 0 <= left < GRID or left + width > GRID:
        yield f"should lie within {GRID} columns"
    if not 1 <= widget.get("height", 6) <= 1000:
        yield "should be 1 to 1000 high"
    properties = widget.get("properties")
    if widget["type"] == "metric":
        yield from _metric(properties if isinstance(properties, dict) else {})


def _metric(properties: dict[str, Any]) -> Iterator[str]:
    if not properties.get("region"):
        yield "/properties: should have required property 'region'"
    metrics = properties.get("metrics")
    if not isinstance(metrics, list) or not metrics:
        yield "/properties: should have required property 'metrics'"
        return
    for index, metric in enumerate(metrics):
        named = [part for part in metric if isinstance(part, str)] if isinstance(metric, list) else []
        if len(named) < 2 or len(named) % 2:
            yield f"/properties/metrics/{index}: should be namespace, metric, and dimensions by name and value"


def _invalid(reason: str) -> Failure:
    return Failure("dashboardBody", f"InvalidParameterInput: {reason}")


def _name(inputs: Properties) -> Iterator[Failure]:
    """The model has no pattern for it; PutDashboard's documentation says it."""
    name = inputs.get("dashboardName")
    if isinstance(name, str) and not re.fullmatch(r"[A-Za-z0-9_-]{1,255}", name):
        allowed = "1 to 255 letters, digits, hyphens and underscores"
        yield Failure("dashboardName", f"InvalidParameterValue: The field DashboardName is not valid ({allowed})")


DASHBOARD_TYPE = ResourceType(
    type=DASHBOARD,
    requests=(
        ApiRequest("cloudwatch", "PutDashboard", {"dashboardName": "DashboardName", "dashboardBody": "DashboardBody"}),
    ),
    make=_make,
    computed=("dashboardArn",),
    replaces=frozenset({"dashboardName"}),
    documents=frozenset({"dashboardBody"}),
    rules=(_name, _body),
)
