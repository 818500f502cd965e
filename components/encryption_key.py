"""EncryptionKey: a customer managed key for what the other components keep."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import arguments, names
from toolgate.components.iam import aws_environment, iam_documents

# KMS API reference, ScheduleKeyDeletion, PendingWindowInDays
SHORTEST_WINDOW, LONGEST_WINDOW = 7, 30


class EncryptionKeyArgs(TypedDict):
    """A key of the stack's own."""

    deletion_window_days: NotRequired[pulumi.Input[int]]
    """Days between its removal and its end, in which it can be brought back; 7 to 30. Default 30."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Tags for the key."""


class EncryptionKey(pulumi.ComponentResource):
    """A symmetric key that rotates every year, with an alias, for gateways, policy engines, logs and code.

    What is encrypted with it is lost with it: AWS keeps it for the days of its deletion window.
    """

    key_arn: pulumi.Output[str]
    """ARN of the key."""

    def __init__(self, name: str, args: EncryptionKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        where = f"EncryptionKey {name!r}"
        arguments.check(args, EncryptionKeyArgs, where)
        days = args.get("deletion_window_days", LONGEST_WINDOW)
        arguments.within(days, SHORTEST_WINDOW, LONGEST_WINDOW, f"{where}.deletion_window_days")
        project, stack = pulumi.get_project(), pulumi.get_stack()
        alias_name = names.key_alias(project, stack, name)
        super().__init__("toolgate:index:EncryptionKey", name, {**args}, opts)
        child = pulumi.ResourceOptions(parent=self)
        key = aws.kms.Key(
            f"{name}-key",
            description=f"What the stack {project}/{stack} keeps",
            policy=pulumi.Output.json_dumps(iam_documents.key_policy(aws_environment.current(self))),
            enable_key_rotation=True,
            deletion_window_in_days=days,
            tags=args.get("tags"),
            opts=child,
        )
        aws.kms.Alias(f"{name}-alias", name=alias_name, target_key_id=key.key_id, opts=child)
        self.key_arn = key.arn
        self.register_outputs({"key_arn": self.key_arn})
