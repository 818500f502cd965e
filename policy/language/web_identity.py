"""Whom a trust policy lets in by a token of an identity provider: which claims say who carries it.

Many organizations share an issuer such as GitHub's, and there one claim tells them apart: IAM user guide,
"Identity-provider controls for shared OIDC providers", which lists them; another issuer is one organization's own. The
claims are condition keys `<issuer>:<claim>`: "IAM and AWS STS condition context keys", OIDC federation. What stands in
a `sub` is its issuer's to say: GitHub's "OpenID Connect reference", GitLab's "ID token", HCP Terraform's "Workload
identity token specification" and their like.
"""

import re
from collections.abc import Callable

from toolgate.policy.language import conditions, patterns
from toolgate.policy.language.conditions import SET_OPERATORS, TEXT_OPERATORS, Pin
from toolgate.policy.language.documents import Principal, Statement
from toolgate.policy.language.unknown import UNKNOWN, Unknown

COGNITO = "cognito-identity.amazonaws.com"
_OPERATORS = TEXT_OPERATORS | SET_OPERATORS

# Each is asked of the beginning of a value, up to its first wildcard, which stands there as a `*`.
_WHOLE = r"[^*]+$"
_BEGINS = r"[^*]"
_OWNER = r"[^/*]+/"
_ORGANIZATION = r"(?:.*:)?org(?:anization)?:[^:*]+(?::|$)"

# By issuer that gives tokens to everybody who has an account there: the claims that say whose token it is, and what of
# a value is enough for that.
_CLAIMS: dict[str, dict[str, str]] = {
    "token.actions.githubusercontent.com": {
        "sub": r"(?:.*:)?(?:(?:repo|repository|job_workflow_ref):[^/:*]+/"
        r"|(?:repository_owner|repository_owner_id|repository_id|enterprise_id):[^:*]+(?::|$))",
        "job_workflow_ref": _OWNER,
        "repository": _OWNER,
        "repository_id": _WHOLE,
        "repository_owner": _WHOLE,
        "repository_owner_id": _WHOLE,
        "enterprise_id": _WHOLE,
    },
    "gitlab.com": {"sub": r"project_path:[^/:*]+/"},
    "app.terraform.io": {"sub": _ORGANIZATION},
    "agent.buildkite.com": {"sub": _ORGANIZATION},
    "api.pulumi.com/oidc": {"sub": _ORGANIZATION, "aud": _WHOLE},
    "scalr.io": {"sub": r"account:[^:*]+(?::|$)"},
    "proidc.upbound.io": {"sub": r"mcp:[^/:*]+/"},
    "oidc-configuration.audit-log.githubusercontent.com": {"sub": _WHOLE},
    "vstoken.actions.githubusercontent.com": {"sub": _WHOLE},
    "oidc.codefresh.io": {"sub": _WHOLE},
    "studio.datachain.ai/api": {"sub": _WHOLE},
    "tokens.cloud.shisho.dev": {"sub": _WHOLE},
    "sandboxes.cloud": {"aud": _WHOLE},
    "oidc.vercel.com": {"sub": r"owner:[^:*]+(?::|$)", "aud": _WHOLE},
    COGNITO: {"sub": _WHOLE, "aud": _WHOLE},
    "accounts.google.com": {"sub": _WHOLE, "aud": _WHOLE},
    "graph.facebook.com": {"id": _WHOLE, "app_id": _WHOLE},
    "www.amazon.com": {"user_id": _WHOLE, "app_id": _WHOLE},
}
# An audience names the application, but for the one that every token for AWS may have.
_OF_OTHERS = {"sub": _BEGINS, "aud": r"(?!sts\.amazonaws\.com$)[^*]+$"}


def issuer_of(principal: Principal) -> str | Unknown | None:
    """The issuer that a federated principal stands for; None for one that is no issuer of tokens.

    A SAML provider is none: the account made it from the metadata of one identity provider, so somebody chose it.
    """
    if principal.kind != "federated":
        return None
    if principal.value is UNKNOWN or patterns.HOLE in principal.value:
        return UNKNOWN
    return issuer_in(principal.value)


def issuer_in(provider: str) -> str | None:
    """The issuer of an identity provider, which a trust policy names by its ARN or by the issuer itself."""
    issuer = provider.lower().rpartition(":oidc-provider/")[2]
    return None if ":saml-provider/" in issuer else issuer


def is_shared(issuer: str) -> bool:
    """Whether everybody with an account there gets tokens of the issuer; of one that is not known here it is open."""
    return issuer in _CLAIMS


def pins_token(statement: Statement, issuer: str | Unknown) -> bool | Unknown:
    """Whether a condition holds the statement to tokens of somebody in particular.

    Args:
        statement: A statement of a trust policy.
        issuer: Whose tokens; where that is not known, any condition may be the one.
    """
    if isinstance(issuer, Unknown):
        return False if statement.conditions == () else UNKNOWN
    return conditions.pinned(statement, _pins(issuer))


def pins_any_token(statement: Statement) -> bool | Unknown:
    """Whether a condition holds the statement to tokens of somebody in particular, of whatever issuer."""
    known = () if statement.conditions is UNKNOWN else statement.conditions
    # What stands in an assertion, the identity provider of any account says.
    issuers = {condition.key.rpartition(":")[0] for condition in known} - {"saml"}
    return conditions.pinned(statement, [pin for issuer in issuers for pin in _pins(issuer)])


def _pins(issuer: str) -> list[Pin]:
    claims = _CLAIMS.get(issuer, _OF_OTHERS)
    return [(f"{issuer}:{claim}", _OPERATORS, _says(form)) for claim, form in claims.items()]


def _says(form: str) -> Callable[[str], bool]:
    compiled = re.compile(form)

    def says(value: str) -> bool:
        pattern = patterns.read(value)
        return compiled.match(pattern.beginning + ("*" if pattern.wild else "")) is not None

    return says


def lets_guests_in(statement: Statement) -> bool:
    """Whether a statement for Cognito's identity pools is for people who did not log in.

    Source: Amazon Cognito developer guide, "Role trust and permissions": the claim `amr` holds `unauthenticated`.
    """
    wanted = conditions.values(statement, f"{COGNITO}:amr", _OPERATORS)
    return any("unauthenticated" in value for demanded in wanted for value in demanded if value is not UNKNOWN)
