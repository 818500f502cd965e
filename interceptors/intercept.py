"""The Lambda handler of every interceptor: shipped beside its `interceptor.py` as `intercept.handler`.

An interceptor is a file with functions that decide, under the decorators of this module:

    from intercept import Call, Verdict, allow, deny, on_call

    @on_call("math___add_numbers")
    def limited(call: Call) -> Verdict:
        return deny("a is over 100") if call.arguments["a"] > 100 else allow()

What a function does not decide (it raises, returns something else, or takes too long) is denied. The functions run in a
process of their own (`supervised.py`), which is ended when it is late: a Lambda function that times out may let the
request through (seen on an inference gateway; [U] on an MCP gateway). What the gateway's events mean, and what becomes
of all that is not asked here, is in `mcp_messages.py`. Standard library only: nothing is installed in the function.
"""

import functools
import importlib
import inspect
import json
import logging
import marshal
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

import supervised
from mcp_messages import (
    FLAGS,
    Answer,
    Context,
    Declaration,
    Denied,
    Json,
    Judged,
    Question,
    judge,
    matches,
    read_declaration,
)
from supervised import NoAnswerError, Supervised

logger = logging.getLogger(__name__)

HANDLER = "intercept.handler"
VARIABLE = "INTERCEPTS"
"""The function's variable with what its code is declared to look at."""
INIT_SECONDS = 5.0
"""Longest time that Lambda's init waits for the author's module; it may itself take 10 s (Lambda quotas)."""
MARGIN_SECONDS = 1.0
"""What is left of the function's timeout when the answer is given at the latest."""

# --- what an author writes with ---


@dataclass(frozen=True)
class Call:
    """A call of a tool, before it is carried out.

    Attributes:
        tool: The tool's full name, `<target>___<tool>`.
        arguments: What it is called with.
    """

    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """The target's name."""
        return self.tool.partition("___")[0]

    @property
    def name(self) -> str:
        """The tool's name at its target."""
        return self.tool.partition("___")[2]


@dataclass(frozen=True)
class Result:
    """What a call came to.

    Attributes:
        tool: The tool's full name.
        value: The result of MCP (`content`, `structuredContent`, `isError`), or the error (`code`, `message`, `data`).
        failed: Whether it is an error, of the gateway's or of the tool's own.
    """

    tool: str
    value: dict[str, Any]
    failed: bool = False

    def mapped(self, change: Callable[[str], str]) -> dict[str, Any]:
        """The same value, `change` applied to each text in it.

        That is: each text of `content`, `structuredContent` and an error; each text, and each key, of JSON that is
        inside of a text; numbers as they are written, which become texts where `change` changes them. What is base64
        is not decoded.
        """
        return _Mapping(change).value(self.value)


@dataclass(frozen=True)
class Tool:
    """A tool in a list or search result.

    Attributes:
        name: Its full name, `<target>___<tool>`.
        description: What the model is told of it.
        input_schema: JSON Schema of its arguments.
    """

    name: str
    description: str = ""
    input_schema: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Prompt:
    """A prompt of an MCP server behind the gateway."""

    name: str


@dataclass(frozen=True)
class Resource:
    """A resource of an MCP server behind the gateway; of a template the URI is its `uriTemplate`."""

    uri: str


class Headers(dict[str, str]):
    """The request's headers by lower-case name, without those that are credentials."""


class Claims(dict[str, Any]):
    """The claims of the caller's token, which the gateway has verified."""


@dataclass(frozen=True)
class Caller:
    """Who calls, and what that one was handed.

    Attributes:
        name: The agent or client; "" on an IAM gateway, where nobody tells an interceptor.
        tools: Full names, `<target>___*`, or `*`.
    """

    name: str
    tools: tuple[str, ...]

    def may_call(self, tool: str) -> bool:
        """Whether it was handed the tool with this full name."""
        return any(
            it in ("*", tool) or (it.endswith("___*") and tool.startswith(it.removesuffix("*"))) for it in self.tools
        )


@dataclass(frozen=True)
class Verdict:
    """What a function decided: made by `allow`, `deny`, `rewrite` and `redact`."""

    kind: Literal["allow", "deny", "rewrite", "redact"]
    reason: str = ""
    value: Any = None


def allow() -> Verdict:
    """Let it through unchanged."""
    return Verdict("allow")


def deny(reason: str) -> Verdict:
    """Refuse it.

    Args:
        reason: What the caller is told.
    """
    return Verdict("deny", reason)


def rewrite(arguments: dict[str, Any]) -> Verdict:
    """Let a call through with other arguments; Cedar decides on these.

    Args:
        arguments: All of them, as JSON.
    """
    return Verdict("rewrite", value=arguments)


def redact(value: dict[str, Any]) -> Verdict:
    """Let a result through as another one.

    Args:
        value: In the shape of `Result.value`.
    """
    return Verdict("redact", value=value)


def remaining() -> float:
    """Seconds that are left to decide in; infinite where nobody waits, as in a test that calls the function."""
    return _deadline - time.monotonic()


class Interceptor:
    """The functions of a file, in its order. The decorators of this module are those of the file that is loaded."""

    def __init__(self) -> None:
        self._calls: list[tuple[tuple[str, ...], _Function]] = []
        self._results: list[tuple[tuple[str, ...], _Function]] = []
        self._filters: dict[str, list[_Function]] = {"tools": [], "prompts": [], "resources": []}

    def on_call[F: Callable[..., Verdict]](self, *patterns: str) -> Callable[[F], F]:
        """Let a function decide calls of the tools with these full names; `*` stands for any characters."""
        return self._on(self._calls, patterns, Call)

    def on_result[F: Callable[..., Verdict]](self, *patterns: str) -> Callable[[F], F]:
        """Let a function decide results of the tools with these full names; `*` stands for any characters."""
        return self._on(self._results, patterns, Result)

    def filter_tools[F: Callable[..., bool]](self, function: F) -> F:
        """Let a function say which tools are seen, in lists and search results."""
        return self._filter("tools", function, Tool)

    def filter_prompts[F: Callable[..., bool]](self, function: F) -> F:
        """Let a function say which prompts are seen and may be got; without one, none."""
        return self._filter("prompts", function, Prompt)

    def filter_resources[F: Callable[..., bool]](self, function: F) -> F:
        """Let a function say which resources are seen and may be read; without one, none."""
        return self._filter("resources", function, Resource)

    def _on[F: Callable[..., Verdict]](
        self, into: "list[tuple[tuple[str, ...], _Function]]", patterns: tuple[str, ...], first: type
    ) -> Callable[[F], F]:
        wrong = [it for it in patterns if not isinstance(it, str) or not it or set(it) & set("?[] ")]
        if wrong or not patterns:
            raise TypeError(f"Write full names of tools, with * for any characters: {wrong or 'there is none'}.")

        def register(function: F) -> F:
            into.append((patterns, _function(function, first)))
            return function

        return register

    def _filter[F: Callable[..., bool]](self, kind: str, function: F, first: type) -> F:
        self._filters[kind].append(_function(function, first))
        return function

    def registered(self) -> Json:
        """What the functions look at, in the words of the declaration."""
        functions = [it for _, it in (*self._calls, *self._results)]
        functions += [it for several in self._filters.values() for it in several]
        wanted = {kind for it in functions for kind in it.wants.values()}
        flags = {name: bool(self._filters.get(name)) or name in wanted for name in FLAGS}
        calls, results = (
            sorted({pattern for patterns, _ in several for pattern in patterns})
            for several in (self._calls, self._results)
        )
        return {"calls": calls, "results": results, **flags}

    def decide(self, questions: Sequence[Question], context: Context, declared: Declaration) -> list[Answer]:
        """The functions' answers to the questions of one event."""
        asker = _Asker(context, declared)
        return [self._answer(question, asker) for question in questions]

    def _answer(self, question: Question, asker: "_Asker") -> Answer:
        kind, *parts = question
        try:
            if kind == "call":
                return self._decided(self._calls, Call, "rewrite", parts, asker)
            if kind == "result":
                return self._decided(self._results, Result, "redact", parts, asker)
            return self._kept(kind, parts[0], asker)
        except Denied as denied:
            if kind in self._filters and denied.code == _UNKNOWN:  # who was handed nothing sees nothing
                return ("keep", [False] * len(parts[0]))
            return ("deny", denied.code, denied.reason)
        except BaseException:  # also `sys.exit`, which libraries call
            logger.exception("%s: nothing was decided", kind)
            return ("deny", "failed", "the interceptor did not decide")

    def _decided(
        self,
        functions: "list[tuple[tuple[str, ...], _Function]]",
        made: type[Call] | type[Result],
        change: str,
        parts: list[Any],
        asker: "_Asker",
    ) -> Answer:
        """The verdict of the functions for one tool; each has a copy of its own of what the one before left."""
        tool, value, *rest = parts
        own = [it for patterns, it in functions if matches(patterns, tool)]
        if not own:
            raise Denied("declared_otherwise", "the interceptor is not what it was declared to be")
        kept, changed = marshal.dumps(value) if len(own) > 1 else b"", False
        for index, function in enumerate(own):
            given = marshal.loads(kept) if index else value  # noqa: S302 of our own making
            verdict = asker.call(function, made(tool, given, *rest))
            if not isinstance(verdict, Verdict) or verdict.kind not in ("allow", "deny", change):
                raise TypeError(
                    f"{function.name} returned {verdict!r:.80}. Return allow(), deny(...) or {change}(...)."
                )
            if verdict.kind == "deny":
                raise Denied("by_author", str(verdict.reason))
            if verdict.kind == change:
                _check_json(verdict.value)
                value, changed = verdict.value, True
                kept = marshal.dumps(value) if index + 1 < len(own) else b""
        return (change, value) if changed else ("allow",)

    def _kept(self, kind: str, items: list[Any], asker: "_Asker") -> Answer:
        if not self._filters[kind]:
            raise Denied("declared_otherwise", "the interceptor is not what it was declared to be")
        made = [_ITEMS[kind](item) for item in items]
        keep = [True] * len(made)
        for function in self._filters[kind]:
            for index, item in enumerate(made):
                if keep[index]:
                    verdict = asker.call(function, item)
                    if not isinstance(verdict, bool):
                        raise TypeError(f"{function.name} returned {_kind(verdict)}. Return True or False.")
                    keep[index] = verdict
        return ("keep", keep)


_UNKNOWN = "unknown_caller"

_loaded = Interceptor()
on_call, on_result = _loaded.on_call, _loaded.on_result
filter_tools, filter_prompts, filter_resources = _loaded.filter_tools, _loaded.filter_prompts, _loaded.filter_resources
_deadline = math.inf


# --- the handler: here nothing of the author's runs ---


def handler(event: Any, context: Any) -> Any:
    """Judge what the gateway asks about.

    Args:
        event: The gateway's event.
        context: The Lambda context.

    Returns:
        The answer for the gateway: it goes on as it is, changed, or not at all.
    """
    started = time.monotonic()
    declared = _declared()
    seconds = declared.seconds if declared else 0.0
    left = context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS
    deadline = started + min(seconds, left)
    identifier = str(getattr(context, "aws_request_id", ""))

    def decide(questions: list[Question], asked: Context) -> list[Answer]:
        return _asked(questions, asked, deadline, identifier)

    judged = judge(event, declared, decide)
    _log(judged, round((time.monotonic() - started) * 1000, 3), identifier)
    return judged.answer


def _log(judged: Judged, milliseconds: float, identifier: str) -> None:
    """Say what became of each message; names only, never a value."""
    for line in judged.lines:
        said = {
            "timestamp": supervised.timestamp(time.time()),
            "level": "WARN" if line.code not in ("", "by_author") else "INFO",
            "message": f"{judged.point} {line.verdict}",
            "point": judged.point,
            **{key: value for key, value in vars(line).items() if value},
            "milliseconds": milliseconds,
            "requestId": identifier,
        }
        with suppress(OSError, ValueError):  # a log that nobody reads any more is no reason to fail
            print(json.dumps(said), flush=True)


def _asked(questions: list[Question], asked: Context, deadline: float, identifier: str) -> list[Answer]:
    """The answers of the author's functions, by the deadline.

    Raises:
        Denied: There are none, or the code is not what it was declared to be.
    """
    declared, child = _declared(), _child()
    try:
        if declared is None or child.hello(deadline) != declared.registered:
            raise Denied("declared_otherwise", "the interceptor is not what it was declared to be")
        if not questions:
            return []
        answers = child.ask((questions, asked.headers, asked.claims, identifier), deadline)
    except NoAnswerError as error:
        raise Denied(error.code, "the interceptor did not decide in time") from None
    except OSError:  # there is no child to be had
        raise Denied("process_ended", "the interceptor did not decide in time") from None
    if not isinstance(answers, list) or not all(isinstance(it, tuple) and it for it in answers):
        raise Denied("no_verdict", "the interceptor did not decide")
    return answers


@functools.cache
def _declared() -> Declaration | None:
    return read_declaration(os.environ.get(VARIABLE))


@functools.cache
def _child() -> Supervised:
    return Supervised("import intercept; intercept.serve()")


# --- the child: here the author's code runs ---


def serve() -> None:
    """Import the author's module, and let its functions answer."""

    def load() -> tuple[Json, Callable[[Any, float], list[Answer]]]:
        importlib.import_module("interceptor")
        declared = _declared()
        if declared and declared.caller and declared.inbound == "jwt":
            importlib.import_module("callers").client()  # in Lambda's init, not in the time of the first call
        return _loaded.registered(), answer

    def answer(message: Any, deadline: float) -> list[Answer]:
        global _deadline  # noqa: PLW0603 `remaining` is a function of the module
        questions, headers, claims, supervised.request_id = message
        _deadline = deadline
        declared = _declared()
        if declared is None:
            return []
        return _loaded.decide(questions, Context(headers, claims), declared)

    supervised.serve(load)


@dataclass
class _Asker:
    """What functions are told of one event; the caller is looked up at most once."""

    context: Context
    declared: Declaration
    caller: Caller | None = None

    def call(self, function: "_Function", first: Any) -> Any:
        return function.call(first, **{name: self._told(kind) for name, kind in function.wants.items()})

    def _told(self, kind: str) -> Any:
        if kind == "caller":
            self.caller = self.caller or self._caller()
            return self.caller
        said = self.context.headers if kind == "headers" else self.context.claims
        if said is None:
            raise Denied(f"no_{kind}", "the request does not say who calls")
        return Headers(said) if kind == "headers" else Claims(said)

    def _caller(self) -> Caller:
        if self.declared.inbound != "jwt":
            return Caller("", self.declared.shown)
        callers = importlib.import_module("callers")  # with boto3, which other interceptors need not
        try:
            caller: Caller = callers.caller_of(self._told("claims"), self.declared.client, self.declared.callers)
        except callers.UnknownCallerError as error:
            logger.warning("%s", error)
            raise Denied(_UNKNOWN, "the caller is not known here") from None
        return caller


# --- what a function may be, and what it may return ---


@dataclass(frozen=True)
class _Function:
    """An author's function, and which of its parameters want what beside the first."""

    call: Callable[..., Any]
    name: str
    wants: Mapping[str, str]


_WANTED = {Headers: "headers", Claims: "claims", Caller: "caller"}


def _function(function: Callable[..., Any], first: type) -> _Function:
    """The function, its signature checked.

    Raises:
        TypeError: It cannot be called as it is to be.
    """
    name = getattr(function, "__name__", "?")
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"{name} is asynchronous. Write it with `def`.")
    given, *others = inspect.signature(function, eval_str=True).parameters.values()
    if given.annotation is not first:
        raise TypeError(f"{name}: the first parameter is a {first.__name__}. Annotate it so.")
    wants = {it.name: _WANTED.get(it.annotation, "") for it in others}
    if not all(wants.values()) or len(set(wants.values())) < len(wants):
        raise TypeError(f"{name}: further parameters are annotated Headers, Claims or Caller, each at most once.")
    return _Function(function, name, wants)


def _kind(verdict: Any) -> str:
    """What a function returned, without its values."""
    return f"{verdict.kind}(...)" if isinstance(verdict, Verdict) else type(verdict).__name__


def _tool(shown: Json) -> Tool:
    return Tool(shown["name"], shown["description"] or "", shown["inputSchema"] or {})


_ITEMS: dict[str, Callable[[Any], Any]] = {"tools": _tool, "prompts": Prompt, "resources": Resource}


def _check_json(value: Any) -> None:
    """Check that a value is a JSON object, and nothing that only becomes JSON when it is sent.

    Raises:
        TypeError: It is not.
    """
    if type(value) is not dict:
        raise TypeError(f"a {type(value).__name__} is no JSON object")
    rest: list[Any] = [value]
    while rest:
        item = rest.pop()
        kind = type(item)
        if kind is dict:
            if not all(type(key) is str for key in item):
                raise TypeError("a key is no text")
            rest.extend(item.values())
        elif kind is list:
            rest.extend(item)
        elif kind not in _SCALARS or (kind is float and not math.isfinite(item)):
            raise TypeError(f"{kind.__name__} cannot be sent as JSON")


_SCALARS = frozenset({str, int, float, bool, type(None)})


# Names of a result, an error and a content (MCP specification 2025-11-25, "Tools"; JSON-RPC 2.0, "Error object").
_MEMBERS = frozenset(
    {"content", "structuredContent", "isError", "_meta", "type", "text", "data", "mimeType", "resource", "annotations"}
    | {"code", "message"}
)


class _Mapping:
    """A change applied to each text of a JSON value; `changed` where it made a difference."""

    def __init__(self, change: Callable[[str], str]) -> None:
        self._change = change
        self._changed = False

    def value(self, value: Json) -> Json:
        """A result or an error: MCP's own words, and the code of an error, stay."""
        content = value.get("content")
        if isinstance(content, list):
            return {**self._members(value, "content"), "content": [self._content(item) for item in content]}
        return self._members(value, "code")

    def _content(self, item: Any) -> Any:
        return self._members(item, "type") if isinstance(item, dict) else self._any(item)

    def _members(self, value: Json, kept: str) -> Json:
        """An object with MCP's own members; the value of one of them stays as it is."""
        return {
            key if key in _MEMBERS else self._plain(key): item if key == kept else self._any(item)
            for key, item in value.items()
        }

    def _any(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return {self._plain(key): self._any(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._any(item) for item in value]
        if value is None or isinstance(value, bool):
            return value
        return self._number(value)

    def _number(self, value: Any) -> Any:
        written = str(value)
        changed = self._plain(written)
        if changed != written:
            return changed
        return float(value) if isinstance(value, Decimal) else value

    def _text(self, text: str) -> str:
        if text.lstrip(" \t\r\n")[:1] not in ("{", "[", '"'):
            return self._plain(text)
        inner = _Mapping(self._change)
        try:
            parsed = json.loads(text, object_pairs_hook=inner._pairs, parse_float=Decimal)
        except json.JSONDecodeError:
            return self._plain(text)
        mapped = inner._any(parsed)
        if not inner._changed:
            return text
        self._changed = True
        return json.dumps(mapped, ensure_ascii=False)

    def _plain(self, text: str) -> str:
        changed = self._change(text)
        if changed != text:
            self._changed = True
        return changed

    def _pairs(self, pairs: Iterable[tuple[str, Any]]) -> Json:
        """An object; where it has a key twice, what nobody is shown of it must not go on either."""
        several = list(pairs)
        made = dict(several)
        self._changed = self._changed or len(made) < len(several)
        return made


if os.environ.get("_HANDLER") == HANDLER and __name__ == "intercept":
    # Lambda's init: it has a processor of its own for it, and nobody waits yet.
    try:
        _child().hello(time.monotonic() + INIT_SECONDS)
    except (NoAnswerError, OSError):
        logger.warning("the interceptor is not ready yet")
