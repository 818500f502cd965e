"""Who may take a role: its trust policy decides, and within the account the caller's own policies, too.

Source: IAM user guide, "Policy evaluation logic" (within an account, a trust policy that names the account lets its
identity policies count, and one that names the caller is enough; across accounts both sides must allow) and "Methods to
assume a role" (web identity and SAML are not signed: the trust policy alone decides).
"""

from collections.abc import Iterator

from toolgate.access.deployment.roles import Role
from toolgate.access.iam.evaluation import Decision, IamRequest, decide
from toolgate.access.iam.identities import Identity, token_holder
from toolgate.policy.language import web_identity
from toolgate.policy.language.agentcore_facts import ASSUME_ROLE, ASSUME_WITH_SAML, ASSUME_WITH_WEB_IDENTITY
from toolgate.policy.language.documents import Statement

ANYBODY = "*"


def may_assume(role: Role, caller: Identity) -> Decision:
    """Whether the caller may take the role by `sts:AssumeRole`."""
    return decide(IamRequest(caller, ASSUME_ROLE, role.arn, resource_policy=role.trust_policy))


def may_assume_with_token(role: Role, provider: str) -> Decision:
    """Whether somebody may take the role with a token of an identity provider, as its trust policy names that."""
    action = action_with_token(provider)
    return decide(IamRequest(token_holder(provider), action, role.arn, resource_policy=role.trust_policy))


def action_with_token(provider: str) -> str:
    """The action of STS that takes a provider's tokens."""
    return ASSUME_WITH_SAML if web_identity.issuer_in(provider) is None else ASSUME_WITH_WEB_IDENTITY


def token_providers(role: Role) -> Iterator[str]:
    """The identity providers whose tokens the role may be taken with; `*` for any."""
    found: dict[str, None] = {}
    for statement in _allows_tokens(role):
        named = (it for it in statement.principals if it.kind == "federated" or it.value == ANYBODY)
        found |= dict.fromkeys([ANYBODY] if statement.everybody_but else [str(it.value) for it in named])
    yield from found


def strangers_hold_tokens(role: Role, provider: str) -> bool:
    """Whether anybody can get a token of the provider that the role's trust policy does not tell from others."""
    if provider == ANYBODY:
        return True
    issuer = web_identity.issuer_in(provider)
    named = [it for it in _allows_tokens(role) if any(p.value in (provider, ANYBODY) for p in it.principals)]
    return (
        issuer is not None
        and web_identity.is_shared(issuer)
        and not all(web_identity.pins_token(it, issuer) is True for it in named)
    )


def _allows_tokens(role: Role) -> list[Statement]:
    concerning = (role.trust_policy.concerning(action) for action in (ASSUME_WITH_WEB_IDENTITY, ASSUME_WITH_SAML))
    return [statement for found in concerning for statement in found if statement.allow]
