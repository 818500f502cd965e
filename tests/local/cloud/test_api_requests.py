import pytest

from toolgate.local.cloud.api_requests import Member, Table, key_value_list, same, translate
from toolgate.local.cloud.failures import NotReproducedError
from toolgate.local.cloud.values import UNKNOWN

TABLE: Table = {
    **same("name"),
    "tags": Member("Tags", key_value_list),
    "block": Member("Block", {"inner": "Inner"}),
    "acls": "Configuration.Acls",
    "policy": "Configuration.Policy",
}


def test_names_nesting_lists_and_functions() -> None:
    properties = {"name": "n", "tags": {"a": "b"}, "block": [{"inner": 1}, {"inner": 2}], "acls": True, "policy": False}
    assert translate(TABLE, properties) == {
        "name": "n",
        "Tags": [{"Key": "a", "Value": "b"}],
        "Block": [{"Inner": 1}, {"Inner": 2}],
        "Configuration": {"Acls": True, "Policy": False},
    }


def test_what_is_null_is_left_out_and_what_is_unknown_is_kept() -> None:
    assert translate(TABLE, {"name": None, "tags": UNKNOWN, "block": {"inner": UNKNOWN}}) == {
        "Tags": UNKNOWN,
        "Block": {"Inner": UNKNOWN},
    }


def test_a_property_that_is_in_no_table_is_named_with_its_path() -> None:
    with pytest.raises(NotReproducedError, match=r"^block\.outer$"):
        translate(TABLE, {"block": {"outer": 1}})


def test_lists_for_one_member_are_joined_in_the_tables_order() -> None:
    table: Table = {"first": Member("Both", lambda it: [it]), "second": Member("Both", lambda it: [it])}
    assert translate(table, {"second": 2, "first": 1}) == {"Both": [1, 2]}
    assert translate(table, {"second": UNKNOWN, "first": 1}) == {"Both": UNKNOWN}
