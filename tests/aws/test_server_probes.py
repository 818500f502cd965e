"""MCP servers behind a gateway: how their tools are told, and who reaches them."""

from typing import Any

import pytest

from tests.aws.asking import ask
from tests.aws.masking import masked
from tests.aws.probing import Observed, Probe
from tests.aws.signed import call, listed
from tests.aws.world import MissingError, World

GATEWAY, VISITOR = "fronting", "visitor"
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
