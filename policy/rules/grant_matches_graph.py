"""grant-matches-graph: a grant is for a gateway that this stack makes, or that somebody listed."""

from collections.abc import Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks, policy_sources
from toolgate.policy.agentcore import gateways
from toolgate.policy.agentcore.families import GATEWAYS
from toolgate.policy.language import conditions, iam
from toolgate.policy.language.agentcore_facts import GATEWAY, INVOKE_GATEWAY, ROLE
from toolgate.policy.language.arns import account_in
from toolgate.policy.language.carriers import CARRIERS
from toolgate.policy.messages import quote
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

# Outputs that carry the account the stack is deployed to.
OWN_ARNS = ("arn", "gatewayArn", "agentRuntimeArn")


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """Known documents by their ARNs; one that is made of a gateway whose ARN a preview does not know is in order."""
    own = {gateways.arn_of(gateway) for gateway in stack.of(GATEWAY)}
    here = accounts(stack)
    for resource in stack.of(*policy_sources.DOCUMENTS):
        if gateways.made_of_a_new_gateway(stack, resource, CARRIERS[resource.type].document[0]):
            continue
        for place, arn in _granted(resource):
            if (not here or account_in(arn) in here) and arn not in own and not gateways.is_external(arn, config):
                yield Finding(resource, f"grants {INVOKE_GATEWAY} on {quote(arn)}, no gateway of this stack", place)


def _granted(resource: Resource) -> Iterator[tuple[str, str]]:
    for sourced in policy_sources.identity_documents(resource):
        for statement in iam.statements(sourced.document):
            if iam.allows(statement, INVOKE_GATEWAY):
                for arn in iam.exact_resources(statement.resources, GATEWAYS):
                    yield f"{sourced.location}, {statement.label}", arn


def accounts(stack: Stack) -> set[str]:
    """The accounts of this stack: of its resources, and those its trust policies name."""
    arns = [at(resource.props, key) for resource in stack.resources for key in OWN_ARNS]
    found = {account for arn in arns if isinstance(arn, str) and (account := account_in(arn))}
    for role in stack.of(ROLE):
        for statement in iam.statements(policy_sources.trust_document(role).document):
            pinned = conditions.pinned_accounts(statement)
            found |= pinned if isinstance(pinned, frozenset) else set()
    return found


RULE = Rule(
    name="grant-matches-graph",
    description="A grant on a gateway of this account is for a gateway of this stack, or for one listed as external.",
    why="A grant on an ARN from elsewhere outlives its gateway, and nobody sees it in the graph.",
    fix="Refer to the gateway (gateway.gateway_arn), or list its ARN in externalGateways.",
    severity=Severity.MEDIUM,
    framework=frameworks.LEAST_PRIVILEGE,
    check_stack=check_stack,
    settings=gateways.EXTERNAL,
)
