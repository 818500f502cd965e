"""What an interceptor is to be: closed, told no more than it needs, asked about all of an answer; and search."""

from typing import Any

import pytest

from tests.policy import making
from tests.policy.driver import UNKNOWN, Pack, Registration, Violation
from tests.policy.making import FILTER, at_point, declaring, intercepted, interceptor

CLOSED, HEADERS, ANSWERS = "interceptor-fails-closed", "interceptor-headers-needed", "interceptor-sees-answers"
SEARCH, UNDECIDED = "search-hides-denied-tools", "undecided-in-preview"
ENFORCES = {"arn": making.ENGINE, "mode": "ENFORCE"}
OTHERS: dict[str, Any] = {"handler": "index.handler", "variables": {}}


def of(violations: list[Violation], *rules: str) -> list[tuple[str, str]]:
    return [(it.rule, it.urn.rpartition("::")[2]) for it in violations if it.rule in rules]


def judged(pack: Pack, *resources: Registration) -> list[tuple[str, str]]:
    """What the rules about interceptors find, with what they could not decide."""
    return of(pack.run(resources), CLOSED, HEADERS, ANSWERS, SEARCH, UNDECIDED)


def by_graph(function: Registration, *entries: dict[str, Any], **inputs: Any) -> Registration:
    """The gateway in a first preview: nobody knows the function's ARN."""
    known = intercepted(*(entries or [at_point(UNKNOWN)]), **inputs)
    return Registration(known.type, known.name, known.inputs, {}, "", {"interceptorConfigurations": [function.urn]})


def unmade(function: Registration) -> Registration:
    """The function in a first preview."""
    return Registration(function.type, function.name, {**function.inputs, "name": UNKNOWN})


@pytest.mark.parametrize("kind", ["NONE", "AUTHENTICATE_ONLY"])
@pytest.mark.parametrize("engine", [None, {"arn": making.ENGINE, "mode": "LOG_ONLY"}], ids=["no engine", "log only"])
def test_an_interceptor_that_is_the_only_lock_violates_before_the_gateway_is_created(
    pack: Pack, kind: str, engine: Any
) -> None:
    gateway = intercepted(authorizerType=kind, policyEngineConfiguration=engine)
    (violation,) = [it for it in pack.analyze(gateway) if it.rule == CLOSED]
    assert violation.level == "mandatory"
    assert f'its authorizerType is "{kind}" and no policy engine enforces' in violation.message


@pytest.mark.parametrize(
    "gateway",
    [
        intercepted(),
        intercepted(authorizerType="CUSTOM_JWT"),
        intercepted(authorizerType="NONE", policyEngineConfiguration=ENFORCES),
        intercepted(authorizerType="NONE", policyEngineConfiguration=UNKNOWN),
        intercepted(authorizerType=UNKNOWN),
        making.gateway(authorizerType="NONE"),
        making.gateway(authorizerType="NONE", interceptorConfigurations=[]),
        making.gateway(authorizerType="NONE", interceptorConfigurations=UNKNOWN),
    ],
    ids=lambda it: str(it.inputs),
)
def test_a_gateway_with_another_lock_or_without_interceptors_passes(pack: Pack, gateway: Registration) -> None:
    assert of(pack.run([gateway]), CLOSED) == []


SLOW = [
    (interceptor(timeout=4), "4 s, less than 3 s after the 2 s in which it answers"),
    (interceptor(variables=declaring(seconds=2.5), timeout=5), "5 s, less than 3 s after the 2.5 s"),
    (interceptor(timeout=None), "3 s, less than 3 s after"),
    (interceptor(**OTHERS, timeout=4), "4 s, and nobody knows that it has answered by then"),
    (interceptor(**OTHERS, timeout=None), "3 s, and nobody knows"),
    (interceptor(variables={}, timeout=4), "4 s, and nobody knows"),
    (interceptor(variables={"INTERCEPTS": "[" * 100_000}, timeout=4), "4 s, and nobody knows"),
    (interceptor(variables={"INTERCEPTS": "{}"}, timeout=4), "4 s, and nobody knows"),
    (interceptor(handler=None, variables=declaring(), timeout=4), "4 s, and nobody knows"),
]


@pytest.mark.parametrize(("function", "what"), SLOW, ids=[it[1] for it in SLOW])
def test_a_function_that_lambda_may_end_before_it_answers_violates(
    pack: Pack, updating: Pack, function: Registration, what: str
) -> None:
    gateway = intercepted()
    assert of(pack.run([function]), CLOSED) == []
    (early,) = [it for it in updating.analyze_each([function, gateway]) if it.rule == CLOSED]
    assert early.urn == gateway.urn
    (violation,) = [it for it in pack.run([function, gateway]) if it.rule == CLOSED]
    assert (violation.level, violation.urn) == ("mandatory", function.urn)
    assert f'is an interceptor of AgentcoreGateway "tools" that Lambda ends after {what}' in violation.message
    new = unmade(function)
    assert of(pack.analyze_stack([new, by_graph(new)]), CLOSED) == [(CLOSED, "filter")]


@pytest.mark.parametrize(
    "function",
    [
        interceptor(timeout=5),
        interceptor(variables=declaring(seconds=7), timeout=10),
        interceptor(**OTHERS, timeout=5),
        interceptor(reservedConcurrentExecutions=0),
        interceptor(timeout="10"),
    ],
    ids=lambda it: str(it.inputs),
)
def test_a_function_with_time_enough_passes(pack: Pack, function: Registration) -> None:
    assert judged(pack, function, intercepted()) == []


def test_how_long_other_code_is_to_have_can_be_set(pack: Pack) -> None:
    pack.configure({CLOSED: {"minTimeoutSeconds": 20}})
    assert judged(pack, interceptor(**OTHERS), intercepted()) == [(CLOSED, "filter")]
    assert judged(pack, interceptor(), intercepted()) == []
    pack.configure({CLOSED: {"minTimeoutSeconds": 3}})
    assert judged(pack, interceptor(**OTHERS, timeout=3), intercepted()) == []


def test_a_function_at_both_points_is_said_once_and_at_two_gateways_as_well(pack: Pack) -> None:
    function = interceptor(timeout=3)
    both = intercepted(at_point(FILTER, "REQUEST"), at_point(f"{FILTER}:live", "RESPONSE"))
    other = Registration(both.type, "more", both.inputs)
    assert judged(pack, function, both, other) == [(CLOSED, "filter")]


def test_what_nobody_knows_of_a_function_is_said_to_be_undecided(pack: Pack) -> None:
    for unknown in (
        interceptor(timeout=UNKNOWN),
        interceptor(handler=UNKNOWN),
        interceptor(variables=UNKNOWN, timeout=3),
        interceptor(variables={"INTERCEPTS": UNKNOWN}, timeout=3),
    ):
        assert judged(pack, unknown, intercepted()) == [(UNDECIDED, "filter")]
    # Of other code no variable counts.
    assert judged(pack, interceptor(handler="index.handler", variables=UNKNOWN), intercepted()) == []
    component = Registration("toolgate:index:GatewayInterceptor", "tools-request", {})
    made = interceptor(variables=UNKNOWN)
    part = Registration(made.type, made.name, made.inputs, made.outputs, component.urn)
    assert judged(pack, component, part, intercepted()) == []


def test_an_interceptor_that_nothing_tells_is_undecided(pack: Pack) -> None:
    for gateway in (intercepted(at_point(UNKNOWN)), making.gateway(interceptorConfigurations=UNKNOWN)):
        (violation,) = [it for it in pack.run([gateway]) if it.rule == UNDECIDED]
        assert 'AgentcoreGateway "tools", interceptorConfigurations: which function it calls is' in violation.message
    assert judged(pack, interceptor(), by_graph(interceptor())) == []
    assert judged(pack, interceptor(), intercepted(at_point(FILTER, headers=UNKNOWN))) == [(UNDECIDED, "tools")]


NEEDS = [declaring(headers=True), declaring(claims=True, inbound="jwt"), declaring(caller=True, inbound="jwt")]


@pytest.mark.parametrize("kind", ["AWS_IAM", "CUSTOM_JWT"])
@pytest.mark.parametrize("said", [{}, {"caller": True, "shown": ["*"]}, {"calls": ["*"], "tools": True}], ids=str)
def test_headers_for_code_that_needs_none_violate(pack: Pack, updating: Pack, said: Any, kind: str) -> None:
    inbound = {"AWS_IAM": "iam", "CUSTOM_JWT": "jwt"}[kind]
    said = {key: value for key, value in said.items() if inbound == "iam" or key != "caller"}
    function = interceptor(variables=declaring(**said, inbound=inbound))
    gateway = intercepted(at_point(headers=True), authorizerType=kind)
    (early,) = [it for it in updating.analyze_each([function, gateway]) if it.rule == HEADERS]
    assert (early.level, early.urn) == ("mandatory", gateway.urn)
    assert "which declares that it needs none" in early.message
    assert judged(pack, function, gateway) == [(HEADERS, "tools")]
    for passed in (False, None):
        assert judged(pack, function, intercepted(at_point(headers=passed), authorizerType=kind)) == []


def test_headers_for_code_that_needs_them_pass(pack: Pack) -> None:
    by_signature = intercepted(at_point(headers=True))
    assert judged(pack, interceptor(variables=NEEDS[0]), by_signature) == []
    by_token = intercepted(at_point(headers=True), authorizerType="CUSTOM_JWT")
    for needs in NEEDS[1:]:
        assert judged(pack, interceptor(variables=needs), by_token) == []
    assert judged(pack, interceptor(**OTHERS), by_token) == []


@pytest.mark.parametrize("function", [[interceptor(**OTHERS)], []], ids=["other code", "of elsewhere"])
def test_headers_of_signed_requests_for_code_that_says_nothing_violate(
    pack: Pack, function: list[Registration]
) -> None:
    (violation,) = [it for it in pack.run([*function, intercepted(at_point(headers=True))]) if it.rule == HEADERS]
    assert "nobody's role can be read of them, but a signature and a session token can" in violation.message
    assert judged(pack, *function, intercepted(at_point(headers=True), authorizerType=UNKNOWN)) == []


CONTRARY = [
    ("AWS_IAM", declaring(claims=True, inbound="jwt"), "reads the claims of a token, which an authorizer of type"),
    ("AWS_IAM", declaring(claims=True), "reads the claims of a token"),
    ("NONE", declaring(claims=True, inbound="jwt"), "reads the claims of a token"),
    ("AWS_IAM", declaring(inbound="jwt"), 'declares that callers come by "jwt", and the authorizerType is "AWS_IAM"'),
    ("AWS_IAM", declaring(caller=True, inbound="jwt"), 'declares that callers come by "jwt"'),
    (
        "CUSTOM_JWT",
        declaring(caller=True),
        'declares that callers come by "iam", and the authorizerType is "CUSTOM_JWT"',
    ),
]


@pytest.mark.parametrize(("kind", "variables", "what"), CONTRARY)
def test_a_token_that_nobody_verified_violates(pack: Pack, kind: str, variables: Any, what: str) -> None:
    function, gateway = interceptor(variables=variables), intercepted(authorizerType=kind)
    (violation,) = [it for it in pack.run([function, gateway]) if it.rule == HEADERS]
    assert (violation.level, violation.urn) == ("mandatory", gateway.urn)
    assert what in violation.message
    new = unmade(function)
    assert of(pack.analyze_stack([new, by_graph(new, authorizerType=kind)]), HEADERS) == [(HEADERS, "tools")]


def searching(*entries: dict[str, Any], **inputs: Any) -> Registration:
    semantic = {"mcp": {"searchType": "SEMANTIC"}}
    return intercepted(*entries, protocolConfiguration=semantic, policyEngineConfiguration=ENFORCES, **inputs)


FILTERS = interceptor(variables=declaring(tools=True, caller=True, shown=["math___*"]))


def test_search_that_an_interceptor_filters_by_caller_passes(pack: Pack) -> None:
    assert judged(pack, FILTERS, searching(at_point(FILTER, "RESPONSE"))) == []
    assert judged(pack, FILTERS, searching(at_point(f"{FILTER}:live", "REQUEST", "RESPONSE"))) == []
    by_token = interceptor(variables=declaring(tools=True, caller=True, inbound="jwt"))
    gateway = searching(at_point(FILTER, "RESPONSE", headers=True), authorizerType="CUSTOM_JWT")
    assert judged(pack, by_token, gateway) == []


@pytest.mark.parametrize(
    "resources",
    [
        [FILTERS, searching(at_point(FILTER, "REQUEST"))],
        [interceptor(variables=declaring(tools=True)), searching(at_point(FILTER, "RESPONSE"))],
        [interceptor(variables=declaring(caller=True)), searching(at_point(FILTER, "RESPONSE"))],
        [interceptor(**OTHERS), searching(at_point(FILTER, "RESPONSE"))],
        [searching(at_point(FILTER, "RESPONSE"))],
        [
            FILTERS,
            interceptor("audit"),
            searching(at_point(FILTER), at_point(FILTER.replace("filter", "audit"), "RESPONSE")),
        ],
    ],
    ids=["at the request", "for everybody", "no filter", "other code", "of elsewhere", "another one"],
)
def test_search_that_no_interceptor_filters_by_caller_violates(pack: Pack, resources: list[Registration]) -> None:
    (violation,) = [it for it in pack.run(resources) if it.rule == SEARCH]
    assert (violation.level, violation.urn) == ("mandatory", resources[-1].urn)
    assert "@filter_tools that takes a Caller" in violation.message


def test_an_update_is_stopped_before_the_gateway_with_such_a_search_is_there(updating: Pack) -> None:
    function = interceptor(variables=declaring(tools=True))
    assert (SEARCH, "tools") in of(updating.analyze_each([function, searching(at_point(FILTER, "RESPONSE"))]), SEARCH)


def test_search_behind_an_interceptor_that_nobody_knows_is_undecided(pack: Pack) -> None:
    unknown = interceptor(variables=UNKNOWN)
    assert judged(pack, unknown, searching(at_point(FILTER, "RESPONSE"))) == [(UNDECIDED, "filter")]
    assert judged(pack, searching(at_point(UNKNOWN, "RESPONSE"))) == [(UNDECIDED, "tools")]


def test_two_functions_that_a_preview_cannot_tell_apart_are_judged_where_both_are_wrong(pack: Pack) -> None:
    gateway = searching(at_point(UNKNOWN, "REQUEST", headers=True), at_point(UNKNOWN, "RESPONSE"))
    limits = interceptor("limits", variables=declaring(calls=["*"], headers=True))

    def found(*made: Registration) -> set[tuple[str, str]]:
        behind = {"interceptorConfigurations": [it.urn for it in made]}
        new = Registration(gateway.type, gateway.name, gateway.inputs, {}, "", behind)
        return set(judged(pack, *made, new))

    assert found(unmade(FILTERS), unmade(limits)) == {(UNDECIDED, "tools")}
    blind = unmade(interceptor(variables=declaring(tools=True)))
    assert found(blind, unmade(limits)) == {(UNDECIDED, "tools"), (SEARCH, "tools")}
    assert found(blind, unmade(interceptor("audit"))) == {
        (UNDECIDED, "tools"),
        (SEARCH, "tools"),
        (HEADERS, "tools"),
    }


def streaming(*entries: dict[str, Any], streams: Any = True) -> Registration:
    protocol = {"mcp": {"streamingConfiguration": {"enableResponseStreaming": streams}}}
    return intercepted(*entries, protocolConfiguration=protocol)


def test_what_a_stream_takes_past_the_interceptor_is_advice(pack: Pack) -> None:
    redacts = interceptor(variables=declaring(results=["*"]))
    (violation,) = [it for it in pack.run([redacts, streaming(at_point(FILTER, "RESPONSE"))]) if it.rule == ANSWERS]
    assert (violation.level, violation.urn) == ("advisory", making.gateway().urn)
    assert "sees no progress and no log messages" in violation.message
    assert judged(pack, interceptor(**OTHERS), streaming(at_point(FILTER, "RESPONSE"))) == [(ANSWERS, "tools")]
    assert judged(pack, streaming(at_point(FILTER, "RESPONSE"))) == [(ANSWERS, "tools")]


def test_a_stream_that_nobody_is_to_look_at_passes(pack: Pack) -> None:
    assert judged(pack, interceptor(variables=declaring(tools=True)), streaming(at_point(FILTER, "RESPONSE"))) == []
    assert judged(pack, interceptor(variables=declaring(calls=["*"])), streaming(at_point(FILTER, "REQUEST"))) == []
    assert judged(pack, interceptor(**OTHERS), streaming(at_point(FILTER, "REQUEST"))) == []
    redacts = interceptor(variables=declaring(results=["*"]))
    for streams in (False, None, UNKNOWN):
        assert judged(pack, redacts, streaming(at_point(FILTER, "RESPONSE"), streams=streams)) == []
