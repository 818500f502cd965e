"""What becomes of each kind of message, by its method: with functions that decide, and without."""

import json
from typing import Any

import pytest
from intercept import (
    Call,
    Caller,
    Claims,
    Headers,
    Interceptor,
    Prompt,
    Resource,
    Result,
    Tool,
    Verdict,
    allow,
    deny,
    redact,
    remaining,
    rewrite,
)
from mcp_messages import LARGEST, Judged, judge, read_declaration

from tests.interceptors import events
from tests.interceptors.events import call, error, message, request, response, result, text_result
from tests.interceptors.judging import answered, check_documented, judged, passed, status

ADD = "math___add_numbers"
DENIED = "Tool Execution Denied: "


def decider(verdict: Any, pattern: str = "*") -> Interceptor:
    """An interceptor that decides each call and result alike."""
    made = Interceptor()

    @made.on_call(pattern)
    def called(call: Call) -> Verdict:
        return verdict(call) if callable(verdict) else verdict  # type: ignore[no-any-return]  # also what is no verdict

    @made.on_result(pattern)
    def came(result: Result) -> Verdict:
        return verdict(result) if callable(verdict) else verdict  # type: ignore[no-any-return]

    return made


def filters(*, tools: Any = None, prompts: Any = None, resources: Any = None) -> Interceptor:
    made = Interceptor()
    if tools:
        made.filter_tools(tools)
    if prompts:
        made.filter_prompts(prompts)
    if resources:
        made.filter_resources(resources)
    return made


def refused(it: Judged) -> str:
    """The text of a denial of a single message."""
    text: str = answered(it)["error"]["message"]
    assert answered(it)["error"]["code"] == -32002
    return text.removeprefix(DENIED)


# --- calls ---


def test_a_call_that_is_allowed_goes_on_unchanged() -> None:
    body = call(ADD, {"a": 1, "b": [None, True, 1.5, "ü"]})
    it = judged(request(body), decider(allow()))
    assert passed(it) is body
    assert it.answer == {
        "interceptorOutputVersion": "1.0",
        "mcp": {"transformedGatewayRequest": {"body": body}},
    }
    [line] = it.lines
    assert (it.point, line.method, line.tool, line.verdict, line.code) == ("REQUEST", "tools/call", ADD, "allowed", "")


def test_a_denied_call_is_answered_with_an_error_of_its_id() -> None:
    it = judged(request(call(ADD, message_id="seven")), decider(deny("a is over 100")))
    assert answered(it) == error(-32002, DENIED + "a is over 100", "seven")
    assert status(it) == 200
    assert [(line.verdict, line.code) for line in it.lines] == [("denied", "by_author")]


def test_a_rewritten_call_keeps_all_else() -> None:
    body = call(ADD, {"a": 1, "b": 2, "c": 3})
    body["params"]["_meta"] = {"progressToken": 5}
    it = judged(request(body), decider(rewrite({"a": 1, "b": 9, "tenant": "acme"})))
    assert passed(it)["params"] == {
        "name": ADD,
        "arguments": {"a": 1, "b": 9, "tenant": "acme"},
        "_meta": {"progressToken": 5},
    }
    assert passed(it)["id"] == 1
    assert [(line.verdict, line.changed) for line in it.lines] == [("rewritten", ("b", "c", "tenant"))]
    assert body["params"]["arguments"] == {"a": 1, "b": 2, "c": 3}


def test_several_functions_see_what_the_one_before_left() -> None:
    made, seen = Interceptor(), []

    @made.on_call("math___*")
    def first(call: Call) -> Verdict:
        return rewrite({**call.arguments, "a": 2})

    @made.on_call(ADD)
    def second(call: Call) -> Verdict:
        seen.append(dict(call.arguments))
        call.arguments.clear()  # what it does to its own copy is nobody's
        return allow()

    @made.on_call("other___*")
    def of_another(call: Call) -> Verdict:
        return deny("never asked")

    @made.on_call("*")
    def last(call: Call) -> Verdict:
        seen.append(dict(call.arguments))
        return allow() if call.arguments["a"] == 2 else deny("no")

    assert passed(judged(request(call(ADD, {"a": 1})), made))["params"]["arguments"] == {"a": 2}
    assert seen == [{"a": 2}, {"a": 2}]


def test_the_first_denial_is_the_answer() -> None:
    made = Interceptor()
    made.on_call("*")(lambda_of(deny("first")))
    made.on_call("*")(lambda_of(deny("second")))
    assert refused(judged(request(call(ADD)), made)) == "first"


def lambda_of(verdict: Verdict) -> Any:
    def decides(call: Call) -> Verdict:
        return verdict

    return decides


def test_what_a_function_does_to_its_arguments_is_not_sent() -> None:
    def spoils(call: Call) -> Verdict:
        call.arguments["a"] = 0
        return allow()

    made = Interceptor()
    made.on_call("*")(spoils)
    assert passed(judged(request(call(ADD, {"a": 1})), made))["params"]["arguments"] == {"a": 1}


def raises(_: Any) -> Verdict:
    raise ValueError("a secret of its own")


def leaves(_: Any) -> Verdict:
    raise SystemExit


def recurses(it: Any) -> Verdict:
    return recurses(it)


@pytest.mark.parametrize(
    "verdict",
    [
        None,
        True,
        "allow",
        raises,
        leaves,
        recurses,
        rewrite({"a": {1, 2}}),
        rewrite({"a": float("nan")}),
        rewrite({1: 2}),  # type: ignore[dict-item]
        rewrite({"a": (1, 2)}),
        rewrite(None),  # type: ignore[arg-type]
        Verdict("keep"),  # type: ignore[arg-type]
    ],
)
@pytest.mark.parametrize("event", [request(call(ADD)), response(call(ADD), result(text_result("3")))])
def test_what_is_no_verdict_denies(verdict: Any, event: Any) -> None:
    it = judged(event, decider(verdict))
    assert refused(it) == "the interceptor did not decide"
    assert it.lines[0].code == "failed"


def test_a_verdict_of_the_other_point_denies() -> None:
    assert judged(request(call(ADD)), decider(redact(text_result("3")))).lines[0].code == "failed"
    assert judged(response(call(ADD), result(text_result("3"))), decider(rewrite({}))).lines[0].code == "failed"


def test_a_tool_that_no_pattern_means_is_let_through() -> None:
    body = call("orders___create")
    assert passed(judged(request(body), decider(deny("no"), "math___*"))) is body


@pytest.mark.parametrize("pattern", ["*", "x_*", "*search"])
def test_the_search_is_meant_only_where_it_is_written_out(pattern: str) -> None:
    body = call(events.SEARCH, {"query": "add"})
    assert passed(judged(request(body), decider(deny("no"), pattern))) is body
    assert refused(judged(request(body), decider(deny("no"), events.SEARCH))) == "no"


def test_a_call_has_names() -> None:
    it = Call("orders___create___now", {"a": 1})
    assert (it.target, it.name, it.arguments) == ("orders", "create___now", {"a": 1})
    assert remaining() == float("inf")


# --- what is told beside the first parameter ---


def test_headers_are_told_without_credentials() -> None:
    made, seen = Interceptor(), []

    @made.on_call("*")
    def reads(call: Call, headers: Headers) -> Verdict:
        seen.append(headers)
        return allow()

    sent = {"X-Tenant": "acme", "Authorization": "Bearer a.b.c", "COOKIE": "c", "X-Amz-Security-Token": "t"}
    assert passed(judged(request(call(ADD), sent), made))
    assert seen == [{"x-tenant": "acme"}]
    assert isinstance(seen[0], Headers)
    assert refused(judged(request(call(ADD)), made))  # the gateway does not pass them
    assert answered(judged(request(call(ADD), {"a": "1", "A": "2"}), made))["error"]["code"] == -32600


def claims_reader(seen: list[Any]) -> Interceptor:
    made = Interceptor()

    @made.on_call("*")
    def reads(call: Call, claims: Claims) -> Verdict:
        seen.append(claims)
        return allow()

    return made


def test_claims_are_those_of_the_token() -> None:
    seen: list[Any] = []
    it = judged(request(call(ADD), events.bearer({"tenant": "acmé"})), claims_reader(seen), inbound="jwt")
    assert passed(it)
    assert seen == [{"tenant": "acmé"}]


@pytest.mark.parametrize(
    "headers",
    [
        None,
        {},
        {"Authorization": ""},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer a.b"},
        {"Authorization": "Bearer a.b.c"},
        {"Authorization": "Bearer a.WzFd.c"},
        {"Authorization": "Bearer a.!!!!.c"},
    ],
)
def test_without_a_token_that_can_be_read_nobody_is_asked(headers: Any) -> None:
    seen: list[Any] = []
    it = judged(request(call(ADD), headers), claims_reader(seen), inbound="jwt")
    assert refused(it)
    assert it.lines[0].code == "no_claims"
    assert seen == []


def test_on_an_iam_gateway_a_caller_is_everybody() -> None:
    made = Interceptor()

    @made.filter_tools
    def visible(tool: Tool, caller: Caller) -> bool:
        return caller.name == "" and caller.may_call(tool.name)

    tools = [events.tool(name) for name in ("math___add", "math___multiply", "orders___create", "orders2___x")]
    event = response(message("tools/list"), result({"tools": tools}))
    left = answered(judged(event, made, shown=["orders___*", "math___add"]))["result"]["tools"]
    assert [it["name"] for it in left] == ["math___add", "orders___create"]


def test_what_a_caller_may_call() -> None:
    assert Caller("a", ("*",)).may_call("any___thing")
    assert Caller("a", ("math___*",)).may_call("math___add")
    assert not Caller("a", ("math___*", "math___a")).may_call("maths___add")
    assert not Caller("a", ("math*",)).may_call("math___add")
    assert not Caller("a", ()).may_call("math___add")


# --- results ---


def test_a_result_that_is_allowed_goes_on_unchanged() -> None:
    event = response(call(ADD), result(text_result("3")))
    it = judged(event, decider(allow()))
    assert it.answer["mcp"]["transformedGatewayResponse"] == event["mcp"]["gatewayResponse"]
    assert it.point == "RESPONSE"


def test_a_denied_result_leaves_only_its_id_status_and_headers() -> None:
    it = judged(response(call(ADD), result(text_result("3")), status=201), decider(deny("not for you")))
    assert answered(it) == error(-32002, DENIED + "not for you")
    assert status(it) == 201
    assert it.answer["mcp"]["transformedGatewayResponse"]["headers"] == {"Content-Type": "application/json"}


def test_functions_see_results_and_errors_alike() -> None:
    seen: list[Any] = []

    def looks(it: Any) -> Verdict:
        seen.append(it)
        return allow()

    for answer in (
        result(text_result("3")),
        result(text_result("no", failed=True)),
        error(-32603, "it broke", data={"at": 1}),
    ):
        assert answered(judged(response(call(ADD), answer), decider(looks))) == answer
    assert seen == [
        Result(ADD, text_result("3"), failed=False),
        Result(ADD, text_result("no", failed=True), failed=True),
        Result(ADD, {"code": -32603, "message": "it broke", "data": {"at": 1}}, failed=True),
    ]


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"content": "text"},
        {"content": ["text"]},
        {"content": [{"text": "no type"}]},
        {"content": [], "structuredContent": []},
        {"content": [], "isError": "yes"},
    ],
)
def test_a_result_that_a_function_cannot_understand_is_denied(value: Any) -> None:
    it = judged(response(call(ADD), result(value)), decider(allow()))
    assert refused(it) == "the result cannot be read"
    assert refused(judged(response(call(ADD), result(text_result("3"))), decider(lambda r: redact(value)))) is not None


def test_a_redacted_error_stays_an_error() -> None:
    def masks(it: Any) -> Verdict:
        return redact(it.mapped(lambda text: text.replace("4711", "****")))

    it = judged(response(call(ADD), error(-4711, "card 4711", data=["x4711"])), decider(masks))
    assert answered(it) == error(-4711, "card ****", data=["x****"])
    assert it.lines[0].verdict == "redacted"


# --- lists and search ---

TOOLS = [events.tool(name, f"says {name}") for name in ("math___add", "math___multiply", "orders___create")]


def only_math(tool: Tool) -> bool:
    return tool.name.startswith("math___")


def test_a_list_of_tools_has_what_the_filter_keeps() -> None:
    listed = result({"tools": TOOLS, "nextCursor": "2", "_meta": {"hidden": ["orders___create"]}})
    it = judged(response(message("tools/list"), listed), filters(tools=only_math))
    assert answered(it) == result({"tools": TOOLS[:2], "nextCursor": "2"})
    assert it.lines[0].verdict == "filtered"
    assert answered(judged(response(message("tools/list"), listed))) is listed


def test_a_filter_is_shown_what_the_list_says() -> None:
    seen = []

    def looks(tool: Tool) -> bool:
        seen.append(tool)
        return False

    listed = result({"tools": [{"name": "a", "title": "T"}, events.tool("b", "B", {"type": "object", "x": 1})]})
    assert answered(judged(response(message("tools/list"), listed), filters(tools=looks)))["result"] == {"tools": []}
    assert seen == [Tool("a"), Tool("b", "B", {"type": "object", "x": 1})]


@pytest.mark.parametrize("value", [{}, {"tools": {}}, {"tools": ["math___add"]}, {"tools": [{"title": "no name"}]}])
def test_a_list_that_cannot_be_read_is_denied(value: Any) -> None:
    it = judged(response(message("tools/list"), result(value)), filters(tools=only_math))
    assert refused(it) == "the list cannot be read"


def test_a_search_result_is_filtered_in_both_its_forms() -> None:
    asked = call(events.SEARCH, {"query": "add"})
    both = answered(judged(response(asked, result(events.found(TOOLS))), filters(tools=only_math)))["result"]
    assert both["structuredContent"] == {"tools": TOOLS[:2]}
    assert [json.loads(it["text"]) for it in both["content"]] == [{"tools": TOOLS[:2]}]
    assert "orders" not in json.dumps(both)
    as_text = {"content": events.found(TOOLS)["content"]}
    alone = answered(judged(response(asked, result(as_text)), filters(tools=only_math)))["result"]
    assert alone == {"content": both["content"], "isError": False}


def test_of_two_tools_with_one_name_both_are_kept_or_none() -> None:
    twice = [events.tool("math___add", "good"), events.tool("math___add", "bad")]

    def by_words(tool: Tool) -> bool:
        return tool.description == "good"

    it = judged(response(call(events.SEARCH), result(events.found(twice))), filters(tools=by_words))
    assert answered(it)["result"]["structuredContent"] == {"tools": []}


@pytest.mark.parametrize(
    "value",
    [
        text_result("orders___create"),
        text_result("[]"),
        {"structuredContent": {"tools": 1}, "content": []},
        text_result(json.dumps({"tools": TOOLS}), failed=True),
        {"content": []},
    ],
)
def test_a_search_result_that_cannot_be_read_is_denied(value: Any) -> None:
    it = judged(response(call(events.SEARCH), result(value)), filters(tools=only_math))
    assert refused(it)
    assert "orders" not in json.dumps(it.answer)


@pytest.mark.parametrize("listed", [[], [events.tool(events.SEARCH, "AWS's own")]])
@pytest.mark.parametrize("search", [True, False])
def test_search_is_found_where_an_engine_takes_it_out_of_lists(listed: list[Any], search: bool) -> None:
    said: Any = {"search": search, "caller": True, "shown": []}
    first, second = (message("tools/list", params) for params in (None, {"cursor": "x"}))
    left = answered(judged(response(first, result({"tools": [*listed, *TOOLS]})), filters(tools=only_math), **said))
    tools = left["result"]["tools"]
    assert [it["name"] for it in tools] == [events.SEARCH] * bool(listed or search) + ["math___add", "math___multiply"]
    assert not listed or tools[0] == listed[0]
    later = answered(judged(response(second, result({"tools": TOOLS})), filters(tools=only_math), **said))
    assert later["result"]["tools"] == TOOLS[:2]


def test_no_search_where_its_results_are_not_filtered_by_caller() -> None:
    it = judged(response(message("tools/list"), result({"tools": TOOLS})), filters(tools=only_math), search=True)
    assert [line.code for line in it.lines] == ["not_declared"]


def test_search_results_are_redacted_first_where_that_is_written_out() -> None:
    made = filters(tools=only_math)

    @made.on_result(events.SEARCH)
    def masks(result: Result) -> Verdict:
        return redact(result.mapped(lambda text: text.replace("says", "****")))

    left = answered(judged(response(call(events.SEARCH), result(events.found(TOOLS))), made))["result"]
    assert [it["description"] for it in left["structuredContent"]["tools"]] == [
        "**** math___add",
        "**** math___multiply",
    ]


@pytest.mark.parametrize("keeps", [None, "yes", 1])
def test_a_filter_says_true_or_false(keeps: Any) -> None:
    def odd(tool: Tool) -> bool:
        return keeps  # type: ignore[no-any-return]

    it = judged(response(message("tools/list"), result({"tools": TOOLS})), filters(tools=odd))
    assert it.lines[0].code == "failed"


def test_what_is_kept_is_said_by_true_alone() -> None:
    declared = read_declaration(events.declared(tools=True))
    event = response(message("tools/list"), result({"tools": TOOLS}))
    it = judge(event, declared, lambda _, __: [("keep", [1, True, "yes"])])
    assert answered(it) == result({"tools": TOOLS[1:2]})


# --- prompts and resources ---

PROMPTS = {"prompts": [{"name": "known"}, {"name": "other"}]}
LISTS: list[tuple[str, Any, Any]] = [
    ("prompts/list", PROMPTS, {"prompts": []}),
    ("resources/list", {"resources": [{"uri": "file:///known", "name": "n"}]}, {"resources": []}),
    (
        "resources/templates/list",
        {"resourceTemplates": [{"uriTemplate": "file:///{known}"}]},
        {"resourceTemplates": []},
    ),
]


@pytest.mark.parametrize(("method", "value", "empty"), LISTS)
def test_without_a_filter_there_are_none(method: str, value: Any, empty: Any) -> None:
    at_request = judged(request(message(method)))
    assert (answered(at_request), status(at_request)) == (result(empty), 200)
    for answer in (result(value), error(-32601, "Method not found")):
        assert answered(judged(response(message(method), answer))) == result(empty)


GETS = [
    ("prompts/get", {"name": "known"}),
    ("resources/read", {"uri": "file:///known"}),
    ("resources/subscribe", {"uri": "file:///known"}),
    ("resources/unsubscribe", {"uri": "file:///known"}),
]


@pytest.mark.parametrize(("method", "params"), GETS)
def test_without_a_filter_none_is_given(method: str, params: Any) -> None:
    assert "lets no" in refused(judged(request(message(method, params))))
    assert "lets no" in refused(judged(response(message(method, params), result({"contents": []}))))


def known(it: Any) -> bool:
    return "known" in (it.name if isinstance(it, Prompt) else it.uri)


def known_prompt(prompt: Prompt) -> bool:
    return known(prompt)


def known_resource(resource: Resource) -> bool:
    return known(resource)


@pytest.mark.parametrize(("method", "params"), GETS)
def test_a_filter_says_which_are_given(method: str, params: Any) -> None:
    made = filters(prompts=known_prompt, resources=known_resource)
    body, [name] = message(method, params), params
    answer = result({"messages": []})
    assert passed(judged(request(body), made)) is body
    assert answered(judged(response(body, answer), made)) is answer
    other = message(method, {name: "other"})
    assert refused(judged(request(other), made))
    assert refused(judged(response(other, answer), made))  # had Lambda's timeout let the request through
    odd = message(method, {name: 1})
    assert answered(judged(request(odd), made))["error"]["code"] == -32600


def test_a_filter_says_which_are_listed() -> None:
    made = filters(prompts=known_prompt, resources=known_resource)
    body = message("prompts/list")
    assert passed(judged(request(body), made)) is body
    assert answered(judged(response(body, result(PROMPTS)), made)) == result({"prompts": [{"name": "known"}]})
    for method, value, _ in LISTS[1:]:
        assert answered(judged(response(message(method), result(value)), made)) == result(value)


# --- other messages ---


@pytest.mark.parametrize("method", ["initialize", "ping", "logging/setLevel", "tools/list"])
def test_what_always_passes(method: str) -> None:
    body, answer = message(method, {"any": 1}), result({"any": 2})
    it = decider(deny("no"))
    assert passed(judged(request(body), it)) is body
    assert answered(judged(response(body, answer), it)) is answer


@pytest.mark.parametrize("empty", [None, "", {}])
@pytest.mark.parametrize("name", ["initialized", "cancelled", "progress", "roots/list_changed"])
def test_notifications_pass(name: str, empty: Any) -> None:
    body = message(f"notifications/{name}", message_id=None)
    assert passed(judged(request(body))) is body
    it = judged(response(body, empty, status=202))
    assert (answered(it), status(it)) == (empty, 202)
    assert answered(judged(response(body, result("something"))))["error"]["code"] == -32002


@pytest.mark.parametrize(
    ("body", "code", "http"),
    [
        (message("completion/complete"), -32002, 200),
        (message("tools/unheard_of"), -32601, 200),
        (message("notifications/message", message_id=None), -32600, 400),
        (message("notifications/initialized"), -32600, 400),
        (message("tools/call", {"name": ADD}, message_id=None), -32600, 400),
        (result({"roots": []}), -32600, 400),
        (error(-1, "a client's own"), -32600, 400),
        ({**call(ADD), "jsonrpc": "1.0"}, -32600, 400),
        ({**call(ADD), "result": {}}, -32600, 400),
        ({**call(ADD), "id": None}, -32600, 400),
        ({**call(ADD), "id": True}, -32600, 400),
        ({**call(ADD), "id": [1]}, -32600, 400),
        ({**call(ADD), "params": [ADD]}, -32600, 400),
        (message("tools/call"), -32600, 400),
        (message("tools/call", {"name": ADD, "arguments": None}), -32600, 400),
        (message("tools/call", {"name": ADD, "arguments": [1]}), -32600, 400),
        (message("tools/call", {"name": ADD, "task": {}}), -32600, 400),
        (message("tools/call", {"name": ADD + " "}), -32600, 400),
        (message("tools/call", {"name": "math___\uff41dd"}), -32600, 400),
        (None, -32600, 400),
        ("text", -32600, 400),
        ([], -32600, 400),
        ([message("ping", message_id=at) for at in range(101)], -32600, 200),
    ],
)
def test_what_is_not_understood_is_denied(body: Any, code: int, http: int) -> None:
    it = judged(request(body), decider(allow()))
    check_documented(request(body), it)
    errors = answered(it) if isinstance(answered(it), list) else [answered(it)]
    assert {one["error"]["code"] for one in errors} == {code}
    assert status(it) == http
    at_response = judged(response(body, result(text_result("leak"))), decider(allow()))
    assert "leak" not in json.dumps(at_response.answer)


def test_answers_that_are_none_to_the_request_are_denied() -> None:
    body = call(ADD)
    for answer in (
        None,
        "text",
        {},
        [],
        [result({})],
        result({}, "1"),
        result({}, 1.0),
        result({}, True),
        result({}, None),
        result("text"),
        {**result({}), "error": {}},
        {**result({}), "method": "m"},
        {**result({}), "jsonrpc": "2"},
        {"jsonrpc": "2.0", "id": 1},
        {"jsonrpc": "2.0", "id": 1, "error": {"code": "x", "message": "leak"}},
        {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "leak", "more": 1}},
        {"message": "Forbidden"},
    ):
        it = judged(response(body, answer, status=403))
        assert answered(it)["id"] == 1
        assert status(it) == 403
        assert refused(it)
        assert "leak" not in json.dumps(it.answer)


# --- batches and streams ---


def test_of_a_batch_nothing_is_carried_out_where_one_is_denied() -> None:
    body = [call(ADD), call("orders___x", message_id=2), message("notifications/initialized", message_id=None)]
    it = judged(request(body), decider(deny("no"), "orders___*"))
    assert status(it) == 200
    assert [(one["id"], one["error"]["message"]) for one in answered(it)] == [
        (1, DENIED + "another message of the same batch is not carried out"),
        (2, DENIED + "no"),
    ]
    assert [line.code for line in it.lines] == ["batch", "by_author", "batch"]
    assert passed(judged(request(body), decider(allow()))) == body


def test_answers_of_a_batch_are_judged_one_by_one() -> None:
    body = [call(ADD), call("orders___x", message_id="2"), message("notifications/initialized", message_id=None)]
    answers = [result(text_result("b"), "2"), result(text_result("a"))]
    left = answered(judged(response(body, answers), decider(deny("no"), "orders___*")))
    assert left == [error(-32002, DENIED + "no", "2"), answers[1]]
    for odd in ([answers[0], answers[0]], answers[0], [result({}, 3)], [*answers, None], []):
        it = judged(response(body, odd), decider(allow()))
        assert {one["error"]["code"] for one in answered(it)} <= {-32002, -32600}
        assert {one["id"] for one in answered(it)} == {1, "2"}


def test_two_messages_of_a_batch_with_one_id_are_not_told_apart() -> None:
    body = [call("orders___b"), call("math___a")]
    it = judged(response(body, [result(text_result("a"))]), decider(deny("no"), "orders___*"))
    assert "result" not in json.dumps(it.answer["mcp"]["transformedGatewayResponse"]["body"])


def test_an_event_of_a_stream_sets_neither_status_nor_headers() -> None:
    event = response(call(ADD), result(text_result("3")), streams=True)
    del event["mcp"]["gatewayResponse"]["statusCode"]
    for verdict in (allow(), deny("no")):
        it = judged(event, decider(verdict))
        assert it.answer["mcp"]["transformedGatewayResponse"].keys() == {"body"}
    for odd in (message("sampling/createMessage", {}, 9), message("notifications/message", {}, None)):
        it = judged(response(call(ADD), odd, streams=True), decider(allow()))
        assert answered(it)["id"] == 1
        assert it.answer["mcp"]["transformedGatewayResponse"].keys() == {"body"}


# --- the envelope ---


@pytest.mark.parametrize("answered_already", [False, True])
def test_other_gateways_are_refused_in_their_own_shape(answered_already: bool) -> None:
    it = judged(events.http(answered=answered_already), decider(allow()))
    refusal = it.answer["http"]["transformedGatewayResponse"]
    assert it.answer.keys() == {"interceptorOutputVersion", "http"}
    assert (refusal["statusCode"], refusal["contentType"]) == (403, "application/json")


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        {},
        {"interceptorInputVersion": "1.0"},
        {"interceptorInputVersion": "1.0", "mcp": None},
        {"interceptorInputVersion": "1.0", "mcp": {}},
        {**request(call(ADD)), "interceptorInputVersion": "2.0"},
        {**request(call(ADD)), "interceptorInputVersion": 1.0},
        {**request(call(ADD)), **events.http()},
        {"interceptorInputVersion": "1.0", "mcp": {"gatewayRequest": {}}},
        {"interceptorInputVersion": "1.0", "mcp": {"gatewayRequest": None, "gatewayResponse": {"body": {}}}},
        {"interceptorInputVersion": "1.0", "mcp": {"gatewayRequest": {"body": call(ADD)}, "gatewayResponse": None}},
        response(call(ADD), result({}), status="200"),  # type: ignore[arg-type]
        response(call(ADD), result({}), status=99),
    ],
)
def test_events_of_another_shape_are_denied(event: Any) -> None:
    it = judged(event, decider(allow()))
    check_documented(event, it)
    assert {line.verdict for line in it.lines} == {"denied"}
    assert "transformedGatewayRequest" not in json.dumps(it.answer)


def test_unknown_members_of_the_envelope_are_no_matter() -> None:
    event = request(call(ADD))
    event["mcp"]["gatewayRequest"]["requestContext"] = {"identity": {}}
    event["mcp"].pop("rawGatewayRequest")
    assert passed(judged(event, decider(allow()))) == call(ADD)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "null",
        "[]",
        "{}",
        events.declared(seconds=0),
        events.declared(seconds=True),
        events.declared(seconds="2"),
        events.declared(inbound="none"),
        events.declared(calls="*"),
        events.declared(calls=[1]),
        events.declared(tools=1),
        events.declared(claims=True),
        events.declared(caller=True, inbound="jwt"),
        events.declared(caller=True).replace('"shown"', '"hidden"'),
    ],
)
def test_without_a_declaration_everything_is_denied(text: str | None) -> None:
    declared = read_declaration(text)
    assert declared is None
    it = judge(request(message("ping")), declared, lambda _, __: [])
    assert refused(it) == "the interceptor is not set up"


def test_what_grew_larger_than_lambda_sends_is_denied() -> None:
    half = "x" * (LARGEST // 2)
    assert passed(judged(request(call(ADD)), decider(rewrite({"a": half}))))
    it = judged(request(call(ADD)), decider(rewrite({"a": half, "b": half})))
    assert it.lines[0].code == "too_large"
    wide = judged(request(call(ADD)), decider(rewrite({"a": "é" * (LARGEST // 2)})))
    assert wide.lines[0].code == "too_large"


def test_half_a_surrogate_pair_is_not_sent() -> None:
    assert judged(request(call(ADD)), decider(rewrite({"a": "\ud83d"}))).lines[0].code == "shape"
    it = judged(request(call(ADD)), decider(deny("\ud83d")))
    assert json.dumps(it.answer, ensure_ascii=False).encode()


def test_something_nested_deeper_than_can_be_handed_on_is_denied() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    assert "transformedGatewayRequest" not in judged(request(call(ADD)), decider(rewrite({"a": deep}))).answer["mcp"]
    assert "transformedGatewayRequest" not in judged(request_of(call(ADD, {"a": deep})), decider(allow())).answer["mcp"]


def request_of(body: Any) -> Any:
    event = request({})
    event["mcp"]["gatewayRequest"]["body"] = body
    return event


# --- what a function may look like ---


def test_functions_that_cannot_be_called_are_refused_at_once() -> None:
    made = Interceptor()

    async def later(call: Call) -> Verdict:
        return allow()

    def bare(call) -> Verdict:  # type: ignore[no-untyped-def]
        return allow()

    def of_another(tool: Tool) -> Verdict:
        return allow()

    def twice(call: Call, one: Claims, two: Claims) -> Verdict:
        return allow()

    def more(call: Call, limit: int = 3) -> Verdict:
        return allow()

    wrong: list[Any] = [later, bare, of_another, twice, more]
    for function in wrong:
        with pytest.raises(TypeError):
            made.on_call("*")(function)
    for pattern in ("", "a?", "a[b]", "a b", 1):
        with pytest.raises(TypeError):
            made.on_call(pattern)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        made.on_call()


def test_what_the_functions_look_at_is_what_is_declared() -> None:
    made = filters(tools=only_math, resources=known_resource)

    @made.on_call("b___*", "a___x")
    def first(call: Call, claims: "Claims") -> Verdict:
        return allow()

    @made.on_call("a___x")
    def second(call: Call, told: Headers) -> Verdict:
        return allow()

    assert made.registered() == {
        "calls": ["a___x", "b___*"],
        "results": [],
        "tools": True,
        "prompts": False,
        "resources": True,
        "headers": True,
        "claims": True,
        "caller": False,
    }
    declared = read_declaration(
        events.declared(**{**made.registered(), "calls": ["b___*", "a___x", "a___x"]}, inbound="jwt")
    )
    assert declared
    assert declared.registered == made.registered()
