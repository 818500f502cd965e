from collections.abc import Callable
from typing import Any

import pytest

from tests.local.cloud.conftest import DASHBOARD, GOOD, dashboard_body
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.values import UNKNOWN

METRIC: dict[str, Any] = {
    "type": "metric",
    "x": 12,
    "width": 12,
    "height": 6,
    "properties": {"region": "us-east-1", "metrics": [["AWS/Lambda", "Errors", "FunctionName", "f", {"stat": "Sum"}]]},
}


def metric(*metrics: Any, **properties: Any) -> dict[str, Any]:
    return METRIC | {"properties": {"region": "us-east-1", "metrics": list(metrics), **properties}}


def test_a_dashboard(plane: ControlPlane) -> None:
    made = plane.create(DASHBOARD, GOOD[DASHBOARD])
    assert made.outputs["dashboardArn"] == "arn:aws:cloudwatch::123456789012:dashboard/toolgate-dev-overview"
    # PutDashboard replaces one of the same name.
    assert plane.create(DASHBOARD, GOOD[DASHBOARD]).id == made.id


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("{", "must be a valid JSON object"),
        ("[]", "needs a list `widgets`"),
        ("{}", "needs a list `widgets`"),
        (dashboard_body("x"), "/widgets/0: should be a widget of type alarm"),
        (dashboard_body(METRIC, {"type": "chart"}), "/widgets/1: should be a widget of type alarm"),
        (dashboard_body(METRIC | {"x": 13}), "/widgets/0: should lie within 24 columns"),
        (dashboard_body(METRIC | {"width": 0}), "/widgets/0: should lie within 24 columns"),
        (dashboard_body(METRIC | {"height": 1001}), "/widgets/0: should be 1 to 1000 high"),
        (dashboard_body(metric(["a", "b"], region="")), "should have required property 'region'"),
        (dashboard_body(metric()), "should have required property 'metrics'"),
        (dashboard_body(metric(["AWS/Lambda"])), "/properties/metrics/0: should be namespace, metric, and dimensions"),
        (dashboard_body(metric(["a", "b", "FunctionName"])), "/properties/metrics/0: should be namespace"),
    ],
)
def test_a_body_that_is_no_dashboard_is_refused(check: Callable[..., list[str]], body: str, reason: str) -> None:
    [found] = check(DASHBOARD, dashboardBody=body)
    assert found.startswith("dashboardBody: InvalidParameterInput: ")
    assert reason in found


def test_a_good_body_and_one_that_is_not_known_pass(check: Callable[..., list[str]]) -> None:
    assert check(DASHBOARD, dashboardBody=dashboard_body(METRIC, metric(["a", "b"]))) == []
    assert check(DASHBOARD, dashboardBody=UNKNOWN) == []


@pytest.mark.parametrize("name", ["a b", "a.b", "ä", "a" * 256, "", "a\n"])
def test_a_name_has_a_pattern_that_the_model_lacks(check: Callable[..., list[str]], name: str) -> None:
    [found] = check(DASHBOARD, dashboardName=name)
    assert found.startswith("dashboardName: InvalidParameterValue")
