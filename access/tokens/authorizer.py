"""What a gateway's authorizer makes of a token's claims: the one place that decides it.

Source: https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/inbound-jwt-authorizer.html: whatever the
authorizer names is checked, and all of it must hold. Of several audiences or scopes one is enough. For the client only
the claim `client_id` counts. The signature and the times of a token are checked before (`local` does it).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolgate.access.deployment.tokens import CustomClaim, JwtAuthorizer
from toolgate.access.iam.evaluation import Access

AUDIENCE, CLIENT, SCOPE = "aud", "client_id", "scope"


@dataclass(frozen=True)
class Claims:
    """What is known of a token.

    Attributes:
        values: Its claims by name; the scope is one text with blanks.
        complete: Whether it has no others.
    """

    values: Mapping[str, Any]
    complete: bool = True


@dataclass(frozen=True)
class Admission:
    """What an authorizer says.

    Attributes:
        access: Whether the token is let in; `conditional` where that rests on claims that are not known.
        claim: The claim that decided against it, or that it rests on; empty where it is let in.
        reason: The same in words, for logs and tables.
    """

    access: Access
    claim: str = ""
    reason: str = ""


LET_IN = Admission(Access.ALLOW)


def admits(authorizer: JwtAuthorizer, claims: Claims) -> Admission:
    """Whether the authorizer lets a token with these claims in.

    What the authorizer checks besides (`JwtAuthorizer.unread`) leaves the answer undecided, unless it is a denial.
    """
    unclear: list[Admission] = []
    for claim, wanted, holds in _checks(authorizer, claims):
        if holds is False:
            return Admission(Access.DENY, claim, f"{claim} is not {wanted}")
        if holds is None:
            unclear.append(Admission(Access.CONDITIONAL, claim, f"{claim} is {wanted}"))
    if authorizer.unread:
        return Admission(Access.UNDECIDED, "", f"not judged: {', '.join(authorizer.unread)}")
    return unclear[0] if unclear else LET_IN


def scopes_of(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """The scopes of a token, which stand in one text (RFC 8693, section 4.2; Cognito, access token)."""
    scope = claims.get(SCOPE)
    return tuple(scope.split()) if isinstance(scope, str) else ()


def _checks(authorizer: JwtAuthorizer, claims: Claims) -> Iterator[tuple[str, str, bool | None]]:
    """Each check: the claim, what it must be, and whether it is; None where that is not known."""
    if authorizer.audiences:
        named = _texts(claims.values.get(AUDIENCE))
        yield (
            AUDIENCE,
            _one_of(authorizer.audiences),
            _known(claims, AUDIENCE, bool({*named} & {*authorizer.audiences})),
        )
    if authorizer.clients:
        client = claims.values.get(CLIENT)
        yield CLIENT, _one_of(authorizer.clients), _known(claims, CLIENT, client in authorizer.clients)
    if authorizer.scopes:
        has = {*scopes_of(claims.values)} & {*authorizer.scopes}
        yield SCOPE, _one_of(authorizer.scopes), _known(claims, SCOPE, bool(has))
    for claim in authorizer.claims:
        matches = _matches(claim, claims.values.get(claim.name))
        yield claim.name, f"{claim.operator} {_one_of(claim.values)}", _known(claims, claim.name, matches)


def _known(claims: Claims, name: str, holds: bool) -> bool | None:
    return holds if claims.complete or name in claims.values else None


def _matches(claim: CustomClaim, value: Any) -> bool:
    if claim.operator == "EQUALS":
        return isinstance(value, str) and value in claim.values
    # CONTAINS has one value, CONTAINS_ANY several.
    return isinstance(value, Sequence) and not isinstance(value, str) and bool({*_texts(value)} & {*claim.values})


def _texts(value: Any) -> tuple[str, ...]:
    """A claim that is a text or a list of texts (RFC 7519, section 4.1.3, of the audience)."""
    if isinstance(value, str):
        return (value,)
    return tuple(it for it in value if isinstance(it, str)) if isinstance(value, Sequence) else ()


def _one_of(values: tuple[str, ...]) -> str:
    return values[0] if len(values) == 1 else f"one of {', '.join(values)}"
