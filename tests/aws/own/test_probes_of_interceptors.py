"""What AWS could answer to the questions about interceptors is read rightly, whatever it is."""

import inspect
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from tests.aws import signed, waiting
from tests.aws import test_interceptor_probes as probes
from tests.aws.own.pretending import MAKING, pretended
from tests.aws.probing import Finding, Probe
from tests.aws.program import handlers
from tests.aws.program.functions import INTERCEPTOR_SECONDS
from tests.aws.program.handlers import MARK, OTHER_ID, REQUEST, RESPONSE
from tests.aws.signed import SEARCH, Answer
from tests.aws.world import MissingError, World
from toolgate.access.deployment.agentcore_resources import Gateway

URL = "https://gateway.example.com/mcp"
FAILED = "HTTP {}, JSON-RPC -32603, The gateway's interceptor failed; not passed at RESPONSE"


def result(**members: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "3"}], **members}}


def answer(message: Any, status: int = 200) -> Answer:
    is_message = isinstance(message, dict) and "jsonrpc" in message
    return Answer(status, "", json.dumps(message), message if is_message else {})


def refusal(status: int = 200, code: int = -32002, **members: Any) -> Answer:
    return answer({"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": "no", **members}}, status)


def request(does: str = "tell/tell", headers: Mapping[str, str] | None = None, **arguments: Any) -> dict[str, Any]:
    """What a gateway may tell of a call."""
    params = {"name": "math___add_numbers", "arguments": arguments, "_meta": {"toolgate": f"probe={does}"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    told = {} if headers is None else {"headers": headers}
    return {"gatewayRequest": {"body": body, **told}, "rawGatewayRequest": {"body": json.dumps(body)}}


def acted(mcp: Mapping[str, Any], context: Any = None) -> Any:
    """What the throw-away program's interceptor makes of an event."""
    return handlers.act({"interceptorInputVersion": "1.0", "mcp": mcp}, context)


def told(mcp: Mapping[str, Any], **context: str) -> Answer:
    """The answer to a client whose interceptor tells what it was told."""
    known = SimpleNamespace(client_context=SimpleNamespace(custom=context))
    return answer(acted(mcp, known)["mcp"]["transformedGatewayResponse"]["body"])


def told_answer(body: Any, status: int = 200) -> Answer:
    return told({**request(), "gatewayResponse": {"statusCode": status, "body": body}})


PLAIN, PASSED = answer(result()), answer(result(_meta={"probe": MARK}))
SUM_OF_500 = answer(result(content=[{"type": "text", "text": "502"}]))
DENIED, UNREADABLE = refusal(), refusal(400, -32700)
BATCH = {**request(), "gatewayRequest": {"body": [{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}]}}
ADDED = answer({"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": SEARCH}]}})
CAPITALS = {"Authorization": "Bearer a.b.c", "Via": "1.1 x"}
CALL_OF = "REQUEST: told {}; RESPONSE: told {}"
ALL_HEADERS = "authorization, content-type, host, x-amz-date, x-amz-security-token, x-probe in lower case"
OF_TOKENS = "authorization, content-type, host, x-probe in lower case"


@dataclass(frozen=True)
class Case:
    """A probe, and one way in which AWS may answer its requests.

    Attributes:
        function: The probe.
        assumed: What the local deployment answers.
        answers: AWS's, in order.
        observed: What the probe makes of them.
        its: The probe's parameters.
    """

    function: Callable[..., None]
    assumed: str
    answers: tuple[Answer, ...]
    observed: str
    its: Mapping[str, str] = field(default_factory=dict)


FAILS = probes.test_an_interceptor_that_fails
TIMEOUT = probes.test_an_interceptor_that_runs_into_its_timeout
AFTER = probes.test_answers_that_response_is_asked_about
HEADERS = probes.test_headers_that_an_interceptor_is_told
NO_REQUEST = probes.test_what_is_no_request_of_mcp
PLACES = probes.test_where_the_tools_are_that_response_is_told
ID = probes.test_an_id_that_an_interceptor_changes
CASES = (
    Case(
        TIMEOUT,
        "it goes through; passed at RESPONSE",
        (refusal(504, -32603, data=MARK),),
        "HTTP 504, JSON-RPC -32603, no; passed at RESPONSE",
        {"point": REQUEST},
    ),
    Case(
        TIMEOUT,
        "it goes through; not passed at RESPONSE",
        (refusal(400, -32603),),
        "HTTP 400, JSON-RPC -32603, no; not passed at RESPONSE",
        {"point": RESPONSE},
    ),
    Case(FAILS, FAILED.format(400), (PASSED,), f"it goes through; {MARK}", {"point": REQUEST, "does": "raise"}),
    Case(FAILS, FAILED.format(400), (PLAIN,), f"it goes through; not {MARK}", {"point": RESPONSE, "does": "raise"}),
    *(
        Case(FAILS, FAILED.format(500), (refusal(400),), f"HTTP 400, JSON-RPC -32002, no; not {MARK}", its)
        for its in (
            {"point": point, "does": does} for point in probes.POINTS for does in probes.SHAPES if does != "empty"
        )
    ),
    *(
        Case(FAILS, f"HTTP 200; not {MARK}", (PLAIN,), f"it goes through; not {MARK}", {"point": it, "does": "empty"})
        for it in probes.POINTS
    ),
    Case(
        probes.test_an_interceptor_that_the_role_may_not_invoke,
        FAILED.format(500),
        (Answer(403, "AccessDeniedException", '{"message": "no"}', {}),),
        f"HTTP 403, AccessDeniedException, no; not {MARK}",
    ),
    Case(
        probes.test_an_interceptor_that_is_throttled,
        FAILED.format(400),
        (ADDED,),
        f"it goes through; not {MARK}",
    ),
    Case(probes.test_what_cedar_decides, "as written", (SUM_OF_500, DENIED), "as sent"),
    Case(
        probes.test_what_cedar_decides,
        "as written",
        (PASSED, DENIED),
        "1 made 500: HTTP 200, isError false; 500 made 1: HTTP 200, JSON-RPC -32002, no",
    ),
    Case(
        probes.test_what_cedar_decides,
        "as written",
        (DENIED, DENIED),
        "1 made 500: HTTP 200, JSON-RPC -32002, no; 500 made 1: HTTP 200, JSON-RPC -32002, no",
    ),
    Case(AFTER, "told an object", (told_answer(None),), "told nothing", {"after": "an answer at REQUEST"}),
    Case(AFTER, "told an object", (told(request()),), "not asked", {"after": "an answer at REQUEST"}),
    Case(AFTER, "told an object", (DENIED,), "not asked", {"after": "Cedar's denial"}),
    Case(AFTER, "told an object", (told_answer("{}"),), "told a text", {"after": "an error of the gateway's"}),
    Case(
        probes.test_request_that_response_is_told,
        "request as written; raw text as sent",
        (told({**request(a=1), "gatewayResponse": {"statusCode": 200, "body": result()}}),),
        "request as sent; raw text as sent",
    ),
    Case(
        probes.test_request_that_response_is_told,
        "request as written; raw text as sent",
        (told({"gatewayRequest": request(a=50)["gatewayRequest"], "gatewayResponse": {"body": result()}}),),
        "request as written; raw text without the argument",
    ),
    Case(
        HEADERS,
        f"REQUEST: {ALL_HEADERS}; RESPONSE: {ALL_HEADERS}",
        (told(request(headers={"host": "h"})), told_answer(result())),
        "REQUEST: host in lower case; RESPONSE: none of them",
        {"inbound": "IAM"},
    ),
    Case(
        HEADERS,
        f"REQUEST: {OF_TOKENS}; RESPONSE: {OF_TOKENS}",
        (told(request(headers=CAPITALS)), DENIED),
        "REQUEST: authorization in another case; RESPONSE: HTTP 200, JSON-RPC -32002, no",
        {"inbound": "JWT"},
    ),
    Case(
        probes.test_client_context_of_an_interceptor,
        "nothing",
        (told(request(), REQUEST_ID="x", GATEWAY_ARN="y"),),
        "GATEWAY_ARN, REQUEST_ID",
    ),
    Case(
        probes.test_what_an_interceptor_knows_of_an_iam_caller,
        "it is not",
        (told({**request(), "identity": "assumed-role/toolgate-probe-local-told/x"}),),
        "it is",
    ),
    Case(
        NO_REQUEST,
        "REQUEST: not asked; RESPONSE: not asked",
        (told({"gatewayRequest": {"body": None}, "rawGatewayRequest": {"body": "{probe=tell/tell"}}), UNREADABLE),
        "REQUEST: told nothing; RESPONSE: not asked",
        {"body": "no JSON"},
    ),
    Case(
        NO_REQUEST,
        "REQUEST: told a text; RESPONSE: not asked",
        (UNREADABLE, UNREADABLE),
        "REQUEST: not asked; RESPONSE: not asked",
        {"body": "a text"},
    ),
    Case(
        NO_REQUEST,
        CALL_OF.format("a list", "an object"),
        (told(BATCH), told_answer([result()])),
        CALL_OF.format("a list", "a list"),
        {"body": "a batch"},
    ),
    Case(
        NO_REQUEST,
        CALL_OF.format("an object", "nothing"),
        (told(request()), answer(None, 202)),
        "REQUEST: told an object; RESPONSE: not asked",
        {"body": "a notification"},
    ),
    Case(
        PLACES,
        "body.result.tools; without what is denied",
        (told_answer({"data": [{"result": {"tools": [{"name": probes.MULTIPLY}]}}]}),),
        "body.data[].result.tools; with what is denied",
        {"shown": "list"},
    ),
    Case(
        PLACES,
        "body.result.content[].text as JSON.tools, body.result.structuredContent.tools; with what is denied",
        (told_answer(result()),),
        "nowhere; without what is denied",
        {"shown": "search"},
    ),
    Case(
        probes.test_search_that_response_adds_to_a_list,
        "by itself: not listed; added: listed; called: it is answered",
        (ADDED, ADDED, refusal(200, -32602)),
        "by itself: listed; added: listed; called: HTTP 200, JSON-RPC -32602, no",
    ),
    Case(ID, f"the id {OTHER_ID}", (PLAIN,), "the id 1", {"point": REQUEST}),
    Case(ID, f"the id {OTHER_ID}", (refusal(500),), "HTTP 500, JSON-RPC -32002, no", {"point": RESPONSE}),
)


def name(case: Case) -> str:
    return "-".join([case.function.__name__, *case.its.values(), case.observed[:40]])


@pytest.fixture
def ask(local: World) -> Callable[..., Finding]:
    """Ask one probe of a pretended AWS, changed; what it finds."""

    def run(function: Callable[..., None], its: Mapping[str, str] | None = None, **changes: Any) -> Finding:
        found: list[Finding] = []
        text = inspect.cleandoc(function.__doc__ or "")
        probe = Probe(function.__name__, text, local, replace(pretended(local), **changes), found.append)
        function(probe, **(its or {}))
        [finding] = found
        return finding

    return run


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """AWS's answers, one after another, each after some time; gives what makes it the pretended world's."""
    sent = signed.post
    passed = [0.0]
    clock = waiting.clock
    monkeypatch.setattr(waiting, "clock", lambda: clock() + passed[0])

    def use(*answers: Answer, seconds: float = 0.0) -> dict[str, Any]:
        coming = list(answers)

        def post(url: str, *its: Any) -> Answer:
            if url != URL:
                return sent(url, *its)
            passed[0] += seconds
            return coming.pop(0)

        for module in (signed, probes):
            monkeypatch.setattr(module, "post", post)
        endpoint: Callable[[Gateway], str] = lambda _gateway: URL  # noqa: E731  # a member of the world
        return {"endpoint": endpoint}

    return use


def test_every_probe_has_a_case() -> None:
    asked = {(case.function.__name__, *case.its.values()) for case in CASES}
    assert {it[0] for it in asked} == {it for it in vars(probes) if it.startswith("test_")}
    named = {"after": probes.AFTER, "body": probes.BODIES, "shown": probes.SHOWN}
    for parameter, values in named.items():
        assert {case.its[parameter] for case in CASES if parameter in case.its} == set(values)


@pytest.mark.parametrize("case", CASES, ids=name)
def test_what_aws_does_otherwise_is_seen(
    ask: Callable[..., Finding], aws: Callable[..., dict[str, Any]], case: Case
) -> None:
    finding = ask(case.function, case.its, **aws(*case.answers, seconds=INTERCEPTOR_SECONDS))
    assert (finding.assumed, finding.observed, finding.differs) == (case.assumed, case.observed, True)


ONCE = {(case.function.__name__, *case.its.values()): case for case in CASES}


@pytest.mark.parametrize("case", ONCE.values(), ids=name)
def test_what_aws_does_alike_is_no_difference(ask: Callable[..., Finding], case: Case) -> None:
    finding = ask(case.function, case.its)
    assert (finding.observed, finding.differs) == (case.assumed, False)


@pytest.mark.parametrize("point", probes.POINTS)
def test_a_call_that_nobody_waited_for_tells_nothing_of_timeouts(
    ask: Callable[..., Finding], aws: Callable[..., dict[str, Any]], point: str
) -> None:
    with pytest.raises(MissingError, match="not waited for"):
        ask(TIMEOUT, {"point": point}, **aws(PASSED, seconds=-INTERCEPTOR_SECONDS))


def test_a_gateway_without_the_right_that_is_not_made_is_an_answer(ask: Callable[..., Finding], local: World) -> None:
    gateways = tuple(it for it in local.scratch.gateways if not it.name.endswith("-unable"))
    refused = replace(MAKING, refused={"unable-gateway": "ValidationException: may not invoke"})
    finding = ask(
        probes.test_an_interceptor_that_the_role_may_not_invoke,
        scratch=replace(local.scratch, gateways=gateways),
        making=refused,
    )
    assert (finding.observed, finding.evidence) == (
        "it is not even made",
        "unable-gateway: ValidationException: may not invoke",
    )


def test_an_account_without_concurrency_to_take_away_is_said(ask: Callable[..., Finding]) -> None:
    refused = replace(MAKING, refused={"never-function": "InvalidParameterValueException: for 123456789012"})
    with pytest.raises(pytest.skip.Exception, match=r"reserved concurrency 0: Invalid.* <account>"):
        ask(probes.test_an_interceptor_that_is_throttled, making=refused)


def test_names_of_headers_are_told_and_no_values(
    ask: Callable[..., Finding], aws: Callable[..., dict[str, Any]]
) -> None:
    asked = request(headers=CAPITALS)
    answered = {**asked, "gatewayResponse": {"statusCode": 200, "body": result()}}
    finding = ask(HEADERS, {"inbound": "JWT"}, **aws(told(asked), told(answered)))
    assert finding.evidence == "REQUEST: Authorization, Via; RESPONSE: Authorization, Via"


def test_what_an_interceptor_tells_holds_no_secret() -> None:
    headers = {"Authorization": "sesame", "X-Amz-Security-Token": "sesame", "cookie": "sesame", "via": "1.1 x"}
    text = told(request(headers=headers)).text
    assert "sesame" not in text
    assert "1.1 x" in text


def test_an_interceptor_does_at_each_point_what_the_request_says() -> None:
    answered = {"gatewayResponse": {"statusCode": 202, "body": result()}}
    written = acted(request("to-50/pass", a=1))["mcp"]["transformedGatewayRequest"]["body"]
    assert written["params"]["arguments"] == {"a": 50}
    passed = acted({**request("to-50/pass", a=1), **answered})["mcp"]["transformedGatewayResponse"]
    assert passed == {"statusCode": 202, "body": result(_meta={"probe": MARK})}
    denied = {"gatewayResponse": {"statusCode": 200, "body": json.loads(DENIED.text)}}
    marked = acted({**request("pass/pass"), **denied})["mcp"]["transformedGatewayResponse"]["body"]
    assert marked["error"]["data"] == MARK
    assert acted({**request("pass/empty"), **answered})["mcp"] == {}
    assert acted(request("version/pass"))["interceptorOutputVersion"] == "2.0"
    assert acted(request("nothing/pass")) is None
    assert acted(request("pass/nothing"))["mcp"]["transformedGatewayRequest"] == {
        "body": request("pass/nothing")["gatewayRequest"]["body"]
    }
    with pytest.raises(RuntimeError):
        acted({**request("pass/raise"), **answered})


def test_an_interceptor_that_is_told_to_sleep_sleeps_longer_than_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    acted(request("sleep/pass"))
    assert slept == [handlers.SLEEP_SECONDS]
    assert slept[0] > INTERCEPTOR_SECONDS
