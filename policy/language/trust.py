"""Whom a trust policy lets take the role: AgentCore, and strangers whom nobody chose."""

from collections.abc import Iterator

from toolgate.policy.language import conditions, iam, principals, web_identity
from toolgate.policy.language.agentcore_facts import (
    ASSUME_ROLE,
    ASSUME_WITH_SAML,
    ASSUME_WITH_WEB_IDENTITY,
    SERVICE_PRINCIPAL,
)
from toolgate.policy.language.documents import Document, Statement
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.messages import quote

ASSUME = (ASSUME_ROLE, ASSUME_WITH_WEB_IDENTITY, ASSUME_WITH_SAML)


def lets_agentcore_in(statement: Statement) -> bool:
    """Whether the statement lets AgentCore assume the role, whatever it demands of the source."""
    if not iam.allows(statement, ASSUME_ROLE):
        return False
    named = principals.names_service(statement, SERVICE_PRINCIPAL)
    return named and (statement.everybody_but or not conditions.keeps_services_out(statement))


def trusts_agentcore(document: Document) -> bool:
    """Whether any statement of a trust policy is known to let AgentCore in."""
    return any(lets_agentcore_in(statement) for statement in iam.statements(document))


def strangers(statement: Statement) -> Iterator[str]:
    """Whom the statement is known to let in though nobody chose them, as phrases.

    In order is whoever is named: a user, a role, a whole account (its administrators choose), a SAML provider of the
    account, a service (it takes a role for whom that role was given to it; AgentCore's is `lets_agentcore_in`'s).
    """
    if not iam.allows(statement, *ASSUME):
        return
    if iam.everybody(statement):
        if conditions.pins_principal(statement) is False and web_identity.pins_any_token(statement) is False:
            yield "everybody"
    elif iam.allows(statement, ASSUME_WITH_WEB_IDENTITY):
        for issuer in dict.fromkeys(map(web_identity.issuer_of, statement.principals)):
            if issuer is not None and web_identity.pins_token(statement, issuer) is False:
                yield f"whoever has a token of {'an identity provider' if issuer is UNKNOWN else quote(issuer)}"
            elif issuer == web_identity.COGNITO and web_identity.lets_guests_in(statement):
                yield "everybody, as a guest of an identity pool"
