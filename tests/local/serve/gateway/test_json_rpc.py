"""The versions of a gateway's list, and what a header Accept takes."""

import pytest

from toolgate.local.serve.gateway.json_rpc import Introduction, RpcError, check_version, spoken
from toolgate.local.serve.gateway.mcp_endpoint import accepts, is_json

LISTED = ["2026-07-28", "2025-11-25", "2025-03-26"]


def test_a_version_that_is_not_reproduced_is_left_out_of_those_that_are_offered_and_named() -> None:
    versions = spoken(LISTED)
    assert versions == ["2025-03-26", "2025-11-25"]
    assert Introduction("g", versions).result("2026-07-28")["protocolVersion"] == "2025-11-25"
    with pytest.raises(RpcError, match="Unsupported protocol version: 2026-07-28") as caught:
        check_version("2026-07-28", versions, assumed=True)
    assert caught.value.data == {"requested": "2026-07-28", "supported": versions}


def test_a_gateway_that_has_none_of_ours_says_so() -> None:
    with pytest.raises(RpcError, match="Unsupported protocol version: 2025-11-25") as caught:
        Introduction("g", spoken(["2026-07-28"])).result("2025-11-25")
    assert (caught.value.code, caught.value.status, caught.value.data["supported"]) == (-32600, 400, [])


def test_no_version_is_one_only_where_it_is_assumed() -> None:
    check_version(None, ["2025-03-26"], assumed=True)
    check_version(None, ["2025-11-25"], assumed=False)
    with pytest.raises(RpcError, match="2025-03-26"):
        check_version(None, ["2025-11-25"], assumed=True)


@pytest.mark.parametrize("header", [None, "", " ", "*/*", "text/html,*/*", "application/*;q=0.2", "APPLICATION/JSON"])
def test_json_is_taken(header: str | None) -> None:
    assert accepts(header, "application/json")


@pytest.mark.parametrize("header", ["text/*", "application/json; q=0", "application/json;Q=0.000", "json", ",", "*"])
def test_json_is_not_taken(header: str) -> None:
    assert not accepts(header, "application/json")


@pytest.mark.parametrize(("header", "expected"), [("application/json;charset=x", True), (None, False), ("json", False)])
def test_what_says_json(header: str | None, expected: bool) -> None:
    assert is_json(header) == expected
