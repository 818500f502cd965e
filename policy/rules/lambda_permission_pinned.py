"""lambda-permission-pinned: a function's own policy does not let everybody's AgentCore in."""

from collections.abc import Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks
from toolgate.policy.language import agentcore_facts
from toolgate.policy.language.arns import account_in, is_account_id
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """A permission for everybody, and one for AgentCore that names neither account nor source."""
    principal = at(resource.props, "principal")
    if principal == "*" and at(resource.props, "principalOrgId") is None:
        yield Finding(resource, "everybody may use the function", "principal")
    if isinstance(principal, str) and principal.lower() == agentcore_facts.SERVICE_PRINCIPAL and not _pinned(resource):
        yield Finding(resource, "AgentCore may use the function for any account", "sourceArn, sourceAccount")


def _pinned(resource: Resource) -> bool:
    """Whether one of the two sources is held to an account, or may be: at `up` it is known."""
    account = at(resource.props, "sourceAccount")
    arn = at(resource.props, "sourceArn")
    if UNKNOWN in (account, arn):
        return True
    return (isinstance(account, str) and is_account_id(account)) or (
        isinstance(arn, str) and account_in(arn) is not None
    )


RULE = Rule(
    name="lambda-permission-pinned",
    description="A Lambda permission is not for everybody, and one for AgentCore names its source.",
    why="Otherwise others can run the tool's function past the gateway's authorization.",
    fix=(
        "A gateway in the same account needs no permission: its role does. For another account write that gateway's"
        " role as principal, or source_account and source_arn."
    ),
    severity=Severity.HIGH,
    framework=frameworks.NO_PUBLIC_ACCESS,
    types=frozenset({agentcore_facts.LAMBDA_PERMISSION}),
    check=check,
)
