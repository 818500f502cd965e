"""The window of a conversation: whole turns, the latest, within the bounds."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversation import Window, window
from conversation.window import LEFT_OUT, Message, Turn
from toolgate.local.serve.model import converse_messages

WORDS = st.text(min_size=1, max_size=30).filter(str.strip)


def user(*content: dict[str, Any]) -> Message:
    return {"role": "user", "content": list(content)}


def assistant(*content: dict[str, Any]) -> Message:
    return {"role": "assistant", "content": list(content)}


def use(name: str) -> dict[str, Any]:
    return {"toolUse": {"toolUseId": name, "name": "a___b", "input": {}}}


def result(name: str, text: str = "112") -> dict[str, Any]:
    return {"toolResult": {"toolUseId": name, "status": "success", "content": [{"text": text}]}}


@st.composite
def turns(draw: st.DrawFn) -> Turn:
    turn = [user({"text": draw(WORDS)})]
    for step in range(draw(st.integers(0, 3))):
        ids = [f"t{step}-{number}" for number in range(draw(st.integers(1, 3)))]
        turn.append(assistant({"text": draw(WORDS)}, *map(use, ids)))
        turn.append(user(*(result(one, draw(WORDS)) for one in draw(st.permutations(ids)))))
    return [*turn, assistant({"text": draw(WORDS)})]


CONVERSATIONS = st.lists(turns(), max_size=8)
WINDOWS = st.builds(Window, st.integers(1, 6), st.integers(1, 3000))


def flat(conversation: list[Turn]) -> list[Message]:
    return [message for turn in conversation for message in turn]


@given(CONVERSATIONS, WINDOWS)
def test_what_is_kept_is_the_end_within_the_bounds(conversation: list[Turn], bounds: Window) -> None:
    kept = window.latest(conversation, bounds)
    assert kept == conversation[len(conversation) - len(kept) :]
    assert len(kept) <= bounds.turns
    assert sum(map(window.size, kept)) <= bounds.size
    assert not kept or not converse_messages.problem(flat(kept))
    if len(kept) < min(len(conversation), bounds.turns):  # as much as there is room for
        assert sum(map(window.size, conversation[len(conversation) - len(kept) - 1 :])) > bounds.size


@given(CONVERSATIONS, st.data())
def test_what_is_left_of_a_conversation_is_read_as_whole_turns(conversation: list[Turn], data: st.DataObject) -> None:
    """Whatever is missing: half a turn is no turn."""
    messages = flat(conversation)
    missing = data.draw(st.sets(st.integers(0, max(0, len(messages) - 1)), max_size=3))
    left = [message for place, message in enumerate(messages) if place not in missing]
    read = window.turns(left)
    assert not read or not converse_messages.problem(flat(read))
    assert all(turn in conversation or converse_messages.problem(turn) is None for turn in read)
    if not missing:
        assert read == conversation


@given(turns(), st.integers(1, 2000))
def test_a_turn_that_is_too_large_loses_its_results_or_is_not_kept(turn: Turn, most: int) -> None:
    kept = window.kept(turn, most)
    if window.size(turn) <= most:
        assert kept == turn
    elif kept:
        assert window.size(kept) <= most
        assert window.is_whole(kept)
        assert json.dumps(kept).count(LEFT_OUT) == json.dumps(turn).count('"toolResult"')
        assert [message["role"] for message in kept] == [message["role"] for message in turn]


def test_a_large_result_goes_and_the_words_stay() -> None:
    turn = [user({"text": "sum?"}), assistant(use("t")), user(result("t", "x" * 5000)), assistant({"text": "112"})]
    kept = window.kept(turn, 1000)
    assert kept
    assert [kept[0], kept[1], kept[3]] == [turn[0], turn[1], turn[3]]
    assert kept[2]["content"] == [result("t", LEFT_OUT)]
    assert window.kept([user({"text": "x" * 5000}), assistant({"text": "y"})], 1000) is None


@pytest.mark.parametrize(
    "turn",
    [
        [],
        [user({"text": "a"})],
        [assistant({"text": "a"})],
        [user({"text": "a"}), assistant(use("t"))],
        [user({"text": "a"}), assistant()],
        [user({"text": "a"}), user({"text": "b"})],
        [user({"text": "a"}), assistant(use("t")), user(result("other")), assistant({"text": "b"})],
        [user({"text": "a"}), assistant(use("t"), use("u")), user(result("t")), assistant({"text": "b"})],
        [user({"text": "a"}), assistant({"text": "b"}), user(result("t")), assistant({"text": "b"})],
        [user({"text": "a"}), assistant({"text": "b"}), user({"text": "c"}), assistant({"text": "d"})],
        [user(result("t")), assistant({"text": "b"})],
    ],
)
def test_what_is_no_turn(turn: Turn) -> None:
    assert not window.is_whole(turn)


def test_bytes_and_characters_count_as_json_has_them() -> None:
    assert window.size([user({"text": "é"})]) == len('[{"role": "user", "content": [{"text": "é"}]}]'.encode())
    image = {"image": {"format": "png", "source": {"bytes": b"12345678"}}}
    assert window.size([user(image)]) == len(json.dumps([user(image)], default=lambda _: "MTIzNDU2Nzg="))


def test_what_strands_notes_and_blank_text_are_not_kept() -> None:
    noted = {**assistant({"text": " "}, use("t")), "tracking_id": "x", "metadata": {"usage": {}}}
    assert window.plain(noted) == assistant(use("t"))
