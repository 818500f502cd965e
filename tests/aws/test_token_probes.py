"""Gateways that take tokens: what they tell whom they refuse, and what they make of whom they let in."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from tests.aws import tokens, waiting
from tests.aws.masking import masked
from tests.aws.probing import Observed, Probe
from tests.aws.signed import SEARCH, Answer, Signature, client, rpc, send
from tests.aws.world import MissingError, World
from toolgate.components.grants import cedar_text
from toolgate.components.grants.inbound import CLIENT_CLAIM
from toolgate.components.tool_gateway import PROTOCOL_VERSIONS

ADD, MULTIPLY, GREETING = (f"math___{name}" for name in ("add_numbers", "multiply_numbers", "greeting"))
LIST = "tools/list"
SKEW_SECONDS = 300.0
SESSION = "mcp-session-id"
CHECKED = ("clients", "audiences", "scopes", "claims")
"""The gateways of the throw-away program that each refuse every token for another reason."""


@pytest.mark.parametrize("checked", CHECKED)
def test_a_token_that_a_gateway_is_not_for(probe: Probe, checked: str) -> None:
    """With which status and body is a good token refused whose claim is not the one that the gateway checks?

    local/serve/guards/bearer.py answers 403 for the scope, as documented, and 401 for what else;
    agent/gateway/bearer.py takes another token after a 401 and none after a 403.
    """

    def observe(world: World) -> Observed:
        answer = tokens.rpc(world, world.scratch_gateway(checked), tokens.taken(world, world.client), LIST)
        return _refused(answer, world)

    probe(observe)


NO_TOKEN: Mapping[str, Callable[[World], Mapping[str, str]]] = {
    "nothing": lambda _world: {},
    "no JWT": lambda _world: tokens.bearing("abc"),
    "another scheme": lambda _world: {"Authorization": "Basic YTpi"},
    "a changed signature": lambda world: tokens.bearing(_spoilt(tokens.taken(world, world.client))),
}


def _spoilt(token: str) -> str:
    head, payload, signature = token.split(".")
    first = "A" if signature[0] != "A" else "B"
    return ".".join([head, payload, first + signature[1:]])


@pytest.mark.parametrize("brought", NO_TOKEN)
def test_a_request_without_a_good_token(probe: Probe, brought: str) -> None:
    """With which status and body is a request refused that brings no token, or none of the issuer's?

    local/serve/guards/bearer.py answers 401, as documented, with a body that is guessed.
    """

    def observe(world: World) -> Observed:
        url = world.endpoint(world.scratch_gateway("tokens"))
        return _refused(send(url, LIST, {}, Signature(None, world.region), NO_TOKEN[brought](world)), world)

    probe(observe)


def test_a_signature_where_tokens_are_taken(probe: Probe) -> None:
    """With which status and body does a gateway that takes tokens refuse a signed request?

    local/serve/guards/bearer.py refuses it as one without a token.
    """

    def observe(world: World) -> Observed:
        gateway = world.scratch_gateway("tokens")
        return _refused(rpc(world, gateway, Signature(world.caller("knocker", gateway), world.region), LIST), world)

    probe(observe)


def test_a_token_that_has_run_out(probe: Probe) -> None:
    """With which status and body is a token refused that has run out?

    agent/gateway/bearer.py asks for another one after a 401; local/serve/guards/bearer.py gives it no time beyond its
    end. It waits for a token's life, five minutes.
    """

    def observe(world: World) -> Observed:
        gateway, token = world.scratch_gateway("tokens"), world.expired(world.client)
        ended = waiting.clock()

        def refusal() -> Answer | None:
            answer = tokens.rpc(world, gateway, token, LIST)
            return None if answer.made else answer

        seen = _refused(waiting.until("the refusal of an old token", refusal, SKEW_SECONDS), world)
        return Observed(seen.answer, f"refused {waiting.clock() - ended:.0f} s after its end; {seen.evidence}")

    probe(observe)


def _refused(answer: Answer, world: World) -> Observed:
    """What a caller and its libraries go by: status, the challenge's error, and the body."""
    error = tokens.challenge(answer).get("error", "no error")
    header = answer.headers.get("www-authenticate", "no challenge")
    return Observed(f"{answer.words(world)}; challenge: {error}", masked(f"{header}; {answer.text[:500]}", world))


def test_what_a_challenge_says(probe: Probe) -> None:
    """Which parameters has the `WWW-Authenticate` header of a gateway that takes tokens?

    local/serve/guards/bearer.py writes those that AWS's page names; clients find the issuer by them.
    """

    def observe(world: World) -> Observed:
        answer = _unlet(world)
        named = ", ".join(sorted(tokens.challenge(answer))) or "none"
        return Observed(named, masked(answer.headers.get("www-authenticate", "no challenge"), world))

    probe(observe)


def test_what_the_metadata_document_says(probe: Probe) -> None:
    """What is in the document of which tokens are wanted, to which the challenge leads?

    local/serve/tokens/resource_metadata.py has the members that clients need, and a guess besides.
    """

    def observe(world: World) -> Observed:
        url = tokens.challenge(_unlet(world)).get("resource_metadata")
        if url is None:
            return Observed("the challenge leads to none")
        answer = client().get(url)
        document = answer.json() if answer.status_code == httpx.codes.OK else {}
        evidence = masked(f"{url}: HTTP {answer.status_code}, {answer.text[:1000]}", world)
        return Observed(", ".join(sorted(document)) or f"HTTP {answer.status_code}", evidence)

    probe(observe)


def _unlet(world: World) -> Answer:
    return send(world.endpoint(world.scratch_gateway("tokens")), LIST, {}, Signature(None, world.region))


def test_permit_that_a_tag_pins(probe: Probe) -> None:
    """Does AgentCore's analysis take a permit that says only by a tag whom it is for?

    components/grants/cedar_text.py writes permits for clients so, with FAIL_ON_ANY_FINDINGS.
    """

    def observe(world: World) -> Observed:
        caller = cedar_text.OAuthClient(CLIENT_CLAIM, world.client.id)
        scope = cedar_text.Scope(caller, world.scratch_gateway("tokens").arn)
        statement = cedar_text.permit(scope, [GREETING])
        return Observed(
            masked(world.policy(world.scratch_engine("tokens"), statement), world), masked(statement, world)
        )

    probe(observe)


def test_a_number_as_a_tag(probe: Probe) -> None:
    """What becomes of a claim that is no text, when Cedar sees claims as tags?

    local/serve/guards/gateway_caller.py makes it JSON: `version`, which is the number 2, is the text "2". The permits
    are `number-as-text` and `number-at-all` of the throw-away program.
    """

    def observe(world: World) -> Observed:
        gateway, token = world.scratch_gateway("tokens"), tokens.taken(world, world.client)
        sure = tokens.call(world, gateway, token, ADD, {"a": 1, "b": 2})
        if not sure.made:
            raise MissingError(f"the client is let in nowhere: {sure.words(world)}")
        as_text = tokens.call(world, gateway, token, MULTIPLY, {"a": 2, "b": 3})
        at_all = tokens.call(world, gateway, token, GREETING, {"name": "Alice"})
        answer = "its JSON" if as_text.made else "a tag of another form" if at_all.made else "no tag"
        return Observed(answer, f"as text: {as_text.words(world)}; at all: {at_all.words(world)}")

    probe(observe)


def test_search_of_a_gateway_that_takes_tokens(probe: Probe) -> None:
    """Does a search show tools that the client of a token may not call?

    components/tool_gateway.py leaves the search out with authorization 'tool', with tokens as with IAM.
    """

    def observe(world: World) -> Observed:
        token = tokens.taken(world, world.client)
        asked = {"query": "multiply, greet, add"}
        answer = tokens.call(world, world.scratch_gateway("seeking"), token, SEARCH, asked)
        shown = [tool for tool in (MULTIPLY, GREETING) if tool in answer.text]
        said = f"shows {', '.join(shown) or 'none'}" if answer.made else answer.words(world)
        return Observed(said, masked(answer.text, world))

    probe(observe)


def test_another_token_in_a_session(probe: Probe) -> None:
    """Does an MCP session go on with another token of the same client?

    agent/gateway/bearer.py takes a new token in the middle of a session; local/serve/gateway/mcp_sessions.py knows a
    session's owner by issuer, subject and client.
    """

    def observe(world: World) -> Observed:
        gateway = world.scratch_gateway("lasting")
        params: dict[str, Any] = {
            "protocolVersion": PROTOCOL_VERSIONS[0],
            "capabilities": {},
            "clientInfo": {"name": "toolgate-probe", "version": "1"},
        }
        begun = tokens.rpc(world, gateway, tokens.taken(world, world.client), "initialize", {}, **params)
        session = begun.headers.get(SESSION)
        if session is None:
            return Observed(f"there is no session: {begun.words(world)}", masked(json.dumps({**begun.headers}), world))
        named = {SESSION: session, "MCP-Protocol-Version": PROTOCOL_VERSIONS[0]}
        answer = tokens.rpc(world, gateway, tokens.taken(world, world.client), LIST, named)
        return Observed("it does" if answer.made else answer.words(world), masked(answer.text, world))

    probe(observe)
