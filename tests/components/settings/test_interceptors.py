"""`toolgate:interceptors` and `toolgate:search`: checked whole before anything is made."""

from pathlib import Path
from typing import Any

import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.settings import interceptors

HEAD = "from intercept import *\n"
FOLDERS = {
    "limits": "@on_call('*')\ndef f(call: Call): ...\n",
    "limits-of-math": "@on_call('math___*')\ndef f(call: Call): ...\n",
    "redact": "@on_result('*')\ndef f(result: Result): ...\n",
    "shown": "@filter_tools\ndef f(tool: Tool, caller: Caller): ...\n",
    "wrong": "@on_call('*')\nasync def f(call: Call): ...\n",
}


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, source in FOLDERS.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "interceptor.py").write_text(HEAD + source)
    (tmp_path / "no-interceptor").mkdir()
    monkeypatch.setattr(interceptors, "FOLDERS", tmp_path)


def asked(gateway: Any) -> dict[str, str]:
    given: Any = gateway.asked.args if gateway.asked else {}
    return {point: Path(args["directory"]).name for point, args in given.items()}


def test_without_the_keys_there_are_none(load: Any) -> None:
    found = load({})
    [gateway] = found.gateways.by_name.values()
    assert (gateway.asked, gateway.search, found.shown_tools) == (None, None, {})


def test_every_gateway_that_says_nothing_else_has_the_stacks(load: Any) -> None:
    config = {
        "interceptors": {"request": "limits", "response": "redact"},
        "search": False,
        "gateways": {"a": {}, "b": {"interceptors": {"request": "limits"}, "search": True}, "c": {"interceptors": {}}},
        "agents": {},
    }
    found = load(config).gateways.by_name
    assert {name: asked(it) for name, it in found.items()} == {
        "a": {"request": "limits", "response": "redact"},
        "b": {"request": "limits"},
        "c": {},
    }
    assert {name: it.search for name, it in found.items()} == {"a": False, "b": True, "c": False}


@pytest.mark.parametrize(
    ("agents", "shown"),
    [
        ({"a": {}, "b": {}}, ["math", "people"]),
        ({"a": {}, "b": {"tools": ["math"]}}, ["math"]),
        ({"a": {"tools": ["math___add", "people"]}, "b": {}}, ["math___add", "people"]),
        ({"a": {"tools": ["math", "people"]}, "b": {"tools": ["math___add"]}, "c": {"tools": []}}, ["math___add"]),
        ({"a": {"tools": []}}, ["math", "people"]),
    ],
)
def test_callers_by_iam_are_shown_what_each_agent_was_handed(load: Any, agents: Any, shown: list[str]) -> None:
    config = {"authorization": "tool", "search": True, "interceptors": {"response": "shown"}, "agents": agents}
    assert load(config).shown_tools == {"tools": shown}


@pytest.mark.parametrize(
    "more",
    [
        {"authorization": "gateway"},
        {"authorization": "tool", "inbound": "jwt"},
        {"authorization": "tool", "interceptors": {"response": "redact"}, "search": False},
    ],
)
def test_nothing_is_said_of_it_where_nobody_must_be_told(load: Any, more: Any) -> None:
    assert load({"interceptors": {"response": "shown"}, "search": True, **more}).shown_tools == {}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"interceptors": {"request": "limit"}},
            "interceptors.request: 'limit' is no interceptor. Did you mean 'limits'?",
        ),
        ({"interceptors": {"request": "no-interceptor"}}, "There are: limits, limits-of-math, redact, shown, wrong."),
        ({"interceptors": {"request": "../x"}}, "interceptors.request: '../x' is no interceptor."),
        ({"interceptors": {"requests": "limits"}}, "interceptors: unknown key 'requests'. Did you mean 'request'?"),
        ({"interceptors": "limits"}, "toolgate:interceptors: must be a map of request and response"),
        ({"interceptors": {"request": "wrong"}}, "wrong/interceptor.py:3: f is asynchronous"),
        ({"interceptors": {"response": "limits"}}, "limits/interceptor.py:3: f would not be carried out"),
        ({"search": "yes"}, "toolgate:search: must be true or false"),
        (
            {"search": True, "authorization": "tool"},
            "the gateway 'tools'.search: with authorization 'tool' it would show",
        ),
        (
            {"gateways": {"a": {"targets": ["people"], "interceptors": {"request": "limits-of-math"}}}, "agents": {}},
            "'math___*' matches no tool of toolgate:gateways.a. Tools: people___greet.",
        ),
        (
            {"gateways": {"a": {"interceptors": {"request": "nothing"}}}},
            "toolgate:gateways.a.interceptors.request: 'nothing' is no interceptor.",
        ),
        (
            {
                "authorization": "tool",
                "interceptors": {"response": "shown"},
                "agents": {"a": {"tools": ["math"]}, "b": {"tools": ["people"]}},
            },
            "toolgate:interceptors: an interceptor asks for the caller, which it cannot tell apart",
        ),
    ],
)
def test_what_is_wrong_is_told(load: Any, config: Any, message: str) -> None:
    with pytest.raises(UsageError) as error:
        load(config)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("gateways", "available", "other"),
    [
        ({"a": {"interceptors": {"request": "limits"}}}, {"a-limits": ["f"]}, "target 'a-limits'"),
        (
            {
                "a": {"interceptors": {"request": "limits-of-math"}},
                "a-limits": {"interceptors": {"request": "of-math"}},
            },
            {"math": ["f"]},
            "an interceptor of 'a'",
        ),
    ],
)
def test_no_two_functions_have_one_name(load: Any, tmp_path: Path, gateways: Any, available: Any, other: str) -> None:
    (tmp_path / "of-math").mkdir()
    (tmp_path / "of-math" / "interceptor.py").write_text(HEAD + FOLDERS["limits"])
    with pytest.raises(UsageError, match=rf"would be the function 'toolgate-dev-a-limits.*', as is {other}\. Rename"):
        load({"gateways": gateways, "agents": {}}, available)


def test_a_name_that_lambda_would_refuse_is_told(load: Any, tmp_path: Path) -> None:
    folder = tmp_path / ("l" * 46)
    folder.mkdir()
    (folder / "interceptor.py").write_text(HEAD + FOLDERS["limits"])
    with pytest.raises(UsageError, match="has 65 characters; at most 64 are allowed"):
        load({"interceptors": {"request": folder.name}})
