"""EncryptionKey: a customer managed key for what the other components keep."""

from dataclasses import dataclass
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import arguments, names, tags
from toolgate.components.iam import iam_documents

STACK_TAG = "toolgate:stack"
"""Whose the key is, as `<project>/<stack>`: by it the deployer's document names the key before it has an id."""
# KMS API reference, ScheduleKeyDeletion, PendingWindowInDays
SHORTEST_WINDOW, LONGEST_WINDOW = 7, 30


class EncryptionKeyArgs(TypedDict):
    """A key of the stack's own."""

    deletion_window_days: NotRequired[pulumi.Input[int]]
    """Days between its removal and its end, in which it can be brought back; 7 to 30. Default 30."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Tags for the key, besides the one that says which stack it is of."""


@dataclass(frozen=True)
class _Wanted:
    """What the arguments come to, checked: the key's alias, what it is for, whose it is, and the days until it ends."""

    alias: str
    description: str
    stack: str
    window_days: pulumi.Input[int]


class EncryptionKey(pulumi.ComponentResource):
    """A symmetric key that rotates every year, with an alias, for gateways, policy engines, logs and code.

    What is encrypted with it is lost with it: AWS keeps it for the days of its deletion window.
    """

    key_arn: pulumi.Output[str]
    """ARN of the key."""

    def __init__(self, name: str, args: EncryptionKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        wanted = _checked(name, args)
        super().__init__("toolgate:index:EncryptionKey", name, {**args}, opts)
        child = pulumi.ResourceOptions(parent=self)
        key = aws.kms.Key(
            f"{name}-key",
            description=wanted.description,
            policy=pulumi.Output.json_dumps(iam_documents.key_policy(iam_documents.current_environment(self))),
            enable_key_rotation=True,
            deletion_window_in_days=wanted.window_days,
            tags=pulumi.Output.from_input(args.get("tags")).apply(lambda own: {**(own or {}), STACK_TAG: wanted.stack}),
            opts=child,
        )
        aws.kms.Alias(f"{name}-alias", name=wanted.alias, target_key_id=key.key_id, opts=child)
        self.key_arn = key.arn
        self.register_outputs({"key_arn": self.key_arn})


def _checked(name: str, args: EncryptionKeyArgs) -> _Wanted:
    """Derive all that can be wrong, before anything is made.

    Raises:
        UsageError: AWS would refuse a value or the alias.
    """
    where = f"EncryptionKey {name!r}"
    arguments.check(args, EncryptionKeyArgs, where)
    days = args.get("deletion_window_days", LONGEST_WINDOW)
    arguments.within(days, SHORTEST_WINDOW, LONGEST_WINDOW, f"{where}.deletion_window_days")
    tags.check(args.get("tags"), f"{where}.tags")
    project, stack = pulumi.get_project(), pulumi.get_stack()
    whose = f"{project}/{stack}"
    return _Wanted(names.key_alias(project, stack, name), f"What the stack {whose} keeps", whose, days)
