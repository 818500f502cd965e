"""Memories, and callers that may do with them what one question is about each."""

import pulumi

from tests.aws.program.callers import caller
from tests.aws.program.scratch import Scratch
from toolgate.components.iam import iam_documents, memory_documents
from toolgate.components.memory.agentcore_memory import Memory
from toolgate.policy.language.agentcore_memory import ACTOR, DELETE_EVENT

MINE, OTHERS = "mine", "others"
"""Actors: whose events the caller `forgetter` may delete, and others."""
EVENTS = [*memory_documents.CONVERSE]


def make(scratch: Scratch, trusted: str, key_arn: str | None) -> None:
    """Make them.

    Args:
        scratch: Parent of the callers.
        trusted: ARN of the one principal that may take the callers' roles.
        key_arn: ARN of the KMS key for a memory that is encrypted with it; without one there is none.
    """
    talks = Memory("talks", {"expiry_days": 7}).memory_arn
    mine = {"StringEquals": {ACTOR: MINE}}
    caller(scratch, "writer", trusted, [iam_documents.allow("Write", EVENTS, talks)])
    forget = iam_documents.allow("Forget", DELETE_EVENT, talks, mine)
    caller(scratch, "forgetter", trusted, [iam_documents.allow("Write", EVENTS, talks, mine), forget])
    if key_arn:
        vault = Memory("vault", {"expiry_days": 7, "kms_key_arn": key_arn}).memory_arn
        write = iam_documents.allow("Write", EVENTS, vault)
        through: pulumi.Input[str] = scratch.here.host("bedrock-agentcore")
        condition = {"StringEquals": {"kms:ViaService": through}}
        use = iam_documents.allow("UseKey", [*memory_documents.USE_KEY], key_arn, condition)
        caller(scratch, "keyless", trusted, [write])
        caller(scratch, "keyed", trusted, [write, use])
