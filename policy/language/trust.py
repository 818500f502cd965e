"""Whether a trust policy lets AgentCore take the role."""

from toolgate.policy.language import conditions, iam, principals
from toolgate.policy.language.agentcore_facts import ASSUME_ROLE, SERVICE_PRINCIPAL
from toolgate.policy.language.documents import Document, Statement


def lets_agentcore_in(statement: Statement) -> bool:
    """Whether the statement lets AgentCore assume the role, whatever it demands of the source."""
    if not iam.allows(statement, ASSUME_ROLE):
        return False
    named = principals.names_service(statement, SERVICE_PRINCIPAL)
    return named and (statement.everybody_but or not _only_people(statement))


def trusts_agentcore(document: Document) -> bool:
    """Whether any statement of a trust policy is known to let AgentCore in."""
    return any(lets_agentcore_in(statement) for statement in iam.statements(document))


def _only_people(statement: Statement) -> bool:
    """Whether a condition demands a key that only a call by a person, user or role carries."""
    return any(any(conditions.values(statement, key, conditions.ARN_OPERATORS)) for key in conditions.PRINCIPAL_KEYS)
