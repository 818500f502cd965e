"""`Result.mapped`: each text that somebody could read, and nothing of the shape."""

import json
from typing import Any

import pytest
from intercept import Result


def masked(value: Any) -> Any:
    """A value with each run of digits 4711 masked."""
    return Result("a___b", value).mapped(lambda text: text.replace("4711", "****"))


def of_text(text: str) -> Any:
    return masked({"content": [{"type": "text", "text": text}]})["content"][0]["text"]


def test_each_place_of_a_result() -> None:
    value = {
        "content": [
            {"type": "text", "text": "no 4711", "annotations": {"x": "4711"}},
            {"type": "resource", "resource": {"uri": "file:///4711", "mimeType": "text/plain", "text": "4711"}},
            "4711",
        ],
        "structuredContent": {"4711": {"deep": ["4711", 4711, 1.4711, True, None]}},
        "isError": False,
        "4711": "x",
    }
    left = masked(value)
    assert "4711" not in json.dumps(left)
    assert left["structuredContent"] == {"****": {"deep": ["****", "****", "1.****", True, None]}}
    assert left["content"][1]["resource"] == {"uri": "file:///****", "mimeType": "text/plain", "text": "****"}
    assert left["isError"] is False


def test_the_words_of_mcp_stay_whatever_the_change_does() -> None:
    value = {"content": [{"type": "text", "text": "abc"}], "isError": True}
    assert Result("a___b", value).mapped(str.upper) == {"content": [{"type": "text", "text": "ABC"}], "isError": True}
    assert Result("a___b", {"code": -32603, "message": "abc"}).mapped(lambda _: "x") == {"code": -32603, "message": "x"}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('{"card":4711}', '{"card": "****"}'),
        ('{"4711":[1]}', '{"****": [1]}'),
        ('["\\u00344711", "\\u0034\\u003711"]', '["4****", "****"]'),
        ('"a \\u0034711"', '"a ****"'),
        (
            json.dumps(json.dumps({"a": "é 4711"})),
            json.dumps(json.dumps({"a": "é ****"}, ensure_ascii=False), ensure_ascii=False),
        ),
        ('{"a": 1,   "b": 1.10}', '{"a": 1,   "b": 1.10}'),  # nothing changed: as it was written
        ('{"a": "4711", "b": 1.5}', '{"a": "****", "b": 1.5}'),
        ('{"a": "4711", "a": "x"}', '{"a": "x"}'),  # what is there twice, nobody was shown
        ('{"a": 60114711.00}', '{"a": "6011****.00"}'),
        ('{"a": 1e400000000}', '{"a": 1e400000000}'),
        ("{not JSON 4711}", "{not JSON ****}"),
        ("  [4711]", '["****"]'),
    ],
)
def test_json_inside_of_a_text(text: str, left: str) -> None:
    assert of_text(text) == left


def test_what_cannot_be_looked_into_is_not_passed_over() -> None:
    with pytest.raises(RecursionError):
        of_text("[" * 100_000)
    with pytest.raises(ValueError, match="integer string conversion"):
        of_text('{"a": "\\u0034711", "b": ' + "1" * 5000 + "}")
