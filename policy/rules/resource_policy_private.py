"""resource-policy-private: a resource policy on a gateway or runtime does not open it to everybody."""

from collections.abc import Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks
from toolgate.policy.language import agentcore_facts, conditions, documents, iam
from toolgate.policy.language.documents import Broken
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """Each statement that allows something to everybody has to say by a condition whom it means."""
    document = documents.read(at(resource.props, "policy"))
    if isinstance(document, Broken):
        yield Finding(resource, f"the document {document.reason}, so AgentCore refuses it", "policy")
    for statement in iam.statements(document):
        if iam.everybody(statement) and conditions.pins_principal(statement) is False:
            what = "allows everybody, and no condition pins the principal"
            yield Finding(resource, what, f"policy, {statement.label}")


RULE = Rule(
    name="resource-policy-private",
    description="A resource policy of AgentCore names the principals it allows.",
    why="An Allow for everybody lets any AWS account in, whatever the identity policies of this one say.",
    fix=(
        "Name the roles in Principal, or add a condition on aws:PrincipalArn or aws:PrincipalOrgID; where callers bring"
        " tokens, on bedrock-agentcore:InboundJwtClaim/client_id or .../sub."
    ),
    severity=Severity.CRITICAL,
    framework=frameworks.NO_PUBLIC_ACCESS,
    types=frozenset({agentcore_facts.RESOURCE_POLICY}),
    check=check,
)
