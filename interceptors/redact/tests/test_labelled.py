"""The labelled texts: what is in them, and how much of it is redacted.

`labelled.txt` was written by hand before the first pattern, and the patterns were written on it; `held_out.txt` was
written by someone who had not seen them. A line that starts with `%%` begins the next text (what follows the signs is
a heading, what stands before the first is about the file). What is to be redacted stands in marks, `⟦c:...⟧` a card
number, `⟦e:...⟧` an e-mail address, `⟦s:...⟧` a secret; `¦` divides made-up secrets, so that no scanner of repositories
takes them for real ones.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from redaction import masked

FOLDER = Path(__file__).parent
MARK = re.compile(r"⟦([ces]):([^⟦⟧]*)⟧")
KINDS = {"c": "card number", "e": "e-mail address", "s": "secret"}


@dataclass(frozen=True)
class Labelled:
    """A text and what is to be redacted in it: kind and characters, in their order."""

    text: str
    spans: tuple[tuple[str, str], ...]


def _read(marked: str) -> Labelled:
    plain = marked.replace("¦", "")
    return Labelled(MARK.sub(r"\2", plain), tuple((KINDS[kind], text) for kind, text in MARK.findall(plain)))


def _texts(name: str) -> list[Labelled]:
    texts = re.split(r"(?m)^%%.*\n", (FOLDER / name).read_text("utf-8"))[1:]
    return [_read(text.removesuffix("\n")) for text in texts]


SETS = {name: _texts(name) for name in ("labelled.txt", "held_out.txt")}
ALL = [it for texts in SETS.values() for it in texts]


@pytest.mark.parametrize(("name", "texts", "of_a_kind"), [("labelled.txt", 400, 80), ("held_out.txt", 200, 45)])
def test_a_set_is_large_and_two_fifths_of_it_are_look_alikes(name: str, texts: int, of_a_kind: int) -> None:
    assert len(SETS[name]) >= texts
    assert sum(not it.spans for it in SETS[name]) >= 0.4 * len(SETS[name])
    for kind in KINDS.values():
        assert sum(found == kind for it in SETS[name] for found, _ in it.spans) >= of_a_kind


def test_no_text_stands_twice() -> None:
    assert len({it.text for it in ALL}) == len(ALL)


def test_the_marks_are_in_order() -> None:
    assert [it.text for it in ALL if set("⟦⟧¦") & set(it.text)] == []
    assert [text for it in ALL for _, text in it.spans if not text or text != text.strip()] == []


def test_marked_card_numbers_have_a_right_check_digit() -> None:
    numbers = [text for it in ALL for kind, text in it.spans if kind == "card number"]
    assert [it for it in numbers if _sum([int(digit) for digit in it if digit.isdigit()]) % 10] == []


def _sum(digits: list[int]) -> int:
    # Luhn's sum, written out as ISO/IEC 7812-1 says it.
    doubled = [digit * 2 for digit in digits[-2::-2]]
    return sum(digits[-1::-2]) + sum(digit // 10 + digit % 10 for digit in doubled)


# How much of it is redacted. Right is what was marked, to the character, and shown as its kind.

SHOWN = re.compile("|".join(re.escape(f"[{kind}]") for kind in KINDS.values()))
Found = Counter[tuple[str, str]]


@cache
def _figures(name: str) -> dict[str, tuple[float, float]]:
    """Recall and precision of each kind, and of all."""
    right, marked, taken = Counter[str](), Counter[str](), Counter[str]()
    for it in SETS[name]:
        wanted, found = _wanted(it), Found(_taken(it.text, masked(it.text)))
        for counts, several in ((right, wanted & found), (marked, wanted), (taken, found)):
            for (kind, _), times in several.items():
                counts.update({kind: times, "all": times})
        for (kind, text), times in ((wanted - found) + (found - wanted)).items():
            print(f"not as marked, {times}x: {kind}: {text!r} in {it.text[:80]!r}")
    return {kind: (right[kind] / marked[kind], right[kind] / taken[kind]) for kind in ("all", *KINDS.values())}


# Of one kind the held-out set has too few for a bound: it holds for all of them.
BOUND = [("labelled.txt", kind) for kind in ("all", *KINDS.values())] + [("held_out.txt", "all")]


@pytest.mark.parametrize(("name", "kind"), BOUND)
def test_recall_and_precision(name: str, kind: str) -> None:
    print(
        *(f"{name}, {kind}: recall {it[0]:.3f}, precision {it[1]:.3f}" for kind, it in _figures(name).items()), sep="\n"
    )
    recall, precision = _figures(name)[kind]
    assert recall >= 0.95
    assert precision >= 0.9


def test_what_counts_as_found_is_what_is_not_shown() -> None:
    assert list(_taken("to ada@x.de, bob", "to [e-mail address], bob")) == [("e-mail address", "ada@x.de")]
    assert list(_taken('{"a": [41, "b c"]}', '{"a": ["[card number]", "b [secret]"]}')) == [
        ("card number", "41"),
        ("secret", "c"),
    ]


def _wanted(it: Labelled) -> Found:
    in_json = _json(it.text) is not None
    return Found((kind, json.loads(f'"{text}"') if in_json and "\\" in text else text) for kind, text in it.spans)


def _taken(text: str, shown: str) -> Iterator[tuple[str, str]]:
    """What is not shown any more, and as which kind."""
    before = _json(text)
    if before is None:
        yield from _taken_of_text(text, shown)
    else:
        yield from _taken_of_value(before, json.loads(shown))


def _taken_of_value(before: Any, after: Any) -> Iterator[tuple[str, str]]:
    if isinstance(before, dict):
        for (name, it), (name_after, it_after) in zip(before.items(), after.items(), strict=True):
            yield from _taken_of_text(name, name_after)
            yield from _taken_of_value(it, it_after)
    elif isinstance(before, list):
        for it, it_after in zip(before, after, strict=True):
            yield from _taken_of_value(it, it_after)
    elif before != after:
        yield from _taken(str(before), after)


def _taken_of_text(text: str, shown: str) -> Iterator[tuple[str, str]]:
    if text == shown:
        return
    between = map(re.escape, SHOWN.split(shown))
    match = re.fullmatch("(.+?)".join(between), text, re.DOTALL)
    assert match, f"{shown!r} is not {text!r} with something taken out"
    yield from ((kind[1:-1], taken) for kind, taken in zip(SHOWN.findall(shown), match.groups(), strict=True))


def _json(text: str) -> Any:
    if text[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None
