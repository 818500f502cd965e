"""Identity providers whose tokens strangers hold, too, and what tells one's own tokens from theirs.

Source: IAM user guide, "Identity-provider controls for shared OIDC providers" (the table of issuers and claims),
"Available keys for AWS OIDC federation" (the providers that need not be registered). An issuer that is in neither is
somebody's own, such as a cluster's; what AWS refuses by itself for a shared one was not seen by us.
"""

from collections.abc import Mapping

from toolgate.policy.language import conditions, patterns
from toolgate.policy.language.documents import Statement
from toolgate.policy.language.patterns import HOLE

SHARED_ISSUERS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "agent.buildkite.com",
            "app.terraform.io",
            "gitlab.com",
            "oidc-configuration.audit-log.githubusercontent.com",
            "oidc.codefresh.io",
            "proidc.upbound.io",
            "scalr.io",
            "studio.datachain.ai/api",
            "token.actions.githubusercontent.com",
            "tokens.cloud.shisho.dev",
            "vstoken.actions.githubusercontent.com",
            # People's own accounts: one's application is the audience of everybody who signs in.
            "accounts.google.com",
        ),
        "sub",
    ),
    "api.pulumi.com/oidc": "aud",
    "cognito-identity.amazonaws.com": "aud",
    "oidc.vercel.com": "aud",
    "sandboxes.cloud": "aud",
    "graph.facebook.com": "id",
    "www.amazon.com": "user_id",
}
"""Issuers that give everybody tokens who has an account there, and the claim that tells their customers apart."""

_EXACT = frozenset({"stringequals", "stringequalsignorecase", "foranyvalue:stringequals"})
_LIKE = frozenset({"stringlike", "foranyvalue:stringlike"})


def issuer(provider: str) -> str:
    """The issuer of an identity provider, which a trust policy names by its ARN or by the issuer itself."""
    return provider.partition(":oidc-provider/")[2] or provider


def holds_tenant(statement: Statement, provider: str) -> bool:
    """Whether a condition holds the tokens of a shared issuer to those of one customer."""
    claim = SHARED_ISSUERS.get(issuer(provider))
    key = f"{issuer(provider)}:{claim}".lower()
    exact = (all(map(_known, wanted)) and bool(wanted) for wanted in conditions.values(statement, key, _EXACT))
    like = (all(map(_begins_fixed, wanted)) and bool(wanted) for wanted in conditions.values(statement, key, _LIKE))
    return claim is not None and (any(exact) or any(like))


def _known(value: object) -> bool:
    return isinstance(value, str) and value != "" and HOLE not in value


def _begins_fixed(value: object) -> bool:
    """Whether a pattern is one text, or names the customer before its first wildcard: `repo:<owner>/*`."""
    if not isinstance(value, str) or HOLE in value:
        return False
    tokens = patterns.read(value).tokens
    fixed = "".join(char if not special else "\0" for char, special in tokens).partition("\0")[0]
    complete = fixed.replace("/", ":").split(":")[:-1]
    return not patterns.read(value).wild or len([part for part in complete if part]) > 1
