"""Redaction: what is masked in which form, what JSON makes of it, and that no text takes longer than its length."""

import json
import re
from re import _constants, _parser  # type: ignore[attr-defined]  # the only reading of a pattern that there is
from typing import Any

import pytest
import redaction
from hypothesis import given
from hypothesis import strategies as st
from redaction import masked, masked_value, names_secret

PATTERNS = [it for it in vars(redaction).values() if isinstance(it, re.Pattern)]
CARD = "4242424242424242"
JWT = ".".join(["eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxIn0", "c2lnbmF0dXJlLWlzLWhlcmU"])


def with_check_digit(digits: str) -> str:
    return next(digits + it for it in "0123456789" if redaction.passes_luhn(digits + it))


@st.composite
def grouped(draw: st.DrawFn, number: str) -> str:
    """A number in groups of any length, set apart in one way."""
    between = draw(st.sampled_from(["", " ", "-", "\u00a0", "\u2009", "\u2013"]))
    cuts = draw(st.lists(st.booleans(), min_size=len(number), max_size=len(number)))
    return "".join(it + (between if cut else "") for it, cut in zip(number, cuts, strict=True)).rstrip(
        " -\u00a0\u2009\u2013"
    )


NUMBERS = st.sampled_from([("4", 16), ("4", 13), ("4", 19), ("51", 16), ("2221", 16), ("34", 15), ("6011", 16),
                           ("3528", 16), ("36", 14), ("62", 17), ("6304", 12), ("2200", 16)]).flatmap(
    lambda it: st.text("0123456789", min_size=it[1] - len(it[0]) - 1, max_size=it[1] - len(it[0]) - 1).map(
        lambda rest: with_check_digit(it[0] + rest)
    )
)  # fmt: skip


@given(st.data(), NUMBERS)
def test_card_numbers_are_masked_in_any_grouping(data: st.DataObject, number: str) -> None:
    written = data.draw(grouped(number))
    assert masked(f"paid with {written}, thanks") == "paid with [card number], thanks"


@given(st.data(), st.sampled_from(["4242424242424242", "371252427316722", "5555555555554444"]), st.integers(1, 9))
def test_a_wrong_check_digit_is_no_card_number(data: st.DataObject, number: str, more: int) -> None:
    wrong = number[:-1] + str((int(number[-1]) + more) % 10)
    # In one group: of several a part may be a number by itself.
    text = data.draw(st.sampled_from([f"order {wrong}.", f"n° {wrong}", f'{{"order": {wrong}}}']))
    assert masked(text) == text


@pytest.mark.parametrize(
    "text",
    [
        f"9{CARD}",
        f"{CARD}9",
        f"a1b{CARD}",
        f"{CARD}c3",
        f"0.{CARD}",
        "1234567812345670",
    ],
)
def test_longer_numbers_hashes_fractions_and_unknown_networks_stay(text: str) -> None:
    assert masked(text) == text


def test_luhn() -> None:
    assert redaction.passes_luhn("79927398713")  # the example of the patent's page
    assert [it for it in range(10) if redaction.passes_luhn(f"7992739871{it}")] == [3]


@given(
    st.text() | st.sampled_from([f"a {CARD} b@c.de password=x1y2z3 Bearer {JWT}", '{"password": "a b", "b@c.de": 1}'])
)
def test_masked_again_it_stays(text: str) -> None:
    once = masked(text)
    assert masked(once) == once


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
)


@given(JSON_VALUES)
def test_what_has_nothing_in_it_stays_and_is_not_changed(value: Any) -> None:
    before = json.dumps(value)
    if "@" not in before and not re.search(r"\d[\d ]{10}", before):
        assert masked_value(value) == value
        assert masked(before) == before
    else:
        masked_value(value)
    assert json.dumps(value) == before


def test_json_is_read_with_its_names_numbers_and_the_json_inside() -> None:
    value = {
        "dbPassword": "plain words",
        "password": 12345678,
        "ada@example.com": 1,
        "bob@example.com": 2,
        "pan": int(CARD),
        "total": 49.90,
        "ok": True,
        "apiKey": ["first", "second"],
        "content": [{"type": "text", "text": json.dumps({"secret": "y", "note": f"a\n{CARD}"})}],
    }
    assert masked_value(value) == {
        "dbPassword": "[secret]",
        "password": "[secret]",
        "[e-mail address]": 1,
        "[e-mail address] 2": 2,
        "pan": "[card number]",
        "total": 49.90,
        "ok": True,
        "apiKey": ["[secret]", "[secret]"],
        "content": [{"type": "text", "text": '{"secret": "[secret]", "note": "a\\n[card number]"}'}],
    }


def test_json_with_nothing_in_it_is_left_as_it_is_written() -> None:
    text = '{ "b" : 1.10,\n"a":\t[ ] }'
    assert masked(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"token": "a1b2c3", "token": null}', '{"token": "[secret]", "token": null}'),
        ('{"card": "\\u0034242424242424242"}', '{"card": "[card number]"}'),
        ('{"a": "password=abc12345"', '{"a": "password=[secret]"'),
        ("[" * 200_000 + " a@b.de", "[" * 200_000 + " [e-mail address]"),
        (f"a\0{CARD}", "a\0[card number]"),
        ("-----BEGIN " + "PRIVATE KEY-----\nMIIE, cut off", "[secret]"),
        ("İ password=abc12345", "İ password=[secret]"),
        ("token=a1b2c3d4&other_token=e5f6g7h8&x=1", "token=[secret]&other_token=[secret]&x=1"),
    ],
)
def test_what_is_written_oddly(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the password is hunter2", "the password is [secret]"),
        ("das Passwort lautet Birke17x", "das Passwort lautet [secret]"),
        ("mi contraseña es Perro88", "mi contraseña es [secret]"),
        ("curl -u admin:abc12345 https://x.de", "curl -u admin:[secret] https://x.de"),
        ("docker login -u ci -p abc12345 x.de", "docker login -u ci -p [secret] x.de"),
        ("login --password abc12345 -v", "login --password [secret] -v"),
        ("CREATE USER a IDENTIFIED BY 'plain words';", "CREATE USER a IDENTIFIED BY '[secret]';"),
        ("https://my-token:abc12345@x.de/a", "https://my-token:[secret]@x.de/a"),
        ("https://my-token:a/b@c12345@x.de/a", "https://my-token:[secret]/a"),
        ("/a.csv?se=2026&sig=a1b2c3d4e5f6g7h8%3D", "/a.csv?se=2026&sig=[secret]"),
        ("DB_PASSWORD_PROD: abc12345", "DB_PASSWORD_PROD: [secret]"),
        ('{"api_key_2": "plain"}', '{"api_key_2": "[secret]"}'),
        ("?mail=ada%2Bshop%40x.de&a=1", "?mail=[e-mail address]&a=1"),
        ("h" + "vs.CAESIJabcdefghijklmnopqrst", "[secret]"),
    ],
)
def test_secrets_without_a_sign_of_their_own(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "the password is required",
        "the token is RS256-signed",
        'the password is "expired"',
        "your password is 12345678901 days old",
        "docker run -u 100001:100001 x",
        "docker run -u nobody:nogroup x",
        "kubectl port-forward -p 8080",
        "password authentication2 failed",
        "API_KEY=s" + "k_live_...",
        "?sig=short1",
        "PASSWORD_MIN_LENGTH: 12345678",
        '{"token_type": "Bearer", "password_expired": "never"}',
    ],
)
def test_what_is_said_of_secrets_stays(text: str) -> None:
    assert masked(text) == text


def test_one_text_does_not_reach_into_the_next() -> None:
    value = [
        "-----BEGIN " + "PRIVATE KEY-----",
        "plain",
        "4242 4242",
        "4242 4242",
        "password=",
        "abc12345",
        "ada@",
        "x.de",
    ]
    assert masked_value(value) == ["[secret]", *value[1:]]


@pytest.mark.parametrize("name", ["password", "DB_PASSWORD", "x-api-key", "accessToken", "clientSecret", "pass"])
def test_names_of_secrets(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize(
    "name", ["nextToken", "next_page_token", "token_type", "secretName", "passed", "compass", "key", "clientToken", ""]
)
def test_names_of_no_secrets(name: str) -> None:
    assert not names_secret(name)


# Time. A pattern's steps are bounded by what is read when no quantifier stands in another one, and none gives back what
# it took without bound; that a run of characters is not begun again at each of its characters, long runs show.

REPEATS = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)


def faults(parsed: Any, *, inside: bool = False) -> list[str]:
    """What of a pattern could take time that grows faster than the text."""
    found = []
    for operation, argument in parsed:
        repeats = operation in REPEATS and argument[1] > 1
        if repeats and inside:
            found.append(f"a quantifier in a quantifier: {argument}")
        if repeats and argument[1] > 256 and operation is not _constants.POSSESSIVE_REPEAT:
            found.append(f"gives back what it took without bound: {argument}")
        for part in argument if isinstance(argument, tuple) else ():
            for branch in part if isinstance(part, list) else [part]:
                if isinstance(branch, _parser.SubPattern):
                    found += faults(branch, inside=inside or repeats)
    return found


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda it: it.pattern[:20])
def test_no_pattern_takes_more_than_linear_time(pattern: re.Pattern[str]) -> None:
    assert faults(_parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)) == []


@pytest.mark.parametrize("pattern", [r"(?:a+)+", r"(?:a{1,3}b?){2,}", r"a+b", r".*?c", r"(?:(?:ab|c*)x)+", r"(?=a*)"])
def test_patterns_that_would_are_seen(pattern: str) -> None:
    assert faults(_parser.parse(pattern)) != []


@pytest.mark.parametrize(
    "piece",
    ["a", "1", "1 ", "@", "a@b.", "eyJ", "eyJaaaaaaaaa.", "SG.", "xoxb-", "Bearer ", "://a", "token=&", "token: ",
     "-u a:", "-u a -p ", "B2%", "2B%40", "password is ", "&sig=", "://token:@",
     "a [at] ", "-----BEGIN " + "PRIVATE KEY-----", '[{"a":', "\0"],
)  # fmt: skip
def test_long_runs_come_to_an_end(piece: str) -> None:
    # A million characters: what begins again at each of them would be at it for longer than any test may be.
    masked(piece * (1_000_000 // len(piece)))
