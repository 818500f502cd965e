"""SQS queues.

Source of the rules: SQS API reference, CreateQueue, and developer guide, "Amazon SQS message quotas".
"""

import json
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from toolgate.local.cloud.api_requests import Member, Table
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import Failure
from toolgate.local.cloud.resource_type import ApiRequest, Existing, Made, Making, ResourceType
from toolgate.local.cloud.types.policy_documents import resource_policy
from toolgate.local.cloud.values import Properties

QUEUE = "aws:sqs/queue:Queue"

# Seconds, but for the size, which is in bytes.
_RANGES = {
    "delaySeconds": (0, 900),
    "kmsDataKeyReusePeriodSeconds": (60, 86_400),
    "maxMessageSize": (1024, 1_048_576),
    "messageRetentionSeconds": (60, 1_209_600),
    "receiveWaitTimeSeconds": (0, 20),
    "visibilityTimeoutSeconds": (0, 43_200),
}


def attribute(value: Any) -> Any:
    """A value as the attributes of queues and topics have it: text."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else value


def attributes(**names: str) -> Table:
    """The rows of properties that are attributes of a queue or topic."""
    return {ours: Member(f"Attributes.{theirs}", attribute) for ours, theirs in names.items()}


def _make(inputs: Properties, making: Making) -> Made:
    name, env = inputs["name"], making.env
    url = f"https://{env.host('sqs')}/{env.account}/{name}"
    return Made(url, {"arn": env.arn("sqs", name), "url": url})


def name_of(most: int, error: str, fifo: str, inputs: Properties) -> Iterator[Failure]:
    """The name of a queue or topic: its characters, and that first-in-first-out ones end in `.fifo`."""
    name = inputs.get("name")
    if not isinstance(name, str):
        return
    if len(name) > most or not re.fullmatch(r"[a-zA-Z0-9_-]+(\.fifo)?", name):
        yield Failure("name", f"{error}: '{name}' must be 1 to {most} letters, digits, hyphens and underscores")
    elif name.endswith(".fifo") != (inputs.get(fifo) is True):
        yield Failure("name", f"{error}: '{name}' must end in .fifo if {fifo} is true, and only then")


def _ranges(inputs: Properties) -> Iterator[Failure]:
    for name, (least, most) in _RANGES.items():
        value = inputs.get(name)
        if isinstance(value, int) and not least <= value <= most:
            yield Failure(name, f"InvalidAttributeValue: {value} is not from {least} to {most}")


def _dead_letters(inputs: Properties) -> Iterator[Failure]:
    text = inputs.get("redrivePolicy")
    if isinstance(text, str) and not _target(text):
        needed = "a JSON text with deadLetterTargetArn and maxReceiveCount"
        yield Failure("redrivePolicy", f"InvalidParameterValue: the redrive policy is not {needed}")


def _target(redrive_policy: str) -> str | None:
    try:
        read = json.loads(redrive_policy)
        return str(read["deadLetterTargetArn"]) if read["maxReceiveCount"] else None
    except (ValueError, TypeError, KeyError):
        return None


def _dead_letter_queue(inputs: Properties, _made: Made, _env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    wanted = _target(inputs["redrivePolicy"]) if inputs.get("redrivePolicy") else None
    if wanted and not any(queue.outputs["arn"] == wanted for queue in existing(QUEUE)):
        yield f"InvalidParameterValue: the dead-letter queue {wanted} does not exist"


QUEUE_TYPE = ResourceType(
    type=QUEUE,
    requests=(
        ApiRequest(
            "sqs",
            "CreateQueue",
            {
                "name": "QueueName",
                **attributes(
                    contentBasedDeduplication="ContentBasedDeduplication",
                    deduplicationScope="DeduplicationScope",
                    delaySeconds="DelaySeconds",
                    fifoQueue="FifoQueue",
                    fifoThroughputLimit="FifoThroughputLimit",
                    kmsDataKeyReusePeriodSeconds="KmsDataKeyReusePeriodSeconds",
                    kmsMasterKeyId="KmsMasterKeyId",
                    maxMessageSize="MaximumMessageSize",
                    messageRetentionSeconds="MessageRetentionPeriod",
                    policy="Policy",
                    receiveWaitTimeSeconds="ReceiveMessageWaitTimeSeconds",
                    redriveAllowPolicy="RedriveAllowPolicy",
                    redrivePolicy="RedrivePolicy",
                    sqsManagedSseEnabled="SqsManagedSseEnabled",
                    visibilityTimeoutSeconds="VisibilityTimeout",
                ),
                "tags": "tags",
            },
        ),
    ),
    make=_make,
    computed=("arn", "url"),
    replaces=frozenset({"name", "fifoQueue"}),
    auto_name="name",
    defaults={
        "contentBasedDeduplication": False,
        "delaySeconds": 0,
        "fifoQueue": False,
        "messageRetentionSeconds": 345_600,
        "receiveWaitTimeSeconds": 0,
        "visibilityTimeoutSeconds": 30,
    },
    reported=lambda _inputs: {
        "deduplicationScope": "",
        "fifoThroughputLimit": "",
        "kmsDataKeyReusePeriodSeconds": 300,
        "maxMessageSize": 1_048_576,
        "policy": "",
        "redriveAllowPolicy": "",
        "redrivePolicy": "",
        "sqsManagedSseEnabled": True,
    },
    documents=frozenset({"policy", "redriveAllowPolicy", "redrivePolicy"}),
    rules=(
        partial(name_of, 80, "InvalidParameterValue", "fifoQueue"),
        _ranges,
        _dead_letters,
        partial(resource_policy, "policy"),
    ),
    needs=(_dead_letter_queue,),
    unique=("name",),
    # AWS gives back the queue that is there if all attributes are the same: then two resources would have one queue.
    conflict="QueueNameExists: A queue already exists with the same name: {name}",
)
