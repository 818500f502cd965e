"""Who from outside the deployment may take one of its roles, and with it call what the role may call.

Anybody, where a trust policy lets everybody in or those who hold a token that everybody can get; else strangers: other
accounts and their roles, identities that the deployment only writes into, identity providers. Roles of the deployment
that take one another are not looked at here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.roles import Role
from toolgate.access.iam.evaluation import Access, Decision
from toolgate.access.iam.identities import ANY_CALLER, Identity, token_holder
from toolgate.access.iam.trust import (
    ANYBODY,
    action_with_token,
    may_assume,
    may_assume_with_token,
    strangers_hold_tokens,
    token_providers,
)
from toolgate.access.matrix.inbound import ACCESS
from toolgate.access.matrix.principals import given, held_entities, named_by
from toolgate.access.matrix.tool_access import ToolAccess, stricter
from toolgate.policy.language.agentcore_facts import ASSUME_ROLE, SERVICE_PRINCIPAL, entity_id
from toolgate.policy.language.principals import services


@dataclass(frozen=True)
class RoleTaker:
    """Somebody who may take a role.

    Attributes:
        role: The role.
        principal: `*` for anybody, an ARN, or an identity provider as the trust policy names it.
        caller: Whom IAM is asked about: of anybody who takes it with a token, the token's holder.
        action: The action of STS that they take it by.
        decision: What the trust policy says of it, and what is known of their own policies.
        unknown: What else decides and is not known, as a noun; else empty.
    """

    role: Role
    principal: str
    caller: Identity
    action: str
    decision: Decision
    unknown: str = ""

    @property
    def access(self) -> Access:
        """Whether they may take it."""
        known = ACCESS[self.decision.outcome]
        return stricter(known, Access.UNDECIDED) if self.unknown else known

    def through(self, cell: ToolAccess) -> ToolAccess:
        """What they may call by the role, of what the role may."""
        access = stricter(cell.decision, self.access)
        on = f"{self.action} on {self.role.name} if"
        told = (*(f"{on} {condition}" for condition in self._conditions), *cell.conditions)
        return ToolAccess(access, told if access is Access.CONDITIONAL else ())

    def note(self) -> str:
        """In a sentence, why it is undecided."""
        condition = f" if {'; '.join(self._conditions)}" if self._conditions else ""
        listed = "; ".join(str(statement) for statement in self.decision.statements)
        unknown = self.unknown or f"what a policy variable or an operator in {listed} comes to"
        return f"{self.principal}: may take {self.role.name}{condition}; not known: {unknown}"

    @property
    def _conditions(self) -> tuple[str, ...]:
        return tuple(condition for statement in self.decision.statements for condition in statement.conditions)


def role_takers(deployment: Deployment) -> tuple[RoleTaker, ...]:
    """All of them, surely or not, in the order of the roles."""
    held = held_entities(deployment)
    allowed = [caller.identity for caller in given(deployment) if _allows_taking(caller.identity)]
    found = (
        taker
        for role in deployment.roles
        for taker in (*_open(role), *_outsiders(role, held, (*_written(role, allowed), *_named(deployment, role))))
    )
    return tuple(taker for taker in found if taker.access is not Access.DENY)


def _open(role: Role) -> Iterator[RoleTaker]:
    """Anybody, and whoever has a token."""
    yield RoleTaker(role, ANYBODY, ANY_CALLER, ASSUME_ROLE, may_assume(role, ANY_CALLER))
    for provider in token_providers(role):
        decision, action = may_assume_with_token(role, provider), action_with_token(provider)
        holder = token_holder(provider)
        if strangers_hold_tokens(role, provider):
            yield RoleTaker(role, ANYBODY, holder, action, decision)
        else:
            limited = any(statement.conditions for statement in decision.statements)
            yield RoleTaker(role, provider, holder, action, decision, "" if limited else "who gets its tokens")


def _outsiders(role: Role, held: frozenset[str], identities: Iterable[Identity]) -> Iterator[RoleTaker]:
    for entity, identity in {entity_id(it.arn): it for it in identities}.items():
        if entity not in held:
            yield RoleTaker(role, identity.arn, identity, ASSUME_ROLE, may_assume(role, identity), identity.beyond)


def _named(deployment: Deployment, role: Role) -> Iterator[Identity]:
    """Whom the trust policy names."""
    for statement in role.trust_policy.concerning(ASSUME_ROLE):
        yield from (deployment.identity(arn) for arn in named_by(statement, role.arn))


def _written(role: Role, allowed: Iterable[Identity]) -> Iterator[Identity]:
    """Whom the deployment does not make, but allows to take the role."""
    for identity in allowed:
        if ACCESS[may_assume(role, replace(identity, beyond="")).outcome] is not Access.DENY:
            yield identity


def _allows_taking(identity: Identity) -> bool:
    allows = (statement.allow for policy in identity.policies for statement in policy.concerning(ASSUME_ROLE))
    return bool(identity.unread) or any(allows)


_OF_AGENTS_AND_TOOLS = frozenset({SERVICE_PRINCIPAL, "lambda.amazonaws.com"})


def services_not_judged(role: Role) -> Iterator[str]:
    """In a sentence each, the services that may take a role, but for those that take an agent's or a function's."""
    named = [it for s in role.trust_policy.concerning(ASSUME_ROLE) if s.allow for it in services(s)]
    for service in dict.fromkeys(named):
        if service.lower().removesuffix(".cn") not in _OF_AGENTS_AND_TOOLS:
            yield f"{role.name}: {service} may take it; who makes that service act with it is not judged"
