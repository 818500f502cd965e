"""Which conditions of a statement really narrow it.

Source: IAM User Guide, "IAM JSON policy elements: Condition operators" and "AWS global condition context keys". An
operator restricts only if it fails when the key is absent and when the value differs: so no `...IfExists`, no
`ForAllValues:`, no negated operator, no `Null`.
"""

from collections.abc import Callable, Iterable, Iterator

from toolgate.policy.language import patterns
from toolgate.policy.language.arns import account_in, is_account_id, service_in
from toolgate.policy.language.documents import Condition, Statement, Text
from toolgate.policy.language.patterns import HOLE
from toolgate.policy.language.unknown import UNKNOWN, Unknown

TEXT_OPERATORS = frozenset({"stringequals", "stringequalsignorecase", "stringlike"})
_BY_FIELD = frozenset({"arnequals", "arnlike"})
ARN_OPERATORS = TEXT_OPERATORS | _BY_FIELD
# Of a key with several values; a key with one has to be there as well.
SET_OPERATORS = frozenset(f"foranyvalue:{operator}" for operator in TEXT_OPERATORS)

SOURCE_ACCOUNT = "aws:sourceaccount"
SOURCE_ARN = "aws:sourcearn"


def values(statement: Statement, key: str, operators: frozenset[str]) -> Iterator[tuple[Text, ...]]:
    """The value lists that some restricting operator demands of a key."""
    for condition in _known(statement):
        if condition.key == key and condition.operator in operators:
            yield condition.values


def _known(statement: Statement) -> tuple[Condition, ...]:
    return () if statement.conditions is UNKNOWN else statement.conditions


def _is_known(value: Text) -> bool:
    return value is not UNKNOWN and HOLE not in value


def pinned_accounts(statement: Statement) -> frozenset[str] | Unknown | None:
    """The accounts that aws:SourceAccount is held to; None where it is not held to any."""
    found: frozenset[str] | Unknown | None = UNKNOWN if statement.conditions is UNKNOWN else None
    for accounts in values(statement, SOURCE_ACCOUNT, TEXT_OPERATORS):
        known = frozenset(str(value) for value in accounts if _is_known(value))
        if accounts and all(is_account_id(value) for value in known):
            if all(_is_known(value) for value in accounts):
                return known
            found = UNKNOWN
    return found


def pinned_source(statement: Statement, service: str, accounts: frozenset[str] | Unknown) -> bool | Unknown:
    """Whether aws:SourceArn is held to ARNs of this service in these accounts."""
    found: bool | Unknown = UNKNOWN if statement.conditions is UNKNOWN else False
    for arns in values(statement, SOURCE_ARN, ARN_OPERATORS):
        known = [str(value) for value in arns if _is_known(value)]
        if arns and all(_is_of(value, service, accounts) for value in known):
            if len(known) == len(arns):
                return True
            found = UNKNOWN
    return found


def _is_of(arn: str, service: str, accounts: frozenset[str] | Unknown) -> bool:
    account = account_in(arn)
    return service_in(arn) == service and account is not None and (accounts is UNKNOWN or account in accounts)


def is_literal(value: str) -> bool:
    """Whether a value is one name: not empty, no wildcard and no variable."""
    return bool(value) and not patterns.read(value).wild


def _is_org_path(value: str) -> bool:
    return "/" in value and is_literal(value.partition("/")[0])


def _has_account(arn: str) -> bool:
    """Whether an ARN that is compared field by field names its account."""
    fields = patterns.read(arn).fields()
    return len(fields) == patterns.ARN_FIELDS and is_account_id(_literal(fields[_ACCOUNT]))


def _begins_with_account(arn: str) -> bool:
    """Whether an ARN names its account before any wildcard.

    Compared as a text, a `*` crosses colons, and the path of a role may hold some: it could be another account's role.
    """
    return _has_account(arn) and all(_literal(field) is not None for field in patterns.read(arn).fields()[:_ACCOUNT])


def _literal(field: tuple[tuple[str, bool], ...]) -> str | None:
    return None if any(special for _, special in field) else "".join(char for char, _ in field)


_ACCOUNT = 4
"""Which field of an ARN its account is."""

type Pin = tuple[str, frozenset[str], Callable[[str], bool]]
"""A key, the operators that hold it to a value, and whether a value names somebody."""

# Absent from a call that an AWS service makes for itself.
_PEOPLE: tuple[Pin, ...] = (
    ("aws:principalarn", _BY_FIELD, _has_account),
    ("aws:principalarn", TEXT_OPERATORS, _begins_with_account),
    ("aws:principalaccount", TEXT_OPERATORS, is_account_id),
    ("aws:principalorgid", TEXT_OPERATORS, is_literal),
    # Many-valued, so it needs a set operator.
    ("aws:principalorgpaths", SET_OPERATORS, _is_org_path),
)
# The JWT claims are the principals of a CUSTOM_JWT resource, whose resource policies have to say "*" (AgentCore
# developer guide, "Resource-based policies").
_CALLERS: tuple[Pin, ...] = (
    *_PEOPLE,
    (SOURCE_ACCOUNT, TEXT_OPERATORS, is_account_id),
    (SOURCE_ARN, ARN_OPERATORS, _has_account),
    ("aws:sourceorgid", TEXT_OPERATORS, is_literal),
    ("bedrock-agentcore:inboundjwtclaim/sub", TEXT_OPERATORS, is_literal),
    ("bedrock-agentcore:inboundjwtclaim/client_id", TEXT_OPERATORS, is_literal),
)


def pins_principal(statement: Statement) -> bool | Unknown:
    """Whether a condition holds the statement to callers that somebody chose."""
    return pinned(statement, _CALLERS)


def keeps_services_out(statement: Statement) -> bool:
    """Whether the conditions that are known can hold for chosen people, users and roles only, and for no service."""
    return statement.conditions is not UNKNOWN and pinned(statement, _PEOPLE) is not False


def pinned(statement: Statement, pins: Iterable[Pin]) -> bool | Unknown:
    """Whether a condition holds one of these keys to values that each name somebody."""
    found: bool | Unknown = UNKNOWN if statement.conditions is UNKNOWN else False
    for key, operators, names_somebody in pins:
        for wanted in values(statement, key, operators):
            known = [str(value) for value in wanted if _is_known(value)]
            if wanted and all(names_somebody(value) for value in known):
                if len(known) == len(wanted):
                    return True
                found = UNKNOWN
    return found
