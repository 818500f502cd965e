"""Deliveries and alarms, as gateway and runtime make them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.session
import pulumi
import pytest

from toolgate.components.agent_runtime import AgentRuntime
from toolgate.components.checks import names
from toolgate.components.checks.arguments import UsageError
from toolgate.components.observability import alarms, log_delivery, metrics, monitoring
from toolgate.components.tool_gateway import ToolGateway
from toolgate.local.cloud.types import logs

TOPIC = "arn:aws:sns:us-east-1:123456789012:oncall"
SCHEMA = {"type": "object", "properties": {}}
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
TARGETS = {"math": {"function_arn": FUNCTION, "tools": [{"name": "add", "description": "Add.", "inputSchema": SCHEMA}]}}
GATEWAY = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/toolgate-dev-it-a1b2c3d4e5"
RUNTIME = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/toolgate_dev_it-A1b2C3d4E5"

type Make = Callable[..., Any]


@pytest.fixture(params=["gateway", "runtime"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which component is watched."""
    return str(request.param)


@pytest.fixture
def make(run: Any, tmp_path: Path, kind: str) -> Make:
    """Runs a program with the one component, `it`."""
    (tmp_path / "agent.zip").write_bytes(b"a zip")

    needed: dict[str, Any] = {
        "gateway": {"targets": TARGETS},
        "runtime": {"code": str(tmp_path / "agent.zip"), "model_id": "amazon.nova-lite-v1:0"},
    }

    def component(args: Any) -> None:
        made: Any = {"gateway": ToolGateway, "runtime": AgentRuntime}[kind]
        made("it", {**needed[kind], **args})

    return lambda preview=False, **args: run(lambda: component(args), preview=preview)


@pytest.fixture
def subject(kind: str) -> tuple[str, str]:
    """The name and ARN that AWS knows it by."""
    return ("toolgate-dev-it", GATEWAY) if kind == "gateway" else ("toolgate_dev_it", RUNTIME)


def made(recorded: Any, *kinds: str) -> set[tuple[str, str]]:
    return {(kind, name) for kind, name in recorded.types() if kind in kinds}


KINDS = ("LogGroup", "LogDeliverySource", "LogDeliveryDestination", "LogDelivery", "MetricAlarm")


def test_nothing_is_watched_unless_asked(make: Make) -> None:
    assert made(make(), *KINDS) == set()
    assert made(make(traces=False), *KINDS) == set()


def test_logs_go_to_a_log_group_of_its_own(make: Make, kind: str, subject: tuple[str, str]) -> None:
    name, arn = subject
    recorded = make(logs={"retention_days": 90}, tags={"a": "b"})
    assert made(recorded, *KINDS) == {(it, "it-logs") for it in KINDS[:4]}
    group = recorded.one("LogGroup", "it-logs").inputs
    assert group == {
        "name": f"/aws/vendedlogs/bedrock-agentcore/{kind}/APPLICATION_LOGS/{name}",
        "retentionInDays": 90,
        "tags": {"a": "b"},
    }
    source = recorded.one("LogDeliverySource", "it-logs").inputs
    assert source == {
        "name": f"{name}-logs",
        "logType": "APPLICATION_LOGS",
        "resourceArn": arn,
        "tags": {"a": "b"},
    }
    destination = recorded.one("LogDeliveryDestination", "it-logs").inputs
    group_arn = f"arn:aws:logs:us-east-1:123456789012:log-group:{group['name']}"
    assert destination == {
        "name": f"{name}-logs",
        "deliveryDestinationConfiguration": {"destinationResourceArn": group_arn},
        "tags": {"a": "b"},
    }
    assert recorded.one("LogDelivery", "it-logs").inputs == {
        "deliverySourceName": f"{name}-logs",
        "deliveryDestinationArn": f"arn:aws:logs:us-east-1:123456789012:delivery-destination:{name}-logs",
        "tags": {"a": "b"},
    }
    assert make(logs={}).one("LogGroup", "it-logs").inputs["retentionInDays"] == 30


def test_traces_go_to_x_ray(make: Make, subject: tuple[str, str]) -> None:
    recorded = make(traces=True)
    assert made(recorded, *KINDS) == {(it, "it-traces") for it in KINDS[1:4]}
    assert recorded.one("LogDeliverySource", "it-traces").inputs["logType"] == "TRACES"
    destination = recorded.one("LogDeliveryDestination", "it-traces").inputs
    assert destination == {"name": f"{subject[0]}-traces", "deliveryDestinationType": "XRAY"}


def test_deliveries_of_one_resource_are_made_one_after_another(make: Make) -> None:
    traces = make(logs={}, traces=True).one("LogDelivery", "it-traces")
    assert "it-logs" in traces.dependencies
    assert "LogDelivery" in traces.dependency_types


def test_in_a_preview_a_source_is_known_by_name_and_tells_what_it_is_about(make: Make, kind: str) -> None:
    source = make(preview=True, logs={}).one("LogDeliverySource", "it-logs")
    assert source.inputs["name"].endswith("it-logs")
    assert source.property_dependencies["resourceArn"] == {f"it-{kind}"}


def test_what_holds_a_name_is_deleted_before_it_is_replaced(make: Make) -> None:
    recorded = make(logs={}, traces=True)
    held = {it.name for it in recorded.resources if "LogDelivery" in it.type and it.delete_before_replace}
    assert held == {"it-logs", "it-traces"}
    assert all(it.delete_before_replace for it in recorded.resources if "LogDelivery" in it.type)


def test_alarms_watch_the_metrics_of_this_one_resource(make: Make, kind: str, subject: tuple[str, str]) -> None:
    recorded = make(alarms={"topics": [TOPIC]}, tags={"a": "b"})
    assert made(recorded, *KINDS) == {("MetricAlarm", f"it-{alarm.name}") for alarm in alarms.TABLES[kind]}
    for alarm in alarms.TABLES[kind]:
        inputs = recorded.one("MetricAlarm", f"it-{alarm.name}").inputs
        assert inputs["name"] == f"{subject[0]}-{alarm.name}"
        assert inputs["namespace"] == "AWS/Bedrock-AgentCore"
        assert inputs["dimensions"] == metrics.DIMENSIONS[kind](subject[1])
        assert (inputs["metricName"], inputs["statistic"], inputs["threshold"]) == (
            alarm.metric,
            "Sum",
            alarm.threshold,
        )
        assert inputs["treatMissingData"] == "notBreaching"
        assert inputs["alarmActions"] == inputs["okActions"] == [TOPIC]
        assert inputs["tags"] == {"a": "b"}
    assert {alarm.metric for alarm in alarms.TABLES[kind]} == {"SystemErrors", "UserErrors", "Throttles"}


def test_alarms_need_no_topic(make: Make) -> None:
    inputs = make(alarms={}).one("MetricAlarm", "it-throttles").inputs
    assert not {"alarmActions", "okActions"} & set(inputs)


def test_a_topic_may_come_from_another_resource(make: Make) -> None:
    recorded = make(alarms={"topics": [pulumi.Output.from_input(TOPIC)]})
    assert recorded.one("MetricAlarm", "it-throttles").inputs["alarmActions"] == [TOPIC]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"logs": {"retention_days": 31}}, r"'it'\.logs\.retention_days: 31 is not one of the days"),
        ({"logs": {"days": 30}}, r"'it'\.logs: unknown key 'days'"),
        ({"logs": True}, r"'it'\.logs: must be a map, not True"),
        ({"traces": "yes"}, r"'it'\.traces: must be true or false"),
        ({"alarms": {"topics": ["oncall"]}}, r"'it'\.alarms\.topics\[0\]: 'oncall' is not the ARN of an SNS topic"),
        ({"alarms": {"topics": [TOPIC] * 6}}, r"'it'\.alarms\.topics: number of topics: is 6; 0 to 5"),
    ],
)
def test_nothing_is_made_of_what_is_wrong(make: Make, args: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make(**args)


def test_the_longest_names_have_room_for_what_is_put_to_them() -> None:
    for limit in (names.GATEWAY, names.RUNTIME):
        for purpose in ("logs", "traces"):
            assert names.delivery("a" * limit.longest, purpose)


def test_the_days_are_those_of_cloudwatch_logs() -> None:
    model = botocore.session.get_session().get_service_model("logs")
    said = model.shape_for("Days").documentation
    days = [int(it) for it in re.findall(r"\b\d+\b", said)]
    assert list(log_delivery.RETENTION_DAYS) == days == list(logs.RETENTIONS)


def test_a_key_encrypts_the_log_group(run: Any) -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"

    def program() -> None:
        parent = pulumi.ComponentResource("toolgate:index:It", "it")
        of = metrics.Monitored("gateway", "toolgate-dev-it", pulumi.Output.from_input(GATEWAY), kms_key_arn=key)
        monitoring.watch(parent, "it", of, {"logs": {}})

    assert run(program).one("LogGroup", "it-logs").inputs["kmsKeyId"] == key
