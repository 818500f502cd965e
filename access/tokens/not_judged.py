"""What has a say about tokens but cannot be judged here, in a sentence each."""

from collections.abc import Iterator, Sequence

from toolgate.access.chain.ways import in_words
from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.iam.evaluation import Access, Outcome
from toolgate.access.iam.identities import ANY_CALLER
from toolgate.access.matrix.principals import Caller
from toolgate.access.tokens.actions import ACCESS_TOKEN
from toolgate.access.tokens.callers import TokenCaller
from toolgate.access.tokens.client_ways import IN_VAULT
from toolgate.access.tokens.takers import Taking
from toolgate.access.tokens.token_inbound import let_in


def of_gateway(deployment: Deployment, gateway: Gateway, callers: Sequence[TokenCaller]) -> Iterator[str]:
    """What is not known of a gateway that takes tokens, and of those who come with some."""
    if gateway.jwt is None:
        return
    if gateway.jwt.unread:
        yield f"{gateway.label}: its authorizer also checks {', '.join(gateway.jwt.unread)}; not judged"
    for caller in callers:
        said = let_in(deployment, gateway, caller)
        if caller.most is Access.UNDECIDED and said.access is not Access.DENY:
            yield f"{gateway.label}: {caller.principal}: not known: {caller.why}"
        elif said.access is Access.UNDECIDED and deployment.policies_on(gateway.arn):
            yield f"{gateway.label}: whether its resource policy lets tokens in that it does not allow is not known"


def of_providers(deployment: Deployment) -> Iterator[str]:
    """What is not known of credential providers."""
    for provider in deployment.tokens.providers:
        if provider.client_id is None:
            yield f"{provider.label}: the deployment does not show its client"
        elif provider.discovery_url is None and provider.vendor == "CustomOauth2":
            yield f"{provider.label}: the deployment does not show its issuer"


def of_taking(caller: Caller, taking: Taking, *, at_a_gateway: bool) -> Iterator[str]:
    """Why it is not known whether somebody may be a client, or what they can do as one."""
    who = _told(caller)
    by = f"{who}: may be {taking.client} by {in_words((taking.way.hop,))}"
    if not at_a_gateway:
        yield f"{by}; which gateway takes its tokens is not in the deployment"
    if taking.access is Access.UNDECIDED:
        unknown = [taking.way.why, *taking.who.unknowns, taking.who.unknown_boundary or ""]
        listed = dict.fromkeys(
            str(it)
            for check in taking.way.hop.checks
            if check.decision.outcome is Outcome.UNDECIDED
            for it in check.decision.statements
        )
        told = list(dict.fromkeys(it for it in unknown if it)) or [f"what these come to: {'; '.join(listed)}"]
        yield f"{by}; not known: {'; '.join(told)}"


def elsewhere(deployment: Deployment, caller: Caller) -> Iterator[str]:
    """Credential providers that are not in the deployment and that somebody may use."""
    who, known = caller.identity, {it.arn for it in deployment.tokens.providers}
    granted = [policy.granted(ACCESS_TOKEN) for policy in who.policies]
    for arn in sorted({name for names, _ in granted for name in names if IN_VAULT in name} - known):
        yield f"{_told(caller)}: may take tokens of {arn}, which is not in the deployment"
    if any(starts for _, starts in granted):
        yield f"{_told(caller)}: may also take tokens of credential providers that are not in the deployment"


def _told(caller: Caller) -> str:
    identity = caller.identity
    return caller.agent or (
        identity.arn if identity.beyond else identity.principal if identity is ANY_CALLER else identity.name
    )
