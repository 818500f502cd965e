"""No payload, of any version, method or shape, passes an interceptor that denies; and what holds of every answer."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from intercept import Call, Interceptor, Prompt, Resource, Result, Tool, Verdict, allow, deny, redact
from mcp_messages import judge, read_declaration

from tests.interceptors import events
from tests.interceptors.judging import check_documented, judged

LEAK = "leak-4711"
DENIER = Interceptor()
"""Denies all that is asked of an interceptor, the search by its name, too."""


@DENIER.on_call("*", events.SEARCH)
def denied_call(call: Call) -> Verdict:
    return deny("denied")


@DENIER.on_result("*", events.SEARCH)
def denied_result(result: Result) -> Verdict:
    return deny("denied")


@DENIER.filter_tools
def no_tool(tool: Tool) -> bool:
    return False


@DENIER.filter_prompts
def no_prompt(prompt: Prompt) -> bool:
    return False


@DENIER.filter_resources
def no_resource(resource: Resource) -> bool:
    return False


UNASKED = {"initialize", "ping", "logging/setLevel"}
"""Methods that no interceptor is asked about."""
LISTED = {"tools/list", "prompts/list", "resources/list", "resources/templates/list"}
NOTIFIED = {f"notifications/{name}" for name in ("initialized", "cancelled", "progress", "roots/list_changed")}
GUARDED = {"tools/call", "prompts/get", "resources/read", "resources/subscribe", "resources/unsubscribe"}
OTHER = {"completion/complete", "tasks/result", "sampling/createMessage", "notifications/message", "tools/Call", ""}

SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.sampled_from(["", "1", "x", LEAK])
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner), max_leaves=6
)
IDS = st.integers(0, 3) | st.sampled_from(["1", "a", 1.5])
NAMES = st.sampled_from(["math___add", "orders___create", events.SEARCH, "no_target"])
PARAMS = st.builds(
    lambda name, arguments, uri: {"name": name, "arguments": arguments, "uri": uri},
    NAMES,
    st.dictionaries(st.sampled_from("ab"), TREES, max_size=2),
    st.sampled_from(["file:///a", "https://example.com"]),
)
METHODS = st.sampled_from(sorted(UNASKED | LISTED | NOTIFIED | GUARDED | OTHER))


@st.composite
def messages(draw: st.DrawFn) -> Any:
    """A request or notification with the parameters that its method has."""
    method, params = draw(METHODS), draw(PARAMS)
    wanted = {"tools/call": ("name", "arguments"), "prompts/get": ("name",)}.get(method, ("uri",))
    told = None if method in LISTED | UNASKED else {name: params[name] for name in wanted}
    return events.message(method, told, None if method.startswith("notifications/") else draw(IDS))


TOOLS = [events.tool("math___add", LEAK), events.tool("orders___create", LEAK)]
RESULTS = st.sampled_from(
    [
        events.text_result(LEAK),
        events.text_result(json.dumps({"a": LEAK}), structured={"a": LEAK}),
        events.text_result(LEAK, failed=True),
        events.found(TOOLS),
        {"tools": TOOLS, "nextCursor": "2"},
        {"prompts": [{"name": LEAK}]},
        {"resources": [{"uri": LEAK}]},
        {"resourceTemplates": [{"uriTemplate": LEAK}]},
        {"contents": [{"uri": "u", "text": LEAK}]},
        {"messages": [{"role": "user", "content": {"type": "text", "text": LEAK}}]},
    ]
)


def answers_to(message_id: Any) -> st.SearchStrategy[Any]:
    failure = events.error(-32603, LEAK, message_id, data=LEAK)
    return RESULTS.map(lambda value: events.result(value, message_id)) | st.just(failure)


@st.composite
def exchanges(draw: st.DrawFn) -> Any:
    """An event at either point, of one message or a batch."""
    sent = draw(messages() | st.lists(messages(), min_size=1, max_size=3))
    if draw(st.booleans()):
        return events.request(sent)
    answers = [draw(answers_to(it["id"])) for it in (sent if isinstance(sent, list) else [sent]) if "id" in it]
    one = answers[0] if answers else draw(st.sampled_from([None, "", {}]))
    return events.response(sent, answers if isinstance(sent, list) else one, streams=draw(st.booleans()))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of each place in a JSON value."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield from places(item, (*path, key))


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """An event with something else, something more or nothing at some of its places."""
    event = copy.deepcopy(draw(exchanges()))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([it for it in places(event) if it]))
        parent = event
        for key in path[:-1]:
            parent = parent[key]
        kind = draw(st.sampled_from(["replace", "drop", "add", "wrap"]))
        if kind == "replace":
            parent[path[-1]] = copy.deepcopy(draw(TREES | messages() | RESULTS))
        elif kind == "drop":
            del parent[path[-1]]
        elif kind == "wrap":
            parent[path[-1]] = [parent[path[-1]]]
        elif isinstance(parent, dict):
            name = draw(st.sampled_from(["id", "method", "params", "result", "error", "http", "x", "gatewayResponse"]))
            parent[name] = draw(TREES | messages())
    return event


def methods(body: Any) -> set[Any]:
    return {it.get("method") for it in (body if isinstance(body, list) else [body])}


@settings(max_examples=400)
@given(exchanges() | mutated())
def test_nothing_passes_an_interceptor_that_denies(event: Any) -> None:
    it = judged(event, DENIER)
    check_documented(event, it)
    [(kind, value)] = it.answer.get("mcp", {"": {}}).items()
    if kind == "transformedGatewayRequest":
        assert value["body"] == event["mcp"]["gatewayRequest"]["body"]
        assert methods(value["body"]) <= UNASKED | LISTED | NOTIFIED
    else:
        check_nothing_left(event, value.get("body"))


def check_nothing_left(event: Any, body: Any) -> None:
    """Of an answer goes on only what no interceptor is asked about, each under the id of such a request."""
    mcp = event["mcp"] if isinstance(event.get("mcp"), dict) else {}
    sent = mcp.get("gatewayRequest", {}).get("body") if isinstance(mcp.get("gatewayRequest"), dict) else None
    asked = {
        it["id"]: it.get("method")
        for it in (sent if isinstance(sent, list) else [sent])
        if isinstance(it, dict) and "id" in it and isinstance(it["id"], str | int | float)
    }
    for one in body if isinstance(body, list) else [body]:
        if LEAK in json.dumps(one):
            assert asked[one["id"]] in UNASKED or (asked[one["id"]] in LISTED and "error" in one)
        if isinstance(one, dict) and "result" in one and asked[one["id"]] in LISTED:
            assert all(item == [] for name, item in one["result"].items() if name != "nextCursor")


@settings(max_examples=200)
@given(exchanges() | mutated())
def test_without_functions_answers_have_the_documented_shape_too(event: Any) -> None:
    check_documented(event, judged(event))
    check_documented(event, judged(event, None, inbound="nothing that is known"))


@given(exchanges() | mutated() | TREES)
def test_what_is_not_declared_denies_everything(event: Any) -> None:
    it = judged(event, None, seconds=None)
    assert {line.verdict for line in it.lines} == {"denied"}
    assert "transformedGatewayRequest" not in it.answer.get("mcp", {})
    assert LEAK not in json.dumps(it.answer)


@given(
    exchanges() | mutated(),
    st.sampled_from(
        [
            [],
            [()],
            [("allow", 1)],
            [("keep",)],
            [("keep", 1)],
            [("deny",)],
            [("deny", 1, 2)],
            [("keep", [True, True, True])],
            [("rewrite", None)],
            [("redact", [])],
            [("allow",)] * 9,
        ]
    ),
)
def test_what_is_no_answer_of_the_child_lets_nothing_through(event: Any, answers: Any) -> None:
    declared = read_declaration(events.declared(**DENIER.registered()))
    it = judge(event, declared, lambda questions, _: answers[: len(questions)] if questions else [])
    check_documented(event, it)
    if any(line.method in GUARDED and line.verdict != "denied" for line in it.lines):
        assert answers[0] in (("allow",), ("keep", [True, True, True]))


@given(
    st.lists(st.sampled_from([f"{target}___t{at}" for target in ("a", "b") for at in range(3)])),
    st.sets(st.sampled_from([f"{target}___t{at}" for target in ("a", "b") for at in range(3)])),
    st.sampled_from(["tools/list", "search"]),
)
def test_a_list_is_never_widened(names: list[str], visible: set[str], how: str) -> None:
    made = Interceptor()

    @made.filter_tools
    def seen(tool: Tool) -> bool:
        return tool.name in visible

    tools = [events.tool(name, name) for name in names]
    if how == "search":
        event = events.response(events.call(events.SEARCH), events.result(events.found(tools)))
        left = judged(event, made).answer["mcp"]["transformedGatewayResponse"]["body"]["result"]
        assert json.loads(left["content"][0]["text"]) == left["structuredContent"]
        left = left["structuredContent"]["tools"]
    else:
        event = events.response(events.message("tools/list"), events.result({"tools": tools}))
        left = judged(event, made).answer["mcp"]["transformedGatewayResponse"]["body"]["result"]["tools"]
    assert left == [it for it in tools if it["name"] in visible]


# --- redaction ---

SECRET = "4711-secret"


def escaped(text: str) -> str:
    """JSON text, each letter of its strings written as an escape."""
    return "".join(f"\\u{ord(it):04x}" if it.isalpha() else it for it in text)


WORDS = st.sampled_from(["a", "", f"x {SECRET} y", SECRET, "true", "{", '"', "\\u0041", "ü"])
VALUES = st.recursive(
    WORDS | st.integers(-5, 5) | st.booleans() | st.none() | st.floats(-5, 5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


def as_text(value: Any, form: int) -> str:
    """A JSON value as a text: plain, with spaces, with escapes, or as JSON within JSON."""
    text = json.dumps(value, ensure_ascii=False)
    return [text, json.dumps(value, indent=1), json.dumps(text), json.dumps([text])][form]


TEXTS = WORDS | st.builds(as_text, VALUES, st.integers(0, 3))
CONTENT = st.fixed_dictionaries({"type": st.just("text"), "text": TEXTS}, optional={"_meta": VALUES, "uri": TEXTS})
MCP_RESULTS = st.fixed_dictionaries(
    {"content": st.lists(CONTENT, max_size=2)},
    optional={"structuredContent": st.dictionaries(WORDS, VALUES | TEXTS), "isError": st.booleans(), "_meta": VALUES},
)
MCP_ERRORS = st.fixed_dictionaries({"code": st.integers(), "message": TEXTS}, optional={"data": VALUES | TEXTS})


def readable(value: Any) -> Iterator[str]:
    """All texts of a value, also those that are only there once JSON inside of a text is read."""
    if isinstance(value, str):
        yield value
        try:
            inner = json.loads(value)
        except ValueError:
            return
        if inner != value:
            yield from readable(inner)
    elif isinstance(value, dict):
        yield from value
        for item in value.values():
            yield from readable(item)
    elif isinstance(value, list):
        for item in value:
            yield from readable(item)


@settings(max_examples=300)
@given(MCP_RESULTS.map(events.result) | MCP_ERRORS.map(lambda it: {"jsonrpc": "2.0", "id": 1, "error": it}))
def test_a_denied_text_is_in_no_part_of_a_redacted_answer(answer: Any) -> None:
    made = Interceptor()

    @made.on_result("*")
    def masks(result: Result) -> Verdict:
        return redact(result.mapped(lambda text: text.replace(SECRET, "****")))

    event = events.response(events.call("math___add"), answer)
    it = judged(event, made)
    check_documented(event, it)
    assert it.lines[0].verdict == "redacted"
    body = it.answer["mcp"]["transformedGatewayResponse"]["body"]
    assert SECRET not in json.dumps(body, ensure_ascii=False)
    assert not [text for text in readable(body) if SECRET in text]
    if not [text for text in readable(answer) if SECRET in text]:
        assert body == answer  # to the letter: also what is JSON inside of a text
    assert body.keys() == answer.keys()


@given(MCP_RESULTS)
def test_what_is_mapped_to_itself_is_the_same(value: Any) -> None:
    assert Result("a___b", value).mapped(str) == value


@given(exchanges())
def test_an_interceptor_that_allows_changes_nothing(event: Any) -> None:
    made = Interceptor()

    @made.on_call("*", events.SEARCH)
    def one(call: Call) -> Verdict:
        return allow()

    @made.on_result("*", events.SEARCH)
    def two(result: Result) -> Verdict:
        return allow()

    it = judged(event, made)
    for kind, value in it.answer["mcp"].items():
        if all(line.verdict == "allowed" for line in it.lines):
            source = "gatewayRequest" if kind == "transformedGatewayRequest" else "gatewayResponse"
            assert value["body"] == event["mcp"][source]["body"]
