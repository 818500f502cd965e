"""What an authorizer makes of claims, known whole or in part."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolgate.access.deployment.tokens import CustomClaim, JwtAuthorizer
from toolgate.access.iam.evaluation import Access
from toolgate.access.tokens.authorizer import Claims, admits

URL = "https://issuer.example/.well-known/openid-configuration"
TEAM = CustomClaim("team", "STRING", "EQUALS", ("red",))
GROUPS = CustomClaim("groups", "STRING_ARRAY", "CONTAINS_ANY", ("a", "b"))


@pytest.mark.parametrize(
    ("settings", "claims", "against"),
    [
        ({"scopes": ("t/invoke",)}, {"scope": "other t/invoke"}, ""),
        ({"scopes": ("t/invoke", "u/invoke")}, {"scope": "u/invoke"}, ""),
        ({"scopes": ("t/invoke",)}, {"scope": "t/invoked"}, "scope"),
        ({"scopes": ("t/invoke",)}, {"scope": ["t/invoke"]}, "scope"),
        ({"scopes": ("t/invoke",)}, {}, "scope"),
        ({"audiences": ("tools",)}, {"aud": "tools"}, ""),
        ({"audiences": ("tools",)}, {"aud": ["other", "tools"]}, ""),
        # Access tokens of Cognito have no audience.
        ({"audiences": ("tools",)}, {"client_id": "c"}, "aud"),
        ({"audiences": ("tools",)}, {"aud": {"tools": 1}}, "aud"),
        ({"clients": ("c",)}, {"client_id": "c"}, ""),
        ({"clients": ("c",)}, {"azp": "c"}, "client_id"),
        ({"clients": ("c",)}, {"client_id": ["c"]}, "client_id"),
        ({"claims": (TEAM,)}, {"team": "red"}, ""),
        ({"claims": (TEAM,)}, {"team": ["red"]}, "team"),
        ({"claims": (GROUPS,)}, {"groups": ["b"]}, ""),
        ({"claims": (GROUPS,)}, {"groups": "b"}, "groups"),
        # Whatever is named is checked.
        ({"scopes": ("s",), "clients": ("c",)}, {"scope": "s", "client_id": "d"}, "client_id"),
        ({"scopes": ("s",), "clients": ("c",)}, {"scope": "t", "client_id": "c"}, "scope"),
    ],
)
def test_whatever_the_authorizer_names_must_hold(
    settings: dict[str, Any], claims: dict[str, Any], against: str
) -> None:
    said = admits(JwtAuthorizer(URL, **settings), Claims(claims))
    assert (said.access, said.claim) == (Access.DENY if against else Access.ALLOW, against)


def test_what_is_not_judged_leaves_only_a_denial() -> None:
    authorizer = JwtAuthorizer(URL, scopes=("s",), unread=("privateEndpoint",))
    assert admits(authorizer, Claims({"scope": "s"})).access is Access.UNDECIDED
    assert admits(authorizer, Claims({"scope": "t"})).access is Access.DENY


VALUES: dict[str, list[Any]] = {
    "aud": [None, "tools", ["tools", "x"], "x"],
    "client_id": [None, "c", "d"],
    "scope": [None, "s", "x s", "x"],
    "team": [None, "red", "blue"],
}
AUTHORIZERS = st.builds(
    JwtAuthorizer,
    st.just(URL),
    st.sampled_from([(), ("tools",)]),
    st.sampled_from([(), ("c",)]),
    st.sampled_from([(), ("s",), ("s", "t")]),
    st.sampled_from([(), (TEAM,)]),
)


@given(
    AUTHORIZERS, st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()}), st.data()
)
def test_what_is_said_of_some_claims_holds_whatever_the_others_are(
    authorizer: JwtAuthorizer, claims: dict[str, Any], data: st.DataObject
) -> None:
    open_ = data.draw(st.sets(st.sampled_from(sorted(VALUES))))
    known = {name: value for name, value in claims.items() if name not in open_ and value is not None}
    absent = {name for name, value in claims.items() if value is None} - open_
    said = admits(authorizer, Claims(known, complete=False))
    for values in itertools.product(*(VALUES[name] for name in sorted(open_ | absent))):
        more = {n: v for n, v in zip(sorted(open_ | absent), values, strict=True) if v is not None}
        whole = admits(authorizer, Claims({**known, **more}))
        assert said.access in {whole.access, Access.CONDITIONAL}
