"""The memory that an agent is handed: the grant, and what the agent is told of it."""

import re
from typing import Any, NotRequired, TypedDict

import pulumi

from toolgate.components.checks import arguments, identifiers
from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam import memory_documents
from toolgate.components.iam.iam_documents import AwsEnvironment, Document
from toolgate.components.iam.memory_documents import ACTOR_VARIABLE

VARIABLE = "MEMORY"
"""The environment variable that tells the agent where its conversations are kept (the agent contract)."""
# AgentCore developer guide, "Quotas": strategies of a memory.
MOST_NAMESPACES = 6
# Each part is a whole part of the path, and it ends with a slash: so nothing of an actor matches whose name another
# one's begins with (AgentCore developer guide, "Memory organization in AgentCore Memory").
_RECALLED = re.compile(r"/(?:[a-zA-Z0-9_-]+/)*\{actorId\}/(?:[a-zA-Z0-9_-]+/)*")


class AgentMemory(TypedDict):
    """Where an agent keeps its conversations, handed to it: the grant. Either a bucket, or a memory with id and ARN."""

    bucket: NotRequired[pulumi.Input[str]]
    """Name of the S3 bucket; the agent has a prefix of its own there."""
    memory_id: NotRequired[pulumi.Input[str]]
    """Id of the AgentCore memory."""
    memory_arn: NotRequired[pulumi.Input[str]]
    """ARN of the AgentCore memory."""
    recall: NotRequired[list[str]]
    """Namespaces whose long-term records the agent is shown, as `/facts/{actorId}/`. Default: none."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the KMS key that it is encrypted with. Default: a key of AWS's own."""


def check(memory: AgentMemory | None, where: str) -> None:
    """Check a grant, whose types are right, before anything is made.

    Raises:
        UsageError: It names neither a bucket nor a memory, or both, or a namespace that is not the agent's alone.
    """
    if memory is None:
        return
    of_memory = sorted({"memory_id", "memory_arn", "recall"} & memory.keys())
    if "bucket" in memory and of_memory:
        raise UsageError(
            f"{where}: has 'bucket' and {of_memory[0]!r}. Conversations are kept in one place: remove one."
        )
    if "bucket" not in memory:
        missing = sorted({"memory_id", "memory_arn"} - memory.keys())
        if missing:
            raise UsageError(
                f"{where}: missing {missing[0]!r}. Write a ConversationBucket's 'bucket', or a Memory's 'memory_id' "
                "and 'memory_arn'."
            )
    identifiers.check(identifiers.BUCKET, memory.get("bucket"), f"{where}.bucket")
    identifiers.check(identifiers.MEMORY_ID, memory.get("memory_id"), f"{where}.memory_id")
    identifiers.check(identifiers.MEMORY, memory.get("memory_arn"), f"{where}.memory_arn")
    identifiers.check(identifiers.KMS_KEY, memory.get("kms_key_arn"), f"{where}.kms_key_arn")
    recall = memory.get("recall", [])
    arguments.within(len(recall), 0, MOST_NAMESPACES, f"{where}.recall: number of namespaces")
    for index, namespace in enumerate(recall):
        if not _RECALLED.fullmatch(namespace):
            raise UsageError(
                f"{where}.recall[{index}]: {namespace!r} is not one agent's alone. Write a path with {ACTOR_VARIABLE} "
                "as one of its parts, no other variable, and a slash at its beginning and end, such as "
                f"'/facts/{ACTOR_VARIABLE}/'."
            )


def variable(memory: AgentMemory, runtime_name: str) -> pulumi.Output[str]:
    """What the agent is told, as JSON.

    Args:
        memory: The grant, checked.
        runtime_name: The runtime's name in AWS: its actor, and its prefix in a bucket.
    """
    told: dict[str, Any]
    if "bucket" in memory:
        told = {"kind": "s3", "bucket": memory["bucket"], "prefix": runtime_name}
    else:
        told = {"kind": "agentcore", "memory_id": memory["memory_id"], "actor": runtime_name}
        if recall := memory.get("recall"):
            told["recall"] = recall
    return pulumi.Output.json_dumps(told)


def document(memory: AgentMemory, env: AwsEnvironment, runtime_name: str) -> Document:
    """What the agent's role may do with it.

    Args:
        memory: The grant, checked.
        env: Where the stack is deployed.
        runtime_name: The runtime's name in AWS.
    """
    key_arn = memory.get("kms_key_arn")
    if "bucket" in memory:
        return memory_documents.objects(env, memory["bucket"], runtime_name, key_arn)
    return memory_documents.events(env, memory["memory_arn"], runtime_name, memory.get("recall", []), key_arn)
