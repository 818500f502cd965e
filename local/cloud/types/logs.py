"""CloudWatch log groups."""

from collections.abc import Iterator

from toolgate.local.cloud.api_requests import same
from toolgate.local.cloud.failures import Failure
from toolgate.local.cloud.resource_type import ApiRequest, Made, Making, ResourceType
from toolgate.local.cloud.types.key_use import key_in_region, logs_use_key
from toolgate.local.cloud.values import UNKNOWN, Properties

RETENTIONS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""Days that PutRetentionPolicy takes (CloudWatch Logs API reference); the provider's 0 means for ever."""


def _make(inputs: Properties, making: Making) -> Made:
    return Made(inputs["name"], {"arn": making.env.arn("logs", f"log-group:{inputs['name']}")})


def _retention(inputs: Properties) -> Iterator[Failure]:
    days = inputs.get("retentionInDays")
    if days is not None and days is not UNKNOWN and days not in (0, *RETENTIONS):
        allowed = ", ".join(map(str, RETENTIONS))
        yield Failure("retentionInDays", f"InvalidParameterException: {days} is not one of {allowed}")


LOG_GROUP = ResourceType(
    type="aws:cloudwatch/logGroup:LogGroup",
    requests=(
        ApiRequest("logs", "CreateLogGroup", {"name": "logGroupName", **same("kmsKeyId", "tags", "logGroupClass")}),
        ApiRequest(
            "logs", "PutRetentionPolicy", {"name": "logGroupName", **same("retentionInDays")}, "retentionInDays", 0
        ),
    ),
    kept=frozenset({"skipDestroy"}),
    make=_make,
    computed=("arn",),
    replaces=frozenset({"name", "logGroupClass"}),
    auto_name="name",
    defaults={"retentionInDays": 0, "skipDestroy": False},
    reported=lambda _inputs: {"logGroupClass": "STANDARD"},
    rules=(_retention,),
    needs=(key_in_region("kmsKeyId"), logs_use_key),
    unique=("name",),
    conflict="ResourceAlreadyExistsException: The specified log group already exists",
)
