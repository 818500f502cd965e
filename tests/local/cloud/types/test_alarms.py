import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.cloud.conftest import ALARM, GOOD
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.values import UNKNOWN


def test_an_alarm(plane: ControlPlane) -> None:
    made = plane.create(ALARM, GOOD[ALARM])
    assert made.outputs["arn"] == "arn:aws:cloudwatch:us-east-1:123456789012:alarm:toolgate-dev-tools-system-errors"
    assert made.outputs["actionsEnabled"] is True


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"metricName": None}, "metricName: ValidationError: an alarm on a metric needs metricName"),
        ({"threshold": None}, "threshold: ValidationError"),
        ({"comparisonOperator": ">="}, "comparisonOperator: PutMetricAlarm: Value '>='"),
        ({"statistic": "Total"}, "statistic: PutMetricAlarm"),
        ({"dimensions": {"Resource": ""}}, "dimensions: PutMetricAlarm: .* length greater than or equal to 1"),
        ({"dimensions": ["Resource"]}, "dimensions: PutMetricAlarm: "),
        ({"period": 90}, "period: ValidationError: Period must be 10, 20, 30 or a multiple of 60, not 90"),
        ({"evaluationPeriods": 289}, "evaluationPeriods: ValidationError: .* 86400 seconds"),
        ({"period": 3600, "evaluationPeriods": 169}, "evaluationPeriods: ValidationError: .* 604800 seconds"),
        ({"treatMissingData": "ok"}, "treatMissingData: ValidationError: ok is not one of breaching, notBreaching"),
        ({"alarmActions": ["oncall"]}, "alarmActions: ValidationError: Invalid arn syntax: oncall"),
        ({"okActions": ["arn:aws:sns:us-east-1:1:a"] * 6}, "okActions: PutMetricAlarm: .* less than or equal to 5"),
        ({"metricQueries": []}, "metricQueries: the stand-in for AWS does not reproduce"),
    ],
)
def test_what_is_refused_on_sight(check: Callable[..., list[str]], changes: Any, reason: str) -> None:
    found = check(ALARM, **changes)
    assert found
    assert re.match(reason, found[0]), found


@pytest.mark.parametrize(
    "changes",
    [
        {"period": 3600, "evaluationPeriods": 168},
        {"evaluationPeriods": 288},
        {"period": 10},
        {"period": UNKNOWN},
        {"treatMissingData": None},
        {"alarmActions": [UNKNOWN]},
    ],
)
def test_what_is_at_the_bounds_or_unknown_passes(check: Callable[..., list[str]], changes: Any) -> None:
    assert check(ALARM, **changes) == []
