"""Dashboard: calls, errors and times of gateways, runtimes and functions, on one page of CloudWatch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import arguments, names
from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam import iam_documents
from toolgate.components.observability import metrics

# CloudWatch API reference, "Dashboard Body Structure and Syntax": the grid is 24 wide.
WIDTH, HEIGHT = 12, 6
PERIOD = 300


class DashboardArgs(TypedDict):
    """What a dashboard shows: a row of charts for each."""

    gateways: NotRequired[dict[str, pulumi.Input[str]]]
    """ARNs of gateways, by the title of their charts."""
    runtimes: NotRequired[dict[str, pulumi.Input[str]]]
    """ARNs of runtimes, by the title of their charts."""
    functions: NotRequired[dict[str, pulumi.Input[str]]]
    """ARNs of Lambda functions, by the title of their charts."""


@dataclass(frozen=True)
class Chart:
    """One chart: what it is about, and its lines as metric and statistic."""

    about: str
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Row:
    """The charts of one kind of resource.

    Attributes:
        kind: Which kind (`metrics.DIMENSIONS`).
        namespace: Of its metrics.
        charts: Side by side.
    """

    kind: str
    namespace: str
    charts: tuple[Chart, ...]


_CALLS = Chart("calls", tuple((name, "Sum") for name in ("Invocations", "UserErrors", "SystemErrors", "Throttles")))
_TIME = (("Latency", "p50"), ("Latency", "p99"))
ROWS = {
    "gateways": Row(
        "gateway",
        metrics.AGENTCORE,
        (_CALLS, Chart("milliseconds", (*_TIME, ("TargetExecutionTime", "p50"), ("TargetExecutionTime", "p99")))),
    ),
    "runtimes": Row("runtime", metrics.AGENTCORE, (_CALLS, Chart("milliseconds", _TIME))),
    "functions": Row(
        "function",
        metrics.LAMBDA,
        (
            Chart("calls", tuple((name, "Sum") for name in ("Invocations", "Errors", "Throttles"))),
            Chart("milliseconds", (("Duration", "p50"), ("Duration", "p99"))),
        ),
    ),
}
"""By the argument that lists them, from top to bottom."""


@dataclass(frozen=True)
class _Wanted:
    """What the arguments come to, checked: the dashboard's name in AWS, and what it shows."""

    name: str
    shown: Mapping[str, Mapping[str, pulumi.Input[str]]]


class Dashboard(pulumi.ComponentResource):
    """A dashboard of gateways, runtimes and functions."""

    dashboard_name: pulumi.Output[str]
    """Its name in CloudWatch."""

    def __init__(self, name: str, args: DashboardArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        wanted = _checked(name, args)
        super().__init__("toolgate:index:Dashboard", name, {**args}, opts)
        region = iam_documents.current_environment(self).region
        shown = pulumi.Output.from_input(wanted.shown)
        made = aws.cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=wanted.name,
            dashboard_body=pulumi.Output.json_dumps(pulumi.Output.all(shown, region).apply(lambda it: body(*it))),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.dashboard_name = made.dashboard_name
        self.register_outputs({"dashboard_name": self.dashboard_name})


def _checked(name: str, args: DashboardArgs) -> _Wanted:
    """Derive all that can be wrong, before anything is made. An Output's value comes later.

    Raises:
        UsageError: Nothing would be shown, something is not the ARN of its kind, or AWS would refuse the name.
    """
    where = f"Dashboard {name!r}"
    arguments.check(args, DashboardArgs, where)
    listed = {
        "gateways": args.get("gateways", {}),
        "runtimes": args.get("runtimes", {}),
        "functions": args.get("functions", {}),
    }
    if not any(listed.values()):
        raise UsageError(f"{where}: shows nothing. Give it {', '.join(ROWS)}.")
    for kind, row in ROWS.items():
        for title, arn in listed[kind].items():
            try:
                if isinstance(arn, str):
                    metrics.DIMENSIONS[row.kind](arn)
            except UsageError as error:
                raise UsageError(f"{where}.{kind}.{title}: {error}") from error
    return _Wanted(names.dashboard(pulumi.get_project(), pulumi.get_stack(), name), listed)


def body(shown: Mapping[str, Mapping[str, str]], region: str) -> dict[str, Any]:
    """The dashboard's body.

    Args:
        shown: By kind (`ROWS`): ARNs by title.
        region: Where the metrics are.

    Raises:
        UsageError: One is not the ARN of its kind.
    """
    rows = [(row, title, arn) for kind, row in ROWS.items() for title, arn in sorted(shown.get(kind, {}).items())]
    return {
        "widgets": [
            widget
            for index, (row, title, arn) in enumerate(rows)
            for widget in _widgets(row, title, arn, index * HEIGHT, region)
        ]
    }


def _widgets(row: Row, title: str, arn: str, top: int, region: str) -> list[dict[str, Any]]:
    dimensions = [part for pair in metrics.DIMENSIONS[row.kind](arn).items() for part in pair]
    return [
        {
            "type": "metric",
            "x": column * WIDTH,
            "y": top,
            "width": WIDTH,
            "height": HEIGHT,
            "properties": {
                "title": f"{row.kind} {title}: {chart.about}",
                "region": region,
                "period": PERIOD,
                "view": "timeSeries",
                "yAxis": {"left": {"min": 0}},
                "metrics": [
                    [row.namespace, metric, *dimensions, {"stat": statistic, "label": _label(metric, statistic)}]
                    for metric, statistic in chart.lines
                ],
            },
        }
        for column, chart in enumerate(row.charts)
    ]


def _label(metric: str, statistic: str) -> str:
    return metric if statistic == "Sum" else f"{metric} {statistic}"
