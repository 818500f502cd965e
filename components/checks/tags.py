"""Tags as every resource takes them that is made here: of AWS's limits the strictest, each with its source."""

import inspect
import re
from collections.abc import Mapping
from typing import Any

import pulumi

from toolgate.components.checks import arguments
from toolgate.components.checks.arguments import UsageError

# IAM user guide, "Tags for IAM resources"; botocore bedrock-agentcore-control TagsMap: 50. A key has one of ours.
MOST = 49
# S3 user guide, "Categorizing your objects using tags".
MOST_OF_OBJECT = 10
# botocore bedrock-agentcore-control TagKey, TagValue; kms TagKeyType, TagValueType.
LONGEST_KEY, LONGEST_VALUE = 128, 256
# botocore bedrock-agentcore-control TagKey and TagValue, which others are wider than (logs TagKey: letters of every
# script), without the white space that logs and lambda TagKey do not take.
_TEXT = re.compile(r"[a-zA-Z0-9 ._:/=+@-]*")
STACK = "toolgate:stack"
"""Kept for a tag of the components' own."""


def of_object(tags: pulumi.Input[dict[str, pulumi.Input[str]]] | None) -> Any:
    """The tags for an object in S3: none where there are more than S3 takes. Its bucket has them all."""
    if tags is None:
        return None
    if isinstance(tags, dict):
        return tags if len(tags) <= MOST_OF_OBJECT else None
    given: pulumi.Output[Any] = pulumi.Output.from_input(tags)
    return given.apply(lambda known: known if len(known) <= MOST_OF_OBJECT else None)


def check(tags: Any, where: str) -> None:
    """Check tags. What an Output holds comes later.

    Args:
        tags: Values by key, or None.
        where: Their place, for messages.

    Raises:
        UsageError: AWS would refuse one, or one is kept for others.
    """
    if tags is None or isinstance(tags, pulumi.Output) or inspect.isawaitable(tags):
        return
    arguments.within(len(tags), 0, MOST, f"{where}: number of tags")
    _check_alike(tags, where)
    for key, value in tags.items():
        arguments.within(key, 1, LONGEST_KEY, f"{where}: key {key!r}")
        # AWS general reference, "Tag naming limits and requirements": in any case of letters.
        if key.lower().startswith("aws:"):
            raise UsageError(f"{where}: {key!r} begins with 'aws:', which AWS keeps for itself. Rename it.")
        if key == STACK:
            raise UsageError(f"{where}: {key!r} is written by the components. Rename it.")
        arguments.within(value, 0, LONGEST_VALUE, f"{where}.{key}")
        for what, text in (("key", key), ("value", value)):
            if isinstance(text, str) and not _TEXT.fullmatch(text):
                raise UsageError(
                    f"{where}: the {what} {text!r} is refused. Write letters of a-z and A-Z, digits, spaces and "
                    "'._:/=+@-' only."
                )


def _check_alike(tags: Mapping[str, Any], where: str) -> None:
    """IAM takes keys that differ in case for one ("Tags for IAM resources", "Case sensitivity")."""
    seen: dict[str, str] = {}
    for key in tags:
        if key.lower() in seen:
            raise UsageError(f"{where}: IAM takes {seen[key.lower()]!r} and {key!r} for one key. Remove one.")
        seen[key.lower()] = key
