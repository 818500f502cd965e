"""Whether a trust policy lets AgentCore take the role."""

from toolgate.policy import conditions, iam, patterns
from toolgate.policy.agentcore import ASSUME_ROLE, PRINCIPAL
from toolgate.policy.documents import Document, Principal, Statement
from toolgate.policy.reading import UNKNOWN


def lets_agentcore_in(statement: Statement) -> bool:
    """Whether the statement lets AgentCore assume the role, whatever it demands of the source."""
    if not iam.allows(statement, ASSUME_ROLE):
        return False
    if statement.everybody_but:
        return not any(_is_agentcore(principal) for principal in statement.principals)
    return any(_is_agentcore(principal) for principal in statement.principals) and not _only_people(statement)


def trusts_agentcore(document: Document) -> bool:
    """Whether any statement of a trust policy is known to let AgentCore in."""
    return any(lets_agentcore_in(statement) for statement in iam.statements(document))


def _is_agentcore(principal: Principal) -> bool:
    if principal.value is UNKNOWN or principal.kind not in ("service", "*"):
        return False
    pattern = patterns.read(principal.value.lower())
    return not pattern.holes and pattern.reaches(patterns.one(PRINCIPAL))


def _only_people(statement: Statement) -> bool:
    """Whether a condition demands a key that only a call by a person, user or role carries."""
    return any(any(conditions.values(statement, key, conditions.ARN_OPERATORS)) for key in conditions.PRINCIPAL_KEYS)
