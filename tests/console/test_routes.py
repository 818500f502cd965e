"""What the page is told of a deployment that is really served."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.console.conftest import World
from toolgate.access.matrix.access_matrix import matrix
from toolgate.access.output import explanation
from toolgate.local.serve import access_log

ADD, GREETING = "math___add_numbers", "math___greeting"
STRANGER = "arn:aws:iam::123456789012:role/stranger"


def called(world: World, caller: str, tool: str = ADD, **arguments: Any) -> dict[str, Any]:
    body = {"tool": tool, "gateway": world.gateway, "arguments": arguments or {"a": 100, "b": 12}, "as": caller}
    answer = world.client.post("/api/tools/call", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_overview(world: World) -> None:
    found = world.client.get("/api/overview").json()
    assert found["live"] is True
    assert found["stack"] == "agents"
    assert found["region"] == "us-east-1"
    assert found["unavailable"] == {}
    assert [(it["name"], it["tools"], it["memory"]) for it in found["agents"]] == [
        ("calculator", 2, False),
        ("greeter", 1, False),
    ]
    assert {it["name"]: it["runtime_arn"] for it in found["agents"]} == world.serving.agents
    assert found["callers"] == ["calculator", "greeter"]
    [gateway] = found["gateways"]
    assert (gateway["id"], gateway["authorization"], gateway["inbound"]) == (world.gateway, "tool", "iam")
    assert gateway["url"] == world.serving.gateway_url(world.gateway)


def test_who_may_call_what_is_what_the_command_prints(world: World) -> None:
    assert world.client.get("/api/access").text == matrix(world.serving.deployment).as_json()
    picture = world.client.get("/api/access/picture")
    assert picture.headers["content-type"] == "image/svg+xml"
    assert picture.text.startswith("<svg")


def test_an_explanation_is_what_the_command_prints(world: World) -> None:
    found = world.client.get("/api/access/explain", params={"principal": "greeter", "tool": ADD}).json()["text"]
    assert found == explanation.explain(world.serving.deployment, "greeter", ADD)
    of_role = world.client.get("/api/access/explain", params={"principal": "*", "tool": ADD}).json()["text"]
    assert of_role == explanation.explain_principal(world.serving.deployment, "*", ADD)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({}, "`principal`"),
        ({"principal": "greeter"}, "`tool` or `memory`"),
        ({"principal": "nobody", "tool": ADD}, "nobody"),
        ({"principal": "greeter", "tool": "math___nothing"}, "math___nothing"),
        ({"principal": "greeter", "memory": "nothing"}, "nothing"),
    ],
)
def test_what_there_is_not_is_not_explained(world: World, query: dict[str, str], says: str) -> None:
    answer = world.client.get("/api/access/explain", params=query)
    assert answer.status_code == 400
    assert says in answer.json()["error"]["message"]


def test_the_tools_as_a_model_reads_them(world: World) -> None:
    found = {it["tool"]: it for it in world.client.get("/api/tools").json()}
    assert {name: it["offered_to"] for name, it in found.items()} == {
        ADD: ["calculator"],
        "math___multiply_numbers": ["calculator"],
        GREETING: ["greeter"],
    }
    assert found[ADD]["description"] == "Add two numbers and return their sum."
    assert found[ADD]["inputSchema"]["required"] == ["a", "b"]
    assert (found[ADD]["gateway"], found[ADD]["target"]) == (world.gateway, "math")
    assert found[ADD]["log"] in world.serving.function_logs


def test_a_call_as_an_agent_that_may(world: World) -> None:
    found = called(world, "calculator")
    assert found["result"]["content"] == [{"type": "text", "text": "112"}]
    assert (found["refusal"], found["reason"], found["http_status"]) == (None, None, 200)
    assert found["line"] == access_log.find(world.serving.access_log, found["request_id"])
    assert found["line"]["agent"] == "calculator"
    assert found["milliseconds"] == found["line"]["milliseconds"]


@pytest.mark.parametrize(
    ("caller", "by", "status"), [("greeter", "cedar", 200), ("", "signature", 403), (STRANGER, "iam", 403)]
)
def test_a_call_as_who_may_not(world: World, caller: str, by: str, status: int) -> None:
    before = len(world.serving.calls)
    found = called(world, caller)
    assert found["result"] is None
    assert found["refusal"]
    assert found["http_status"] == status
    assert found["line"]["decision"] == "denied"
    assert [it["by"] for it in found["line"]["decided_by"]] == [by]
    assert len(world.serving.calls) == before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"gateway": "nothing"}, "there is no gateway 'nothing'"),
        ({"as": "nobody"}, "nobody is called 'nobody'"),
        ({"arguments": []}, "`arguments` is an object"),
        ({"tool": ""}, "`tool` is text"),
        ({"tool": 1}, "`tool` is text"),
    ],
)
def test_a_call_that_cannot_be_made(world: World, change: dict[str, Any], says: str) -> None:
    body = {"tool": ADD, "gateway": world.gateway, "arguments": {}, "as": "calculator", **change}
    answer = world.client.post("/api/tools/call", json=body)
    assert answer.status_code == 400
    assert says in answer.json()["error"]["message"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"a": NaN}', b"\xff", b"[" * 10_000])
def test_a_body_that_is_none(world: World, body: bytes) -> None:
    for path in ("ask", "tools/call", "what-if"):
        answer = world.client.post(f"/api/{path}", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 400


def test_logs_of_agents_and_functions_and_of_nothing_else(world: World) -> None:
    called(world, "calculator")
    for name, log in {**world.serving.logs, **world.serving.function_logs}.items():
        log.write_text("".join(f"{number} of {name}\n" for number in range(300)))
        found = world.client.get("/api/logs", params={"of": name, "lines": 2}).json()
        assert found == {"text": f"298 of {name}\n299 of {name}", "path": str(log)}
        assert len(world.client.get("/api/logs", params={"of": name}).json()["text"].splitlines()) == 200
    for name in ("", "../gateway", "gateway.jsonl", str(world.serving.access_log), "/etc/passwd"):
        assert world.client.get("/api/logs", params={"of": name}).status_code == 400


def test_the_last_calls_of_a_tool(world: World) -> None:
    for number in range(3):
        called(world, "calculator", a=number, b=0)
    newest = called(world, "greeter")["request_id"]
    called(world, "greeter", GREETING, name="Ada")
    found = world.client.get("/api/calls", params={"tool": ADD, "limit": 2}).json()
    assert [it["tool"] for it in found] == [ADD, ADD]
    assert found[0]["request_id"] == newest
    assert len(world.client.get("/api/calls", params={"tool": ADD}).json()) >= 4
    assert world.client.get("/api/calls", params={"tool": "nothing"}).json() == []


@pytest.mark.parametrize("query", ["limit=x", "limit=-1", "limit=1.5", "limit=" + "9" * 40, "limit=²"])
def test_a_number_that_is_none(world: World, query: str) -> None:
    assert world.client.get(f"/api/calls?tool={ADD}&{query}").status_code == 400


@pytest.mark.parametrize("give", [[], "x", [1], [{"agent": "greeter"}], [{"agent": 1, "tool": ADD}]])
def test_a_change_that_is_none(world: World, give: Any) -> None:
    assert world.client.post("/api/what-if", json={"give": give}).status_code == 400


def test_a_fault_of_ours_tells_the_page_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError(str(Path.home()))

    monkeypatch.setattr(world.source, "picture", fails)
    answer = world.client.get("/api/access/picture")
    assert answer.status_code == 500
    assert str(Path.home()) not in answer.text
    assert json.loads(answer.text)["error"]["code"] == "internal"
