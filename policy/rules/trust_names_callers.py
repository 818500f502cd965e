"""trust-names-callers: who may take a role that leads to a gateway, a tool or a model was chosen by somebody."""

from collections.abc import Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks, policy_sources, settings
from toolgate.policy.agentcore import functions, guarded_roles, roles
from toolgate.policy.language import documents, iam, principals, trust
from toolgate.policy.language.agentcore_facts import (
    FUNCTION,
    FUNCTION_ALIAS,
    FUNCTION_URL,
    LAMBDA_PERMISSION,
    RESOURCE_POLICY,
    ROLE,
)
from toolgate.policy.language.arns import account_of
from toolgate.policy.language.documents import Document, Statement
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

TRUSTED = "trustedAccounts"


def check_so_far(resource: Resource, so_far: Stack, config: RuleSettings) -> Iterator[Finding]:
    """When a role gets what makes it one that leads somewhere: a policy, an AgentCore resource, a tool's function."""
    for role in _concerned(so_far, resource):
        yield from _in_trust(so_far, role, config)


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """The trust policy of each role that leads to a gateway, a tool or a model."""
    for role in stack.of(ROLE):
        yield from _in_trust(stack, role, config)


def _concerned(so_far: Stack, resource: Resource) -> list[Resource]:
    if resource.type == RESOURCE_POLICY:
        return _listed(so_far, documents.read(at(resource.props, "policy")))
    called = functions.resources_of(so_far, resource) if resource.type in functions.USERS else ()
    of_functions = [role for function in called for role in roles.named_by(so_far, function)]
    # Those that a role lets in may take it from now on.
    trusted = _listed(so_far, policy_sources.trust_document(resource).document) if resource.type == ROLE else []
    return [*roles.named_by(so_far, resource), *of_functions, *trusted]


def _listed(so_far: Stack, document: Document) -> list[Resource]:
    """The roles of the stack that a document names as principals."""
    listed = (name for it in iam.statements(document) for name in principals.aws_principals(it))
    return [role for name in listed for role in roles.called(so_far, name)]


def _in_trust(stack: Stack, role: Resource, config: RuleSettings) -> Iterator[Finding]:
    sourced = policy_sources.trust_document(role)
    found = [
        (statement, who)
        for statement in iam.statements(sourced.document)
        for who in (*trust.strangers(statement), *_other_accounts(statement, config))
    ]
    what = guarded_roles.guarded(stack, role) if found else None
    if what is not None:
        for statement, who in found:
            yield Finding(role, f"lets {who} take {what}", f"{sourced.location}, {statement.label}")


def _other_accounts(statement: Statement, config: RuleSettings) -> Iterator[str]:
    trusted = config.strings(TRUSTED, [])
    if trusted and iam.allows(statement, *trust.ASSUME):
        accounts = dict.fromkeys(map(account_of, principals.aws_principals(statement)))
        yield from (f"account {account}" for account in accounts if account and account not in trusted)


RULE = Rule(
    name="trust-names-callers",
    description="A role that leads to a gateway, a tool or a model names those who may take it.",
    why="Whoever takes the role calls what it may call, and is nobody whom the gateway's grants speak of.",
    fix=(
        "Name the roles or accounts in Principal; beside everybody put a condition on aws:PrincipalArn or"
        " aws:PrincipalOrgID, beside an identity provider one on its sub (GitHub: repo:OWNER/REPOSITORY:...)."
    ),
    severity=Severity.CRITICAL,
    framework=frameworks.NO_PUBLIC_ACCESS,
    types=roles.TYPES | {FUNCTION, *functions.USERS, RESOURCE_POLICY, LAMBDA_PERMISSION},
    check_so_far=check_so_far,
    check_stack=check_stack,
    remembers=roles.TYPES
    | {FUNCTION, FUNCTION_ALIAS, FUNCTION_URL, *functions.USERS, RESOURCE_POLICY, LAMBDA_PERMISSION},
    settings={
        TRUSTED: settings.strings_schema(
            "Ids of the accounts, this one among them, that may be named; without it any account may.", []
        )
    },
)
