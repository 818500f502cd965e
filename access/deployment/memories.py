"""Where agents keep conversations: AgentCore's memories, and parts of buckets that an agent's environment names."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from toolgate.access.deployment.agentcore_resources import Runtime
from toolgate.access.deployment.stack_export import Resource
from toolgate.policy.language.agentcore_facts import MEMORY
from toolgate.policy.language.arns import account_of, partition_of, region_in

AGENTCORE, S3 = "agentcore", "s3"
VARIABLE = "MEMORY"
"""The variable by which an agent is told where it keeps its conversations."""


@dataclass(frozen=True)
class Memory:
    """A place where conversations are kept.

    Attributes:
        kind: `agentcore`, or `s3` for a part of a bucket.
        label: The resource's type and name, for messages; what names it where the deployment does not hold it.
        arn: The memory's; of a part of a bucket that of its objects without their keys' ends, `...:<bucket>/<prefix>/`.
        id: The memory's id, or `<bucket>/<prefix>`.
        name: The name that the program gave it; its id where that is not known.
        held: Whether the deployment holds it. Of one that it only names, its own policy is not known.
    """

    kind: str
    label: str
    arn: str
    id: str
    name: str
    held: bool = True

    @property
    def bucket(self) -> str:
        """The bucket's ARN, of a part of one."""
        return self.arn.partition("/")[0]

    @property
    def prefix(self) -> str:
        """What the objects' keys begin with, of a part of a bucket."""
        return self.arn.partition("/")[2]


def read_memories(found: Sequence[Resource], runtimes: Sequence[Runtime]) -> tuple[Memory, ...]:
    """The memories of a deployment, and those that its agents' environments name.

    Raises:
        DeploymentError: A memory has no ARN.
    """
    held = [_memory(it) for it in found if it.type == MEMORY]
    buckets = {str(it.get("bucket")) for it in found if it.type.startswith("aws:s3/bucket")}
    named = {it.arn: it for runtime in runtimes for it in _named(runtime, buckets)}
    return (*held, *(it for arn, it in named.items() if arn not in {memory.arn for memory in held}))


def elsewhere(arn: str) -> Memory:
    """A memory of AgentCore's that the deployment does not hold."""
    name = arn.rpartition("/")[2]
    return Memory(AGENTCORE, arn, arn, name, name, held=False)


def _memory(resource: Resource) -> Memory:
    arn = resource.text("arn")
    memory_id = arn.rpartition("/")[2]
    return Memory(AGENTCORE, resource.label, arn, memory_id, resource.optional_text("name") or memory_id)


def _named(runtime: Runtime, buckets: set[str]) -> Iterator[Memory]:
    """What an agent's environment names; a variable of that name in another form is the author's own."""
    try:
        told = json.loads(runtime.environment.get(VARIABLE, "null"))
    except (ValueError, RecursionError):
        return
    match told:
        case {"kind": "s3", "bucket": str(bucket), "prefix": str(prefix)} if bucket and prefix:
            arn, name = f"arn:{partition_of(runtime.arn)}:s3:::{bucket}/{prefix}/", f"{bucket}/{prefix}"
            yield Memory(S3, f"bucket {name}", arn, name, name, held=bucket in buckets)
        case {"kind": "agentcore", "memory_id": str(memory_id)} if memory_id:
            at = f"{region_in(runtime.arn)}:{account_of(runtime.arn)}"
            yield elsewhere(f"arn:{partition_of(runtime.arn)}:bedrock-agentcore:{at}:memory/{memory_id}")
