"""Whom a matrix has to judge: agents, other roles and users of the deployment, and outsiders.

Outsiders are those that the deployment does not hold: its policies name them, or it writes a grant into them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from toolgate.access.cedar.cedar_decision import ToolEngine
from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.not_read import IDENTITY_POLICIES
from toolgate.access.iam.evaluation import Access
from toolgate.access.iam.identities import Identity
from toolgate.access.iam.unique_ids import is_unique_id
from toolgate.access.matrix.inbound import reached
from toolgate.policy.language import patterns
from toolgate.policy.language.agentcore_facts import entity_id
from toolgate.policy.language.arns import account_of, is_account_id, partition_of
from toolgate.policy.language.documents import Statement
from toolgate.policy.language.principals import aws_principals, is_account
from toolgate.policy.language.unknown import Unknown


@dataclass(frozen=True)
class Caller:
    """A principal, and the agent's name if it is an agent's role."""

    identity: Identity
    agent: str | None = None


def agents(deployment: Deployment) -> Iterator[Caller]:
    """The deployment's agents; the role of one may be a stranger."""
    for runtime in deployment.agents:
        yield Caller(deployment.identity(runtime.role_arn), runtime.agent)


def others(deployment: Deployment) -> Iterator[Caller]:
    """Roles and users of the deployment that are no agents."""
    of_agents = {runtime.role_arn for runtime in deployment.agents}
    for identity in (*deployment.roles, *deployment.users):
        if identity.arn not in of_agents:
            yield Caller(identity)


def held_entities(deployment: Deployment) -> frozenset[str]:
    """The entity ids of agents' roles, and of all roles and users that the deployment holds."""
    known = (*deployment.roles, *deployment.users)
    return frozenset(
        entity_id(arn) for arn in (*(it.arn for it in known), *(it.role_arn for it in deployment.runtimes))
    )


def outsiders(
    deployment: Deployment, gateway: Gateway, engine: ToolEngine | None, held: frozenset[str]
) -> Iterator[Caller]:
    """Principals that the deployment does not hold, and that a gateway's policies name or that it lets in itself.

    Of an account, those that a scan of it missed, too.

    Args:
        deployment: The deployment.
        gateway: The gateway.
        engine: Its policy engine, if it has one.
        held: The deployment's `held_entities`.
    """
    seen = set(held)
    arns = (*_by_resource_policy(deployment, gateway), *_by_cedar(engine), *missed(deployment))
    named = [deployment.identity(arn) for arn in arns]
    granted = (identity for identity in deployment.given if _lets_in(deployment, gateway, identity))
    for identity in (*named, *granted):
        if entity_id(identity.arn) not in seen:
            seen.add(entity_id(identity.arn))
            yield Caller(identity)


def given(deployment: Deployment) -> Iterator[Caller]:
    """Identities that the deployment does not hold but writes into, but for agents' roles."""
    of_agents = {runtime.role_arn for runtime in deployment.agents}
    return (Caller(identity) for identity in deployment.given if identity.arn not in of_agents)


def _lets_in(deployment: Deployment, gateway: Gateway, identity: Identity) -> bool:
    """Whether what the deployment writes into an identity may let it in, whatever else it has."""
    written = replace(identity, beyond="")
    return reached(deployment, gateway, written).access is not Access.DENY


def missed(deployment: Deployment) -> Iterator[str]:
    """ARNs of roles and users whose policies a scan could not read; an account's root for all that it missed."""
    for it in deployment.not_read:
        if it.about and it.part == IDENTITY_POLICIES and ":group/" not in it.about:  # a group's users are listed
            yield it.about


def _by_resource_policy(deployment: Deployment, gateway: Gateway) -> Iterator[str]:
    for policy in deployment.policies_on(gateway.arn):
        for statement in policy.statements:
            yield from named_by(statement, gateway.arn)


def named_by(statement: Statement, resource: str) -> Iterator[str]:
    """ARNs or unique ids of roles, users and other accounts that a statement with principals names or spares.

    Args:
        statement: The statement.
        resource: The resource's ARN.
    """
    but_for = statement.everybody_but and statement.allow
    for principal in [*([] if but_for else aws_principals(statement)), *_in_conditions(statement)]:
        if is_account(principal) and account_of(principal) == account_of(resource):
            continue  # lets its identity policies count, and these are judged on their own
        if is_account_id(principal):
            yield f"arn:{partition_of(resource)}:iam::{principal}:root"
        elif principal.startswith("arn:") or is_unique_id(principal):
            yield _role_of(principal)


def _in_conditions(statement: Statement) -> Iterator[str]:
    for condition in () if isinstance(statement.conditions, Unknown) else statement.conditions:
        if condition.key == "aws:principalarn":
            yield from (it for it in condition.values if isinstance(it, str) and not patterns.read(it).wild)


def _by_cedar(engine: ToolEngine | None) -> Iterator[str]:
    for policy in engine.policies if engine and engine.enforce else ():
        if policy.effect == "permit":
            yield from (_role_of(id_) for id_ in policy.principals() if ":assumed-role/" in id_ or ":user/" in id_)


def _role_of(arn: str) -> str:
    """The role behind a session or an entity id (its path is not known); any other ARN as it is."""
    prefix, found, rest = arn.partition(":assumed-role/")
    return f"{prefix.replace(':sts:', ':iam:')}:role/{rest.split('/')[0]}" if found else arn
