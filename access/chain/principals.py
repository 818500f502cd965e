"""From whom a chain begins: anybody, agents, roles and users of the deployment, and strangers that it lets in."""

from collections.abc import Iterator, Sequence

from toolgate.access.chain.interceptor_functions import InterceptorFunction
from toolgate.access.chain.tool_functions import ToolFunction
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.iam.identities import ANY_CALLER, Identity
from toolgate.access.iam.policies import Policy
from toolgate.access.matrix.principals import Caller, agents, given, named_by, others
from toolgate.policy.language import iam
from toolgate.policy.language.documents import Statement


def principals(
    deployment: Deployment,
    functions: Sequence[ToolFunction],
    interceptors: Sequence[InterceptorFunction] = (),
    of_others: Sequence[tuple[Policy, str]] = (),
) -> Iterator[Caller]:
    """Each once; anybody first. Agents that share a role are one principal.

    Args:
        deployment: The deployment.
        functions: The functions behind tools.
        interceptors: The functions of interceptors.
        of_others: The policies on memories and secrets, each with the ARN of what it is on.
    """
    yield Caller(ANY_CALLER)
    by_role: dict[str, list[Caller]] = {}
    for agent in agents(deployment):
        by_role.setdefault(agent.identity.arn, []).append(agent)
    for of_role in by_role.values():
        yield Caller(of_role[0].identity, ", ".join(dict.fromkeys(str(it.agent) for it in of_role)))
    yield from others(deployment)
    yield from given(deployment)
    known = {it.arn for it in (*deployment.roles, *deployment.users, *deployment.given)} | set(by_role)
    policies = [(it.policy, it.arn) for it in functions if it.policy]
    policies += [(it.policy, it.arn) for it in interceptors if it.policy]
    policies += of_others
    for arn in dict.fromkeys(_named(deployment, policies)):
        if arn not in known:
            yield Caller(deployment.identity(arn))


def _named(deployment: Deployment, of_others: Sequence[tuple[Policy, str]]) -> Iterator[str]:
    """Whom the policies of runtimes, of what else is given, and of roles name."""
    policies = [(policy, it.arn) for it in deployment.runtimes for policy in deployment.policies_on(it.arn)]
    policies += of_others
    policies += [(it.trust_policy, it.arn) for it in deployment.roles]
    for policy, arn in policies:
        for statement in policy.statements:
            yield from named_by(statement, arn)


def everything(identity: Identity) -> bool:
    """Whether a principal's own policies allow every action on every resource, and nothing takes any away."""
    statements = [statement for policy in identity.policies for statement in policy.statements]
    limited = identity.boundary or identity.unknown_boundary or identity.unknowns
    return not limited and all(s.allow is True for s in statements) and any(_of_all(s) for s in statements)


def _of_all(statement: Statement) -> bool:
    resources = statement.resources
    whole = resources.given and not resources.negated and "*" in resources.values
    return whole and statement.conditions == () and iam.allows_everything(statement)
