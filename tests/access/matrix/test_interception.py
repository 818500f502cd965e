"""Whatever gateway, grants, policies and interceptors are: a call is conditional exactly where a plain model says so.

The model knows nothing of the matrix: a caller is let in or not, Cedar permits or not, and who stands at REQUEST and
may look at a tool has a say about what is left.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.access.conftest import ENTITY, GATEWAY, INVOKE, ROLE, Case
from tests.access.interceptors import ARN, Part, asked, function, interceptor
from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import Matrix, matrix
from toolgate.access.output.explanation import explain

TOOLS = ("math___add", "math___repeat", "math___tag")
IN = {"Effect": "Allow", "Action": INVOKE, "Resource": GATEWAY}
OFFICE = {**IN, "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}
GRANTS: Mapping[str, list[Mapping[str, Any]]] = {"none": [], "always": [IN], "office": [OFFICE]}
LESS = ' when { context.input.a.lessThan(decimal("5.0")) }'


@dataclass(frozen=True)
class Asked:
    """An interceptor: where it stands, and the tools whose calls it declares; None where it declares nothing."""

    points: tuple[str, ...]
    calls: tuple[str, ...] | None


@dataclass(frozen=True)
class Small:
    """What a world is made of: an authorizer, the caller's grant, permits (a tool, and whether on a condition)."""

    authorizer: str
    grant: str
    permits: tuple[tuple[str, bool], ...] | None
    mode: str
    interceptors: tuple[Asked, ...]

    def export(self) -> dict[str, Any]:
        """The deployment."""
        entries = [interceptor(*it.points, arn=f"{ARN}{number}") for number, it in enumerate(self.interceptors)]
        made: list[Part] = [
            function(f"limits{number}", calls=list(it.calls))
            for number, it in enumerate(self.interceptors)
            if it.calls is not None
        ]
        cedar = None if self.permits is None else {f"p{n}": _permit(*it) for n, it in enumerate(self.permits)}
        return Case(
            identity=GRANTS[self.grant],
            cedar=cedar,
            mode=self.mode,
            gateway={"authorizerType": self.authorizer, "interceptorConfigurations": entries},
            more=made,
        ).export()

    def cedar(self, tool: str, arguments: dict[str, Any] | None) -> str:
        """What Cedar says."""
        if self.permits is None or self.mode == "LOG_ONLY":
            return "allow"
        if self.authorizer != "AWS_IAM":
            return "undecided"
        found = [condition for of, condition in self.permits if of == tool]
        if found and not all(found):
            return "allow"
        if not found or (arguments is not None and arguments["a"] >= 5):
            return "deny"
        return "conditional" if arguments is None else "allow"

    def without_interceptors(self, tool: str, arguments: dict[str, Any] | None = None) -> str:
        """What the two locks come to."""
        let_in = {"none": "deny", "always": "allow", "office": "conditional"}[self.grant]
        both = {"allow" if self.authorizer != "AWS_IAM" else let_in, self.cedar(tool, arguments)}
        return next(it for it in ("deny", "undecided", "conditional", "allow") if it in both)

    def names(self, tool: str) -> list[str]:
        """The interceptors that have a say about calls of a tool."""
        return [
            f"limits{number}"
            for number, it in enumerate(self.interceptors)
            if "REQUEST" in it.points and (it.calls is None or any(_fits(pattern, tool) for pattern in it.calls))
        ]


def _permit(tool: str, condition: bool) -> str:
    who = f'principal == AgentCore::IamEntity::"{ENTITY}"'
    where = f'resource == AgentCore::Gateway::"{GATEWAY}"'
    # Only `add` has the argument.
    when = LESS if condition else ""
    return f'permit({who}, action == AgentCore::Action::"{tool}", {where}){when};'


def _fits(pattern: str, tool: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), tool) is not None


ASKED = st.builds(
    Asked,
    st.sampled_from([("REQUEST",), ("RESPONSE",), ("REQUEST", "RESPONSE")]),
    st.none()
    | st.lists(st.sampled_from(["*", "math___*", "*___tag", "math___add", "other___*"]), max_size=2).map(tuple),
)
PERMITS = st.sampled_from([*((tool, False) for tool in TOOLS), (TOOLS[0], True)])
WORLDS = st.builds(
    Small,
    st.sampled_from(["AWS_IAM", "AWS_IAM", "AWS_IAM", "NONE", "AUTHENTICATE_ONLY"]),
    st.sampled_from(["always", "always", "office", "none"]),
    st.none() | st.lists(PERMITS, max_size=3, unique=True).map(tuple),
    st.sampled_from(["ENFORCE", "ENFORCE", "LOG_ONLY"]),
    st.lists(ASKED, max_size=2).map(tuple),
)


def _cells(found: Matrix, principal: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {it.tool: (str(it.decision), it.conditions) for it in found.entries if it.principal == principal}


@given(WORLDS)
def test_every_cell_is_that_of_the_plain_model(small: Small) -> None:
    found = matrix(parse(small.export()))
    anybody = small.authorizer != "AWS_IAM"
    cells = _cells(found, ROLE)
    for tool in TOOLS:
        base, names = small.without_interceptors(tool), small.names(tool)
        decision, conditions = cells[tool]
        assert decision == ("conditional" if names and base in ("allow", "conditional") else base)
        told = [it for it in conditions if it.startswith("interceptor ")]
        assert told == [f"interceptor {it} lets it through" for it in names if decision == "conditional"]
        assert (len(conditions) > len(told)) == (base == "conditional")
        # Who is let in without being asked is anybody: an interceptor hides nobody.
        assert (tool in _cells(found, "*")) == anybody
        assert not anybody or _cells(found, "*")[tool] == cells[tool]
    assert not any("interceptor" in it for it in found.unsupported if "Interceptor limits" not in it)


DEPENDS_ON_ARGUMENTS = st.builds(
    partial(Small, "AWS_IAM", permits=((TOOLS[0], True),), mode="ENFORCE"),
    grant=st.sampled_from(["always", "office"]),
    interceptors=st.lists(ASKED, max_size=2).map(tuple),
)


@given(WORLDS | DEPENDS_ON_ARGUMENTS, st.sampled_from([{"a": 1}, {"a": 9}]))
def test_known_arguments_are_decided_unless_an_interceptor_makes_others_of_them(
    small: Small, arguments: dict[str, Any]
) -> None:
    [tool, *_] = TOOLS
    told = explain(parse(small.export()), "caller", tool, arguments).splitlines()[0]
    names, general = small.names(tool), small.without_interceptors(tool)
    base = small.without_interceptors(tool, arguments)
    if names and "deny" == base != general:  # with other arguments it may be permitted
        expected = general if general == "undecided" else "conditional"
    else:
        expected = "conditional" if names and base in ("allow", "conditional") else base
    assert told.startswith(f"{expected}: ")


@pytest.mark.parametrize(
    ("calls", "decision"),
    [
        (["math___add"], "conditional"),
        (["math___*"], "conditional"),
        (["ma*"], "conditional"),
        (["other___*"], "allow"),
    ],
)
def test_of_tools_that_are_not_listed_any_may_be_one_that_is_declared(
    handmade: dict[str, Any],
    resource: Callable[..., dict[str, Any]],
    add: Callable[..., None],
    calls: list[str],
    decision: str,
) -> None:
    for properties in (it[side] for it in [resource("AgentcoreGatewayTarget", "other-math")] for side in it):
        if isinstance(properties, dict):
            properties["targetConfiguration"] = {"mcp": {"mcpServer": {"endpoint": "https://example.com/mcp"}}}
    gateway = resource("AgentcoreGateway", "other")
    for side in ("inputs", "outputs"):
        gateway[side] |= asked("REQUEST")
    add(*function(calls=calls))
    found = {str(it.decision) for it in matrix(parse(handmade)).entries if it.tool == "math___*"}
    assert found == {"deny", decision}


def test_of_two_alike_one_is_told(case: Callable[..., Any]) -> None:
    both = {"interceptorConfigurations": [interceptor("REQUEST"), interceptor("REQUEST", headers=True)]}
    [cell] = set(_cells(matrix(parse(case(identity=[IN], gateway=both).export())), ROLE).values())
    assert cell == ("conditional", ("interceptor limits lets it through",))


def test_one_that_nothing_names_has_a_say_about_every_call(case: Callable[..., Any]) -> None:
    found = matrix(parse(case(identity=[IN], gateway={"interceptorConfigurations": [{}]}).export()))
    assert set(_cells(found, ROLE).values()) == {("conditional", ("interceptor that is not named lets it through",))}
    assert found.unsupported == (
        "AgentcoreGateway 'tools': it does not say which function an interceptor is; who may change that is not judged",
    )


def test_tools_of_one_say_share_their_cells(case: Callable[..., Any]) -> None:
    made = partial(case, identity=[IN], gateway=asked("REQUEST"))
    [whole] = [it for it in matrix(parse(made(more=[function(calls=["*"])]).export())).blocks if it.agent]
    assert not isinstance(whole.access, tuple)
    [apart] = [it for it in matrix(parse(made(more=[function(calls=["*___add"])]).export())).blocks if it.agent]
    assert isinstance(apart.access, tuple)
    assert len({id(cell) for cell in apart.access}) == 2
