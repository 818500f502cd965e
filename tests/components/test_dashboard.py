import json
from typing import Any

import pytest

from toolgate.components import dashboard
from toolgate.components.checks.arguments import UsageError
from toolgate.components.dashboard import Dashboard
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.store import MemoryStore

AGENTCORE = "arn:aws:bedrock-agentcore:us-east-1:123456789012:"
GATEWAY = f"{AGENTCORE}gateway/toolgate-dev-tools-a1b2c3d4e5"
RUNTIME = f"{AGENTCORE}runtime/toolgate_dev_assistant-A1b2C3d4E5"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:toolgate-dev-math"
ALL: Any = {"gateways": {"tools": GATEWAY}, "runtimes": {"b": RUNTIME, "a": RUNTIME}, "functions": {"math": FUNCTION}}


def body(recorded: Any) -> Any:
    return json.loads(recorded.one("Dashboard", "overview-dashboard").inputs["dashboardBody"])


def component(args: Any, name: str = "overview") -> Any:
    return lambda: Dashboard(name, args)


def test_a_row_of_charts_for_each_from_top_to_bottom(run: Any) -> None:
    widgets = body(run(component(ALL)))["widgets"]
    assert [(it["x"], it["y"], it["properties"]["title"]) for it in widgets] == [
        (0, 0, "gateway tools: calls"),
        (12, 0, "gateway tools: milliseconds"),
        (0, 6, "runtime a: calls"),
        (12, 6, "runtime a: milliseconds"),
        (0, 12, "runtime b: calls"),
        (12, 12, "runtime b: milliseconds"),
        (0, 18, "function math: calls"),
        (12, 18, "function math: milliseconds"),
    ]
    assert {it["properties"]["region"] for it in widgets} == {"us-east-1"}


def test_each_line_is_a_metric_of_what_its_chart_is_about(run: Any) -> None:
    lines = {it["properties"]["title"]: it["properties"]["metrics"] for it in body(run(component(ALL)))["widgets"]}
    gateway = ["Operation", "InvokeGateway", "Protocol", "MCP", "Resource", GATEWAY]
    assert lines["gateway tools: calls"] == [
        ["AWS/Bedrock-AgentCore", name, *gateway, {"stat": "Sum", "label": name}]
        for name in ("Invocations", "UserErrors", "SystemErrors", "Throttles")
    ]
    runtime = ["Operation", "InvokeAgentRuntime", "Name", "toolgate_dev_assistant::DEFAULT", "Resource", RUNTIME]
    assert lines["runtime a: milliseconds"] == [
        ["AWS/Bedrock-AgentCore", "Latency", *runtime, {"stat": stat, "label": f"Latency {stat}"}]
        for stat in ("p50", "p99")
    ]
    assert lines["function math: calls"][1] == [
        "AWS/Lambda",
        "Errors",
        "FunctionName",
        "toolgate-dev-math",
        {"stat": "Sum", "label": "Errors"},
    ]


def test_the_stand_in_takes_it_as_cloudwatch_would(run: Any) -> None:
    made = run(component(ALL)).one("Dashboard", "overview-dashboard")
    assert made.inputs["dashboardName"] == "toolgate-dev-overview"
    assert ControlPlane(CloudEnvironment(), MemoryStore(), {}).check(made.type, made.inputs) == []


def test_one_kind_is_enough(run: Any) -> None:
    assert len(body(run(component({"functions": {"math": FUNCTION}})))["widgets"]) == 2


def test_in_a_preview_it_waits_for_what_it_shows(run: Any) -> None:
    assert run(component(ALL), preview=True).one("Dashboard", "overview-dashboard")


@pytest.mark.parametrize(
    ("args", "name", "message"),
    [
        ({}, "overview", "Dashboard 'overview': shows nothing. Give it gateways, runtimes, functions."),
        ({"gateways": {}}, "overview", "Dashboard 'overview': shows nothing."),
        ({"gateway": {}}, "overview", "unknown key 'gateway'. Did you mean 'gateways'?"),
        ({"gateways": [GATEWAY]}, "overview", r"'overview'\.gateways: must be a map"),
        ({"gateways": {"tools": GATEWAY}}, "over view", "dashboard name 'toolgate-dev-over view' is refused"),
        ({"gateways": {"tools": RUNTIME}}, "overview", r"'overview'\.gateways\.tools: .* is not the ARN of a gateway"),
    ],
)
def test_nothing_is_made_of_what_is_wrong(run: Any, args: Any, name: str, message: str) -> None:
    def program() -> None:
        with pytest.raises(UsageError, match=message):
            Dashboard(name, args)

    assert run(program).resources == []


def test_what_is_known_later_is_checked_then() -> None:
    with pytest.raises(UsageError, match="is not the ARN of a gateway"):
        dashboard.body({"gateways": {"tools": RUNTIME}}, "us-east-1")
