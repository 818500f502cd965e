"""lambda-permission-pinned: a function's own policy lets in nobody whom nobody chose."""

from collections.abc import Iterator
from typing import Any

from pulumi_policy import Severity

from toolgate.policy import frameworks
from toolgate.policy.agentcore import functions
from toolgate.policy.agentcore.functions import GatewayFunction
from toolgate.policy.language import agentcore_facts, patterns, principals
from toolgate.policy.language.agentcore_facts import (
    FUNCTION,
    FUNCTION_ALIAS,
    FUNCTION_URL,
    INVOKE_FUNCTION_URL,
    LAMBDA_PERMISSION,
)
from toolgate.policy.language.arns import account_in, account_of, is_account_id
from toolgate.policy.language.unknown import UNKNOWN, Unknown
from toolgate.policy.messages import quote
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

PLACE = "principal"


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """Of any function: a permission for everybody, and one for AgentCore that names neither account nor source."""
    if resource.type != LAMBDA_PERMISSION:
        return
    principal = at(resource.props, "principal")
    if principal == "*" and _is_empty(at(resource.props, "principalOrgId")) and not _is_for_url(resource):
        yield Finding(resource, "everybody may use the function", PLACE)
    if _is_agentcore(principal) and _names_source(resource) is False:
        yield Finding(resource, "AgentCore may use the function for any account", "sourceArn, sourceAccount")


def check_so_far(resource: Resource, so_far: Stack, config: RuleSettings) -> Iterator[Finding]:
    """When a permission is registered for a gateway's function, or what calls it for a function with permissions."""
    return check_stack(so_far, config)


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """Of gateways' functions: also a URL for everybody, services of any account, and other accounts as a whole."""
    for permission, function in functions.permissions(stack):
        who = stranger(permission, function)
        if isinstance(who, str):
            yield Finding(permission, f"{who} may use {function.label}", PLACE)


def stranger(permission: Resource, function: GatewayFunction) -> str | Unknown | None:
    """Whom a permission lets use a gateway's function though nobody chose them, beyond what `check` finds."""
    principal = at(permission.props, "principal")
    if not isinstance(principal, str):
        return UNKNOWN if principal is UNKNOWN else None
    if principal == "*":
        limit = at(permission.props, "principalOrgId")
        return "everybody" if _is_empty(limit) and _is_for_url(permission) else None
    if principals.is_account(principal):
        return _other_account(principal, function)
    if not _is_service(principal) or _is_agentcore(principal):
        return None
    named = _names_source(permission)
    return named if isinstance(named, Unknown) else None if named else f"{quote(principal)} of any account"


def _is_for_url(permission: Resource) -> bool:
    """Whether it is one of the two that a function URL takes; a public URL of any other function is in order.

    Source: Lambda developer guide, "Control access to Lambda function URLs".
    """
    action = at(permission.props, "action")
    through_url = at(permission.props, "invokedViaFunctionUrl") is True
    return through_url or (isinstance(action, str) and action.lower() == INVOKE_FUNCTION_URL.lower())


def _other_account(principal: str, function: GatewayFunction) -> str | Unknown | None:
    account = account_of(principal)
    if not function.accounts:
        return UNKNOWN
    return f"account {account} as a whole" if account and account not in function.accounts else None


def _is_agentcore(principal: Any) -> bool:
    return isinstance(principal, str) and principal.lower() == agentcore_facts.SERVICE_PRINCIPAL


def _is_service(principal: str) -> bool:
    return principal.lower().endswith((".amazonaws.com", ".amazonaws.com.cn", ".amazon.com"))


def _is_empty(value: Any) -> bool:
    """Whether the provider sends none: it leaves an empty text out."""
    return value is None or value == ""


def _names_source(permission: Resource) -> bool | Unknown:
    """Whether one of the sources is held to an account, to one resource, or to one Alexa skill."""
    account, arn, skill = (at(permission.props, key) for key in ("sourceAccount", "sourceArn", "eventSourceToken"))
    known = isinstance(account, str) and is_account_id(account)
    if known or (isinstance(arn, str) and _is_somebody_s(arn)) or (isinstance(skill, str) and skill):
        return True
    return UNKNOWN if UNKNOWN in (account, arn, skill) else False


def _is_somebody_s(arn: str) -> bool:
    # A bucket's ARN has no account.
    return account_in(arn) is not None or (arn.startswith("arn:") and not patterns.read(arn).wild)


RULE = Rule(
    name="lambda-permission-pinned",
    description=(
        "A Lambda permission is not for everybody, and one for a service that reaches a tool or a gateway's interceptor"
        " names its source."
    ),
    why="Otherwise others can run the function past the gateway's authorization, or change it.",
    fix=(
        "A gateway in the same account needs no permission: its role does. Else say who it is: a role as principal, or"
        " beside a service source_account or source_arn."
    ),
    severity=Severity.HIGH,
    framework=frameworks.NO_PUBLIC_ACCESS,
    types=frozenset({LAMBDA_PERMISSION, *functions.USERS}),
    check=check,
    check_so_far=check_so_far,
    check_stack=check_stack,
    remembers=frozenset({FUNCTION, FUNCTION_ALIAS, FUNCTION_URL, LAMBDA_PERMISSION, *functions.USERS}),
)
