"""What documents allow on more than named resources: one search for every rule about it."""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence

from toolgate.policy.agentcore.families import GATEWAYS
from toolgate.policy.language import iam
from toolgate.policy.language.agentcore_facts import INVOKE_GATEWAY
from toolgate.policy.language.documents import Names
from toolgate.policy.language.iam import Family
from toolgate.policy.policy_sources import SourcedDocument
from toolgate.policy.rule import Finding


def wide_grants(
    documents: Iterable[SourcedDocument], actions: Sequence[str], family: Family, view: Callable[[str], str] = str
) -> Iterator[Finding]:
    """A finding for each resource entry that reaches members of the family without naming one exactly.

    Args:
        documents: Documents of roles that AgentCore may take.
        actions: The actions in question; the first one is named.
        family: The ARNs in question.
        view: See `iam.wide_resources`.
    """
    for sourced in documents:
        for statement in iam.statements(sourced.document):
            if iam.allows(statement, *actions):
                for reach in iam.wide_resources(statement.resources, family, view):
                    what = f"allows {actions[0]} {reach} to a role that AgentCore may take"
                    yield Finding(sourced.resource, what, f"{sourced.location}, {statement.label}")


@functools.lru_cache(maxsize=1024)
def administers(actions: Names, resources: Names, action: str) -> bool:
    """Whether one and the same entry holds this action and every gateway, as an administrator's does.

    invoke-gateway-exact-arn reports the statement, and whoever answers for it there has read that it holds everything.
    """
    ways = [set(iam.by_pattern(actions, it)) for it in (INVOKE_GATEWAY, action)]
    return bool(ways[0] & ways[1]) and any(iam.wide_resources(resources, GATEWAYS))
