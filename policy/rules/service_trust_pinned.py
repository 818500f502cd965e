"""service-trust-pinned: AgentCore takes a role for this account's resources only (no confused deputy)."""

from collections.abc import Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks, policy_sources
from toolgate.policy.agentcore import roles
from toolgate.policy.language import conditions, iam, trust
from toolgate.policy.language.agentcore_facts import ROLE
from toolgate.policy.language.documents import Broken, Statement
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.messages import listed
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings

SERVICE = "bedrock-agentcore"


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """Each statement of the trust policy that lets AgentCore in has to pin both the account and the resource."""
    if roles.service_linked(resource):
        return
    sourced = policy_sources.trust_document(resource)
    if isinstance(sourced.document, Broken):
        yield Finding(resource, f"the document {sourced.document.reason}, so IAM refuses it", sourced.location)
    for statement in iam.statements(sourced.document):
        if trust.lets_agentcore_in(statement):
            missing = list(_missing(statement))
            if missing:
                what = f"lets AgentCore take the role without {listed(missing)} under an operator that restricts"
                yield Finding(resource, what, f"{sourced.location}, {statement.label}")


def _missing(statement: Statement) -> Iterator[str]:
    accounts = conditions.pinned_accounts(statement)
    if accounts is None:
        yield "aws:SourceAccount (one account id)"
    if conditions.pinned_source(statement, SERVICE, UNKNOWN if accounts is None else accounts) is False:
        yield "aws:SourceArn (an AgentCore ARN of that account)"


RULE = Rule(
    name="service-trust-pinned",
    description="A role that AgentCore may assume demands aws:SourceAccount and aws:SourceArn.",
    why="Otherwise somebody else's gateway or runtime can make AgentCore act with this role.",
    fix=(
        "Add StringEquals aws:SourceAccount with the account id and ArnLike aws:SourceArn with"
        " arn:aws:bedrock-agentcore:REGION:ACCOUNT:gateway/NAME-* (or runtime/NAME-*) to the statement."
    ),
    severity=Severity.HIGH,
    framework=frameworks.CONFUSED_DEPUTY,
    types=frozenset({ROLE}),
    check=check,
)
