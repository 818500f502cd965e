"""Whether a gateway lets somebody in who comes with a token: its authorizer, then its own resource policy."""

from dataclasses import replace
from typing import Any

from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.tokens import JwtAuthorizer
from toolgate.access.iam.evaluation import Access, Decision, IamRequest, Outcome, decide
from toolgate.access.iam.identities import token_holder
from toolgate.access.matrix.inbound import ACCESS, Inbound, whichever
from toolgate.access.matrix.tool_access import stricter
from toolgate.access.tokens.authorizer import AUDIENCE, SCOPE, Admission, Claims, admits
from toolgate.access.tokens.callers import TokenCaller
from toolgate.policy.language.agentcore_facts import INVOKE_GATEWAY
from toolgate.policy.language.request_facts import Fact

_CLAIM = "bedrock-agentcore:inboundjwtclaim/"
"""Condition keys of a resource policy, whose principal has to be `*` (AgentCore developer guide, "Resource-based
policies"; Service Authorization Reference, "Amazon Bedrock AgentCore")."""
_IN_POLICIES = (AUDIENCE, "client_id", "iss", SCOPE, "sub")
_OPENEST_LAST = (Access.DENY, Access.CONDITIONAL, Access.UNDECIDED, Access.ALLOW)


def let_in(deployment: Deployment, gateway: Gateway, caller: TokenCaller) -> Inbound:
    """Whether the caller gets in with the token of theirs that opens most."""
    jwt = gateway.jwt
    if jwt is None:
        return Inbound(Access.UNDECIDED)
    each = [_with_token(deployment, gateway, jwt, (caller, claims)) for claims in caller.tokens]
    return max(each, key=lambda it: _OPENEST_LAST.index(it.access))


def _with_token(
    deployment: Deployment, gateway: Gateway, jwt: JwtAuthorizer, by: tuple[TokenCaller, Claims]
) -> Inbound:
    caller, claims = by
    admission = _admitted(jwt, caller, claims)
    if admission.access is Access.DENY:
        return Inbound(Access.DENY, reasons=(admission.reason,))
    decision = _by_resource_policy(deployment, gateway, caller, claims)
    of_policy = Access.UNDECIDED if decision.outcome is Outcome.IMPLICIT_DENY else ACCESS[decision.outcome]
    access = stricter(stricter(admission.access, caller.most), of_policy)
    if access is Access.DENY:
        return Inbound(access, reasons=tuple(map(str, decision.statements)))
    conditions = [f"{it.effect} if {condition}" for it in decision.statements for condition in it.conditions]
    told = (caller.why, admission.reason, *conditions) if access is Access.CONDITIONAL else (caller.why,)
    return Inbound(access, reasons=tuple(dict.fromkeys(it for it in told if it)))


def _admitted(jwt: JwtAuthorizer, caller: TokenCaller, claims: Claims) -> Admission:
    """What the authorizer says, where the caller chooses among its scopes."""
    if len(caller.scopes) < 2 or not any(it.name == SCOPE for it in jwt.claims):
        return admits(jwt, claims)
    chosen = Claims({name: value for name, value in claims.values.items() if name != SCOPE}, complete=False)
    of_scopes = admits(replace(jwt, claims=()), claims)
    of_claims = admits(replace(jwt, audiences=(), clients=(), scopes=()), chosen)
    return min((of_scopes, of_claims), key=lambda it: it.access is not stricter(of_scopes.access, of_claims.access))


def _by_resource_policy(deployment: Deployment, gateway: Gateway, caller: TokenCaller, claims: Claims) -> Decision:
    """What the gateway's own policy says; one that allows nobody with a token is `IMPLICIT_DENY`.

    Whether such a policy shuts the gateway where it denies nobody, AWS does not say.
    """
    known = [it for it in _IN_POLICIES if it in claims.values and (it != SCOPE or len(caller.scopes) == 1)]
    facts: dict[str, Fact] = {f"{_CLAIM}{it}": _fact(claims.values[it]) for it in known}
    holder = token_holder(claims.values.get("iss") or "a token")
    policies = deployment.policies_on(gateway.arn)
    asked = [decide(IamRequest(holder, INVOKE_GATEWAY, gateway.arn, facts, policy)) for policy in policies]
    return whichever(asked) if asked else Decision(Outcome.ALLOW)


def _fact(value: Any) -> Fact:
    return value if isinstance(value, str) else None
