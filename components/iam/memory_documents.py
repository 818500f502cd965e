"""What an agent may do with the memory it was handed: its own conversations, and nobody else's.

`policy/language/agentcore_memory.py` says the same to those that read documents, with the sources; a test compares
them. A process without the rest of toolgate, which makes components for other languages, has only this one.
"""

from collections.abc import Sequence

import pulumi

from toolgate.components.iam import iam_documents
from toolgate.components.iam.iam_documents import AwsEnvironment, Document, Statement, Text

# AgentCore developer guide, "Memory organization in AgentCore Memory", "Restrict access with IAM"; which of the keys
# comes with which action was measured by others (policy/language/agentcore_memory.py).
CONVERSE = ("bedrock-agentcore:CreateEvent", "bedrock-agentcore:ListEvents")
RECALL = "bedrock-agentcore:RetrieveMemoryRecords"
ACTOR = "bedrock-agentcore:actorId"
NAMESPACE_PATH = "bedrock-agentcore:namespacePath"
ACTOR_VARIABLE = "{actorId}"
# Service Authorization Reference, "Amazon S3".
KEEP_OBJECTS = ("s3:GetObject", "s3:PutObject")
LIST_OBJECTS = "s3:ListBucket"
USE_KEY = ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey")
USE_KEY_BY_S3 = ("kms:Decrypt", "kms:GenerateDataKey")


def events(
    env: AwsEnvironment, memory_arn: Text, actor: str, recall: Sequence[str] = (), key_arn: Text | None = None
) -> Document:
    """The agent writes and reads its own actors' events, and reads what was made of them.

    Args:
        env: Where the stack is deployed.
        memory_arn: The memory.
        actor: The agent's own actor: its runtime's name, which has neither a colon nor a wildcard in it. That of each
            of its users is this one, a colon, and the user.
        recall: The namespaces that it asks, each with `{actorId}` in it and a slash at its end.
        key_arn: The KMS key that the memory is encrypted with, if that is not AWS's own.
    """
    actors = [actor, f"{actor}:*"]
    statements = [iam_documents.allow("Converse", CONVERSE, memory_arn, {"StringLike": {ACTOR: actors}})]
    if recall:
        paths = [f"{namespace.replace(ACTOR_VARIABLE, it)}*" for namespace in recall for it in actors]
        statements.append(iam_documents.allow("Recall", RECALL, memory_arn, {"StringLike": {NAMESPACE_PATH: paths}}))
    if key_arn:
        statements.append(_use_key(env, key_arn))
    return iam_documents.document(*statements)


def _use_key(env: AwsEnvironment, key_arn: Text) -> Statement:
    """Memory uses its key as whoever asks it, and only so.

    Whether AgentCore looks for these rights of the agent, AWS's guide does not say of memories as it does of policy
    engines; others grant them (unproved by us; asked by tests/aws, test_rights_on_the_key_of_a_memory).
    """
    return iam_documents.allow(
        "UseMemoryKey", USE_KEY, key_arn, {"StringEquals": {"kms:ViaService": env.host("bedrock-agentcore")}}
    )


def objects(env: AwsEnvironment, bucket: Text, prefix: str, key_arn: Text | None = None) -> Document:
    """The agent writes, reads and lists what lies under its own prefix, and deletes nothing.

    Of a key that is not there S3 answers AccessDenied then, as whoever asks may not list the whole bucket: the agent
    lists before it reads.

    Args:
        env: Where the stack is deployed.
        bucket: The bucket's name.
        prefix: The agent's own, without a slash.
        key_arn: The KMS key that the bucket is encrypted with, if that is not S3's own.
    """
    bucket_arn = env.arn("s3", bucket, region="", account="")
    statements = [
        iam_documents.allow("KeepConversations", KEEP_OBJECTS, pulumi.Output.concat(bucket_arn, f"/{prefix}/*")),
        iam_documents.allow(
            "ListConversations", LIST_OBJECTS, bucket_arn, {"StringLike": {"s3:prefix": f"{prefix}/*"}}
        ),
    ]
    if key_arn:
        # S3 user guide, "Using server-side encryption with AWS KMS keys"; with a bucket key the encryption context is
        # the bucket's ARN ("Configuring S3 Bucket Keys").
        through = {"kms:ViaService": env.host("s3"), "kms:EncryptionContext:aws:s3:arn": bucket_arn}
        statements.append(
            iam_documents.allow("EncryptConversations", USE_KEY_BY_S3, key_arn, {"StringEquals": through})
        )
    return iam_documents.document(*statements)
