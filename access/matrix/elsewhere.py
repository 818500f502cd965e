"""Gateways that are not in the deployment and that a principal of it may invoke: a grant that must not go unseen."""

import re
from collections.abc import Iterator

from toolgate.access.deployment.deployment import Deployment
from toolgate.access.iam.evaluation import Outcome, decide
from toolgate.access.iam.identities import Identity
from toolgate.access.iam.statements import IamRequest
from toolgate.policy.language.agentcore_facts import INVOKE_GATEWAY

ANY_TOOL = "*"
"""Stands for the tools of a gateway of which nothing is known."""
_GATEWAY = re.compile(r"arn:[^:]+:bedrock-agentcore:[^:]+:[^:]+:gateway/[^/]+")


def gateways_elsewhere(deployment: Deployment, caller: Identity) -> Iterator[str]:
    """ARNs of gateways that the caller's own policies name and allow; what the gateway's own say is not known."""
    known = {gateway.arn for gateway in deployment.gateways}
    allows = (s for policy in caller.policies for s in policy.concerning(INVOKE_GATEWAY) if s.allow)
    named = (arn for s in allows if not s.resources.negated for arn in sorted(s.resources.exact))
    for arn in dict.fromkeys(named):
        if arn not in known and _GATEWAY.fullmatch(arn):
            outcome = decide(IamRequest(caller, INVOKE_GATEWAY, arn)).outcome
            if outcome is not Outcome.EXPLICIT_DENY:
                yield arn
