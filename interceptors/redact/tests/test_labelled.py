"""The labelled texts: what is in them, and how much of it is redacted.

`labelled.txt` was written by hand before the first pattern. A line that starts with `%%` begins the next text (what
follows the signs is a heading). What is to be redacted stands in marks, `⟦c:...⟧` a card number, `⟦e:...⟧` an e-mail
address, `⟦s:...⟧` a secret; `¦` divides made-up secrets, so that no scanner of repositories takes them for real ones.
"""

import re
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parent / "labelled.txt"
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


LABELLED = [_read(text.removesuffix("\n")) for text in re.split(r"(?m)^%%.*\n", FILE.read_text("utf-8"))[1:]]


def test_the_set_is_large_and_two_fifths_of_it_are_look_alikes() -> None:
    assert len(LABELLED) >= 400
    assert len({it.text for it in LABELLED}) == len(LABELLED)
    assert sum(not it.spans for it in LABELLED) >= 0.4 * len(LABELLED)
    for kind in KINDS.values():
        assert sum(found == kind for it in LABELLED for found, _ in it.spans) >= 80


def test_the_marks_are_in_order() -> None:
    assert [it.text for it in LABELLED if set("⟦⟧¦") & set(it.text)] == []
    assert [text for it in LABELLED for _, text in it.spans if not text or text != text.strip()] == []


def test_marked_card_numbers_have_a_right_check_digit() -> None:
    numbers = [text for it in LABELLED for kind, text in it.spans if kind == "card number"]
    assert [it for it in numbers if _sum([int(digit) for digit in it if digit.isdigit()]) % 10] == []


def _sum(digits: list[int]) -> int:
    # Luhn's sum, written out as ISO/IEC 7812-1 says it.
    doubled = [digit * 2 for digit in digits[-2::-2]]
    return sum(digits[-1::-2]) + sum(digit // 10 + digit % 10 for digit in doubled)
