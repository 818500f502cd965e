"""Gateways that are not in the deployment and that a principal of it may invoke: a grant that must not go unseen."""

from collections.abc import Iterator

from toolgate.access.deployment.deployment import Deployment
from toolgate.access.iam.evaluation import Outcome, decide
from toolgate.access.iam.identities import Identity
from toolgate.access.iam.statements import IamRequest
from toolgate.policy.language import iam, patterns
from toolgate.policy.language.agentcore_facts import GATEWAY_ARNS, INVOKE_GATEWAY
from toolgate.policy.language.arns import is_account_id, partition_of, region_in
from toolgate.policy.language.documents import Statement

ANY_TOOL = "*"
"""Stands for the tools of a gateway of which nothing is known."""


def gateways_elsewhere(deployment: Deployment, caller: Identity) -> Iterator[str]:
    """ARNs of gateways that the caller's own policies name and allow; what the gateway's own say is not known."""
    known = {gateway.arn for gateway in deployment.gateways}
    named = (arn for s in _allows(caller) if not s.resources.negated for arn in sorted(s.resources.exact))
    for arn in dict.fromkeys(named):
        if arn not in known and patterns.read(arn).reaches(GATEWAY_ARNS):
            outcome = decide(IamRequest(caller, INVOKE_GATEWAY, arn)).outcome
            if outcome is not Outcome.EXPLICIT_DENY:
                yield arn


def any_gateway_elsewhere(deployment: Deployment, caller: Identity) -> Iterator[str]:
    """Phrases for the wildcards by which the caller may also invoke gateways that nobody lists."""
    sample = _sample(deployment, caller)
    for statement in _allows(caller):
        resources = statement.resources
        if resources.negated or resources.inexact or not resources.given:
            wide = dict.fromkeys(iam.wide_resources(resources, GATEWAY_ARNS))
            # A gateway that stands for those that nobody lists: a Deny of all of them, or a boundary, counts.
            meant = wide and iam.reaches(resources, patterns.one(sample))
            denied = meant and decide(IamRequest(caller, INVOKE_GATEWAY, sample)).outcome in _DENIED
            yield from () if denied else wide


_DENIED = (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY)


def _allows(caller: Identity) -> Iterator[Statement]:
    return (s for policy in caller.policies for s in policy.concerning(INVOKE_GATEWAY) if s.allow)


def _sample(deployment: Deployment, caller: Identity) -> str:
    known = [(partition_of(it.arn), region_in(it.arn)) for it in deployment.gateways]
    partition, region = known[0] if known else ("aws", "us-east-1")
    account = caller.account if is_account_id(caller.account) else "000000000000"
    return f"arn:{partition}:bedrock-agentcore:{region}:{account}:gateway/elsewhere-0000000000"
