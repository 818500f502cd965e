"""The program with interceptors: what a stack's file says of them is what its gateways have."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.planning import SAMPLE
from toolgate.components.interceptors.code import LIBRARY

SOURCES = {"bundle": "sources"}
SHOWN = "from intercept import *\n@filter_tools\ndef visible(tool: Tool, caller: Caller): ...\n"
LIMITS = "from intercept import *\n@on_call('*')\ndef f(call: Call): ...\n@on_result('*')\ndef g(result: Result): ...\n"


@pytest.fixture
def at(tmp_path: Path, run: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the program in a folder with interceptors."""
    for name in ("__main__.py", "agent", "requirements", "lambdas"):
        (tmp_path / name).symlink_to((SAMPLE / name).resolve())
    folders = tmp_path / "interceptors"
    for name, source in (("shown", SHOWN), ("limits", LIMITS)):
        (folders / name).mkdir(parents=True)
        (folders / name / "interceptor.py").write_text(source)
    for name in (*LIBRARY, "callers.py"):
        (folders / name).write_text("")
    monkeypatch.chdir(tmp_path)
    shutil.rmtree(tmp_path / "dist", ignore_errors=True)
    return run


def intercepts(recorded: Any, name: str) -> Any:
    return json.loads(recorded.one("Function", f"{name}-function").inputs["environment"]["variables"]["INTERCEPTS"])


def test_search_and_decisions_per_tool_with_tokens(at: Any, program: Any) -> None:
    config = {
        "inbound": "jwt",
        "authorization": "tool",
        "search": True,
        "interceptors": {"request": "limits", "response": "limits"},
        "gateways": {"one": {"interceptors": {"response": "shown"}}, "two": {"search": False}},
        "agents": {"a": {"tools": ["one/math___greeting", "two/math___add_numbers"]}},
        "clients": {"c": {"tools": ["one"]}},
    }
    recorded = at(program, {**SOURCES, **config})
    one, two = (recorded.one("AgentcoreGateway", f"{name}-gateway").inputs for name in ("one", "two"))
    assert one["protocolConfiguration"]["mcp"]["searchType"] == "SEMANTIC"
    assert "searchType" not in two["protocolConfiguration"]["mcp"]
    assert [it["interceptionPoints"] for it in one["interceptorConfigurations"]] == [["RESPONSE"]]
    assert [it["interceptionPoints"] for it in two["interceptorConfigurations"]] == [["REQUEST", "RESPONSE"]]
    assets = recorded.one("Function", "one-shown-function").inputs["code"]["assets"]
    assert {it["path"] for it in assets.values()} == {
        "interceptors/callers.py",
        *(f"interceptors/{name}" for name in LIBRARY),
        "interceptors/shown/interceptor.py",
    }
    told = [it.inputs for it in recorded.resources if it.type.endswith(":Parameter")]
    table = intercepts(recorded, "one-shown")["callers"]
    assert {it["name"].removeprefix(table): json.loads(it["insecureValue"]) for it in told} == {
        "a-tokens-client-id": {"name": "a", "tools": ["math___greeting"]},
        "c-client-id": {"name": "c", "tools": ["math___*"]},
    }


def test_search_and_decisions_per_tool_with_iam(at: Any, program: Any) -> None:
    config = {
        "authorization": "tool",
        "search": True,
        "interceptors": {"response": "shown"},
        "agents": {"a": {"tools": ["math"]}, "b": {"tools": ["math___greeting", "math___add_numbers"]}},
    }
    recorded = at(program, {**SOURCES, **config})
    assert intercepts(recorded, "tools-shown")["shown"] == ["math___add_numbers", "math___greeting"]
    gateway = recorded.one("AgentcoreGateway", "tools-gateway").inputs
    assert gateway["protocolConfiguration"]["mcp"]["searchType"] == "SEMANTIC"
    assert gateway["interceptorConfigurations"][0]["inputConfiguration"] == {"passRequestHeaders": False}
    assert not [it for it in recorded.resources if it.type.endswith(":Parameter")]


def test_what_is_wrong_is_found_before_anything_is_made(at: Any, program: Any) -> None:
    with pytest.raises(Exception, match="'limit' is no interceptor"):
        at(program, {**SOURCES, "interceptors": {"request": "limit"}})
