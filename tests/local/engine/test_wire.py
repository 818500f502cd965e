from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from toolgate.access.deployment.stack_export import ARCHIVE, ASSET, SECRET, SIGNATURE
from toolgate.local.cloud.values import UNKNOWN, HiddenText, Package
from toolgate.local.engine import wire
from toolgate.policy.language.unknown import SENTINELS, UNKNOWN_TEXT

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_json_goes_through_a_struct_unchanged(values: dict[str, object]) -> None:
    assert wire.from_struct(wire.to_struct(values)) == values


def test_whole_numbers_are_ints() -> None:
    struct = Struct()
    struct.update({"a": 3, "b": 3.5, "c": [1e20]})
    read = wire.from_struct(struct)
    assert (type(read["a"]), type(read["b"])) == (int, float)


def test_keys_come_in_one_order() -> None:
    assert list(wire.from_struct(wire.to_struct(dict.fromkeys("cab")))) == ["a", "b", "c"]
    assert list(wire.from_struct(wire.to_struct(dict.fromkeys("bca")))) == ["a", "b", "c"]


@pytest.mark.parametrize("text", sorted(SENTINELS))
def test_unknown_values_are_seen_as_unknown(text: str) -> None:
    assert wire.view({"a": [text]}) == {"a": [UNKNOWN]}
    assert wire.from_struct(wire.to_struct({"a": [UNKNOWN]})) == {"a": [UNKNOWN_TEXT]}


def test_secrets_are_seen_but_hidden_however_deep() -> None:
    seen = wire.view({"a": {SIGNATURE: SECRET, "value": {"b": ["c", 1]}}})
    assert seen == {"a": {"b": ["c", 1]}}
    assert isinstance(seen["a"]["b"][0], HiddenText)
    assert wire.view({SIGNATURE: SECRET, "value": UNKNOWN_TEXT}) is UNKNOWN


@pytest.mark.parametrize("kind", [ASSET, ARCHIVE])
def test_files_are_seen_as_their_digest(kind: str) -> None:
    seen = wire.view({SIGNATURE: kind, "path": "p", "hash": "h"})
    assert isinstance(seen, Package)
    assert seen == "h"


def test_a_resource_cannot_be_given_to_aws() -> None:
    with pytest.raises(ValueError, match="cannot be given to an AWS resource"):
        wire.view({SIGNATURE: "5cf8f73096256a8f31e491e813e4eb8e", "urn": "u"})


def test_what_is_not_rewritten_is_shared() -> None:
    same: Any = {"a": [1, {"b": "c"}], "d": {}}
    value: Any = {"same": same, "other": [same, UNKNOWN]}
    assert wire.with_texts_for_unknowns(same) is same
    rewritten = wire.with_texts_for_unknowns(value)
    assert rewritten == {"same": same, "other": [same, UNKNOWN_TEXT]}
    assert rewritten["same"] is rewritten["other"][0] is same
    assert value["other"][1] is UNKNOWN


def test_a_marked_value_is_replaced_as_a_whole_or_like_any_other() -> None:
    value = {"a": [{SIGNATURE: SECRET, "value": "b"}]}
    assert wire.rewritten(value, lambda it: it["value"]) == {"a": ["b"]}
    assert wire.rewritten(value) is value


def hush(value: Any) -> dict[str, Any]:
    return {SIGNATURE: SECRET, "value": value}


def test_what_stands_at_a_path_is_sealed_and_nothing_else() -> None:
    values = {"a": {"b": "x", "c": 1}, "d": ["e"], "f": "g"}
    assert wire.sealed(values, {"a.b", "d", "no", "f.no", "a.no"}) == {
        "a": {"b": hush("x"), "c": 1},
        "d": hush(["e"]),
        "f": "g",
    }
    assert values["d"] == ["e"]


def test_what_is_sealed_or_not_known_stays_as_it_is() -> None:
    values = {"a": hush("x"), "b": UNKNOWN_TEXT, "c": None, "d": hush({"e": "f"}), "g": UNKNOWN}
    assert wire.sealed(values, {"a", "b", "c", "d.e", "g"}) == values


def test_one_seal_is_enough() -> None:
    assert wire.sealed({"a": {"b": "x"}}, {"a.b", "a"}) == {"a": hush({"b": "x"})}
    assert wire.sealed({"a": {"b": hush("x"), "c": [hush({"d": hush("y")})]}}, {"a"}) == {
        "a": hush({"b": "x", "c": [{"d": "y"}]})
    }
    file = {SIGNATURE: ASSET, "path": "p", "hash": "h"}
    assert wire.sealed({"a": {"b": file}}, {"a"}) == {"a": hush({"b": file})}
