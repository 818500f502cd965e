"""Probes of MCP servers behind a gateway: what is assumed, and that each answer of AWS is read rightly."""

import inspect
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
