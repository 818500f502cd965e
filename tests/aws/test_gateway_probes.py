"""Gateways: what their protocol, their search and their targets do."""

import json

import pytest

from tests.aws.masking import masked
from tests.aws.probing import Observed, Probe
from tests.aws.results import content, shape
from tests.aws.signed import SEARCH, call, listed, rpc, send, signed_by
from tests.aws.world import MissingError, NotReproducedError, World
from toolgate.components.tool_gateway import PROTOCOL_VERSIONS
from toolgate.local.serve.access_log import AGENT_REQUEST_ID as REQUEST_ID

ADD = "math___add_numbers"
VERSIONS = ("2024-11-05", *PROTOCOL_VERSIONS, "2026-07-28", "1999-12-31")


def test_end_of_the_url(probe: Probe) -> None:
    """Does `gateway_url` end in /mcp?

    components/agent_runtime.py hands it to the agent as it is; agent/settings.py takes any path.
    """
    probe(lambda world: Observed("it does" if world.front.url.endswith("/mcp") else masked(world.front.url, world)))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_gateway_of_one_version(probe: Probe, version: str) -> None:
    """Which protocol versions can a gateway be made with?

    components/tool_gateway.py names three, which cannot be widened later; local/cloud/types/gateways.py takes what
    botocore's model takes.
    """
    probe(lambda world: Observed(masked(world.gateway({"supportedVersions": [version]}), world)))


NEWEST = [*PROTOCOL_VERSIONS]
CHANGES = {
    "search on": ({"supportedVersions": NEWEST}, {"supportedVersions": NEWEST, "searchType": "SEMANTIC"}),
    "search off": ({"supportedVersions": NEWEST, "searchType": "SEMANTIC"}, {"supportedVersions": NEWEST}),
    "a version more": ({"supportedVersions": NEWEST[:-1]}, {"supportedVersions": NEWEST}),
    "a version less": ({"supportedVersions": NEWEST}, {"supportedVersions": NEWEST[:-1]}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_what_creation_decides(probe: Probe, change: str) -> None:
    """What of a gateway's search and protocol versions can be changed later?

    components/tool_gateway.py has the gateway replaced for each of them, which costs its URL;
    local/cloud/types/gateways.py refuses more and takes less.
    """
    probe(lambda world: Observed(masked(world.gateway(*CHANGES[change]), world)))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_of_one_version(probe: Probe, version: str) -> None:
    """What is a client told that wants to speak a protocol version?

    agent/gateway/transport.py speaks the newest that the mcp library knows; local/serve/gateway/json_rpc.py offers the
    newest of the gateway's own where it has not the client's.
    """

    def observe(world: World) -> Observed:
        gateway = world.scratch_gateway("plain")
        client = {"name": "toolgate-probe", "version": "1"}
        params = {"protocolVersion": version, "capabilities": {}, "clientInfo": client}
        answer = rpc(world, gateway, signed_by(world, "knocker", gateway), "initialize", params)
        if answer.result is None:
            return Observed(answer.words(world), masked(answer.text, world))
        return Observed(f"answers {answer.result.get('protocolVersion')}", masked(answer.text, world))

    probe(observe)


@pytest.mark.parametrize("version", [None, *VERSIONS])
def test_a_request_in_one_version(probe: Probe, version: str | None) -> None:
    """What is a request told whose header names a protocol version, or none?

    local/serve/gateway/json_rpc.py refuses one that the gateway has not with HTTP 400 and -32600, and counts a request
    without the header as one of 2025-03-26.
    """

    def observe(world: World) -> Observed:
        gateway = world.scratch_gateway("plain")
        named = {} if version is None else {"MCP-Protocol-Version": version}
        answer = send(world.endpoint(gateway), "tools/list", {}, signed_by(world, "knocker", gateway), named)
        return Observed("it is answered" if answer.made else answer.words(world), masked(answer.text, world))

    probe(observe)


def test_what_a_gateway_says_of_itself(probe: Probe) -> None:
    """Which capabilities does `initialize` name, and which version of the server?

    local/serve/gateway/json_rpc.py names tools alone, and 1.0.0.
    """

    def observe(world: World) -> Observed:
        gateway = world.scratch_gateway("plain")
        client = {"name": "toolgate-probe", "version": "1"}
        params = {"protocolVersion": PROTOCOL_VERSIONS[0], "capabilities": {}, "clientInfo": client}
        result = rpc(world, gateway, signed_by(world, "knocker", gateway), "initialize", params).result or {}
        said = {"capabilities": result.get("capabilities"), "version": (result.get("serverInfo") or {}).get("version")}
        return Observed(json.dumps(said, sort_keys=True), masked(json.dumps(result), world))

    probe(observe)


def test_search_of_a_gateway_without_an_engine(probe: Probe) -> None:
    """Is the search tool listed on a gateway with search and without an engine, and how does it answer?

    local/serve/gateway/search.py answers in the shape of published samples; the agent is told of it like of any tool.
    """

    def observe(world: World) -> Observed:
        gateway = world.scratch_gateway("plain")
        shown = "listed" if SEARCH in listed(world, gateway, "knocker") else "not listed"
        answer = call(world, gateway, "knocker", SEARCH, {"query": "add two numbers"})
        return Observed(f"{shown}; {shape(answer, world)}", masked(answer.text, world))

    probe(observe)


def test_shape_of_a_result(probe: Probe) -> None:
    """How does a tool's result come to the client: as JSON text, as structured content, or both?

    local/serve/gateway/mcp_gateway.py sends JSON text only where the tool has no output schema.
    """

    def observe(world: World) -> Observed:
        answer = call(world, world.scratch_gateway("plain"), "knocker", ADD, {"a": 1, "b": 2})
        return Observed(shape(answer, world), masked(answer.text, world))

    probe(observe)


def test_what_an_agent_says_in_meta(probe: Probe) -> None:
    """Is a tool call carried out whose `_meta` names the invocation that it is made for?

    agent/gateway/gateway.py writes it into each call, as OpenTelemetry does with its own; local/serve/access_log.py
    reads it. Whether AWS's gateway log shows it is to be looked up there by hand.
    """
    params = {"name": ADD, "arguments": {"a": 1, "b": 2}, "_meta": {REQUEST_ID: "of-the-probe"}}

    def observe(world: World) -> Observed:
        gateway = world.scratch_gateway("plain")
        answer = rpc(world, gateway, signed_by(world, "knocker", gateway), "tools/call", params)
        return Observed("it is" if answer.made else answer.words(world), masked(answer.text, world))

    probe(observe)


def test_error_of_a_function(probe: Probe) -> None:
    """What is the client told when a target's function raises?

    lambdas/dispatch.py never lets it; for other functions local/serve/gateway/mcp_gateway.py guesses: `isError`, with
    errorMessage and errorType, without the stack trace.
    """

    def observe(world: World) -> Observed:
        answer = call(world, world.scratch_gateway("plain"), "knocker", "broken___fail", {})
        return Observed(shape(answer, world), masked(answer.text, world))

    probe(observe)


def test_schema_of_three_levels(probe: Probe) -> None:
    """Is a tool schema with objects on three levels taken, and do the arguments arrive whole?

    components/tools/provider_tool_schema.py writes the third level as `properties_json`.
    """
    given = {"order": {"line": {"options": {"gift": True}}}}

    def observe(world: World) -> Observed:
        try:
            gateway = world.scratch_gateway("nested")
            world.target(gateway, "echo")
        except MissingError as error:
            return Observed("not taken", masked(str(error), world))
        answer = call(world, gateway, "adder", "echo___order", given)
        whole = content(answer) == {"arguments": given}
        return Observed("taken; the arguments arrive whole" if whole else "taken", masked(answer.text, world))

    probe(observe)


def test_trust_by_ten_question_marks(probe: Probe) -> None:
    """Does AgentCore take a gateway's role whose trust policy writes the end of the gateway's id as ten `?`?

    components/iam/iam_documents.py writes every trust policy so (ID_SUFFIX); a looser `*` would be the way out.
    """

    def observe(world: World) -> Observed:
        role = world.stack.role(world.front.role_arn)
        trust = json.dumps(role.trust if role else None)
        if "-??????????" not in trust:
            raise MissingError("the stack's gateway has another trust policy")
        # The gateway has to take its role to run a function; this one's trust is written by the same line of code.
        answer = call(world, world.scratch_gateway("plain"), "knocker", ADD, {"a": 1, "b": 2})
        return Observed("it does" if answer.made else answer.words(world), masked(trust, world))

    probe(observe)


def test_key_of_a_gateway_through_agentcore_alone(probe: Probe) -> None:
    """May a gateway's role be held to use the gateway's key through AgentCore (`kms:ViaService`), targets included?

    components/iam/iam_documents.py does not ask for it (`encrypt_gateway`): AWS's sample does, and others saw targets
    refused with it. It takes a key: `--key ARN`.
    """

    def observe(world: World) -> Observed:
        if world.making is None:
            raise NotReproducedError("the stand-in refuses such a role, because this project goes by it")
        if not world.making.refused.keys() & {"sealed-gateway", "sealed-math"} and not _made(world, "sealed"):
            pytest.skip("no key was given: --key ARN")
        try:
            world.target(world.scratch_gateway("sealed"), "math")
        except MissingError as error:
            return Observed("it may not", masked(str(error), world))
        return Observed("it may")

    probe(observe, documented="it may not")


def _made(world: World, name: str) -> bool:
    return any(it.name.endswith(f"-{name}") for it in world.scratch.gateways)
