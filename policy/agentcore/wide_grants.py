"""What documents allow on more than named resources: one search for every rule about it."""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence

from toolgate.policy.agentcore.families import FUNCTIONS, GATEWAYS
from toolgate.policy.language import iam
from toolgate.policy.language.agentcore_facts import INVOKE_FUNCTION, INVOKE_GATEWAY
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


# What other rules report on more than named resources: invoke-gateway-exact-arn of everybody, gateway-role-exact-lambda
# of the roles that AgentCore may take.
_REPORTED = {INVOKE_GATEWAY: GATEWAYS, INVOKE_FUNCTION: FUNCTIONS}


@functools.lru_cache(maxsize=1024)
def holds_both(actions: Names, resources: Names, action: str, reported: str = INVOKE_GATEWAY) -> bool:
    """Whether one and the same entry holds this action and what another rule reports, as an administrator's does.

    Whoever answers for the statement there has read that it holds everything.
    """
    ways = [set(iam.by_pattern(actions, it)) for it in (reported, action)]
    return bool(ways[0] & ways[1]) and any(iam.wide_resources(resources, _REPORTED[reported]))
