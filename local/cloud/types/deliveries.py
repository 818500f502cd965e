"""Log and trace deliveries of CloudWatch Logs: sources, destinations, and what connects them.

botocore's model says their form; what AWS asks of them beyond that is in its API reference and in public reports.
"""

from collections.abc import Iterator
from typing import Any

from toolgate.local.cloud.api_requests import Member, same
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import Failure
from toolgate.local.cloud.resource_type import ALPHANUMERIC, ApiRequest, Existing, Made, Making, Record, ResourceType
from toolgate.local.cloud.types.logs import LOG_GROUP
from toolgate.local.cloud.values import UNKNOWN, Properties
from toolgate.policy.language.agentcore_facts import GATEWAY, LOG_DELIVERY, LOG_DELIVERY_SOURCE, RUNTIME

DESTINATION = "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination"

TRACES, XRAY, LOGS = "TRACES", "XRAY", "CWL"
LOG_TYPES = {
    GATEWAY: ("gatewayArn", ("APPLICATION_LOGS", TRACES)),
    RUNTIME: ("agentRuntimeArn", ("APPLICATION_LOGS", "USAGE_LOGS", TRACES)),
}
"""By type: where its ARN is, and its log types (CloudWatch Logs API reference, PutDeliverySource, logType)."""


def _make_source(inputs: Properties, making: Making) -> Made:
    arn = making.env.arn("logs", f"delivery-source:{inputs['name']}")
    # The service's name, as the ARN of the resource has it.
    service = inputs["resourceArn"].split(":")[2]
    return Made(inputs["name"], {"arn": arn, "service": service})


def _make_destination(inputs: Properties, making: Making) -> Made:
    arn = making.env.arn("logs", f"delivery-destination:{inputs['name']}")
    return Made(inputs["name"], {"arn": arn})


def _make_delivery(inputs: Properties, making: Making) -> Made:
    delivery_id = making.characters(16, ALPHANUMERIC)
    return Made(
        delivery_id,
        {"arn": making.env.arn("logs", f"delivery:{delivery_id}")},
    )


def _arns(inputs: Properties) -> Iterator[Failure]:
    """The provider takes nothing but an ARN; the service's model takes any text."""
    for name in ("resourceArn", "deliveryDestinationArn"):
        arn = inputs.get(name)
        if isinstance(arn, str) and (not arn.startswith("arn:") or arn.count(":") < 5):
            yield Failure(name, f"ValidationException: {arn} is not a valid ARN")


def _kind(inputs: Properties) -> Any:
    """The type that a destination has, or that AWS sees in what it names."""
    return inputs.get("deliveryDestinationType") or LOGS


def _group_arn(inputs: Properties) -> Any:
    configuration = inputs.get("deliveryDestinationConfiguration")
    return configuration.get("destinationResourceArn") if isinstance(configuration, dict) else configuration


def _destination_fits(inputs: Properties) -> Iterator[Failure]:
    """What the provider refuses before it asks AWS (hashicorp/terraform-provider-aws#44995)."""
    kind, arn = _kind(inputs), _group_arn(inputs)
    if kind is UNKNOWN:
        return
    env = "deliveryDestinationConfiguration"
    if kind == XRAY and arn is not None:
        yield Failure(env, "ValidationException: an XRAY destination has no configuration")
    if kind != XRAY and arn is None:
        yield Failure(env, "ValidationException: a destination that is not XRAY needs destinationResourceArn")
    if kind not in (LOGS, XRAY):
        yield Failure("deliveryDestinationType", f"the stand-in for AWS does not reproduce {kind} destinations")


def _source_is_there(inputs: Properties, made: Made, _env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    arn, log_type = inputs["resourceArn"], inputs["logType"]
    kind = next((it for it, (key, _) in LOG_TYPES.items() if _has(existing(it), key, arn)), None)
    if kind is None:
        yield f"ResourceNotFoundException: Resource {arn} not found"
        return
    allowed = LOG_TYPES[kind][1]
    if log_type not in allowed:
        yield f"ValidationException: Log type {log_type} is not supported for {arn}, use one of {', '.join(allowed)}"
    for other in existing(LOG_DELIVERY_SOURCE):
        if other.id != made.id and (other.inputs["resourceArn"], other.inputs["logType"]) == (arn, log_type):
            # In these words in hashicorp/terraform-provider-aws#40885.
            yield "ConflictException: This ResourceId has already been used in another Delivery Source in this account."


def _has(records: list[Record], key: str, value: str) -> bool:
    return any(found.outputs[key] == value for found in records)


def _group_is_there(inputs: Properties, _made: Made, _env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    arn = _group_arn(inputs)
    if arn is not None and not _has(existing(LOG_GROUP.type), "arn", arn.removesuffix(":*")):
        yield f"ResourceNotFoundException: The specified log group does not exist: {arn}"


def _ends_are_there(inputs: Properties, _made: Made, _env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    name, arn = inputs["deliverySourceName"], inputs["deliveryDestinationArn"]
    source = next((found for found in existing(LOG_DELIVERY_SOURCE) if found.id == name), None)
    destination = next((found for found in existing(DESTINATION) if found.outputs["arn"] == arn), None)
    if source is None:
        yield f"ResourceNotFoundException: Delivery source {name} not found"
    elif destination is None:
        yield f"ResourceNotFoundException: Delivery destination {arn} not found"
    elif (source.inputs["logType"] == TRACES) != (destination.outputs["deliveryDestinationType"] == XRAY):
        kind = destination.outputs["deliveryDestinationType"]
        yield f"ValidationException: {source.inputs['logType']} cannot be delivered to a destination of type {kind}"


def _hangs_on_source(source: Record, existing: Existing) -> Iterator[str]:
    if any(delivery.inputs["deliverySourceName"] == source.id for delivery in existing(LOG_DELIVERY)):
        yield f"ConflictException: Delivery source {source.id} is associated with a delivery. Delete that"


def _hangs_on_destination(destination: Record, existing: Existing) -> Iterator[str]:
    arn = destination.outputs["arn"]
    if any(delivery.inputs["deliveryDestinationArn"] == arn for delivery in existing(LOG_DELIVERY)):
        yield f"ConflictException: Delivery destination {destination.id} is associated with a delivery. Delete that"


SOURCE_TYPE = ResourceType(
    type=LOG_DELIVERY_SOURCE,
    requests=(ApiRequest("logs", "PutDeliverySource", same("name", "logType", "resourceArn", "tags")),),
    make=_make_source,
    computed=("arn", "service"),
    replaces=frozenset({"name", "logType", "resourceArn"}),
    auto_name="name",
    rules=(_arns,),
    needs=(_source_is_there,),
    framework=True,
    in_use=_hangs_on_source,
)

DESTINATION_TYPE = ResourceType(
    type=DESTINATION,
    requests=(
        ApiRequest(
            "logs",
            "PutDeliveryDestination",
            {
                **same("name", "outputFormat", "deliveryDestinationType", "tags"),
                "deliveryDestinationConfiguration": Member(
                    "deliveryDestinationConfiguration", same("destinationResourceArn")
                ),
            },
        ),
    ),
    make=_make_destination,
    computed=("arn",),
    replaces=frozenset({"name", "outputFormat", "deliveryDestinationType"}),
    auto_name="name",
    rules=(_destination_fits,),
    needs=(_group_is_there,),
    framework=True,
    reported=lambda inputs: {"deliveryDestinationType": _kind(inputs)},
    in_use=_hangs_on_destination,
)

DELIVERY_TYPE = ResourceType(
    type=LOG_DELIVERY,
    requests=(
        ApiRequest(
            "logs",
            "CreateDelivery",
            same("deliverySourceName", "deliveryDestinationArn", "fieldDelimiter", "recordFields", "tags"),
        ),
    ),
    make=_make_delivery,
    computed=("arn",),
    replaces=frozenset({"deliverySourceName", "deliveryDestinationArn"}),
    rules=(_arns,),
    needs=(_ends_are_there,),
    framework=True,
    reported=lambda _inputs: {"fieldDelimiter": "", "recordFields": [], "s3DeliveryConfigurations": []},
    unique=("deliverySourceName", "deliveryDestinationArn"),
    conflict="ConflictException: Delivery already exists for source {deliverySourceName} and this destination",
)
