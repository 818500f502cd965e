"""CloudWatch alarms on one metric."""

from collections.abc import Iterator, Mapping
from typing import Any

from toolgate.local.cloud.api_requests import Member, key_value_list
from toolgate.local.cloud.failures import Failure
from toolgate.local.cloud.resource_type import ApiRequest, Made, Making, ResourceType
from toolgate.local.cloud.values import UNKNOWN, Properties, leaves

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"

MISSING_DATA = ("breaching", "notBreaching", "ignore", "missing")
"""CloudWatch API reference, PutMetricAlarm, TreatMissingData; so are the rules below."""
DAY = 86_400


def _make(inputs: Properties, making: Making) -> Made:
    arn = making.env.arn("cloudwatch", f"alarm:{inputs['name']}")
    # The provider reports an empty text where nothing is evaluated.
    return Made(inputs["name"], {"arn": arn, "evaluateLowSampleCountPercentiles": ""})


def _dimensions(dimensions: Any) -> Any:
    if not isinstance(dimensions, Mapping):
        return dimensions
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]


def _metric(inputs: Properties) -> Iterator[Failure]:
    for name in ("metricName", "namespace", "statistic", "period", "threshold"):
        if inputs.get(name) is None:
            yield Failure(name, f"ValidationError: an alarm on a metric needs {name}")


def _period(inputs: Properties) -> Iterator[Failure]:
    period, periods = inputs.get("period"), inputs.get("evaluationPeriods")
    if not isinstance(period, int | float) or not isinstance(periods, int | float):
        return
    if period not in (10, 20, 30) and period % 60:
        yield Failure("period", f"ValidationError: Period must be 10, 20, 30 or a multiple of 60, not {period}")
    longest = DAY if period < 3600 else 7 * DAY
    if period * periods > longest:
        text = f"ValidationError: Metrics cannot be checked across more than {longest} seconds"
        yield Failure("evaluationPeriods", f"{text} (EvaluationPeriods * Period)")


def _missing_data(inputs: Properties) -> Iterator[Failure]:
    value = inputs.get("treatMissingData")
    if value is not None and value is not UNKNOWN and value not in MISSING_DATA:
        yield Failure("treatMissingData", f"ValidationError: {value} is not one of {', '.join(MISSING_DATA)}")


def _actions(inputs: Properties) -> Iterator[Failure]:
    for name in ("alarmActions", "okActions", "insufficientDataActions"):
        for action in leaves(inputs.get(name)):
            if isinstance(action, str) and not action.startswith("arn:"):
                yield Failure(name, f"ValidationError: Invalid arn syntax: {action}")


ALARM_TYPE = ResourceType(
    type=ALARM,
    requests=(
        ApiRequest(
            "cloudwatch",
            "PutMetricAlarm",
            {
                "name": "AlarmName",
                "alarmDescription": "AlarmDescription",
                "actionsEnabled": "ActionsEnabled",
                "alarmActions": "AlarmActions",
                "okActions": "OKActions",
                "insufficientDataActions": "InsufficientDataActions",
                "namespace": "Namespace",
                "metricName": "MetricName",
                "dimensions": Member("Dimensions", _dimensions),
                "statistic": "Statistic",
                "period": "Period",
                "evaluationPeriods": "EvaluationPeriods",
                "datapointsToAlarm": "DatapointsToAlarm",
                "threshold": "Threshold",
                "comparisonOperator": "ComparisonOperator",
                "treatMissingData": "TreatMissingData",
                "unit": "Unit",
                "tags": Member("Tags", key_value_list),
            },
        ),
    ),
    make=_make,
    computed=("arn", "evaluateLowSampleCountPercentiles"),
    replaces=frozenset({"name"}),
    auto_name="name",
    defaults={"actionsEnabled": True, "treatMissingData": "missing"},
    unordered=frozenset({"alarmActions", "okActions", "insufficientDataActions"}),
    rules=(_metric, _period, _missing_data, _actions),
)
