"""Probes of MCP servers behind a gateway: what is assumed, and that each answer of AWS is read rightly."""

import inspect
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.aws import test_server_probes as probes
from tests.aws.own.pretending import MAKING, pretended
from tests.aws.own.test_probes import Body
from tests.aws.own.test_probes_of_memories import Modelled
from tests.aws.probing import Finding, Probe
from tests.aws.program.server.main import FAILING, PROMPT, RESOURCE, SECRET
from tests.aws.signed import Answer
from tests.aws.world import World


@pytest.fixture
def ask(local: World) -> Callable[..., Finding]:
    """Ask a probe of a world; what it finds."""

    def run(function: Callable[..., None], world: World, **arguments: Any) -> Finding:
        found: list[Finding] = []
        text = inspect.cleandoc(function.__doc__ or "")
        function(Probe(function.__name__, text, local, world, found.append), **arguments)
        [finding] = found
        return finding

    return run


TAKEN = [
    ("object", probes.test_form_of_a_servers_tools, {"form": "object"}),
    ("array", probes.test_form_of_a_servers_tools, {"form": "array"}),
    ("absent", probes.test_server_that_is_not_there, {}),
]


@pytest.mark.parametrize(("target", "function", "arguments"), TAKEN)
def test_a_target_that_is_made_or_not(
    ask: Callable[..., Finding], local: World, target: str, function: Any, arguments: Any
) -> None:
    aws = pretended(local)
    made = ask(function, aws, **arguments)
    assert (made.assumed, made.observed) == ("it is", "it is")
    left = [it for it in local.scratch.targets if it.name != target]
    making = replace(MAKING, refused={f"fronting-{target}": "ValidationException: no"})
    refused = ask(
        function, replace(aws, scratch=replace(local.scratch, targets=tuple(left)), making=making), **arguments
    )
    assert refused.observed == "it is not"
    assert "ValidationException: no" in refused.evidence


REFUSED = ClientError(
    {"Error": {"Code": "AccessDeniedException", "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": 403}},
    "InvokeAgentRuntime",
)
ANSWERED = {"ResponseMetadata": {"HTTPStatusCode": 200}, "response": Body("{}")}


@pytest.mark.parametrize(
    ("past", "let_in", "answer"),
    [
        (REFUSED, True, "the gateway alone"),
        (ANSWERED, True, "both"),
        (REFUSED, False, "neither"),
        (ANSWERED, False, "the others alone"),
    ],
)
def test_who_gets_in(ask: Callable[..., Finding], local: World, past: Any, let_in: bool, answer: str) -> None:
    client = Modelled("bedrock-agentcore", invoke_agent_runtime=past)
    aws = replace(pretended(local), runtimes=lambda *_its: client)
    if not let_in:  # whom the gateway lets in as little as the server would let in the gateway
        stranger = local.caller_role("stranger").arn
        aws = replace(aws, session=lambda _arn, at: local.session(stranger, at))
    found = ask(probes.test_who_reaches_a_server, aws)
    assert (found.assumed, found.observed) == ("the gateway alone", answer)


def _said(**body: Any) -> Answer:
    text = json.dumps({"jsonrpc": "2.0", "id": 1, **body})
    return Answer(200, "", text, json.loads(text))


@pytest.mark.parametrize("method", probes.PASSED)
@pytest.mark.parametrize(
    ("answer", "read"),
    [
        (_said(result={"its": f"{PROMPT} {RESOURCE}, the server"}), "it passes"),
        (_said(result={"prompts": [], "resources": []}), "it passes, with nothing in it"),
        (_said(error={"code": -32002, "message": "no"}), "it does not"),
        (Answer(403, "AccessDeniedException", "{}", {}), "it does not"),
    ],
    ids=["passes", "empty", "denied", "forbidden"],
)
def test_what_passes_an_engine(
    *,
    ask: Callable[..., Finding],
    local: World,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    answer: Answer,
    read: str,
) -> None:
    found = ask(probes.test_what_passes_a_policy_engine, local, method=method)
    assert found.assumed == "it passes"
    monkeypatch.setattr(probes, "rpc", lambda *_its: answer)
    assert ask(probes.test_what_passes_a_policy_engine, local, method=method).assumed == read


ERROR_TEXT, OTHER = {"content": [{"type": "text", "text": SECRET}]}, {"content": [{"type": "text", "text": "no"}]}


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        (_said(result={**OTHER, "isError": True}), "result that is an error, in other words"),
        (_said(result={**ERROR_TEXT, "isError": True}), "result that is an error, in the server's own words"),
        (_said(result=ERROR_TEXT), "result, in the server's own words"),
        (_said(error={"code": -32603, "message": SECRET}), "JSON-RPC error, in the server's own words"),
        (_said(error={"code": -32603, "message": "no"}), "JSON-RPC error, in other words"),
        (Answer(500, "", "no", {}), "neither, in other words"),
    ],
    ids=str,
)
def test_how_a_failure_is_read(
    ask: Callable[..., Finding], local: World, monkeypatch: pytest.MonkeyPatch, answer: Answer, read: str
) -> None:
    monkeypatch.setattr(probes, "call", lambda *_its: answer)
    found = ask(probes.test_what_a_caller_is_told_of_a_failure, local, tool="api___not_found")
    assert found.assumed == read


@pytest.mark.parametrize("tool", [*(f"server___{name}" for name in FAILING), "api___not_found"])
def test_what_is_assumed_of_a_failure(ask: Callable[..., Finding], local: World, tool: str) -> None:
    told = "the server's own" if tool == "server___fails_as_a_tool" else "other"
    found = ask(probes.test_what_a_caller_is_told_of_a_failure, local, tool=tool)
    assert found.assumed == f"result that is an error, in {told} words"
