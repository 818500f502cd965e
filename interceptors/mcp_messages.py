"""What a gateway's event says, and what becomes of it: read, judged by method, answered in the documented shape.

Nothing of an interceptor's author runs here. What is for them to decide is asked through `Decide`, all questions of an
event at once. What is not understood is denied: another version, shape, method or kind of gateway.

Sources: AgentCore developer guide, "Types of interceptors" (the event and its answer); MCP specification 2025-11-25
(methods and their members); JSON-RPC 2.0 (messages and codes).
"""

import base64
import binascii
import fnmatch
import functools
import json
import marshal
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

VERSION = "1.0"
"""The one version of the event and of its answer that there is."""
REQUEST, RESPONSE = "REQUEST", "RESPONSE"
SEARCH = "x_amz_bedrock_agentcore_search"
"""The gateway's own tool that finds tools. A pattern means it only where it is written out, and no filter is asked
about it: what it finds is filtered."""
SEARCH_TOOL = {
    "name": SEARCH,
    "description": "Find the tools that fit what you want to do. Use it where there are many tools.",
    "inputSchema": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
}
"""How a list shows it where the gateway's own does not: a policy engine takes it out of lists, and lets it be called
(one live report). AWS's own words for it are others."""
LARGEST = 6 * 1024 * 1024
"""Bytes that a function may answer (Lambda quotas, "Invocation payload")."""
MOST_MESSAGES = 100
"""Messages of one body: each is a line of the log."""

DENIED, INVALID_REQUEST, METHOD_NOT_FOUND = -32002, -32600, -32601
"""Codes of errors; the first is AgentCore's own of a call that a policy denies."""

PASSED = frozenset({"initialize", "ping", "logging/setLevel"})
NOTIFICATIONS = frozenset(
    f"notifications/{name}" for name in ("initialized", "cancelled", "progress", "roots/list_changed")
)
LISTS = {
    "tools/list": ("tools", "tools", "name"),
    "prompts/list": ("prompts", "prompts", "name"),
    "resources/list": ("resources", "resources", "uri"),
    "resources/templates/list": ("resources", "resourceTemplates", "uriTemplate"),
}
"""Methods that list: what filters them, the list's member of the result, and what an item of it is called by."""
ITEMS = {
    "prompts/get": ("prompts", "name"),
    "resources/read": ("resources", "uri"),
    "resources/subscribe": ("resources", "uri"),
    "resources/unsubscribe": ("resources", "uri"),
}
"""Methods of one prompt or resource: what filters them, and the parameter that names it."""
CALL, COMPLETE = "tools/call", "completion/complete"

CREDENTIALS = frozenset({"authorization", "proxy-authorization", "x-amz-security-token", "cookie"})
"""Headers that no interceptor's code is told."""

Json = dict[str, Any]
Question = tuple[Any, ...]
"""`("call", tool, arguments)`, `("result", tool, value, failed)`, or `("tools" | "prompts" | "resources", items)`."""
Answer = tuple[Any, ...]
"""`("allow",)`, `("deny", code, reason)`, `("rewrite", arguments)`, `("redact", value)` or `("keep", [bool, ...])`."""


class Denied(Exception):  # noqa: N818 it is a verdict
    """Something is denied.

    Attributes:
        code: What the log calls the reason.
        reason: What the caller is told.
        rpc: JSON-RPC's code of the error.
    """

    def __init__(self, code: str, reason: str, rpc: int = DENIED) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.rpc = rpc

    def error(self, message_id: Any) -> Json:
        """The error that answers the message of this id."""
        text = f"Tool Execution Denied: {self.reason}" if self.rpc == DENIED else self.reason
        text = text.encode("utf-8", "replace").decode()  # half a surrogate pair has no bytes to be sent as
        return {"jsonrpc": "2.0", "id": message_id, "error": {"code": self.rpc, "message": text}}


@dataclass(frozen=True)
class Declaration:
    """What the function's variable says that its code looks at; `policy/language/interceptors.py` reads it, too.

    Attributes:
        calls: Patterns of full tool names whose calls the code decides.
        results: The same of results.
        tools: Whether it filters lists of tools and search results.
        prompts: Whether it filters prompts.
        resources: Whether it filters resources.
        headers: Whether it is told the request's headers.
        claims: Whether it is told the claims of the caller's token.
        caller: Whether it is told what the caller may call.
        inbound: How callers come to the gateway: `iam` or `jwt`.
        seconds: Longest time until it has decided.
        callers: On `jwt`: the path below which Parameter Store has what each caller may call.
        client: On `jwt`: the claim that names the caller's client.
        shown: On `iam`: what every caller may call.
        search: Whether lists show the gateway's search, whose results are filtered by caller.
    """

    calls: tuple[str, ...]
    results: tuple[str, ...]
    tools: bool
    prompts: bool
    resources: bool
    headers: bool
    claims: bool
    caller: bool
    inbound: str
    seconds: float
    callers: str = ""
    client: str = ""
    shown: tuple[str, ...] = ()
    search: bool = False

    @functools.cached_property
    def registered(self) -> Json:
        """The part that the code itself says by its decorators and annotations."""
        flags = {name: getattr(self, name) for name in FLAGS}
        return {"calls": sorted(set(self.calls)), "results": sorted(set(self.results)), **flags}

    def needs_claims(self) -> bool:
        """Whether the caller's token is read."""
        return self.claims or (self.caller and self.inbound == "jwt")


FLAGS = ("tools", "prompts", "resources", "headers", "claims", "caller")


def read_declaration(text: str | None) -> Declaration | None:
    """The declaration in the variable; None where nothing can be decided by it, and so everything is denied.

    An unverified token says something only behind a gateway that takes tokens (`CUSTOM_JWT`): it has verified them.
    """
    try:
        said = json.loads(text or "")
        flags = {name: said[name] for name in FLAGS}
        declared = Declaration(
            calls=_texts(said["calls"]),
            results=_texts(said["results"]),
            **flags,
            inbound=said["inbound"],
            seconds=said["seconds"],
            callers=said.get("callers", ""),
            client=said.get("client", ""),
            shown=_texts(said.get("shown", [])),
            search=said.get("search", False),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    fits = (
        all(isinstance(flag, bool) for flag in flags.values())
        and declared.inbound in ("iam", "jwt")
        and isinstance(declared.seconds, int | float)
        and not isinstance(declared.seconds, bool)
        and 0 < declared.seconds < math.inf
        and isinstance(declared.callers, str)
        and isinstance(declared.client, str)
        and isinstance(declared.search, bool)
        and (not declared.search or (declared.tools and declared.caller))
        and (not declared.claims or declared.inbound == "jwt")
        and (not declared.caller or _is_told_callers(declared, said))
    )
    return declared if fits else None


def _is_told_callers(declared: Declaration, said: Json) -> bool:
    return bool(declared.callers and declared.client) if declared.inbound == "jwt" else "shown" in said


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(it, str) for it in value):
        raise TypeError
    return tuple(value)


def matches(patterns: Sequence[str], tool: str) -> bool:
    """Whether one of the patterns means the tool with this full name; `*` stands for any characters."""
    return any(tool == it or (tool != SEARCH and fnmatch.fnmatchcase(tool, it)) for it in patterns)


@dataclass(frozen=True)
class Context:
    """What of a request an author's function may ask for beside its first argument; None: the event does not say."""

    headers: Mapping[str, str] | None = None
    claims: Json | None = None


Decide = Callable[[list[Question], Context], list[Answer]]
"""Answers the questions of one event, in their order. Raises `Denied` where nobody can decide."""


@dataclass(frozen=True)
class Line:
    """What became of one message.

    Attributes:
        method: Its method, as far as it could be read.
        tool: The full name of the tool that is called.
        verdict: `allowed`, `denied`, `rewritten`, `redacted`, `filtered`.
        code: Why, of what is denied.
        changed: Names of the arguments that were rewritten.
    """

    method: str = ""
    tool: str = ""
    verdict: str = "allowed"
    code: str = ""
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judged:
    """The answer to an event, and what became of each of its messages."""

    answer: Json
    point: str
    lines: Sequence[Line]


@dataclass(frozen=True)
class _Outcome:
    """What one message becomes. `answered`: it is the answer to the request, not the request."""

    message: Any
    line: Line
    answered: bool = False
    denied: Denied | None = None


@dataclass(frozen=True)
class _Step:
    """A message that is known what to do with once its questions are answered."""

    questions: tuple[Question, ...] = ()
    then: Callable[[Sequence[Answer]], _Outcome] = field(kw_only=True)


def judge(event: Any, declared: Declaration | None, decide: Decide) -> Judged:
    """Judge an event; whatever happens, there is an answer, and what is not understood is denied.

    Args:
        event: What the gateway sent.
        declared: The function's declaration; None: everything is denied.
        decide: Asked for what is the author's to decide. Also where there is no question: it denies when nobody would
            be there to answer one.
    """
    try:
        if declared is None:
            raise Denied("not_declared", "the interceptor is not set up")
        parts = _parts(event)
        return parts.point(parts, declared, decide)
    except Denied as denied:
        return _refused(event, denied)
    except Exception:  # also of recursion: whatever it is, the handler must not fail for it
        return _refused(event, Denied("shape", "the message cannot be read", INVALID_REQUEST))


@dataclass(frozen=True)
class _Parts:
    point: Callable[["_Parts", Declaration, Decide], Judged]
    request: Json
    body: Any
    response: Json


def _parts(event: Any) -> _Parts:
    """The parts of an event that are read, checked as far as they are."""
    if not isinstance(event, dict) or not isinstance(event.get("mcp"), dict) or "http" in event:
        raise Denied("kind", "the interceptor judges MCP messages only", INVALID_REQUEST)
    if event.get("interceptorInputVersion") != VERSION:
        raise Denied("version", "the gateway speaks another version than the interceptor", INVALID_REQUEST)
    mcp = event["mcp"]
    request, response = mcp.get("gatewayRequest"), mcp.get("gatewayResponse", {})
    if not isinstance(request, dict) or "body" not in request or not isinstance(response, dict):
        raise Denied("shape", "the message cannot be read", INVALID_REQUEST)
    if "gatewayResponse" not in mcp:
        return _Parts(_judge_request, request, request["body"], {})
    status = response.get("statusCode")
    streams = response.get("isStreamingResponse") is True
    if "body" not in response or _head(response) is None or not (streams or _is_status(status)):
        raise Denied("shape", "the answer cannot be read")
    return _Parts(_judge_response, request, request["body"], response)


def _is_status(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599


def _head(response: Json) -> Json | None:
    """Status and headers that the answer goes out with; of a streamed one only its first event may set them, so none.

    None where they cannot be read.
    """
    if response.get("isStreamingResponse") is True:
        return {}
    headers = response.get("headers", {})
    if not isinstance(headers, dict) or not all(isinstance(it, str) for it in (*headers, *headers.values())):
        return None
    status = {"statusCode": response["statusCode"]} if _is_status(response.get("statusCode")) else {"statusCode": 200}
    return status | ({"headers": headers} if "headers" in response else {})


# --- the whole event ---


def _judge_request(parts: _Parts, declared: Declaration, decide: Decide) -> Judged:
    messages = _messages(parts.body)
    steps = [_tried(_request, message, declared) for message in messages]
    outcomes = _decided(steps, messages, _context(parts.request, declared), decide)
    lines = [outcome.line for outcome in outcomes]
    if not any(outcome.answered for outcome in outcomes):
        body = _body(parts.body, [outcome.message for outcome in outcomes])
        return Judged(_answer("transformedGatewayRequest", {"body": body}), REQUEST, lines)
    if not isinstance(parts.body, list):
        status = 400 if outcomes[0].denied and _is_bad(outcomes[0].denied, messages[0]) else 200
        answer = {"statusCode": status, "body": outcomes[0].message}
        return Judged(_answer("transformedGatewayResponse", answer), REQUEST, lines)
    # A batch is carried out as a whole or not at all: its other messages get an error, too.
    other = Denied("batch", "another message of the same batch is not carried out")
    errors = [it.denied or other for it in outcomes]
    lines = [it.line if it.denied else replace(it.line, verdict="denied", code=other.code) for it in outcomes]
    return Judged(_answer("transformedGatewayResponse", _errors(messages, errors)), REQUEST, lines)


def _judge_response(parts: _Parts, declared: Declaration, decide: Decide) -> Judged:
    body = parts.response["body"]
    requests = {_key(it): it for it in _messages(parts.body) if _has_id(it)}
    if len(requests) < sum(map(_has_id, _messages(parts.body))):
        raise Denied("shape", "two messages have one id", INVALID_REQUEST)
    if not requests:
        return _judge_empty(parts, body, decide)
    if isinstance(parts.body, list) != isinstance(body, list):
        raise Denied("shape", "the answer cannot be read")
    answers = _messages(body)
    asked = [requests.pop(_key(it), None) if _has_id(it) else None for it in answers]
    if None in asked:
        raise Denied("shape", "the answer is not one to this request")
    steps = [_tried(_response, pair, declared) for pair in zip(asked, answers, strict=True)]
    outcomes = _decided(steps, asked, _context(parts.request, declared), decide)
    changed = _body(body, [outcome.message for outcome in outcomes])
    answer = {**(_head(parts.response) or {}), "body": changed}
    return Judged(_answer("transformedGatewayResponse", answer), RESPONSE, [outcome.line for outcome in outcomes])


def _judge_empty(parts: _Parts, body: Any, decide: Decide) -> Judged:
    """The answer to notifications, which is none."""
    messages = _messages(parts.body)
    for message in messages:
        _check_request(message)
    if body not in (None, "", {}, []):
        raise Denied("shape", "the answer cannot be read")
    decide([], Context())
    answer = {**(_head(parts.response) or {}), "body": body}
    return Judged(
        _answer("transformedGatewayResponse", answer), RESPONSE, [Line(method=it["method"]) for it in messages]
    )


def _body(before: Any, messages: list[Any]) -> Any:
    """What a body becomes; one that does not change came in by the same bound as it goes out."""
    body = messages if isinstance(before, list) else messages[0]
    if any(new is not old for new, old in zip(messages, _messages(before), strict=True)):
        _check_size(body)
    return body


def _messages(body: Any) -> list[Any]:
    """The messages of a body.

    Raises:
        Denied: It has none, or more than are judged at once.
    """
    messages = body if isinstance(body, list) else [body]
    if not messages or len(messages) > MOST_MESSAGES:
        raise Denied("shape", f"a batch has 1 to {MOST_MESSAGES} messages", INVALID_REQUEST)
    return messages


def _tried(judged: Callable[[Any, Declaration], _Step], message: Any, declared: Declaration) -> _Step:
    """The step of a message; of one that is denied, a step that says so."""
    try:
        return judged(message, declared)
    except Denied as denied:
        asked = message[0] if isinstance(message, tuple) else message
        outcome = _denial(denied, asked)
        return _Step(then=lambda _: outcome)


def _denial(denied: Denied, asked: Any) -> _Outcome:
    line = Line(_method(asked), _tool(asked), "denied", denied.code)
    return _Outcome(denied.error(_id(asked)), line, answered=True, denied=denied)


def _decided(steps: Sequence[_Step], messages: Sequence[Any], context: Context, decide: Decide) -> list[_Outcome]:
    """What each message becomes, once all questions are answered."""
    questions = [question for step in steps for question in step.questions]
    answers = decide(questions, context)
    if len(answers) != len(questions):
        raise Denied("no_verdict", "the interceptor did not decide")
    outcomes = []
    for step, message in zip(steps, messages, strict=True):
        own, answers = answers[: len(step.questions)], answers[len(step.questions) :]
        refusal = next((it for it in own if it[0] == "deny"), None)
        try:
            if refusal is not None:
                raise _refusal(refusal)
            outcomes.append(step.then(own))
        except Denied as denied:
            outcomes.append(_denial(denied, message))
    return outcomes


# --- one message, by its method ---


def _request(message: Any, declared: Declaration) -> _Step:
    method = _check_request(message)
    if method == CALL:
        return _request_call(message, declared)
    if method in ITEMS:
        return _item(message, declared, message)
    if method in LISTS and not _listed_by_others(method, declared):
        empty = _result(message, {LISTS[method][1]: []})
        return _Step(then=lambda _: _Outcome(empty, Line(method, verdict="filtered"), answered=True))
    return _passed(message, method)


def _request_call(message: Json, declared: Declaration) -> _Step:
    tool, arguments = _called(message)
    if not matches(declared.calls, tool):
        return _passed(message, CALL, tool)

    def then(answers: Sequence[Answer]) -> _Outcome:
        if answers[0] == ("allow",):
            return _Outcome(message, Line(CALL, tool))
        rewritten = _value(answers[0], "rewrite")
        names = rewritten.keys() | arguments.keys()
        changed = tuple(sorted(it for it in names if rewritten.get(it, then) != arguments.get(it, then)))
        body = {**message, "params": {**message["params"], "arguments": rewritten}}
        return _Outcome(body, Line(CALL, tool, "rewritten", changed=changed))

    return _Step((("call", tool, arguments),), then=then)


def _response(pair: tuple[Json, Any], declared: Declaration) -> _Step:
    asked, answer = pair
    method = _check_request(asked)
    failed = _check_answer(answer)
    if method == CALL:
        return _response_call(asked, answer, declared)
    if method in ITEMS:
        # Asked a second time: had the first answer come too late, Lambda's timeout would have let the request through.
        return _item(asked, declared, answer)
    if method not in LISTS:
        return _passed(answer, method)
    if method == "tools/list" and declared.tools and not failed:
        return _response_tools(asked, answer, declared)
    return _response_list(method, answer, declared, failed=failed)


def _response_call(asked: Json, answer: Json, declared: Declaration) -> _Step:
    tool, _ = _called(asked)
    part = "error" if "error" in answer else "result"
    value = answer[part]
    questions: list[Question] = []
    told, filtered = matches(declared.results, tool), tool == SEARCH and declared.tools and part == "result"
    if told:
        _check_value(value, part)
        questions.append(("result", tool, value, part == "error" or value.get("isError") is True))
    if filtered:
        questions.append(("tools", [_shown_tool(it) for it in _found(value)]))

    def then(answers: Sequence[Answer]) -> _Outcome:
        judged, line = value, Line(CALL, tool)
        if told and answers[0] != ("allow",):
            judged, line = _value(answers[0], "redact"), Line(CALL, tool, "redacted")
            _check_value(judged, part)
        if filtered:
            found = _found(value)
            kept = Counter(it["name"] for it in _kept(answers[-1], found))
            every = Counter(it["name"] for it in found)
            left = [it for it in _found(judged) if kept[it["name"]] == every[it["name"]]]
            text = {"type": "text", "text": json.dumps({"tools": left}, ensure_ascii=False)}
            structured = {"structuredContent": {"tools": left}} if "structuredContent" in judged else {}
            judged, line = {"content": [text], **structured, "isError": False}, Line(CALL, tool, "filtered")
        return _Outcome(answer if judged is value else {**answer, part: judged}, line)

    return _Step(tuple(questions), then=then)


def _response_tools(asked: Json, answer: Json, declared: Declaration) -> _Step:
    """A list of tools: the filter is asked about each but the gateway's search."""
    items = _items(answer["result"].get("tools"), "name")
    questions = [it for it in items if it["name"] != SEARCH]
    first = declared.search and "cursor" not in _params(asked)

    def then(answers: Sequence[Answer]) -> _Outcome:
        kept = {id(it) for it in _kept(answers[0], questions)}
        left = [it for it in items if it["name"] == SEARCH or id(it) in kept]
        if first and not any(it["name"] == SEARCH for it in left):
            left = [SEARCH_TOOL, *left]
        # Nothing else of the result goes on: it might name what is left out.
        return _Outcome(_result(answer, {"tools": left, **_cursor(answer)}), Line("tools/list", verdict="filtered"))

    return _Step((("tools", [_shown_tool(it) for it in questions]),), then=then)


def _cursor(answer: Json) -> Json:
    cursor = answer["result"].get("nextCursor")
    return {"nextCursor": cursor} if isinstance(cursor, str) else {}


def _response_list(method: str, answer: Json, declared: Declaration, *, failed: bool) -> _Step:
    kind, member, name = LISTS[method]
    if kind == "tools":
        return _passed(answer, method)
    if not getattr(declared, kind):
        empty = _result(answer, {member: []})
        return _Step(then=lambda _: _Outcome(empty, Line(method, verdict="filtered"), answered=True))
    if failed:
        return _passed(answer, method)
    items = _items(answer["result"].get(member), name)

    def then(answers: Sequence[Answer]) -> _Outcome:
        left = _result(answer, {member: _kept(answers[0], items), **_cursor(answer)})
        return _Outcome(left, Line(method, verdict="filtered"))

    return _Step(((kind, [it[name] for it in items]),), then=then)


def _item(asked: Json, declared: Declaration, message: Json) -> _Step:
    """A prompt or resource that is asked for by its name: it goes on where the filter keeps it."""
    method = asked["method"]
    kind, name = ITEMS[method]
    named = _params(asked).get(name)
    if not isinstance(named, str):
        raise Denied("shape", f"params.{name} is no text", INVALID_REQUEST)
    if not getattr(declared, kind):
        raise Denied("not_filtered", f"this gateway lets no {kind} through")

    def then(answers: Sequence[Answer]) -> _Outcome:
        if not _kept(answers[0], [named]):
            raise Denied("by_author", f"this is none of the {kind} that are let through")
        return _Outcome(message, Line(method))

    return _Step(((kind, [named]),), then=then)


def _passed(message: Any, method: str, tool: str = "") -> _Step:
    outcome = _Outcome(message, Line(method, tool))
    return _Step(then=lambda _: outcome)


def _listed_by_others(method: str, declared: Declaration) -> bool:
    """Whether a list is left to the gateway: of tools always, of what has a filter until its answer."""
    return method == "tools/list" or bool(getattr(declared, LISTS[method][0]))


# --- shapes ---

_TOOL = re.compile(r"[!-~]{1,256}", re.ASCII)  # no space, no letter that another one looks like


def _check_request(message: Any) -> str:
    """The method of a request or notification that is known.

    Raises:
        Denied: It is not one.
    """
    fits = isinstance(message, dict) and message.get("jsonrpc") == "2.0" and isinstance(message.get("method"), str)
    if not fits or not message.keys() <= {"jsonrpc", "id", "method", "params"}:
        raise Denied("shape", "this is no request of JSON-RPC 2.0", INVALID_REQUEST)
    if not isinstance(message.get("params", {}), dict) or ("id" in message and not _has_id(message)):
        raise Denied("shape", "this is no request of JSON-RPC 2.0", INVALID_REQUEST)
    method: str = message["method"]
    if "id" not in message and method in NOTIFICATIONS:
        return method
    if "id" not in message or method in NOTIFICATIONS:
        raise Denied("shape", "a request has an id, and a notification has none", INVALID_REQUEST)
    if method == COMPLETE:
        raise Denied("not_filtered", "this gateway completes nothing")
    if method != CALL and method not in PASSED and method not in LISTS and method not in ITEMS:
        raise Denied("unknown_method", "Method not found", METHOD_NOT_FOUND)
    return method


def _check_answer(answer: Any) -> bool:
    """Whether a checked answer is an error.

    Raises:
        Denied: It is no answer.
    """
    part = "error" if "error" in answer else "result"
    if answer.get("jsonrpc") != "2.0" or answer.keys() != {"jsonrpc", "id", part}:
        raise Denied("shape", "the answer cannot be read")
    if not isinstance(answer[part], dict) or (part == "error" and not _is_error(answer[part])):
        raise Denied("shape", "the answer cannot be read")
    return part == "error"


def _called(message: Json) -> tuple[str, Json]:
    """The tool's full name and arguments of a call."""
    params = _params(message)
    tool, arguments = params.get("name"), params.get("arguments", {})
    fits = params.keys() <= {"name", "arguments", "_meta"} and isinstance(arguments, dict)
    if not fits or not isinstance(tool, str) or not _TOOL.fullmatch(tool):
        raise Denied("shape", "this is no call of a tool", INVALID_REQUEST)
    return tool, arguments


def _params(message: Json) -> Json:
    params: Json = message.get("params", {})
    return params


def _check_value(value: Any, part: str) -> None:
    """Check a result of a call, or its error, which an author's function is shown or gave back."""
    if not (_is_error(value) if part == "error" else _is_result(value)):
        raise Denied("shape", "the result cannot be read")


def _is_error(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("code"), int)
        and not isinstance(value["code"], bool)
        and isinstance(value.get("message"), str)
        and value.keys() <= {"code", "message", "data"}
    )


def _is_result(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("content"), list)
        and all(isinstance(it, dict) and isinstance(it.get("type"), str) for it in value["content"])
        and isinstance(value.get("structuredContent", {}), dict)
        and isinstance(value.get("isError", False), bool)
    )


def _found(value: Json) -> list[Json]:
    """The tools of a search result."""
    content = value.get("structuredContent")
    if content is None:
        try:
            [text] = value["content"]
            content = json.loads(text["text"])
        except (KeyError, TypeError, ValueError):
            raise Denied("shape", "the search result cannot be read") from None
    if not isinstance(content, dict) or value.get("isError", False) is not False:
        raise Denied("shape", "the search result cannot be read")
    return _items(content.get("tools"), "name")


def _items(value: Any, name: str) -> list[Json]:
    if not isinstance(value, list) or not all(isinstance(it, dict) and isinstance(it.get(name), str) for it in value):
        raise Denied("shape", "the list cannot be read")
    return value


def _shown_tool(tool: Json) -> Json:
    return {name: tool.get(name) for name in ("name", "description", "inputSchema")}


def _refusal(answer: Answer) -> Denied:
    if len(answer) != 3 or not all(isinstance(it, str) for it in answer):
        return Denied("no_verdict", "the interceptor did not decide")
    return Denied(answer[1], answer[2])


def _kept(answer: Answer, items: Sequence[Any]) -> list[Any]:
    keep = answer[1] if len(answer) == 2 and answer[0] == "keep" else None
    if not isinstance(keep, list) or len(keep) != len(items):
        raise Denied("no_verdict", "the interceptor did not decide")
    return [item for item, kept in zip(items, keep, strict=True) if kept is True]


def _value(answer: Answer, kind: str) -> Json:
    if len(answer) != 2 or answer[0] != kind or not isinstance(answer[1], dict):
        raise Denied("no_verdict", "the interceptor did not decide")
    value: Json = answer[1]
    return value


def _has_id(message: Any) -> bool:
    """Whether a message has an id that can be kept (MCP: a text or a number, and never null)."""
    value = message.get("id") if isinstance(message, dict) else None
    return isinstance(value, str | int | float) and not isinstance(value, bool) and value == value  # noqa: PLR0124 NaN


def _key(message: Json) -> tuple[type, Any]:
    return type(message["id"]), message["id"]


def _id(message: Any) -> Any:
    return message["id"] if _has_id(message) else None


def _method(message: Any) -> str:
    method = message.get("method") if isinstance(message, dict) else None
    return method[:100] if isinstance(method, str) else ""


def _tool(message: Any) -> str:
    params = message.get("params") if isinstance(message, dict) else None
    name = params.get("name") if isinstance(params, dict) and message.get("method") == CALL else None
    return name[:256] if isinstance(name, str) else ""


def _result(message: Json, result: Json) -> Json:
    return {"jsonrpc": "2.0", "id": message["id"], "result": result}


def _check_size(body: Any) -> None:
    """Check that Lambda can send a body.

    Raises:
        Denied: It has too many bytes, or something in it has none.
    """
    sent = marshal.dumps(body)
    if len(sent) < LARGEST // 4 and b"\xed" not in sent:  # the first byte of what stands alone of a surrogate pair
        return
    try:
        size = len(json.dumps(body, ensure_ascii=False, allow_nan=False).encode())
    except ValueError:
        raise Denied("shape", "the message cannot be sent") from None
    if size > LARGEST - 64 * 1024:  # the rest of the answer
        raise Denied("too_large", "the message is larger than can be sent")


# --- who asks ---


def _context(request: Json, declared: Declaration) -> Context:
    """What authors' functions are told of the request, as far as they ask for it."""
    headers = request.get("headers") if declared.headers or declared.needs_claims() else None
    if not isinstance(headers, dict) or not all(isinstance(it, str) for it in (*headers, *headers.values())):
        return Context()
    lower = {name.lower(): value for name, value in headers.items()}
    if len(lower) < len(headers):
        raise Denied("shape", "a header is there twice", INVALID_REQUEST)
    told = {name: value for name, value in lower.items() if name not in CREDENTIALS} if declared.headers else None
    return Context(told, _claims(lower.get("authorization", "")) if declared.needs_claims() else None)


def _claims(authorization: str) -> Json | None:
    """The claims of a token that the gateway has verified: its signature is not looked at a second time."""
    kind, _, token = authorization.partition(" ")
    parts = token.strip().split(".")
    if kind.lower() != "bearer" or len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.b64decode(parts[1] + "=" * (-len(parts[1]) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        return None
    return claims if isinstance(claims, dict) else None


# --- answers ---


def _answer(member: str, value: Json) -> Json:
    return {"interceptorOutputVersion": VERSION, "mcp": {member: value}}


def _errors(messages: Sequence[Any], denials: Sequence[Denied]) -> Json:
    """The answer to a batch that is not carried out."""
    pairs = list(zip(messages, denials, strict=True))
    errors = [denied.error(_id(message)) for message, denied in pairs if _has_id(message)]
    if errors:
        return {"statusCode": 200, "body": errors}
    return {"statusCode": 400, "body": [denied.error(None) for _, denied in pairs]}


def _is_bad(denied: Denied, message: Any) -> bool:
    """Whether a denial is one of HTTP: of what nobody can read, or has no id to be answered by."""
    return denied.rpc == INVALID_REQUEST or not _has_id(message)


def _refused(event: Any, denied: Denied) -> Judged:
    """The answer that denies an event, whatever it looks like."""
    event = event if isinstance(event, dict) else {}
    mcp = event.get("mcp") if isinstance(event.get("mcp"), dict) else {}
    request, response = mcp.get("gatewayRequest"), mcp.get("gatewayResponse")
    body = request.get("body") if isinstance(request, dict) else None
    messages = body[:MOST_MESSAGES] if isinstance(body, list) and body else [body]
    if isinstance(body, list) and body:
        answer = _errors(messages, [denied] * len(messages))
    else:
        status = 400 if _is_bad(denied, body) else 200
        answer = {"statusCode": status, "body": denied.error(_id(body))}
    if isinstance(response, dict):
        head = _head(response)
        answer = {**({"statusCode": 200} if head is None else head), "body": answer["body"]}
    answers: Json = {"mcp": {"transformedGatewayResponse": answer}} if "mcp" in event or "http" not in event else {}
    if "http" in event:
        text = base64.b64encode(json.dumps({"error": denied.reason}).encode()).decode()
        refusal = {"statusCode": 403, "contentType": "application/json", "body": text}
        answers["http"] = {"transformedGatewayResponse": refusal}
    lines = [Line(_method(it), _tool(it), "denied", denied.code) for it in messages]
    point = RESPONSE if "gatewayResponse" in mcp else REQUEST
    return Judged({"interceptorOutputVersion": VERSION, **answers}, point, lines)
