"""A tool search beside authorization by tool: only where an interceptor hides what the caller may not call."""

from typing import Any

import pytest

from toolgate.components.checks.arguments import UsageError

from .conftest import LIMITED, MASKED, VISIBLE, Folder
from .test_gateway_interceptors import INBOUND, declared, gateway, refused

BLIND = "@filter_tools\ndef visible(tool: Tool): ...\n@on_result('*')\ndef f(result: Result, caller: Caller): ...\n"


def searches(recorded: Any) -> bool:
    protocol = recorded.one("AgentcoreGateway", "tools-gateway").inputs["protocolConfiguration"]["mcp"]
    assert protocol.get("searchType") in (None, "SEMANTIC")
    return "searchType" in protocol


@pytest.mark.parametrize(
    ("authorization", "search", "has"),
    [("gateway", None, True), ("gateway", True, True), ("gateway", False, False), ("tool", None, False)],
)
def test_without_interceptors(run: Any, authorization: str, search: bool | None, has: bool) -> None:
    more: Any = {} if search is None else {"search": search}
    assert searches(run(lambda: gateway(authorization=authorization, **more))) is has


@pytest.mark.parametrize("inbound", [None, INBOUND])
def test_together_with_decisions_per_tool(run: Any, folder: Folder, inbound: Any) -> None:
    more = {"inbound": inbound} if inbound else {"shown_tools": ["math"]}
    interceptors = {"response": {"directory": folder(VISIBLE)}}
    for search in (True, False):
        args: Any = {"authorization": "tool", "interceptors": interceptors, "search": search, **more}
        recorded = run(lambda: gateway(**args))  # noqa: B023  # run at once
        assert searches(recorded) is search
        # The engine takes it out of lists: the interceptor puts it in again.
        assert ("search" in declared(recorded)) is search


@pytest.mark.parametrize(
    ("source", "point"), [(None, ""), (MASKED, "response"), (BLIND, "response"), (LIMITED, "request")]
)
def test_not_without_a_filter_by_caller(run: Any, folder: Folder, source: str | None, point: str) -> None:
    more: Any = {"interceptors": {point: {"directory": folder(source)}}} if source else {}
    text = refused(run, authorization="tool", inbound=INBOUND, search=True, **more)
    assert text.startswith("ToolGateway 'tools'.search: with authorization 'tool' it would show tools that the caller")


def test_callers_by_iam_are_shown_what_each_may_call(run: Any, folder: Folder) -> None:
    interceptors = {"response": {"directory": folder(VISIBLE)}}
    shown = ["math", "people___greet"]
    recorded = run(lambda: gateway(authorization="tool", interceptors=interceptors, shown_tools=shown))
    assert declared(recorded)["shown"] == ["math___*", "people___greet"]
    assert "callers" not in declared(recorded)
    assert declared(run(lambda: gateway(interceptors=interceptors)))["shown"] == ["*"]
    none = run(lambda: gateway(authorization="tool", interceptors=interceptors, shown_tools=[]))
    assert declared(none)["shown"] == []


@pytest.mark.parametrize(
    ("source", "more", "message"),
    [
        (
            VISIBLE,
            {"authorization": "tool"},
            "visible asks for the Caller, and an interceptor cannot tell callers by IAM",
        ),
        (
            VISIBLE,
            {"shown_tools": ["maths"]},
            "shown_tools: 'maths' is neither a target nor a tool. Did you mean 'math'?",
        ),
        (
            VISIBLE,
            {"inbound": INBOUND, "shown_tools": ["math"]},
            "its callers' tokens name them, and each is shown what",
        ),
        (
            MASKED,
            {"shown_tools": ["math"]},
            "is for an interceptor that asks for the Caller, and none does. Remove it.",
        ),
        (None, {"shown_tools": ["math"]}, "is for an interceptor that asks for the Caller, and none does. Remove it."),
    ],
)
def test_what_is_shown_must_be_said_where_it_is_read(
    run: Any, folder: Folder, source: str | None, more: Any, message: str
) -> None:
    interceptors: Any = {"interceptors": {"response": {"directory": folder(source)}}} if source else {}
    assert message in refused(run, **interceptors, **more)


def test_who_is_handed_less_than_is_shown_is_refused(run: Any, folder: Folder) -> None:
    def program() -> None:
        interceptors = {"response": {"directory": folder(VISIBLE)}}
        made = gateway(authorization="tool", interceptors=interceptors, shown_tools=["math"])
        made.tools()
        made.tools("math")
        made.tools("people", "math___multiply", "math___add")
        with pytest.raises(
            UsageError, match="does not hand over math___multiply, which 'shown_tools' says every caller"
        ):
            made.tools("math___add")

    run(program)
