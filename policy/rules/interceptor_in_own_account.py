"""interceptor-in-own-account: nobody else's code reads and rewrites what a gateway is asked and answers."""

from collections.abc import Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks, settings
from toolgate.policy.agentcore import gateways
from toolgate.policy.language.agentcore_facts import GATEWAY
from toolgate.policy.language.arns import account_in
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.messages import quote
from toolgate.policy.properties import at, each
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.rules.grant_matches_graph import accounts
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

PLACE = "interceptorConfigurations"


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """The gateway's account is its role's, which an update knows before the gateway is created."""
    role = at(resource.props, "roleArn")
    account = account_in(role) if isinstance(role, str) else None
    if account:
        yield from _of_others(resource, {account}, config)


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """Gateways whose role a preview does not know, by the accounts that the rest of the stack tells."""
    for gateway in stack.of(GATEWAY):
        if at(gateway.props, "roleArn") is UNKNOWN and gateways.arn_of(gateway) is None:
            yield from _of_others(gateway, accounts(stack), config)


def _of_others(gateway: Resource, own: set[str], config: RuleSettings) -> Iterator[Finding]:
    fine = {*own, *config.strings("allowedAccounts", [])}
    for arn in each(gateway.props, PLACE, "interceptor", "lambda", "arn"):
        account = account_in(arn) if isinstance(arn, str) else None
        if own and account and account not in fine:
            yield Finding(gateway, f"its interceptor {quote(arn)} is a function of another account", PLACE)


RULE = Rule(
    name="interceptor-in-own-account",
    description="A gateway's interceptors are functions of its own account.",
    why="An interceptor reads every request and answer, and writes them anew; its owner decides what runs there.",
    fix="Run the interceptor in this account, or list the account that you share it with in allowedAccounts.",
    severity=Severity.HIGH,
    framework=frameworks.NO_PUBLIC_ACCESS,
    types=frozenset({GATEWAY}),
    check=check,
    check_stack=check_stack,
    settings={"allowedAccounts": settings.strings_schema("Ids of accounts whose functions may be interceptors.", [])},
)
