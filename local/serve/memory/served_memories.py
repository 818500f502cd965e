"""The memories of a deployment, as far as the API needs to know them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from toolgate.access.deployment.stack_export import Resource
from toolgate.policy.language.agentcore_facts import MEMORY


@dataclass(frozen=True)
class ServedMemory:
    """A memory.

    Attributes:
        id: The memory's id.
        arn: `arn:aws:bedrock-agentcore:<region>:<account>:memory/<id>`.
        expiry_days: After how many days an event is gone.
    """

    id: str
    arn: str
    expiry_days: int


def served_memories(resources: Iterable[Resource]) -> Iterator[ServedMemory]:
    """All memories among the resources.

    Raises:
        DeploymentError: One cannot be read.
    """
    for resource in resources:
        if resource.type == MEMORY:
            arn, days = resource.text("arn"), resource.get("eventExpiryDuration")
            if not isinstance(days, int | float):
                raise resource.wrong("eventExpiryDuration", days, "a number of days")
            yield ServedMemory(arn.rpartition("/")[2], arn, int(days))
