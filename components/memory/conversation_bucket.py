"""ConversationBucket: an S3 bucket in which agents keep their conversations, each under a prefix of its own."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import arguments, identifiers, tags
from toolgate.components.memory.agent_memory import AgentMemory
from toolgate.components.runtime import private_bucket

# Ours: as long as AgentCore keeps an event at most (botocore CreateMemory). S3 takes more.
DEFAULT_DAYS, SHORTEST_DAYS, LONGEST_DAYS = 30, 1, 3650


class ConversationBucketArgs(TypedDict):
    """A bucket for conversations."""

    expiry_days: NotRequired[pulumi.Input[int]]
    """Days after which what was written is gone; 1 to 3650. Default 30."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the KMS key that encrypts it. Default: S3's own key."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Its tags."""


class ConversationBucket(pulumi.ComponentResource):
    """A private, encrypted bucket that is reached by TLS only and forgets after some days.

    It has no versions: what an agent writes over is gone, as whoever asks to be forgotten expects.
    """

    bucket: pulumi.Output[str]
    """Name of the bucket."""

    def __init__(self, name: str, args: ConversationBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        days = _checked(name, args)
        super().__init__("toolgate:index:ConversationBucket", name, {**args}, opts)
        self._key_arn = args.get("kms_key_arn")
        child = pulumi.ResourceOptions(parent=self)
        bucket = aws.s3.Bucket(
            # Its name in S3 begins with this one, and takes no underscores or capitals.
            name.replace("_", "-").lower(),
            # It must not outlive the stack. Where the stack is protected, nothing may empty it but who takes the
            # protection off.
            force_destroy=not self._protect,  # no other property has what is inherited, too
            tags=args.get("tags"),
            opts=child,
        )
        private, *_ = private_bucket.closed(self, name, bucket)
        private_bucket.by_tls(self, name, bucket, private)
        if self._key_arn:
            private_bucket.encrypted(name, bucket, self._key_arn, child)
        aws.s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.bucket,
            rules=[{"id": "forget", "status": "Enabled", "filter": {"prefix": ""}, "expiration": {"days": days}}],
            opts=child,
        )
        self.bucket = bucket.bucket
        self.register_outputs({"bucket": self.bucket})

    def conversations(self) -> AgentMemory:
        """What an agent is handed to keep its conversations here. In another language it is written out."""
        handed: AgentMemory = {"bucket": self.bucket}
        if self._key_arn:
            handed["kms_key_arn"] = self._key_arn
        return handed


def _checked(name: str, args: ConversationBucketArgs) -> pulumi.Input[int]:
    """Check all that can be wrong, before anything is made.

    Returns:
        The days after which what was written is gone.

    Raises:
        UsageError: AWS would refuse a value.
    """
    where = f"ConversationBucket {name!r}"
    arguments.check(args, ConversationBucketArgs, where)
    days = args.get("expiry_days", DEFAULT_DAYS)
    arguments.within(days, SHORTEST_DAYS, LONGEST_DAYS, f"{where}.expiry_days")
    identifiers.check(identifiers.KMS_KEY, args.get("kms_key_arn"), f"{where}.kms_key_arn")
    tags.check(args.get("tags"), f"{where}.tags")
    return days
