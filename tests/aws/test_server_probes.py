"""MCP servers and an API behind a gateway: how their tools are told, who reaches them, what passes, what fails how."""

from typing import Any

import pytest

from tests.aws.asking import ask
from tests.aws.masking import masked
from tests.aws.probing import Observed, Probe
from tests.aws.program.server.main import FAILING, PROMPT, RESOURCE, SECRET
from tests.aws.signed import Answer, call, listed, rpc, signed_by
from tests.aws.world import MissingError, World

GATEWAY, VISITOR = "fronting", "visitor"
BEYOND = "beyond"
PASSED = {
    "prompts/list": {},
    "prompts/get": {"name": f"server___{PROMPT}"},
    "resources/list": {},
    "resources/read": {"uri": RESOURCE},
}
CALL: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "who", "arguments": {}}}


def taken(world: World, target: str) -> Observed:
    """Whether a target was made, and its tool is shown."""
    try:
        gateway = world.scratch_gateway(GATEWAY)
        world.target(gateway, target)
    except MissingError as error:
        return Observed("it is not", masked(str(error), world))
    shown = sorted(it for it in listed(world, gateway, VISITOR) if it.startswith(f"{target}___"))
    return Observed("it is" if shown == [f"{target}___who"] else "it is, without its tool", masked(str(shown), world))


@pytest.mark.parametrize("form", ["object", "array"])
def test_form_of_a_servers_tools(probe: Probe, form: str) -> None:
    """Is a target made whose `mcpToolSchema` has this form: MCP's answer to tools/list, or its list of tools alone?

    components/targets/mcp_server.py and components/targets/listed_tools.py write the object;
    local/cloud/types/targets/mcp_servers.py and access/deployment/targets.py read both.
    """
    probe(lambda world: taken(world, form))


def test_server_that_is_not_there(probe: Probe) -> None:
    """Is a target with `mcpToolSchema` made where no MCP server answers?

    components/targets/mcp_server.py goes by it that AgentCore asks the server for nothing then; if it asks, a server
    must be up, and its gateway's role let in, before the target is made.
    """
    probe(lambda world: taken(world, "absent"))


def test_who_reaches_a_server(probe: Probe) -> None:
    """Does the runtime's resource policy keep out whoever may invoke every runtime, and let the gateway's role in?

    components/iam/iam_documents.py writes that policy (`only_by`): if the gateway's role does not get in, no server can
    be used, and if others do, they get past the gateway.
    """

    def observe(world: World) -> Observed:
        runtime, gateway = world.scratch_runtime("served"), world.scratch_gateway(GATEWAY)
        past = ask(world, runtime, CALL, world.caller("past-the-gateway", runtime))
        through = call(world, gateway, VISITOR, "object___who", {})
        words = {(True, False): "the gateway alone", (True, True): "both", (False, False): "neither"}
        found = words.get((through.made, past.document is not None), "the others alone")
        return Observed(found, f"{through.words(world)}; {past.words(world)}")

    probe(observe)


def outcome(answer: Answer, expected: str) -> str:
    """Whether a request was answered, and with what it asked for."""
    if answer.result is None:
        return "it does not"
    return "it passes" if expected in answer.text else "it passes, with nothing in it"


@pytest.mark.parametrize("method", PASSED)
def test_what_passes_a_policy_engine(probe: Probe, method: str) -> None:
    """Does this pass a policy engine that permits the caller no tool, and is what the server has in it?

    docs/mcp-servers.md says that no Cedar policy decides it, so that a program must accept prompts and resources by
    name; local/serve/gateway/beyond_tools.py passes them, of a target whose tools stand in `mcpToolSchema` as well.
    """

    def observe(world: World) -> Observed:
        gateway = world.scratch_gateway(BEYOND)
        answer = rpc(world, gateway, signed_by(world, "unpermitted", gateway), method, PASSED[method])
        expected = {"prompts/list": PROMPT, "resources/list": RESOURCE}.get(method, "the server")
        return Observed(outcome(answer, expected), answer.words(world))

    probe(observe)


@pytest.mark.parametrize("tool", [*(f"server___{name}" for name in FAILING), "api___not_found"])
def test_what_a_caller_is_told_of_a_failure(probe: Probe, tool: str) -> None:
    """In which form is a caller told that what stands behind a target failed, and are these the server's own words?

    local/serve/outbound/far_side.py answers with a result that is an error, and keeps what a server says in its log,
    but for a result of a tool: `servers/serve.py` masks what it sends for that reason. A caller that is told more on
    AWS sees what nobody sees here.
    """

    def observe(world: World) -> Observed:
        answer = call(world, world.scratch_gateway(BEYOND), "unlucky", tool, {})
        form = "JSON-RPC error" if answer.error else "result that is an error" if answer.result else "neither"
        if answer.made:
            form = "result"
        told = "in the server's own words" if SECRET in answer.text else "in other words"
        return Observed(f"{form}, {told}", f"{answer.words(world)}; {masked(answer.text[:500], world)}")

    probe(observe)
