"""Interceptors around a gateway of the real program: their order, their payloads, and each way to fail.

The interceptors are written by hand. Once with signatures and once with tokens; Cedar lets the calculator add numbers
while `a` is less than 100.
"""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.e2e.test_tool_authorization import ADD, ARGUMENTS, GREETING, POLICY, SEARCH, Caller, of_type, without_agents
from tests.e2e.ways_in import IAM, JWT, authorized, planned_agents, planned_dev
from tests.interceptor_export import (
    ACCOUNT,
    PARAMETER,
    PASSING,
    SLEEPING,
    Written,
    resource,
    with_interceptors,
)
from toolgate.access.deployment.deployment import parse
from toolgate.local.serve.access_log import find, why
from toolgate.local.serve.gateway.interception import FAILURES
from toolgate.local.serve.server import Serving

Export = dict[str, Any]
Served = Callable[[Export], AbstractContextManager[Serving]]
POINTS = ("REQUEST", "RESPONSE")
CONDITION = '\nwhen { context.input.a.lessThan(decimal("100.0")) };\n'


@dataclass
class World:
    """What is served, and an agent to call as, at one of the gateways."""

    serving: Serving
    export: Export
    agent: str = "calculator"
    gateway: int = 0

    def post(self, body: bytes, **headers: str) -> httpx.Response:
        """One request with what the agent's role has."""
        deployment = parse(self.export)
        every = {
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2025-11-25",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        url = self.serving.gateway_url(deployment.gateways[self.gateway].id)
        auth = authorized(self.serving, deployment, self.agent)
        return httpx.post(url, content=body, headers=every, auth=auth, trust_env=False, timeout=None)

    def ask(self, method: str = "tools/call", do: Any = None, /, **params: Any) -> httpx.Response:
        """One message; `do` says what the interceptors are to do with it."""
        meta = {"_meta": do} if do else {}
        message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": {**params, **meta}}
        return self.post(json.dumps(message).encode())

    def add(self, do: Any = None, /, **arguments: Any) -> httpx.Response:
        """A call of the tool that adds."""
        return self.ask("tools/call", do, name=ADD, arguments={"a": 1, "b": 2, **arguments})

    def line(self, answer: httpx.Response) -> dict[str, Any]:
        """The access log's line of an answer."""
        found = find(self.serving.access_log, answer.headers["x-amzn-requestid"])
        assert found is not None
        return dict(found)


def text(answer: httpx.Response) -> Any:
    """The tool's own result in an answer."""
    return json.loads(answer.json()["result"]["content"][0]["text"])


def conditional(export: Export) -> Export:
    """The agents' deployment without their processes, and with a condition on `a`."""
    smaller = without_agents(export)
    for policy in of_type(smaller, POLICY):
        for side in ("inputs", "outputs"):
            cedar = policy[side]["definition"]["cedar"]
            if ADD in cedar["statement"]:
                cedar["statement"] = cedar["statement"].rstrip().removesuffix(";") + CONDITION
    return smaller


@pytest.fixture(scope="module")
def world(way: str, served: Served) -> Iterator[World]:
    """One function that does at both points what the message says, told no headers."""
    whole = planned_agents(way).deployment
    with served(with_interceptors(conditional(whole), watcher=Written())) as serving:
        yield World(serving, whole)


# --- order


def test_cedar_decides_on_what_the_request_interceptor_wrote(world: World) -> None:
    calls = len(world.serving.calls)
    allowed = world.add({"REQUEST": {"params": {"arguments": {"a": 99, "b": 2}}}}, a=500)
    assert text(allowed) == 101
    assert [it.arguments for it in world.serving.calls[calls:]] == [{"a": 99, "b": 2}]
    denied = world.add({"REQUEST": {"params": {"arguments": {"a": 500, "b": 2}}}}, a=1)
    assert denied.json()["error"]["code"] == -32002
    assert len(world.serving.calls) == calls + 1
    assert world.serving.denials[-1].arguments == {"a": 500, "b": 2}
    line = world.line(denied)
    assert [it["by"] for it in line["decided_by"]] == ["interceptor", "cedar"]
    assert line["decided_by"][0]["changed"] == {"arguments": ["a"]}
    assert "500" not in json.dumps(line["decided_by"])


def test_an_interceptor_may_replace_the_tool_and_cedar_decides_on_that_one(world: World) -> None:
    replaced = world.add({"REQUEST": {"params": {"name": GREETING, "arguments": {"name": "Alice"}}}})
    assert replaced.json()["error"]["code"] == -32002  # the calculator may not greet
    line = world.line(replaced)
    assert line["decided_by"][0]["changed"] == {"arguments": ["a", "b", "name"], "tool": GREETING}


def test_the_response_interceptor_sees_cedars_denial(world: World) -> None:
    told = world.add({"RESPONSE": {"tells": True}}, a=500).json()["result"]["event"]["mcp"]
    assert told["gatewayResponse"]["body"]["error"]["code"] == -32002
    assert told["gatewayRequest"]["body"]["params"]["arguments"] == {"a": 500, "b": 2}


def test_whoever_is_not_let_in_reaches_no_interceptor(world: World) -> None:
    asked = len(world.serving.interceptions)
    url = world.serving.gateway_url(parse(world.export).gateways[0].id)
    assert httpx.post(url, content=b"{}", trust_env=False, timeout=None).status_code in (401, 403)
    assert len(world.serving.interceptions) == asked


# --- payloads


def test_the_function_gets_what_is_documented_and_no_headers(world: World) -> None:
    message = {"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {"_meta": {"REQUEST": {"tells": True}}}}
    body = json.dumps(message, indent=3).encode()
    result = world.post(body).json()["result"]
    assert result["custom"] == {}
    assert result["event"] == {
        "interceptorInputVersion": "1.0",
        "mcp": {
            "rawGatewayRequest": {"body": body.decode()},
            "gatewayRequest": {"path": "/mcp", "httpMethod": "POST", "body": message},
        },
    }


def test_headers_are_passed_where_the_gateway_says_so(way: str, served: Served) -> None:
    whole = planned_agents(way).deployment
    with served(with_interceptors(without_agents(whole), watcher=Written(headers=True))) as serving:
        world = World(serving, whole)
        message = {"jsonrpc": "2.0", "id": 7, "method": "ping", "params": {"_meta": {"REQUEST": {"tells": True}}}}
        answer = world.post(json.dumps(message).encode(), x_tenant="acme")
        headers = answer.json()["result"]["event"]["mcp"]["gatewayRequest"]["headers"]
        assert headers["x-tenant"] == "acme"
        assert headers["authorization"].startswith("AWS4-HMAC-SHA256" if way == IAM else "Bearer ")
        assert "acme" not in json.dumps(world.line(answer))


@pytest.mark.parametrize("method", ["initialize", "ping", "tools/list", "prompts/list", "server/discover"])
def test_every_message_goes_through(world: World, method: str) -> None:
    asked = len(world.serving.interceptions)
    client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
    world.ask(method, **(client if method == "initialize" else {}))
    assert [(it.point, it.method, it.outcome) for it in world.serving.interceptions[asked:]] == [
        ("REQUEST", method, "passed"),
        ("RESPONSE", method, "passed"),
    ]


def test_so_do_notifications_and_what_is_no_message(world: World) -> None:
    asked = len(world.serving.interceptions)
    answer = world.post(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}')
    assert (answer.status_code, answer.content) == (202, b"")
    batch = world.post(b'[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]')
    assert (batch.status_code, batch.json()["error"]["code"]) == (400, -32600)
    assert [it.outcome for it in world.serving.interceptions[asked:]] == ["passed"] * 4


def test_what_is_no_json_does_not(world: World) -> None:
    asked = len(world.serving.interceptions)
    answer = world.post(b"{")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32700)
    assert len(world.serving.interceptions) == asked


# --- what interceptors write


def test_an_answer_at_request_is_the_answer(world: World) -> None:
    body = {"jsonrpc": "2.0", "id": 7, "result": {"content": [{"type": "text", "text": '"cached"'}]}}
    calls = len(world.serving.calls)
    answer = world.add({"REQUEST": {"returns": answering(body)}})
    assert text(answer) == "cached"
    assert len(world.serving.calls) == calls
    assert [it.outcome for it in world.serving.interceptions[-2:]] == ["answered", "passed"]
    line = world.line(answer)
    assert (line["decision"], line["status"]) == ("allowed", "answered")


def test_a_denial_at_request_is_told_as_one(world: World) -> None:
    error = {"jsonrpc": "2.0", "id": 7, "error": {"code": -32002, "message": "Tool Execution Denied: over the limit"}}
    answer = world.add({"REQUEST": {"returns": answering(error)}})
    assert (answer.status_code, answer.json()) == (200, error)
    line = world.line(answer)
    assert line["decision"] == "denied"
    assert why(line["decided_by"]).startswith("interceptor watcher (REQUEST) denies: error -32002")
    assert "over the limit" not in json.dumps(line)


def test_a_result_is_rewritten(world: World) -> None:
    body = {"jsonrpc": "2.0", "id": 7, "result": {"content": [{"type": "text", "text": '"masked"'}]}}
    answer = world.add({"RESPONSE": {"answer": {"body": body}}})
    assert text(answer) == "masked"
    assert world.serving.calls[-1].tool == ADD
    changed = [it for it in world.line(answer)["decided_by"] if it["by"] == "interceptor"][-1]
    assert (changed["point"], changed["changed"]) == ("RESPONSE", {"result": True})


def test_a_list_gets_shorter(world: World) -> None:
    body = {"jsonrpc": "2.0", "id": 7, "result": {"tools": []}}
    answer = world.ask("tools/list", {"RESPONSE": {"answer": {"body": body}}})
    assert answer.json() == body
    assert why(world.line(answer)["decided_by"]).endswith("(RESPONSE) allows, and changes 2 tools less")


def test_the_id_is_whatever_an_interceptor_makes_of_it(world: World) -> None:
    answer = world.add({"REQUEST": {"message": {"id": 8}}})
    assert answer.json()["id"] == 8
    assert {"message": True} in [it.get("changed") for it in world.line(answer)["decided_by"]]


@pytest.mark.parametrize(
    ("do", "status", "code"),
    [
        ({"message": {"jsonrpc": "1.0"}}, 400, -32600),
        ({"message": {"method": "no/such"}}, 200, -32601),
        ({"message": {"params": {"name": 5}}}, 200, -32602),
        ({"request": {"body": [{"jsonrpc": "2.0", "id": 7, "method": "ping"}]}}, 400, -32600),
    ],
)
def test_nonsense_gets_the_gateways_own_error(world: World, do: Any, status: int, code: int) -> None:
    answer = world.add({"REQUEST": do})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert world.serving.interceptions[-1].point == "RESPONSE"


def test_search_goes_through_as_any_tool_does(way: str, served: Served) -> None:
    whole = planned_dev(way).deployment
    with served(with_interceptors(without_agents(whole), watcher=Written())) as serving:
        world = World(serving, whole, "assistant")
        fewer: dict[str, Any] = {"tools": []}
        result = {"content": [{"type": "text", "text": json.dumps(fewer)}], "structuredContent": fewer}
        body = {"jsonrpc": "2.0", "id": 7, "result": result}
        found = world.ask(
            "tools/call", {"RESPONSE": {"answer": {"body": body}}}, name=SEARCH, arguments={"query": "sum"}
        )
        assert found.json()["result"]["structuredContent"] == fewer
        [(point, tool)] = [(it.point, it.tool) for it in serving.interceptions if it.changed]
        assert (point, tool) == ("RESPONSE", SEARCH)
        assert serving.interceptions[-1].changed["tools"] > 0


# --- the table of failures


def output(**mcp: Any) -> dict[str, Any]:
    return {"interceptorOutputVersion": "1.0", "mcp": mcp}


def answering(body: Any) -> dict[str, Any]:
    return output(transformedGatewayResponse={"statusCode": 200, "body": body})


FAILING: dict[str, tuple[str, Any]] = {
    "an exception": ("failed", {"raises": "sesame"}),
    "a process that ends": ("failed", {"exits": True}),
    "an answer of 7 MB": ("answer_too_large", {"answers_bytes": 7_000_000}),
    "another version": ("misshapen", {"returns": {"interceptorOutputVersion": "2.0", "mcp": {}}}),
    "nothing": ("misshapen", {"returns": None}),
    "a body that is a text": ("misshapen", {"returns": answering("text")}),
}


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("case", FAILING)
def test_each_failure_is_closed_at_each_point(world: World, case: str, point: str) -> None:
    cause, do = FAILING[case]
    calls = len(world.serving.calls)
    answer = world.add({point: do})
    assert answer.status_code == FAILURES[cause].status
    assert (answer.json()["id"], answer.json()["error"]["code"]) == (7, -32603)
    assert "sesame" not in answer.text
    assert world.serving.interceptions[-1].outcome == cause
    assert len(world.serving.calls) - calls == (point == "RESPONSE")
    line = world.line(answer)
    assert (line["decision"], line["decided_by"][-1]["by"]) == ("denied", "interceptor")
    assert "sesame" not in json.dumps(line)
    assert text(world.add()) == 3  # the next one is served


@pytest.mark.parametrize("point", POINTS)
def test_mcp_that_is_empty_empties_the_payload_behind_a_200(world: World, point: str) -> None:
    calls = len(world.serving.calls)
    answer = world.add({point: {"returns": output()}})
    assert (answer.status_code, answer.content) == (200, b"")
    assert len(world.serving.calls) - calls == (point == "RESPONSE")


CONFIGURED: dict[str, tuple[str, Written]] = {
    "no such handler": ("failed", Written(function={"handler": "interceptor.nobody"})),
    "a module that cannot be imported": ("failed", Written("import no_such_module\n")),
    "no reserved concurrency": ("throttled", Written(function={"reservedConcurrentExecutions": 0})),
    "no right": ("not_permitted", Written(permitted=False)),
}


@pytest.mark.parametrize("case", CONFIGURED)
def test_what_cannot_be_asked_is_closed(way: str, served: Served, case: str) -> None:
    cause, written = CONFIGURED[case]
    whole = planned_agents(way).deployment
    for point in POINTS:
        one = Written(written.code, (point,), permitted=written.permitted, function=written.function)
        with served(with_interceptors(without_agents(whole), broken=one)) as serving:
            world = World(serving, whole)
            answer = world.add()
            assert (answer.status_code, answer.json()["error"]["code"]) == (FAILURES[cause].status, -32603)
            assert [it.outcome for it in serving.interceptions] == [cause]
            assert len(serving.calls) == (point == "RESPONSE")


def test_a_timeout_lets_the_call_through_and_is_counted(
    way: str, served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    whole = planned_agents(way).deployment
    slow = Written(SLEEPING, function={"timeout": 1})
    with served(with_interceptors(without_agents(whole), sleepy=slow)) as serving, caplog.at_level(logging.WARNING):
        world = World(serving, whole)
        answer = world.add()
        assert text(answer) == 3
        assert [(it.point, it.outcome) for it in serving.interceptions] == [(it, "timed_out") for it in POINTS]
        warned = [it.getMessage() for it in caplog.records if "sleepy" in it.getMessage()]
        assert len(warned) == 2
        assert all("timeout of 1 s" in it and "AWS was measured" in it for it in warned)
        assert why(world.line(answer)["decided_by"]).count("allows: its time was over") == 2
        assert "Task timed out after 1.00 seconds" in serving.function_logs["sleepy"].read_text()


def test_a_large_request_makes_an_event_that_lambda_does_not_take(world: World) -> None:
    padding = "x" * 3_300_000  # in the event it is twice
    answer = world.ask("ping", padding=padding)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32603)
    assert world.serving.interceptions[-1].outcome == "event_too_large"
    assert world.ask("ping", padding="x" * 1_000_000).json()["result"] == {}


# --- real clients, code that changes, data


def test_a_client_that_agents_use_goes_through_both(way: str, served: Served) -> None:
    whole = planned_agents(way).deployment
    both = {
        "one": Written(PASSING, ("REQUEST",)),
        "other": Written(PASSING, ("RESPONSE",)),
    }
    with served(with_interceptors(without_agents(whole), **both)) as serving:
        caller = Caller(serving, whole, "calculator")
        assert caller.refusal(ADD, ARGUMENTS[ADD]) is None
        assert caller.refusal(GREETING, ARGUMENTS[GREETING]) is not None
        assert ADD in caller.tools()
        assert {it.outcome for it in serving.interceptions} == {"passed"}
        assert {it.function for it in serving.interceptions} == {"one", "other"}
        assert {"request-interceptor.log", "response-interceptor.log"} <= {
            it.name for it in serving.function_logs.values()
        }


def test_its_code_is_replaced_as_a_tools_is(served: Served) -> None:
    whole = planned_agents(IAM).deployment
    with served(with_interceptors(without_agents(whole), watcher=Written(PASSING))) as serving:
        world = World(serving, whole)
        assert world.add().status_code == 200
        serving.replace_files("watcher", {"interceptor.py": b"def handle(event, context):\n    raise OSError\n"})
        assert world.add().status_code == 400


CALLERS = """
import json, os
import boto3

def handle(event, context):
    message = event["mcp"]["gatewayRequest"]["body"]
    ssm = boto3.client("ssm")
    found = {}
    for name in ("client", "stranger"):
        try:
            found[name] = ssm.get_parameter(Name=os.environ["CALLERS"] + name)["Parameter"]["Value"]
        except Exception as error:
            found[name] = type(error).__name__
    try:
        found["other"] = ssm.get_parameter(Name="/toolgate/other/client")["Parameter"]["Value"]
    except Exception as error:
        found["other"] = error.response["Error"]["Code"]
    body = {"jsonrpc": "2.0", "id": message["id"], "result": found}
    answer = {"statusCode": 200, "body": body}
    return {"interceptorOutputVersion": "1.0", "mcp": {"transformedGatewayResponse": answer}}
"""


def test_an_interceptor_reads_the_callers_table_with_its_own_role(served: Served) -> None:
    whole = planned_agents(JWT).deployment
    table = "/toolgate/callers/tools/"
    reads = {
        "Effect": "Allow",
        "Action": "ssm:GetParameter",
        "Resource": f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter{table}*",
    }
    function = {"timeout": 60, "environment": {"variables": {"CALLERS": table}}}
    export = with_interceptors(
        without_agents(whole), lookup=Written(CALLERS, ("REQUEST",), statements=(reads,), function=function)
    )
    row = json.dumps({"name": "calculator", "tools": ["math___*"]})
    for name in (f"{table}client", "/toolgate/other/client"):
        arn = f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter{name}"
        parameter = resource(export, PARAMETER, name.replace("/", "-"), name=name, type="String", value=row, arn=arn)
        export["deployment"]["resources"].append(parameter)
    with served(export) as serving:
        result = World(serving, whole).ask("ping").json()["result"]
        assert json.loads(result["client"]) == {"name": "calculator", "tools": ["math___*"]}
        assert result["stranger"] == "ParameterNotFound"
        assert result["other"] == "AccessDeniedException"
