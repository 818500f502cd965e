"""Whatever a gateway's configuration of interceptors holds: what is not said counts as possible."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.access.interceptors import ARN, function, interceptor
from toolgate.access.deployment.agentcore_resources import Interceptor
from toolgate.access.deployment.deployment import parse
from toolgate.access.deployment.interceptors import read_interceptors
from toolgate.access.deployment.stack_export import Resource
from toolgate.policy.language.interceptors import Declaration

BOTH = ("REQUEST", "RESPONSE")


def _read(case: Callable[..., Any], configured: Any, **variables: Any) -> tuple[Interceptor, ...]:
    gateway = {"interceptorConfigurations": configured}
    [found] = parse(case(gateway=gateway, more=[function(**variables)]).export()).gateways
    return found.interceptors


def test_what_is_written_is_read(case: Callable[..., Any]) -> None:
    [found] = _read(case, [interceptor("REQUEST", headers=True)], calls=["math___*"])
    assert found == Interceptor(ARN, ("REQUEST",), headers=True, declared=Declaration(calls=("math___*",)))
    assert found.name == "limits"


@pytest.mark.parametrize(
    ("arn", "declared"),
    [(ARN, True), (f"{ARN}:$LATEST", True), (f"{ARN}:live", False), (f"{ARN}:3", False), (f"{ARN}2", False)],
)
def test_only_of_the_function_itself_the_variables_are_known(
    case: Callable[..., Any], arn: str, declared: bool
) -> None:
    [found] = _read(case, [interceptor("REQUEST", arn=arn)], calls=[])
    assert found.function_arn == arn
    assert (found.declared is not None) == declared
    assert found.before("math___add") != declared


@pytest.mark.parametrize(
    ("points", "read"),
    [
        (["REQUEST"], ("REQUEST",)),
        (["RESPONSE", "REQUEST"], BOTH),
        ([], BOTH),
        (None, BOTH),
        ("REQUEST", BOTH),
        (["request"], BOTH),
        (["RESPONSE", "BOTH"], BOTH),
        ([["REQUEST"]], BOTH),
    ],
)
def test_points_that_are_not_known_are_both(case: Callable[..., Any], points: Any, read: tuple[str, ...]) -> None:
    [found] = _read(case, [{**interceptor("REQUEST"), "interceptionPoints": points}])
    assert found.points == read


def test_one_that_is_no_list(case: Callable[..., Any]) -> None:
    assert [it.function_arn for it in _read(case, interceptor("REQUEST"))] == [ARN]
    assert _read(case, None) == _read(case, []) == ()


_KEYS = ["interceptor", "lambda", "arn", "interceptionPoints", "inputConfiguration", "passRequestHeaders"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from([ARN, "REQUEST"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_odd_configurations_never_raise_and_never_hide_an_interceptor(configured: Any) -> None:
    properties: Mapping[str, Any] = {"interceptorConfigurations": configured}
    gateway = Resource(urn="urn:pulumi:a::b::c::d", type="t", inputs=properties, outputs={})
    found = read_interceptors(gateway, ())
    assert bool(found) == bool(configured)
    for it in found:
        assert it.points
        assert it.name
        assert it.before("math___add") == ("REQUEST" in it.points)
    json.dumps([it.name for it in found])
