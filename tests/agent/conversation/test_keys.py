"""Names of conversations: no two users, sessions or agents share one, and each is as AWS wants it."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversation import Key, key, keys

ACTOR = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-_/]*(?::[a-zA-Z0-9-_/]+)*[a-zA-Z0-9-_/]*")
SESSION = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-_]*")
OWN = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_]{0,47}", fullmatch=True)
# What a header may hold, and what looks like the names that are made of it.
TEXT = st.one_of(
    st.text(min_size=1),
    st.text(alphabet="ab-_:/.@", min_size=1, max_size=4),
    st.from_regex(r"sha256-[0-9a-f]{1,64}", fullmatch=True),
    st.text(alphabet="a", min_size=95, max_size=140),
)
KEYS = st.builds(Key, TEXT, st.none() | TEXT)


def names(own: str, one: Key) -> tuple[Any, ...]:
    return keys.actor(own, one), keys.session(one)


@given(OWN, OWN, KEYS, KEYS)
def test_different_conversations_have_different_names(own: str, other: str, one: Key, two: Key) -> None:
    same = (own, one) == (other, two)
    assert (names(own, one) == names(other, two)) == same
    places = [keys.folder(name, key) + keys.session(key) for name, key in ((own, one), (other, two))]
    assert (places[0] == places[1]) == same


@given(OWN, KEYS, KEYS)
def test_a_hash_is_nobody_elses_name(own: str, one: Key, two: Key) -> None:
    hashed = Key(keys.session(one), keys.actor("a", one).removeprefix("a:") if one.user else None)
    assert (names(own, hashed) == names(own, one)) == (hashed == one)


@given(OWN, KEYS)
def test_each_name_is_as_aws_wants_it(own: str, one: Key) -> None:
    actor, session = names(own, one)
    assert ACTOR.fullmatch(actor)
    assert len(actor) <= 255
    assert SESSION.fullmatch(session)
    assert len(session) <= 100
    folder = keys.folder(own, one)
    assert folder.startswith(own + "/")
    assert re.fullmatch(r"[a-zA-Z0-9_/-]+/", folder)
    assert "//" not in folder


def test_a_user_is_the_agents_own_actor_and_another() -> None:
    assert keys.actor("demo_dev_a", Key("s", None)) == "demo_dev_a"
    assert keys.actor("demo_dev_a", Key("s", "alice")) == "demo_dev_a:alice"
    assert keys.folder("demo_dev_a", Key("s", None)) == "demo_dev_a/own/"
    assert keys.folder("demo_dev_a", Key("s", "alice")) == "demo_dev_a/users/alice/"


@pytest.mark.parametrize("session", [None, ""])
def test_without_a_session_there_is_no_conversation(session: str | None) -> None:
    assert key(session, "alice") is None
    assert key("s", "") == Key("s", None)
