"""What the documents of AgentCore's roles allow on more than named resources: one search for every rule about it."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from toolgate.policy import iam
from toolgate.policy.carriers import Carried
from toolgate.policy.iam import Family
from toolgate.policy.rule import Finding


def wide_grants(
    documents: Iterable[Carried], actions: Sequence[str], family: Family, view: Callable[[str], str] = str
) -> Iterator[Finding]:
    """A finding for each resource entry that reaches members of the family without naming one exactly.

    Args:
        documents: Documents of roles that AgentCore may take.
        actions: The actions in question; the first one is named.
        family: The ARNs in question.
        view: See `iam.wide_resources`.
    """
    for carried in documents:
        for statement in iam.statements(carried.document):
            if iam.allows(statement, *actions):
                for reach in iam.wide_resources(statement.resources, family, view):
                    what = f"allows {actions[0]} {reach} to a role that AgentCore may take"
                    yield Finding(carried.resource, what, f"{carried.place}, {statement.label}")
