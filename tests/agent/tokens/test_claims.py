"""What is read of a token that nobody has checked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.tokens import claims
from tests.agent.tokens.fake_identity import jwt


@pytest.mark.parametrize(
    "token",
    [
        "",
        "opaque",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "..",
        "é.é.é",
        "a.bnVsbA.c",
        "a.W10.c",
        "a.eyJhIjoxfQ.c.d",
        "a.eyJh!!!!IjoxfQ.c",
        "a.eyJhIjoxLCJhIjoyfQ.c",
    ],
)
def test_what_is_no_jwt_says_nothing(token: str) -> None:
    assert claims(token) == {}


@given(st.text())
def test_no_text_breaks_the_reading_of_claims(text: str) -> None:
    assert isinstance(claims(text), dict)
    assert isinstance(claims(f"a.{text}.c"), dict)


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.booleans(), max_size=5))
def test_claims_are_those_of_the_token(said: dict[str, int | str | bool]) -> None:
    assert claims(jwt(said)) == said
