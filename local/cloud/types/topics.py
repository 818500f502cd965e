"""SNS topics. Source of the rules: SNS API reference, CreateTopic."""

from collections.abc import Iterator
from functools import partial

from toolgate.local.cloud.api_requests import Member, key_value_list
from toolgate.local.cloud.failures import Failure
from toolgate.local.cloud.resource_type import ApiRequest, Made, Making, ResourceType
from toolgate.local.cloud.types.policy_documents import resource_policy
from toolgate.local.cloud.types.queues import attributes, name_of
from toolgate.local.cloud.values import Properties

TOPIC = "aws:sns/topic:Topic"


def _make(inputs: Properties, making: Making) -> Made:
    arn = making.env.arn("sns", inputs["name"])
    return Made(arn, {"arn": arn, "beginningArchiveTime": "", "owner": making.env.account})


def _display_name(inputs: Properties) -> Iterator[Failure]:
    shown = inputs.get("displayName")
    if isinstance(shown, str) and len(shown) > 100:
        yield Failure("displayName", "InvalidParameter: the display name has more than 100 characters")


TOPIC_TYPE = ResourceType(
    type=TOPIC,
    requests=(
        ApiRequest(
            "sns",
            "CreateTopic",
            {
                "name": "Name",
                **attributes(
                    contentBasedDeduplication="ContentBasedDeduplication",
                    displayName="DisplayName",
                    fifoThroughputScope="FifoThroughputScope",
                    fifoTopic="FifoTopic",
                    kmsMasterKeyId="KmsMasterKeyId",
                    policy="Policy",
                    signatureVersion="SignatureVersion",
                    tracingConfig="TracingConfig",
                ),
                "tags": Member("Tags", key_value_list),
            },
        ),
    ),
    make=_make,
    computed=("arn", "beginningArchiveTime", "owner"),
    replaces=frozenset({"name", "fifoTopic"}),
    auto_name="name",
    defaults={"contentBasedDeduplication": False, "fifoTopic": False},
    reported=lambda inputs: {
        "signatureVersion": 0,
        "tracingConfig": "PassThrough",
        **({"fifoThroughputScope": "Topic"} if inputs.get("fifoTopic") else {}),
    },
    documents=frozenset({"policy"}),
    rules=(
        partial(name_of, 256, "InvalidParameter", "fifoTopic"),
        _display_name,
        partial(resource_policy, "policy"),
    ),
    unique=("name",),
    # AWS gives back the topic that is there: then two resources would have one topic.
    conflict="InvalidParameter: Topic already exists: {name}",
)
