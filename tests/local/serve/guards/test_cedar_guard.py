"""Cedar policies in front of the real handlers: who is shown and may call which tool, with which arguments."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from toolgate.access.cedar.cedar_decision import ToolEngine
from toolgate.access.cedar.cedar_policies import iam_entity
from toolgate.local.serve.gateway.records import Denial
from toolgate.local.serve.guards.cedar_guard import ToolAuthorization
from toolgate.local.serve.server import Serving, serve

Export = dict[str, Any]
Rpc = Callable[..., httpx.Response]

BASE = "arn:aws:bedrock-agentcore:us-east-1:123456789012"
ROLES = "arn:aws:iam::123456789012:role/"
TOOLS, OTHER = "handmade-tools-abcdefghij", "handmade-other-abcdefghij"
ENGINE = f"{BASE}:policy-engine/rules-abcdefghij"
ASSISTANT, SECOND = "assistant-role", "other-gateway-role"
SEARCH = "x_amz_bedrock_agentcore_search"
BY_DEFAULT = (
    "Tool Execution Denied: Tool call not allowed due to policy enforcement"
    " [No policy applies to the request (denied by default).]"
)
ADDING, GREETING = (f'== AgentCore::Action::"math___{name}"' for name in ("add_numbers", "greeting"))
ADD = {"name": "math___add_numbers", "arguments": {"a": 1, "b": 2}}
GREET = {"name": "math___greeting", "arguments": {"name": "Alice"}}


def policy(effect: str = "permit", role: str = ASSISTANT, action: str = ADDING, when: str = "") -> str:
    principal = f'== AgentCore::IamEntity::"arn:aws:sts::123456789012:assumed-role/{role}"' if role else ""
    resource = f'== AgentCore::Gateway::"{BASE}:gateway/{TOOLS}"' if action else "is AgentCore::Gateway"
    condition = f" when {{ {when} }}" if when else ""
    return f"{effect}(principal {principal}, action {action}, resource {resource}){condition};"


@pytest.fixture
def policed(handmade: Export, project: Path, tmp_path: Path) -> Callable[..., Any]:
    """Serve the hand-made gateways with an engine that holds these policies; no agent is started."""
    resources = handmade["deployment"]["resources"]

    def add(kind: str, name: str, /, **outputs: Any) -> None:
        urn = f"urn:pulumi:dev::handmade::{kind}::{name}"
        resources.append({"urn": urn, "type": kind, "inputs": outputs, "outputs": outputs})

    def find(kind: str, name: str) -> dict[str, Any]:
        found: dict[str, Any]
        (found,) = [r for r in resources if r["type"].endswith(f":{kind}") and r["urn"].endswith(f"::{name}")]
        return found

    def grant(role: str, *actions: str) -> None:
        statement = {"Effect": "Allow", "Action": [f"bedrock-agentcore:{a}" for a in actions], "Resource": f"{BASE}:*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        add("aws:iam/rolePolicy:RolePolicy", f"{role}-more", role=role, policy=document)

    @contextmanager
    def run(
        *statements: str, mode: str = "ENFORCE", may: tuple[str, ...] = ("AuthorizeAction", "PartiallyAuthorizeActions")
    ) -> Iterator[Serving]:
        resources.remove(find("AgentcoreAgentRuntime", "assistant"))
        engine = ENGINE.rsplit("/", 1)[-1]
        add(
            "aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine",
            "e",
            policyEngineArn=ENGINE,
            policyEngineId=engine,
        )
        for number, statement in enumerate(statements):
            add(
                "aws:bedrock/agentcorePolicy:AgentcorePolicy",
                f"p{number}",
                name=f"p{number}",
                policyId=f"p{number}-abcdefghij",
                policyEngineId=engine,
                definition={"cedar": {"statement": statement}},
            )
        for gateway, role in (("tools", "tools-role"), ("other", "other-role")):
            found = find("AgentcoreGateway", gateway)
            found["outputs"]["policyEngineConfiguration"] = {"arn": ENGINE, "mode": mode}
            grant(role, "GetPolicyEngine", *may)
        grant(SECOND, "InvokeGateway")
        with serve(handmade, root=project, logs=tmp_path) as serving:
            yield serving

    return run


@pytest.fixture
def ask(rpc: Rpc) -> Callable[..., dict[str, Any]]:
    """The body of the gateway's answer to a role."""

    def send(serving: Serving, method: str, params: Any = None, *, role: str = f"agents/{ASSISTANT}") -> dict[str, Any]:
        answer = rpc(serving.gateway_url(TOOLS), serving.session(f"{ROLES}{role}"), method, params)
        assert answer.status_code == 200
        body: dict[str, Any] = answer.json()
        return body

    return send


Policed = Callable[..., Any]
Ask = Callable[..., dict[str, Any]]


def names(answer: dict[str, Any]) -> list[str]:
    return [tool["name"] for tool in answer["result"]["tools"]]


def text(answer: dict[str, Any]) -> str:
    return str(answer["result"]["content"][0]["text"])


def test_each_role_is_shown_what_it_may_call(policed: Policed, ask: Ask) -> None:
    all_of_it = policy(role=SECOND, action='in AgentCore::Action::"math"')
    with policed(policy(), all_of_it) as serving:
        assert names(ask(serving, "tools/list")) == ["math___add_numbers"]
        every = names(ask(serving, "tools/list", role=SECOND))
        assert every == [f"math___{name}" for name in ("add_numbers", "multiply_numbers", "greeting", "context")]
        assert names(ask(serving, "tools/list")) == ["math___add_numbers"]  # the list is nobody else's


def test_a_permitted_call_is_made_and_any_other_refused(policed: Policed, ask: Ask) -> None:
    with policed(policy()) as serving:
        assert json.loads(text(ask(serving, "tools/call", ADD))) == {"result": 3}
        for call in (GREET, {"name": "math___unheard_of", "arguments": {}}):
            refused = ask(serving, "tools/call", call)
            assert refused == {"jsonrpc": "2.0", "id": 1, "error": {"code": -32002, "message": BY_DEFAULT}}
        assert [call.tool for call in serving.calls] == ["math___add_numbers"]
        first, _ = serving.denials
    assert (first.gateway, first.tool) == (f"{BASE}:gateway/{TOOLS}", "math___greeting")
    assert first.principal == "arn:aws:sts::123456789012:assumed-role/assistant-role"  # neither path nor session
    assert (first.arguments, first.policies) == ({"name": "Alice"}, ())
    assert (first.message, first.enforced) == (BY_DEFAULT, True)


def test_without_any_policy_nothing_is_allowed(policed: Policed, ask: Ask) -> None:
    with policed() as serving:
        assert names(ask(serving, "tools/list")) == []
        assert ask(serving, "tools/call", ADD)["error"]["message"] == BY_DEFAULT


def test_a_forbid_wins_and_is_named_by_its_id(policed: Policed, ask: Ask) -> None:
    with policed(policy(), policy("forbid", role="", action="")) as serving:
        assert names(ask(serving, "tools/list")) == []
        error = ask(serving, "tools/call", ADD)["error"]
        assert serving.calls == []
        assert serving.denials[0].policies == ("p1-abcdefghij",)
    assert error["message"] == BY_DEFAULT.partition("[")[0] + "[Policy evaluation denied due to p1-abcdefghij]"


BELOW_100 = 'context.input.a.lessThan(decimal("100.0"))'


def test_conditions_are_decided_on_the_arguments_of_the_call(policed: Policed, ask: Ask) -> None:
    # A decimal has four places, so that 99.99996 is 100; and it ends at 922337203685477.5807.
    inside, outside = [99, 99.9999, -922337203685477], [99.99996, 100, 100.0, -1e15, "1", True, None]
    with policed(policy(when=BELOW_100)) as serving:
        for a in (*inside, *outside):
            ask(serving, "tools/call", {"name": "math___add_numbers", "arguments": {"a": a, "b": 1}})
        assert [call.arguments["a"] for call in serving.calls] == inside
        assert [denial.arguments["a"] for denial in serving.denials] == outside


@pytest.mark.parametrize("arguments", [{"a": 1}, {"a": 1, "b": 2, "c": 3}, {}])
def test_arguments_that_the_schema_does_not_name_fit_no_policy(
    policed: Policed, ask: Ask, arguments: dict[str, int]
) -> None:
    with policed(policy()) as serving:
        error = ask(serving, "tools/call", {"name": "math___add_numbers", "arguments": arguments})["error"]
        assert serving.calls == []
    assert error["code"] == -32002
    assert "[the arguments fit no policy: " in error["message"]


MISFITS = [
    {},
    {"a": 1},
    {"b": 1},
    {"a": "x", "b": 1},
    {"a": 1, "b": 2, "c": 3},
    {"a": 10**30, "b": 1},
    {"a": [], "b": {}},
]
NEVER = 'context.system.now < datetime("2020-01-01")'


@pytest.mark.parametrize(
    "policies",
    [
        (),
        (policy(role=SECOND),),  # another's
        (policy(action=GREETING),),  # another tool's
        (policy(when="false"),),
        (policy(when=NEVER),),  # it has run out
        (policy("forbid", when=BELOW_100),),
        (policy("forbid"), policy("forbid", when=BELOW_100)),
        (policy(), policy("forbid", role="", action="")),
        (policy(when=BELOW_100), policy("forbid")),
    ],
)
def test_who_may_not_call_a_tool_whatever_the_arguments_learns_nothing_of_them(
    policed: Policed, ask: Ask, policies: tuple[str, ...]
) -> None:
    with policed(*policies) as serving:
        told = [
            ask(serving, "tools/call", {"name": "math___add_numbers", "arguments": arguments})
            for arguments in ({"a": 1, "b": 2}, {"a": 200, "b": 2}, *MISFITS)
        ]
        assert serving.calls == []
        (by,) = last(serving)["decided_by"]
    assert all(it == told[0] for it in told)
    assert "argument" not in told[0]["error"]["message"]
    assert "argument" in by["reason"]  # the log is ours, and may say it


@pytest.mark.parametrize(
    "policies",
    [
        (policy(),),
        (policy(role=""),),
        (policy(action='in AgentCore::Action::"math"'),),
        (policy(when=BELOW_100),),
        (policy(when=f"!({NEVER})"),),
        (policy(when=BELOW_100), policy("forbid", when='context.input has b && context.input.b == decimal("7.0")')),
    ],
)
def test_who_may_call_a_tool_with_some_arguments_is_told_of_others(
    policed: Policed, ask: Ask, policies: tuple[str, ...]
) -> None:
    with policed(*policies) as serving:
        for arguments in MISFITS:
            error = ask(serving, "tools/call", {"name": "math___add_numbers", "arguments": arguments})["error"]
            assert "[the arguments fit no policy: " in error["message"]
        assert serving.calls == []


def test_a_tool_that_some_arguments_open_is_shown(policed: Policed, ask: Ask) -> None:
    with policed(policy(when=BELOW_100), policy(action=GREETING, when="false")) as serving:
        assert names(ask(serving, "tools/list")) == ["math___add_numbers"]


def test_the_clock_is_the_calls(policed: Policed, ask: Ask) -> None:
    past, future = (f'context.system.now {op} datetime("2026-01-01")' for op in "<>")
    with policed(policy(when=past), policy(action=GREETING, when=future)) as serving:
        assert "error" in ask(serving, "tools/call", ADD)
        assert "result" in ask(serving, "tools/call", GREET)


def test_log_only_refuses_nothing_and_tells_what_it_would(policed: Policed, ask: Ask) -> None:
    with policed(policy(), mode="LOG_ONLY") as serving:
        assert len(names(ask(serving, "tools/list"))) == 5
        for call in (ADD, GREET):
            assert "result" in ask(serving, "tools/call", call)
        assert len(serving.calls) == 2
        (denial,) = serving.denials
    assert (denial.tool, denial.message, denial.enforced) == ("math___greeting", BY_DEFAULT, False)


def test_search_shows_tools_that_the_list_hides(policed: Policed, ask: Ask) -> None:
    """As seen on AWS: the engine is not asked about the search tool."""
    with policed() as serving:
        assert names(ask(serving, "tools/list")) == []
        found = ask(serving, "tools/call", {"name": SEARCH, "arguments": {"query": "greet"}})
    assert [tool["name"] for tool in found["result"]["structuredContent"]["tools"]] == ["math___greeting"]


def test_a_gateway_that_may_not_ask_its_engine_refuses(policed: Policed, ask: Ask) -> None:
    with policed(policy(), may=()) as serving:
        assert names(ask(serving, "tools/list")) == []
        message = ask(serving, "tools/call", ADD)["error"]["message"]
        assert serving.calls == []
    assert "The gateway's role may not perform bedrock-agentcore:AuthorizeAction" in message


def test_log_only_needs_no_decision(policed: Policed, ask: Ask) -> None:
    with policed(policy(), mode="LOG_ONLY", may=()) as serving:
        assert len(names(ask(serving, "tools/list"))) == 5
        assert "result" in ask(serving, "tools/call", ADD)
        (denial,) = serving.denials
    assert not denial.enforced


@pytest.mark.parametrize(("may", "listed", "called"), [("AuthorizeAction", 0, 1), ("PartiallyAuthorizeActions", 1, 0)])
def test_listing_and_calling_take_a_permission_each(
    policed: Policed, ask: Ask, may: str, listed: int, called: int
) -> None:
    with policed(policy(), may=(may,)) as serving:
        assert len(names(ask(serving, "tools/list"))) == listed
        ask(serving, "tools/call", ADD)
        assert len(serving.calls) == called


def test_iam_comes_first(policed: Policed, rpc: Rpc) -> None:
    with policed(policy(role="denied-role")) as serving:
        answer = rpc(serving.gateway_url(TOOLS), serving.session(f"{ROLES}denied-role"), "tools/call", ADD)
        assert (answer.status_code, serving.denials) == (403, [])


def test_in_a_session_it_counts_who_signs_the_call(policed: Policed, rpc: Rpc) -> None:
    """The gateway with MCP sessions: a session id is no credential, and another's is none at all."""
    permit = policy(role=SECOND).replace(TOOLS, OTHER)
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    with policed(permit, policy(role="denied-role").replace("permit", "forbid")) as serving:
        url, owner = serving.gateway_url(OTHER), serving.session(f"{ROLES}{SECOND}")
        thief = serving.session(f"{ROLES}denied-role")  # IAM lets it in at this gateway
        theirs, own = (rpc(url, it, "initialize", hello).headers["mcp-session-id"] for it in (owner, thief))
        rpc(url, owner, "notifications/initialized", mcp_session_id=theirs)
        assert '"math___add_numbers"' in rpc(url, owner, "tools/list", mcp_session_id=theirs).text
        assert rpc(url, thief, "tools/list", mcp_session_id=theirs).status_code == 404
        rpc(url, thief, "notifications/initialized", mcp_session_id=own)
        assert '"tools":[]' in rpc(url, thief, "tools/list", mcp_session_id=own).text
        refused = rpc(url, thief, "tools/call", ADD, mcp_session_id=own).text
    assert '"code":-32002' in refused


def test_what_cannot_be_decided_is_refused_and_hidden() -> None:
    """Such a deployment is not served in the first place; if one were, no door would stand open."""
    engine = ToolEngine(
        gateway=f"{BASE}:gateway/{TOOLS}", enforce=True, tools={"t___t": {}}, policies=(), unread=("unreadable",)
    )
    denials: list[Denial] = []
    authorization = ToolAuthorization(engine, {}, frozenset(), denials.append)
    caller = iam_entity("arn:aws:sts::123456789012:assumed-role/r")
    assert not authorization.lists(caller, "t___t")
    message = authorization.refusal(caller, "t___t", {})
    assert message is not None
    assert "[unreadable]" in message
    assert len(denials) == 1


def last(serving: Serving) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(serving.access_log.read_text().splitlines()[-1])
    return line


def test_the_access_log_says_which_policy_decided(policed: Policed, ask: Ask) -> None:
    forbidding = policy("forbid", role="", action=GREETING)
    with policed(policy(), forbidding) as serving:
        ask(serving, "tools/call", ADD)
        allowed = last(serving)
        ask(serving, "tools/call", GREET)
        forbidden = last(serving)
        ask(serving, "tools/call", {"name": "math___context", "arguments": {}})
        by_default = last(serving)
        ask(serving, "tools/call", ADD | {"arguments": {"a": "x", "b": 1}})
        misfit = last(serving)
    assert (allowed["decision"], allowed["status"]) == ("allowed", "ok")
    by_iam, by_cedar = allowed["decided_by"]
    assert by_iam["by"] == "iam"
    assert by_cedar == {"by": "cedar", "effect": "allow", "policies": ["p0-abcdefghij"]}
    (by,) = forbidden["decided_by"]
    assert (forbidden["decision"], by["by"], by["policies"]) == ("denied", "cedar", ["p1-abcdefghij"])
    (by,) = by_default["decided_by"]
    assert by == {
        "by": "cedar",
        "effect": "deny",
        "reason": "No policy applies to the request (denied by default).",
    }
    assert by_default["principal"].endswith("assumed-role/assistant-role/local")
    (by,) = misfit["decided_by"]
    assert (misfit["decision"], "x" in by["reason"].split()) == ("denied", False)


def test_the_access_log_says_what_an_engine_only_logs(policed: Policed, ask: Ask) -> None:
    with policed(mode="LOG_ONLY") as serving:
        ask(serving, "tools/call", ADD)
        line = last(serving)
    assert (line["decision"], line["status"]) == ("allowed", "ok")
    _, by = line["decided_by"]
    assert (by["by"], by["effect"], by["mode"]) == ("cedar", "deny", "LOG_ONLY")
