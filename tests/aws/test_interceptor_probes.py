"""Interceptors: in which order they are asked, what they are told, and what becomes of a call when they fail.

The gateway `intercepted` of the throw-away program has one at both points, `act` of `program/handlers.py`, which does
what the request says: `_meta` has it for REQUEST and for RESPONSE.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.aws import tokens, waiting
from tests.aws.masking import masked
from tests.aws.probing import Observed, Probe
from tests.aws.program.functions import INTERCEPTOR_SECONDS
from tests.aws.program.handlers import MARK, REQUEST, RESPONSE
from tests.aws.results import content
from tests.aws.signed import SEARCH, Answer, post, send, signed_by
from tests.aws.world import MissingError, World

ADD, MULTIPLY, GREETING = (f"math___{name}" for name in ("add_numbers", "multiply_numbers", "greeting"))
CALL, LIST = "tools/call", "tools/list"
POINTS = (REQUEST, RESPONSE)
SHAPES = ("nothing", "version", "unknown", "text", "empty")
"""Answers of an interceptor that are not as documented: none, of version 2.0, with a member of no meaning, with a text
as body, and with nothing in them."""


def adding(a: int) -> Mapping[str, Any]:
    """The parameters of a call that is permitted where `a` is below 100."""
    return {"name": ADD, "arguments": {"a": a, "b": 2}}


DENIED = {"name": GREETING, "arguments": {"name": "Alice"}}
"""The parameters of a call that no policy permits."""


def _asked(world: World, does: str, method: str = CALL, params: Mapping[str, Any] | None = None) -> Answer:
    """Send a request whose interceptor does this at REQUEST and, after the slash, at RESPONSE."""
    gateway = world.scratch_gateway("intercepted")
    said = {**(adding(1) if params is None else params), **_saying(does)}
    return send(world.endpoint(gateway), method, said, signed_by(world, "told", gateway), {"X-Probe": "sent"})


def _saying(does: str) -> dict[str, Any]:
    return {"_meta": {"toolgate": f"probe={does}"}}


def _at(point: str, does: str) -> str:
    return f"{does}/pass" if point == REQUEST else f"pass/{does}"


def _became(answer: Answer, world: World) -> str:
    """What became of a call, and whether the RESPONSE interceptor passed the answer on."""
    passed = MARK if MARK in answer.text else f"not {MARK}"
    return f"{'it goes through' if answer.made else answer.words(world)}; {passed}"


def _told(answer: Answer, point: str) -> Mapping[str, Any] | None:
    """What the interceptor of this point was told, if it answered that."""
    found = content(answer) if answer.result else None
    return found if isinstance(found, dict) and found.get("interceptor") == point else None


def _mcp(answer: Answer, point: str) -> Mapping[str, Any] | None:
    told = _told(answer, point)
    return None if told is None else told["told"].get("mcp", {})


@pytest.mark.parametrize("point", POINTS)
def test_an_interceptor_that_runs_into_its_timeout(probe: Probe, point: str) -> None:
    """What becomes of a tool call whose interceptor Lambda ends by its timeout?

    local/serve/gateway/interception.py lets it through, as it was measured on an inference gateway, and
    interceptors/intercept.py answers before that; policy/rules/interceptor_fails_closed.py wants the time for it.
    """

    def observe(world: World) -> Observed:
        started = waiting.clock()
        answer = _asked(world, _at(point, "sleep"))
        took = waiting.clock() - started
        if took < INTERCEPTOR_SECONDS:
            raise MissingError(f"the interceptor was not waited for, only {took:.1f} s: {answer.words(world)}")
        return Observed(_became(answer, world), f"after {took:.0f} s: {masked(answer.text, world)}")

    probe(observe)


@pytest.mark.parametrize("does", ["raise", *SHAPES])
@pytest.mark.parametrize("point", POINTS)
def test_an_interceptor_that_fails(probe: Probe, point: str, does: str) -> None:
    """What becomes of a tool call whose interceptor raises, or answers in another shape than the documented one?

    local/serve/gateway/interception.py refuses it, with statuses that were measured on an inference gateway, or that
    nobody has seen; docs/interceptors.md says which.
    """

    def observe(world: World) -> Observed:
        answer = _asked(world, _at(point, does))
        return Observed(_became(answer, world), masked(answer.text, world))

    probe(observe)


def test_an_interceptor_that_the_role_may_not_invoke(probe: Probe) -> None:
    """With which status and words does a gateway refuse whose role may not invoke its interceptor?

    local/serve/gateway/interception.py answers 500, as it was measured on an inference gateway;
    components/interceptors/gateway_interceptors.py gives the right before the gateway is made.
    """

    def observe(world: World) -> Observed:
        try:
            world.scratch_gateway("unable")
        except MissingError as error:
            return Observed("it is not even made", masked(str(error), world))
        return _of_a_list(world, "unable")

    probe(observe)


def test_an_interceptor_that_is_throttled(probe: Probe) -> None:
    """With which status and words does a gateway refuse whose interceptor has no concurrency left?

    local/serve/gateway/interception.py answers 400, as it was measured on an inference gateway; docs/interceptors.md
    says that a throttled interceptor is an outage.
    """

    def observe(world: World) -> Observed:
        if world.making and (said := world.making.refused.get("never-function")):
            pytest.skip(masked(f"the account allows no function with reserved concurrency 0: {said}", world))
        return _of_a_list(world, "throttled")

    probe(observe)


def _of_a_list(world: World, name: str) -> Observed:
    gateway = world.scratch_gateway(name)
    answer = send(world.endpoint(gateway), LIST, {}, signed_by(world, name, gateway))
    return Observed(_became(answer, world), masked(answer.text, world))


def test_what_cedar_decides(probe: Probe) -> None:
    """Does Cedar decide on the arguments as the REQUEST interceptor wrote them, or as the client sent them?

    local/serve/gateway/interception.py has Cedar see what was written; for that access/matrix/interception.py calls a
    denied call conditional.
    """

    def observe(world: World) -> Observed:
        raised, lowered = _asked(world, "to-500/pass"), _asked(world, "to-1/pass", params=adding(500))
        words = f"1 made 500: {raised.words(world)}; 500 made 1: {lowered.words(world)}"
        # A sum of 3 would say that nothing was written at all.
        both = {(False, True, False): "as written", (True, False, True): "as sent"}
        return Observed(both.get((raised.made, lowered.made, "502" in raised.text), words), masked(raised.text, world))

    probe(observe)


AFTER: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "an answer at REQUEST": ("tell/tell", CALL, adding(1)),
    "Cedar's denial": ("pass/tell", CALL, DENIED),
    "an error of the gateway's": ("pass/tell", "probe/unknown", {}),
}


@pytest.mark.parametrize("after", AFTER)
def test_answers_that_response_is_asked_about(probe: Probe, after: str) -> None:
    """Is the RESPONSE interceptor asked about an answer that no target gave, and with which body?

    local/serve/gateway/interception.py asks it about every answer, and tells the body; interceptors/mcp_messages.py
    judges such answers like others.
    """

    def observe(world: World) -> Observed:
        answer = _asked(world, *AFTER[after])
        return Observed(_hears(answer, RESPONSE), masked(answer.text, world))

    probe(observe)


def test_request_that_response_is_told(probe: Probe) -> None:
    """Which request is the RESPONSE interceptor told: the client's, or the one that the REQUEST interceptor wrote?

    interceptors/mcp_messages.py judges an answer by the request beside it; local/serve/gateway/interception.py tells
    the written one, and the client's as raw text.
    """

    def observe(world: World) -> Observed:
        answer = _asked(world, "to-50/tell")
        mcp = _mcp(answer, RESPONSE)
        if mcp is None:
            return Observed(answer.words(world), masked(answer.text, world))
        parts = {"gatewayRequest": "request", "rawGatewayRequest": "raw text"}
        said = [f"{name} {_version_of(mcp.get(part))}" for part, name in parts.items()]
        return Observed("; ".join(said), masked(json.dumps(mcp), world))

    probe(observe)


def _version_of(request: Any) -> str:
    """Whether a request has the argument that was sent, or the one that was written."""
    body = request.get("body") if isinstance(request, dict) else None
    with contextlib.suppress(ValueError, KeyError, TypeError):
        message: Any = json.loads(body) if isinstance(body, str) else body
        return {1: "as sent", 50: "as written"}[message["params"]["arguments"]["a"]]
    return "without the argument"


NAMES = ("authorization", "content-type", "host", "x-amz-date", "x-amz-security-token", "x-probe")
"""Headers that a client sends, the last one of its own."""


@pytest.mark.parametrize("inbound", ["IAM", "JWT"])
def test_headers_that_an_interceptor_is_told(probe: Probe, inbound: str) -> None:
    """Which of the client's headers is an interceptor told, and in which case are their names?

    interceptors/intercept.py reads claims from `authorization`, and hands on no credentials;
    local/serve/gateway/interception.py tells all, in lower case.
    """

    def observe(world: World) -> Observed:
        answers = {point: _with_headers(world, inbound, _at(point, "tell")) for point in POINTS}
        said = {point: _names(_mcp(answer, point), answer, world) for point, answer in answers.items()}
        return Observed(
            "; ".join(f"{point}: {known}" for point, (known, _all) in said.items()),
            "; ".join(f"{point}: {every}" for point, (_known, every) in said.items()),
        )

    probe(observe)


def _with_headers(world: World, inbound: str, does: str) -> Answer:
    if inbound == "IAM":
        return _asked(world, does, LIST, {})
    token = tokens.taken(world, world.client)
    return tokens.rpc(world, world.scratch_gateway("overheard"), token, LIST, {"X-Probe": "sent"}, **_saying(does))


def _names(mcp: Mapping[str, Any] | None, answer: Answer, world: World) -> tuple[str, str]:
    """Of the headers that are told those that the client sends, and the names of all. Never a value."""
    if mcp is None:
        return answer.words(world), masked(answer.text, world)
    told = mcp.get("gatewayRequest", {}).get("headers") or {}
    case = "lower case" if all(name == name.lower() for name in told) else "another case"
    known = [name for name in NAMES if name in map(str.lower, told)]
    every = masked(", ".join(sorted(told)), world) or "none"
    return (f"{', '.join(known)} in {case}" if known else "none of them"), every


def test_client_context_of_an_interceptor(probe: Probe) -> None:
    """What is in the client context of an interceptor's function on a gateway with MCP targets?

    local/serve/gateway/interception.py hands none; for other gateways AWS documents ids and the gateway's ARN.
    """

    def observe(world: World) -> Observed:
        answer = _asked(world, "tell/pass")
        told = _told(answer, REQUEST)
        if told is None:
            return Observed(answer.words(world), masked(answer.text, world))
        return Observed(masked(", ".join(told["context"]), world) or "nothing")

    probe(observe)


def test_what_an_interceptor_knows_of_an_iam_caller(probe: Probe) -> None:
    """Is an interceptor told who the caller is when the gateway authorizes by IAM?

    docs/authorization.md decides by Cedar and not by interceptors: they are said to see no role.
    """

    def observe(world: World) -> Observed:
        answer = _asked(world, "tell/pass")
        told = _told(answer, REQUEST)
        if told is None:
            return Observed(answer.words(world), masked(answer.text, world))
        text = json.dumps(told)
        return Observed("it is" if world.caller_role("told").name in text else "it is not", masked(text, world))

    probe(observe)


BODIES = {
    "no JSON": lambda does: f"{{probe={does}",
    "a text": lambda does: json.dumps(f"probe={does}"),
    "a batch": lambda does: json.dumps([_message(does, id=1), _message(does, id=2)]),
    "a notification": lambda does: json.dumps({**_message(does), "method": "notifications/initialized"}),
}


def _message(does: str, **its: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", **its, "method": LIST, "params": _saying(does)}


@pytest.mark.parametrize("body", BODIES)
def test_what_is_no_request_of_mcp(probe: Probe, body: str) -> None:
    """Is an interceptor asked about a body that is no single request, and what is it told?

    local/serve/gateway/interception.py asks about all that is JSON; interceptors/mcp_messages.py refuses what is no
    message, and judges each one of a batch.
    """

    def observe(world: World) -> Observed:
        gateway = world.scratch_gateway("intercepted")
        signature = signed_by(world, "told", gateway)
        answers = {
            point: post(world.endpoint(gateway), BODIES[body](_at(point, "tell")), signature) for point in POINTS
        }
        return Observed(
            "; ".join(f"{point}: {_hears(answer, point)}" for point, answer in answers.items()),
            "; ".join(f"{answer.words(world)}: {masked(answer.text, world)}" for answer in answers.values()),
        )

    probe(observe)


KINDS = {dict: "an object", list: "a list", str: "a text", type(None): "nothing"}


def _hears(answer: Answer, point: str) -> str:
    """What an interceptor is told as body: of the request, or of the answer."""
    mcp = _mcp(answer, point)
    if mcp is None:
        return "not asked"
    part = mcp.get("gatewayRequest" if point == REQUEST else "gatewayResponse") or {}
    body = part.get("body")
    return f"told {KINDS.get(type(body), type(body).__name__)}"


SHOWN: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "list": (LIST, {}),
    "search": (CALL, {"name": SEARCH, "arguments": {"query": "multiply, greet, add"}}),
}


@pytest.mark.parametrize("shown", SHOWN)
def test_where_the_tools_are_that_response_is_told(probe: Probe, shown: str) -> None:
    """Where in an answer is the RESPONSE interceptor told the tools, and are those among them that Cedar denies?

    interceptors/mcp_messages.py filters `result.tools` of a list, and of a search `structuredContent` and the text;
    what is elsewhere it would let through.
    """

    def observe(world: World) -> Observed:
        method, params = SHOWN[shown]
        answer = _asked(world, "pass/tell", method, params)
        mcp = _mcp(answer, RESPONSE)
        if mcp is None:
            return Observed(answer.words(world), masked(answer.text, world))
        body = mcp["gatewayResponse"].get("body")
        text = json.dumps(body)
        places = ", ".join(sorted(set(_lists(body, "body")))) or "nowhere"
        denied = "with what is denied" if MULTIPLY in text or GREETING in text else "without what is denied"
        return Observed(f"{places}; {denied}", masked(text, world))

    probe(observe)


def _lists(value: Any, place: str) -> Iterator[str]:
    """Where lists of tools are in an answer, also in JSON within a text."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            inner = json.loads(value)
            yield from _lists(inner, f"{place} as JSON") if isinstance(inner, dict | list) else ()
    elif isinstance(value, list):
        for item in value:
            yield from _lists(item, f"{place}[]")
    elif isinstance(value, dict):
        for name, item in value.items():
            if name == "tools" and isinstance(item, list):
                yield f"{place}.{name}"
            else:
                yield from _lists(item, f"{place}.{name}")


def test_search_that_response_adds_to_a_list(probe: Probe) -> None:
    """Where an engine enforces: is the search tool listed, can an interceptor list it, and can it be called?

    interceptors/mcp_messages.py adds it to the lists that it filters, because an engine is said to take it out and to
    let it be called.
    """

    def observe(world: World) -> Observed:
        by_itself, added = (_asked(world, f"pass/{does}", LIST, {}) for does in ("pass", "add"))
        called = _asked(world, "pass/pass", *SHOWN["search"])
        said = {
            "by itself": "listed" if SEARCH in by_itself.text else "not listed",
            "added": "listed" if SEARCH in added.text else "not listed",
            "called": "it is answered" if called.made else called.words(world),
        }
        answers = (by_itself, added, called)
        return Observed(
            "; ".join(f"{when}: {what}" for when, what in said.items()),
            "; ".join(masked(answer.text, world) for answer in answers),
        )

    probe(observe)


@pytest.mark.parametrize("point", POINTS)
def test_an_id_that_an_interceptor_changes(probe: Probe, point: str) -> None:
    """Which id does a client get when an interceptor changes that of the message?

    local/serve/gateway/interception.py gives it the changed one; interceptors/mcp_messages.py always keeps it.
    """

    def observe(world: World) -> Observed:
        answer = _asked(world, _at(point, "id"))
        said = f"the id {json.dumps(answer.message.get('id'))}" if answer.made else answer.words(world)
        return Observed(said, masked(answer.text, world))

    probe(observe)
