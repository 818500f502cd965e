"""Whom a matrix has to judge: agents, other roles and users of the deployment, and strangers that its policies name."""

from collections.abc import Iterator
from dataclasses import dataclass

from toolgate.access.cedar.cedar_decision import ToolEngine
from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.iam.identities import Identity, external_principal
from toolgate.policy.language import patterns
from toolgate.policy.language.agentcore_facts import entity_id
from toolgate.policy.language.arns import account_of, is_account_id
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
    for runtime in deployment.runtimes:
        yield Caller(deployment.identity(runtime.role_arn), runtime.agent)


def others(deployment: Deployment) -> Iterator[Caller]:
    """Roles and users of the deployment that are no agents."""
    of_agents = {runtime.role_arn for runtime in deployment.runtimes}
    for identity in (*deployment.roles, *deployment.users):
        if identity.arn not in of_agents:
            yield Caller(identity)


def external_principals(deployment: Deployment, gateway: Gateway, engine: ToolEngine | None) -> Iterator[Caller]:
    """Principals that a gateway's policies name, but that the deployment does not hold."""
    known = {identity.arn for identity in (*deployment.roles, *deployment.users)}
    known |= {runtime.role_arn for runtime in deployment.runtimes}
    ids = {entity_id(arn) for arn in known}
    named = dict.fromkeys([*_by_resource_policy(deployment, gateway), *_by_cedar(engine)])
    for arn in named:
        if arn not in known and entity_id(arn) not in ids:
            yield Caller(external_principal(arn))


def _by_resource_policy(deployment: Deployment, gateway: Gateway) -> Iterator[str]:
    policy = deployment.resource_policies.get(gateway.arn)
    for statement in policy.statements if policy else ():
        for principal in [*aws_principals(statement), *_in_conditions(statement)]:
            if is_account(principal) and account_of(principal) == account_of(gateway.arn):
                continue  # lets its identity policies count, and these are judged on their own
            if is_account_id(principal):
                yield f"arn:{gateway.arn.split(':')[1]}:iam::{principal}:root"
            elif principal.startswith("arn:"):
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
