"""What a gateway's interceptors are asked, and what becomes of their answers.

Order: whoever admits the caller, the REQUEST interceptor, Cedar on the message as that left it, the target, the
RESPONSE interceptor. Sources: AgentCore developer guide, "Types of interceptors" and "Configuration", and AWS's blog on
interceptors for the order; for the failures, which AWS does not document, what `FAILURES` says of each.

[U] is what nobody has seen of a gateway with MCP targets. So it is unknown, and served here as said, that: what is no
JSON reaches no interceptor; every other body does, before anything of MCP is looked at; the RESPONSE interceptor is
asked after every answer, also after an error and after a notification, whose answer has no body; it is told the request
as the REQUEST interceptor left it, and the client's own as raw text; header names are in lower case; a body that is a
text or a number is no body; `client_context` is empty.

A REQUEST interceptor's headers go nowhere: that the function finds them in `bedrockAgentCorePropagatedHeaders` only
third parties say.
"""

import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.local.serve.access_log import Entry, asked
from toolgate.local.serve.gateway import interception_changes
from toolgate.local.serve.gateway.function_process import Outcome
from toolgate.local.serve.gateway.json_rpc import INTERNAL_ERROR, Answer, RpcError, id_of
from toolgate.local.serve.gateway.local_function import InvokeRight, LocalFunction
from toolgate.local.serve.gateway.records import Interception
from toolgate.local.serve.json_body import NotJsonError, check
from toolgate.policy.language.interceptors import REQUEST, RESPONSE

log = logging.getLogger(__name__)

LARGEST_EVENT = 6_291_456
"""Bytes of an event (Lambda developer guide, "Quotas": 6 MB). The request's body is in it twice."""
_VERSION = "1.0"
_ERROR_STATUS = 400
_PASSED, _CHANGED, _ANSWERED, _REFUSED = "passed", "changed", "answered", "denied"


@dataclass(frozen=True)
class Failure:
    """How an interceptor fails, and what its gateway makes of it.

    Attributes:
        status: The HTTP status with which the caller is refused. None: what was asked about goes on, unchanged.
        says: What happened, in a few words.
        source: Who says that AWS does so.
    """

    status: int | None
    says: str
    source: str


_MEASURED = "[B] one measurement, on an inference gateway; [U] with MCP targets"
FAILED, TOO_LARGE, THROTTLED = "failed", "answer_too_large", "throttled"
EVENT_TOO_LARGE, NOT_PERMITTED, TIMED_OUT = "event_too_large", "not_permitted", "timed_out"
MISSHAPEN, EMPTIED = "misshapen", "emptied"
FAILURES: Mapping[str, Failure] = {
    FAILED: Failure(400, "it failed", f"{_MEASURED}; another repository saw 500"),
    TOO_LARGE: Failure(400, "its answer is larger than Lambda takes", f"{_MEASURED}, as any error of Lambda's"),
    EVENT_TOO_LARGE: Failure(400, "its event is larger than Lambda takes", "[U]: as any error of Lambda's"),
    THROTTLED: Failure(400, "its reserved concurrency is 0", _MEASURED),
    NOT_PERMITTED: Failure(500, "the gateway's role may not invoke it", f"{_MEASURED}; aws-ia/terraform-aws-agentcore"),
    TIMED_OUT: Failure(None, "its time was over", _MEASURED),
    MISSHAPEN: Failure(500, "its answer has not the documented shape", "[U]"),
    EMPTIED: Failure(200, "its answer has no body, which empties the payload", "[B] a public repository's test"),
}
"""How each failure ends, at both points. Closed but for the time that is over."""


class _MisshapenError(Exception):
    """An interceptor's answer is not of the documented shape."""


class _RefusedError(Exception):
    """An interceptor failed, so that the caller is refused with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


@dataclass(frozen=True)
class Interceptor:
    """A function that is asked at one point; `headers` says whether it is told those of the request."""

    point: str
    arn: str
    headers: bool
    function: LocalFunction


@dataclass(frozen=True)
class _Said:
    """What an interceptor said: a message, or an answer; nothing empties the payload."""

    message: Any = None
    answer: Answer | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Exchange:
    """What an interceptor may be told of an exchange.

    Attributes:
        entry: The exchange.
        headers: The request's headers.
        message: The message: the client's, or what the REQUEST interceptor made of it.
        answer: The gateway's answer, once there is one.
    """

    entry: Entry
    headers: Mapping[str, str]
    message: Any
    answer: Answer | None = None

    def event(self, *, headers: bool) -> dict[str, Any]:
        """The event of the function that is asked now."""
        told = {"headers": dict(self.headers)} if headers else {}
        request = {"path": "/mcp", "httpMethod": "POST", **told, "body": self.message}
        mcp: dict[str, Any] = {
            "rawGatewayRequest": {"body": self.entry.body.decode(errors="replace")},
            "gatewayRequest": request,
        }
        if self.answer:
            mcp["gatewayResponse"] = {
                "statusCode": self.answer.status,
                "headers": dict(self.answer.headers),
                "body": self.answer.body,
            }
        return {"interceptorInputVersion": _VERSION, "mcp": mcp}


type CarryOut = Callable[[Any], Awaitable[Answer]]
"""What the gateway itself does with a message."""


class Interceptors:
    """A gateway's interceptors: at most one for each point."""

    def __init__(
        self,
        gateway: Gateway,
        right: InvokeRight,
        functions: Mapping[str, LocalFunction],
        record: Callable[[Interception], None],
    ) -> None:
        """Put them around what the gateway does.

        Args:
            gateway: The gateway.
            right: What its role may invoke.
            functions: What runs its interceptors' functions, by their ARNs.
            record: Called each time that one was asked.
        """
        self.functions = list(functions.values())
        self._gateway = gateway.arn
        self._right = right
        self._record = record
        self._at = {
            point: Interceptor(point, it.function_arn, it.headers, functions[it.function_arn])
            for it in gateway.interceptors
            for point in it.points
        }

    async def around(self, entry: Entry, headers: Mapping[str, str], carry_out: CarryOut) -> Answer:
        """The answer to a message that is JSON, carried out between the two interceptors.

        Args:
            entry: The exchange.
            headers: The request's headers.
            carry_out: What the gateway does with a message.
        """
        exchange = Exchange(entry, headers, entry.document)
        try:
            if interceptor := self._at.get(REQUEST):
                exchange = await _Asking(self, interceptor, exchange).request()
            answer = exchange.answer or await carry_out(exchange.message)
            if interceptor := self._at.get(RESPONSE):
                answer = await _Asking(self, interceptor, replace(exchange, answer=answer)).response(answer)
        except _RefusedError as refused:
            return refused.answer
        return answer

    def permitted(self, interceptor: Interceptor) -> bool:
        """Whether the gateway's role may invoke it."""
        return self._right.decision(interceptor.arn).allowed

    def note(self, interceptor: Interceptor, entry: Entry, outcome: str, seen: tuple[float, Mapping[str, Any]]) -> None:
        """Keep the record of what was asked: its outcome, how long it took in milliseconds and what was changed."""
        message = asked(entry)
        tool = message.tool if message.method == "tools/call" else None
        name = interceptor.function.function.name
        self._record(
            Interception(self._gateway, interceptor.point, name, message.method, tool, outcome, seen[0], seen[1])
        )


class _Asking:
    """One interceptor asked once."""

    def __init__(self, of: Interceptors, interceptor: Interceptor, exchange: Exchange) -> None:
        self._of = of
        self._interceptor = interceptor
        self._exchange = exchange
        self._milliseconds = 0.0

    async def request(self) -> Exchange:
        """The exchange as the REQUEST interceptor leaves it.

        Raises:
            _RefusedError: The interceptor failed.
        """
        before, entry = self._exchange, self._exchange.entry
        said = await self._said()
        if said is None:
            return before
        if said.answer is None and said.message is None:
            entry.status = _ANSWERED
            return replace(before, answer=self._empty())
        if said.answer is None:
            changed = interception_changes.of_request(before.message, said.message)
            changed |= interception_changes.of_headers(before.headers, said.headers)
            self._note("allow", _CHANGED if changed else _PASSED, changed)
            return replace(before, message=said.message)
        answer = replace(said.answer, headers={**_type_of(said.answer.body), **said.answer.headers})
        if _is_error(answer):
            self._deny(answer, {})
        else:
            entry.status = _ANSWERED
            self._note("answer", _ANSWERED, {})
        return replace(before, answer=answer)

    async def response(self, before: Answer) -> Answer:
        """The gateway's answer as the RESPONSE interceptor leaves it.

        Raises:
            _RefusedError: The interceptor failed.
        """
        said = await self._said()
        if said is None:
            return before
        if said.answer is None:
            return self._empty()
        after = replace(said.answer, headers={**_type_of(said.answer.body), **before.headers, **said.answer.headers})
        changed = interception_changes.of_answer(before.body, after.body)
        changed |= interception_changes.of_headers(before.headers, said.answer.headers)
        if after.status != before.status:
            changed["status"] = after.status
        if _is_error(after) and not _is_error(before):
            self._deny(after, changed)
        else:
            self._note("allow", _CHANGED if changed else _PASSED, changed)
        return after

    async def _said(self) -> _Said | None:
        """What it says; None where it fails and that lets all pass."""
        it, entry = self._interceptor, self._exchange.entry
        event = self._exchange.event(headers=it.headers)
        if not self._of.permitted(it):
            raise self._refused(NOT_PERMITTED)
        if it.function.throttled:
            raise self._refused(THROTTLED)
        if len(json.dumps(event, ensure_ascii=False).encode(errors="replace")) > LARGEST_EVENT:
            raise self._refused(EVENT_TOO_LARGE)
        started = time.perf_counter()
        outcome = await it.function.invoke(event, {}, entry.request_id)
        self._milliseconds = (time.perf_counter() - started) * 1000
        if outcome.timed_out:
            if FAILURES[TIMED_OUT].status is not None:
                raise self._refused(TIMED_OUT)
            self._warn()
            self._note("allow", TIMED_OUT, {}, FAILURES[TIMED_OUT].says)
            return None
        if outcome.failed:
            self._tell_error(outcome)
            raise self._refused(TOO_LARGE if outcome.payload["errorType"] == _LAMBDA_TOO_LARGE else FAILED)
        try:
            return read(it.point, outcome.payload)
        except _MisshapenError as error:
            raise self._refused(MISSHAPEN, str(error)) from None

    def _empty(self) -> Answer:
        """It said nothing."""
        failure = FAILURES[EMPTIED]
        self._note("answer", EMPTIED, {}, failure.says)
        return Answer(failure.status or 200)

    def _refused(self, cause: str, details: str = "") -> _RefusedError:
        failure = FAILURES[cause]
        self._note("deny", cause, {}, f"{failure.says}: {details}" if details else failure.says)
        error = RpcError(INTERNAL_ERROR, "The gateway's interceptor failed", status=failure.status or 500)  # words: [U]
        body = error.body(id_of(self._exchange.message))
        return _RefusedError(Answer(error.status, body, _type_of(body)))

    def _deny(self, answer: Answer, changed: Mapping[str, Any]) -> None:
        found = answer.body.get("error") if isinstance(answer.body, dict) else None
        error = found if isinstance(found, dict) else {}
        # Its message is the author's, and may hold what a client sent: the terminal is told it, the log the code.
        code = error.get("code")
        if isinstance(error.get("message"), str):
            self._exchange.entry.last_words = error["message"]
            self._exchange.entry.log = self._interceptor.function.log
        of = f"error {code}" if isinstance(code, int) else f"status {answer.status}"
        self._note("deny", _REFUSED, changed, of)

    def _note(self, effect: str, outcome: str, changed: Mapping[str, Any], reason: str = "") -> None:
        it, entry = self._interceptor, self._exchange.entry
        told = {
            "by": "interceptor",
            "effect": effect,
            "point": it.point,
            "function": it.function.function.name,
            "reason": reason,
            "changed": changed,
        }
        (entry.deny if effect == "deny" else entry.note)(**told)
        self._of.note(it, entry, outcome, (self._milliseconds, changed))

    def _tell_error(self, outcome: Outcome) -> None:
        entry = self._exchange.entry
        entry.log = self._interceptor.function.log
        entry.error_type = outcome.payload["errorType"]
        entry.last_words = f"{outcome.payload['errorType']}: {outcome.payload['errorMessage']}"

    def _warn(self) -> None:
        function = self._interceptor.function.function
        what = "request" if self._interceptor.point == REQUEST else "answer"
        log.warning(
            "interceptor %s (%s) had not answered after its timeout of %s s: the %s goes through unchanged, as AWS was"
            " measured to let the call through. Let it decide sooner, or give its function more time",
            *(function.name, self._interceptor.point, function.timeout_seconds, what),
        )


_LAMBDA_TOO_LARGE = "Function.ResponseSizeTooLarge"


def read(point: str, payload: Any) -> _Said:
    """What an interceptor answered.

    Raises:
        _MisshapenError: It is not of the documented shape; the text quotes nothing of it.
    """
    if not isinstance(payload, dict) or payload.get("interceptorOutputVersion") != _VERSION:
        raise _MisshapenError(f'interceptorOutputVersion is not "{_VERSION}"')
    mcp = payload.get("mcp")
    if not isinstance(mcp, dict):
        raise _MisshapenError("mcp is not an object")
    request, response = mcp.get("transformedGatewayRequest"), mcp.get("transformedGatewayResponse")
    if response is not None:
        return _Said(answer=_answer(_object("transformedGatewayResponse", response)))
    if request is not None and point == REQUEST:
        written = _object("transformedGatewayRequest", request)
        return _Said(message=_body(written), headers=_headers(written))
    if mcp:
        raise _MisshapenError("mcp holds nothing that this point asks for")
    return _Said()


def _object(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _MisshapenError(f"{name} is not an object")
    return value


def _answer(response: Mapping[str, Any]) -> Answer:
    status, body = response.get("statusCode"), _body(response)
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        raise _MisshapenError("statusCode is not a whole number from 200 to 599")
    if body is not None and status in _WITHOUT_BODY:
        raise _MisshapenError("statusCode is one of an answer without a body")
    return Answer(status, body, _headers(response))


_WITHOUT_BODY = frozenset({204, 205, 304})
"""RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5."""


def _body(of: Mapping[str, Any]) -> Any:
    body = of.get("body")
    if not isinstance(body, dict | list | None):
        raise _MisshapenError("body is neither an object nor a list")
    try:
        check(body)
    except NotJsonError:
        raise _MisshapenError("body is no JSON that can be passed on") from None
    return body


_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
_OURS = frozenset({"connection", "content-length", "transfer-encoding", "x-amzn-requestid"})
"""What says how an answer is sent, and what each has: not an interceptor's to write."""


def _headers(of: Mapping[str, Any]) -> dict[str, str]:
    """Its headers; a line break in one would write the next line of the answer."""
    headers = of.get("headers") or {}
    fit = isinstance(headers, dict) and all(
        isinstance(value, str) and _HEADER.fullmatch(name) and _VALUE.fullmatch(value)
        for name, value in headers.items()
    )
    if not fit:
        raise _MisshapenError("headers are not names with texts of printable ASCII")
    return {name.lower(): value for name, value in headers.items() if name.lower() not in _OURS}


def _type_of(body: Any) -> dict[str, str]:
    return {} if body is None else {"content-type": "application/json"}


def _is_error(answer: Answer) -> bool:
    """Whether it refuses what was asked: by its status, or as JSON-RPC does, all messages of a batch."""
    bodies = answer.body if isinstance(answer.body, list) else [answer.body]
    errors = [isinstance(it, dict) and "error" in it for it in bodies]
    return answer.status >= _ERROR_STATUS or (bool(errors) and all(errors))
