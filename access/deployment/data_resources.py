"""What a deployment's tools keep data in: tables, buckets, queues, topics, secrets, parameters, and who may use them.

Whoever has a policy on one of them may do with it what the policy says, whatever their own policies are. Such a policy
stands in the resource itself or in one of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from toolgate.access.deployment.stack_export import Hidden, Resource
from toolgate.access.iam.policies import Policy, read_policy
from toolgate.policy.language.grammar import RESOURCE_POLICY

TABLE = "aws:dynamodb/table:Table"
BUCKET = "aws:s3/bucket:Bucket"
QUEUE = "aws:sqs/queue:Queue"
TOPIC = "aws:sns/topic:Topic"
SECRET = "aws:secretsmanager/secret:Secret"  # noqa: S105  # a type
PARAMETER = "aws:ssm/parameter:Parameter"

DATA_SERVICES = frozenset({"dynamodb", "s3", "sqs", "sns", "secretsmanager", "ssm"})
"""The services, by the first word of their types, which is also the prefix of their actions."""

_WITH_DATA = frozenset({TABLE, BUCKET, QUEUE, TOPIC, SECRET, PARAMETER})
POLICIES_OF_OTHERS = {
    "aws:dynamodb/resourcePolicy:ResourcePolicy": ("resourceArn", "arn"),
    "aws:s3/bucketPolicy:BucketPolicy": ("bucket", "bucket"),
    "aws:sqs/queuePolicy:QueuePolicy": ("queueUrl", "url"),
    "aws:sns/topicPolicy:TopicPolicy": ("arn", "arn"),
    "aws:secretsmanager/secretPolicy:SecretPolicy": ("secretArn", "arn"),
}
"""Types that hold the policy of another resource: the property that names it, and the owner's property with that."""


@dataclass(frozen=True)
class DataResource:
    """A resource of one of these services.

    Attributes:
        resource: It, with what the program wrote.
        arn: Its ARN; None for what has none, as the setting of a bucket.
        policy: The policy on it.
    """

    resource: Resource
    arn: str | None
    policy: Policy | None = None

    @property
    def type(self) -> str:
        """Its type token."""
        return self.resource.type

    @property
    def label(self) -> str:
        """How a message names it."""
        return self.resource.label


def service_of(resource_type: str) -> str | None:
    """The data service that a type belongs to, if it is one of them."""
    provider, _, rest = resource_type.partition(":")
    service = rest.partition("/")[0]
    return service if provider == "aws" and service in DATA_SERVICES else None


def read_data_resources(resources: Sequence[Resource]) -> tuple[DataResource, ...]:
    """All resources of these services, in the order in which they were made.

    Those that are only the policy of another one are left out, but for policies on what is not in the deployment.

    Raises:
        DeploymentError: A policy cannot be read.
    """
    of_data = [it for it in resources if service_of(it.type)]
    owners = [it for it in of_data if it.type in _WITH_DATA]
    own = [(it, text) for it in owners if (text := _own_policy(it))]
    policies = {it.urn: read_policy(it, it.name, text, RESOURCE_POLICY) for it, text in own}
    owned = {it.urn: owner for it in of_data if it.type in POLICIES_OF_OTHERS and (owner := _owner(it, owners))}
    for it in of_data:
        if it.urn in owned:
            policies[owned[it.urn].urn] = read_policy(it, it.name, it.get("policy"), RESOURCE_POLICY)
    return tuple(
        DataResource(it, it.optional_text("arn") if it.type in _WITH_DATA else None, policies.get(it.urn))
        for it in of_data
        if it.urn not in owned
    )


def policies_of(data: Sequence[DataResource]) -> Mapping[str, Policy]:
    """The policies on them by their ARNs."""
    return {it.arn: it.policy for it in data if it.arn and it.policy}


def _own_policy(owner: Resource) -> object:
    # The provider reports the policies that queues, topics and buckets have without anybody's doing, too.
    written = owner.inputs.get("policy")
    if isinstance(written, Hidden):
        raise owner.wrong("policy", written, "an IAM document in JSON")
    return written


def _owner(policy: Resource, owners: Sequence[Resource]) -> Resource | None:
    by, key = POLICIES_OF_OTHERS[policy.type]
    wanted = policy.text(by)
    return next((it for it in owners if wanted in (it.get(key), it.get("arn"), it.get("id"))), None)
