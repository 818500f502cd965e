import json
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest

from tests.local.cloud.conftest import DELIVERY, DESTINATION, GATEWAY, GOOD, LOG_GROUP, SOURCE
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError
from toolgate.local.cloud.resource_type import Made
from toolgate.local.cloud.types.deliveries import LOG_TYPES
from toolgate.local.cloud.values import UNKNOWN

TRACES = "TRACES"
XRAY = {"name": "traces", "deliveryDestinationType": "XRAY"}


@pytest.fixture
def source(plane: ControlPlane, gateway: Made) -> Made:
    return make_source(plane, gateway)


@pytest.fixture
def group(plane: ControlPlane) -> Made:
    return plane.create(LOG_GROUP, GOOD[LOG_GROUP])


@pytest.fixture
def destination(plane: ControlPlane, group: Made) -> Made:
    assert group.outputs["arn"] in json.dumps(GOOD[DESTINATION])
    return plane.create(DESTINATION, GOOD[DESTINATION])


@pytest.fixture
def delivery(plane: ControlPlane, source: Made, destination: Made) -> Made:
    return plane.create(
        DELIVERY, {"deliverySourceName": source.id, "deliveryDestinationArn": destination.outputs["arn"]}
    )


def make_source(plane: ControlPlane, of: Made, **changes: Any) -> Made:
    return plane.create(SOURCE, GOOD[SOURCE] | {"resourceArn": of.outputs["gatewayArn"]} | changes)


def test_a_source_is_one_log_type_of_a_resource_that_exists(plane: ControlPlane, gateway: Made, source: Made) -> None:
    arn = "arn:aws:logs:us-east-1:123456789012:delivery-source:toolgate-dev-tools-logs"
    assert (source.outputs["arn"], source.outputs["service"]) == (arn, "bedrock-agentcore")
    assert make_source(plane, gateway, name="traces", logType=TRACES).id == "traces"
    with pytest.raises(RefusalError, match=r"^ResourceNotFoundException: Resource .*gateway/gone-0123456789 not found"):
        plane.create(SOURCE, GOOD[SOURCE] | {"resourceArn": gateway.outputs["gatewayArn"][:-29] + "gone-0123456789"})


def test_a_resource_has_one_source_of_a_log_type(plane: ControlPlane, gateway: Made, source: Made) -> None:
    with pytest.raises(RefusalError, match=r"^ConflictException: This ResourceId has already been used in another"):
        make_source(plane, gateway, name="other")
    plane.update(SOURCE, source.id, GOOD[SOURCE] | {"resourceArn": gateway.outputs["gatewayArn"], "tags": {"a": "b"}})
    plane.delete(SOURCE, source.id)
    make_source(plane, gateway, name="other")


def test_a_gateway_has_no_usage_logs(plane: ControlPlane, gateway: Made) -> None:
    with pytest.raises(RefusalError, match=r"^ValidationException: Log type USAGE_LOGS is not supported"):
        make_source(plane, gateway, logType="USAGE_LOGS")


def test_the_log_types_are_those_of_the_api_reference() -> None:
    model = botocore.session.get_session().get_service_model("logs")
    text = model.operation_model("PutDeliverySource").input_shape.members["logType"].documentation
    said = {
        GATEWAY: "Amazon Bedrock AgentCore Gateway",
        "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime": "Amazon Bedrock AgentCore Runtime",
    }
    assert said.keys() == LOG_TYPES.keys()
    for kind, name in said.items():
        entry = text.partition(f"For {name}, ")[2].partition("</li>")[0]
        assert all(f">{log_type}<" in entry for log_type in LOG_TYPES[kind][1]), entry
        assert entry.count("_LOGS<") + entry.count("TRACES<") == len(LOG_TYPES[kind][1])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": "a" * 61}, "length less than or equal to 60"),
        ({"name": "a.b"}, "regular expression pattern"),
        ({"resourceArn": "tools"}, "resourceArn: ValidationException: tools is not a valid ARN"),
        ({"logType": None}, "Member must not be null"),
    ],
)
def test_what_a_source_refuses_on_sight(check: Callable[..., list[str]], changes: Any, reason: str) -> None:
    assert any(reason in found for found in check(SOURCE, **changes))


def test_a_destination_is_a_log_group_that_exists_or_xray(plane: ControlPlane, destination: Made) -> None:
    assert destination.outputs["deliveryDestinationType"] == "CWL"
    xray = plane.create(DESTINATION, XRAY)
    assert xray.outputs["deliveryDestinationType"] == "XRAY"
    assert xray.outputs["arn"] == "arn:aws:logs:us-east-1:123456789012:delivery-destination:traces"
    elsewhere = {"destinationResourceArn": "arn:aws:logs:us-east-1:123456789012:log-group:/gone"}
    with pytest.raises(RefusalError, match=r"^ResourceNotFoundException: The specified log group does not exist"):
        plane.create(DESTINATION, {"name": "x", "deliveryDestinationConfiguration": elsewhere})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"deliveryDestinationType": "XRAY"}, "an XRAY destination has no configuration"),
        ({"deliveryDestinationConfiguration": None}, "needs destinationResourceArn"),
        ({"deliveryDestinationType": "S3"}, "does not reproduce S3 destinations"),
        ({"deliveryDestinationType": "X-RAY"}, "enum value set"),
        ({"outputFormat": "xml"}, "enum value set"),
    ],
)
def test_what_a_destination_refuses_on_sight(check: Callable[..., list[str]], changes: Any, reason: str) -> None:
    [found] = check(DESTINATION, **changes)
    assert reason in found


def test_a_log_group_that_is_not_known_yet_is_no_missing_one(check: Callable[..., list[str]]) -> None:
    assert check(DESTINATION, deliveryDestinationConfiguration={"destinationResourceArn": UNKNOWN}) == []
    assert check(DESTINATION, deliveryDestinationConfiguration=UNKNOWN) == []
    assert check(DESTINATION, deliveryDestinationType=UNKNOWN) == []


def test_a_delivery_connects_what_exists(plane: ControlPlane, delivery: Made) -> None:
    model = botocore.session.get_session().get_service_model("logs").shape_for("DeliveryId").metadata
    assert delivery.id.isalnum()
    assert len(delivery.id) <= model["max"]
    assert delivery.outputs["arn"] == f"arn:aws:logs:us-east-1:123456789012:delivery:{delivery.id}"
    known = plane.read(DELIVERY, delivery.id)
    assert known is not None
    for name, gone in (("deliverySourceName", "gone"), ("deliveryDestinationArn", "arn:aws:logs:::x:y")):
        with pytest.raises(RefusalError, match=r"^ResourceNotFoundException: Delivery"):
            plane.create(DELIVERY, {**known.inputs, name: gone})
    with pytest.raises(RefusalError, match=r"^ConflictException: Delivery already exists"):
        plane.create(DELIVERY, known.inputs)


def test_traces_go_to_xray_and_logs_do_not(plane: ControlPlane, gateway: Made, source: Made, destination: Made) -> None:
    traces = make_source(plane, gateway, name="traces", logType=TRACES)
    xray = plane.create(DESTINATION, XRAY)
    for start, end in ((source, xray), (traces, destination)):
        with pytest.raises(RefusalError, match=r"^ValidationException: .* cannot be delivered to"):
            plane.create(DELIVERY, {"deliverySourceName": start.id, "deliveryDestinationArn": end.outputs["arn"]})
    plane.create(DELIVERY, {"deliverySourceName": traces.id, "deliveryDestinationArn": xray.outputs["arn"]})


def test_what_a_delivery_hangs_on_cannot_be_deleted(
    plane: ControlPlane, source: Made, destination: Made, delivery: Made
) -> None:
    for kind, made in ((SOURCE, source), (DESTINATION, destination)):
        with pytest.raises(RefusalError, match=r"^ConflictException: Delivery .* is associated with a delivery"):
            plane.delete(kind, made.id)
    plane.delete(DELIVERY, delivery.id)
    for kind, made in ((SOURCE, source), (DESTINATION, destination)):
        plane.delete(kind, made.id)
        assert plane.read(kind, made.id) is None
