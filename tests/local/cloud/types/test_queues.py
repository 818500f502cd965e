import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.cloud.conftest import GOOD, QUEUE, TOPIC
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError
from toolgate.local.cloud.types.queues import QUEUE_TYPE

Check = Callable[..., list[str]]
ARN = "arn:aws:sqs:us-east-1:123456789012:orders"


def test_attributes_are_texts() -> None:
    request = QUEUE_TYPE.requests[0].made_of(GOOD[QUEUE])
    attributes = {"VisibilityTimeout": "60", "SqsManagedSseEnabled": "true"}
    assert request == {"QueueName": "orders", "Attributes": attributes}


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        (QUEUE, {"name": "with space"}, "must be 1 to 80 letters"),
        (QUEUE, {"name": "q" * 81}, "must be 1 to 80 letters"),
        (QUEUE, {"fifoQueue": True}, "must end in .fifo"),
        (QUEUE, {"name": "orders.fifo"}, "must end in .fifo"),
        (QUEUE, {"visibilityTimeoutSeconds": 43_201}, "is not from 0 to 43200"),
        (QUEUE, {"redrivePolicy": "{}"}, "deadLetterTargetArn"),
        (QUEUE, {"policy": "{"}, "not a JSON text"),
        (TOPIC, {"name": "t" * 257}, "must be 1 to 256"),
        (TOPIC, {"fifoTopic": True}, "must end in .fifo"),
        (TOPIC, {"displayName": "t" * 101}, "more than 100"),
        (TOPIC, {"archivePolicy": "{}"}, "does not reproduce archivePolicy"),
    ],
)
def test_queues_and_topics_that_are_refused(kind: str, changes: dict[str, Any], reason: str, check: Check) -> None:
    assert any(reason in it for it in check(kind, **changes))


def test_a_queue_is_known_by_its_url(plane: ControlPlane) -> None:
    made = plane.create(QUEUE, GOOD[QUEUE])
    assert made.id == made.outputs["url"] == "https://sqs.us-east-1.amazonaws.com/123456789012/orders"
    assert made.outputs["arn"] == ARN


def test_a_dead_letter_queue_must_exist(plane: ControlPlane) -> None:
    policy = json.dumps({"deadLetterTargetArn": ARN, "maxReceiveCount": 3})
    with pytest.raises(RefusalError, match=f"dead-letter queue {ARN} does not exist"):
        plane.create(QUEUE, {"name": "other", "redrivePolicy": policy})
    plane.create(QUEUE, GOOD[QUEUE])
    plane.create(QUEUE, {"name": "other", "redrivePolicy": policy})


def test_a_topic_is_known_by_its_arn(plane: ControlPlane) -> None:
    made = plane.create(TOPIC, GOOD[TOPIC])
    assert made.id == made.outputs["arn"] == "arn:aws:sns:us-east-1:123456789012:orders"
