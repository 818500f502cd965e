"""Who may send requests to a gateway at all: its inbound authorization."""

from collections.abc import Sequence
from dataclasses import dataclass

from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.iam.evaluation import UNREAD_DOCUMENT, Access, Decision, Outcome, decide
from toolgate.access.iam.identities import Identity
from toolgate.access.iam.policies import UNREAD
from toolgate.access.iam.statements import IamRequest
from toolgate.policy.language.agentcore_facts import INVOKE_GATEWAY

OPEN = {"NONE": "nobody is authenticated", "AUTHENTICATE_ONLY": "whoever can sign a request is let in"}
"""Authorizers that let everybody in, and what that means (botocore: AuthorizerType)."""

ACCESS = {
    Outcome.ALLOW: Access.ALLOW,
    Outcome.IMPLICIT_DENY: Access.DENY,
    Outcome.EXPLICIT_DENY: Access.DENY,
    Outcome.CONDITIONAL: Access.CONDITIONAL,
    Outcome.UNDECIDED: Access.UNDECIDED,
}
"""What an IAM decision means for access."""


@dataclass(frozen=True)
class Inbound:
    """Whether a caller gets in.

    Attributes:
        access: Whether they do.
        decision: IAM's; None where the authorizer does not ask IAM.
        reasons: Where it does not: what the answer depends on, or what decided against the caller.
    """

    access: Access
    decision: Decision | None = None
    reasons: tuple[str, ...] = ()

    @property
    def unread(self) -> bool:
        """Whether the gateway's own policy was not read."""
        return self.decision is not None and UNREAD_DOCUMENT in self.decision.statements

    @property
    def conditions(self) -> tuple[str, ...]:
        """What a conditional answer depends on, as the policies write it."""
        if self.access is not Access.CONDITIONAL:
            return ()
        if self.decision is None:
            return self.reasons
        return tuple(f"{s.effect} if {condition}" for s in self.decision.statements for condition in s.conditions)


_DENIED = Inbound(Access.DENY, Decision(Outcome.IMPLICIT_DENY))


def takes_tokens(gateway: Gateway) -> bool:
    """Whether the gateway takes tokens and says of whom; `tokens.token_inbound` then decides who gets in."""
    return gateway.authorizer == "CUSTOM_JWT" and gateway.jwt is not None


def inbound(deployment: Deployment, gateway: Gateway, caller: Identity) -> Inbound:
    """Whether the gateway lets the caller in, before any policy engine and interceptor."""
    if gateway.authorizer in OPEN:
        return Inbound(Access.ALLOW)
    if takes_tokens(gateway):
        return Inbound(Access.DENY, reasons=("it takes tokens, and no signature",))
    if gateway.authorizer != "AWS_IAM":
        return Inbound(Access.UNDECIDED)
    decision = whichever([decide(it) for it in requests(deployment, gateway, caller)])
    return Inbound(ACCESS[decision.outcome], decision)


def requests(deployment: Deployment, gateway: Gateway, caller: Identity) -> list[IamRequest]:
    """What IAM is asked when the caller calls a gateway with an IAM authorizer, once for each resource policy."""
    policies = deployment.policies_on(gateway.arn) or (None,)
    return [IamRequest(caller, INVOKE_GATEWAY, gateway.arn, resource_policy=policy) for policy in policies]


def concerned(deployment: Deployment, gateway: Gateway, caller: Identity) -> bool:
    """Whether some statement may concern both of them; False is certain, as far as the policies were read."""
    own = deployment.resource_policies.get(gateway.arn, UNREAD)
    return (
        gateway.authorizer != "AWS_IAM"
        or own is not UNREAD
        or bool(caller.unknowns)
        or any(policy.may_allow(INVOKE_GATEWAY, gateway.arn) for policy in caller.policies)
    )


def whichever(decisions: Sequence[Decision]) -> Decision:
    """What is sure where one of several resource policies holds and nobody knows which."""
    first, *others = decisions
    if all(other == first or ACCESS[other.outcome] is ACCESS[first.outcome] in _SURE for other in others):
        return first
    return Decision(Outcome.UNDECIDED, tuple(dict.fromkeys(it for decision in decisions for it in decision.statements)))


_SURE = (Access.ALLOW, Access.DENY)


def reached(deployment: Deployment, gateway: Gateway, caller: Identity) -> Inbound:
    """The same as `inbound`, at once where no statement concerns both of them; a denial then names no statement."""
    related = concerned(deployment, gateway, caller) or gateway.arn in deployment.resource_policies
    return inbound(deployment, gateway, caller) if related else _DENIED
