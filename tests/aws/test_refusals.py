"""Nobody gets in who was not let in, and the words with which they are told."""

import pytest

from tests.aws.asking import ask
from tests.aws.masking import masked
from tests.aws.probing import Observed, Probe
from tests.aws.refusals import ATTEMPTS
from tests.aws.signed import rpc, signed_by
from tests.aws.world import World


@pytest.mark.parametrize("who", ATTEMPTS)
def test_is_refused(world: World, who: str) -> None:
    answer = ATTEMPTS[who](world)
    assert answer.result is None, f"let in: {answer.text[:300]}"
    assert answer.status in {401, 403}, answer.words(world)


def test_whoever_signs_rightly_is_let_in(world: World) -> None:
    """The refusals above are for the reason they say: the same request, not spoilt, is answered."""
    gateway = world.scratch_gateway("plain")
    answer = rpc(world, gateway, signed_by(world, "knocker", gateway), "tools/list")
    assert answer.result is not None, answer.words(world)


def test_who_may_not_invoke_the_agent_is_refused(world: World) -> None:
    runtime = world.stack.runtimes[0]
    reply = ask(world, runtime, {"prompt": "What is 6 * 7?"}, world.caller("stranger", runtime))
    assert reply.document is None
    assert (reply.status, reply.code) == (403, "AccessDeniedException")


@pytest.mark.parametrize("who", ATTEMPTS)
def test_words_of_a_refusal(probe: Probe, who: str) -> None:
    """With which HTTP status, code and message does a gateway refuse a request?

    agent/gateway/transport.py tells a refusal from a fault by the status, and local/serve/guards/iam_guard.py answers
    in the words that are assumed to be AWS's.
    """
    probe(lambda world: _words(world, who))


def _words(world: World, who: str) -> Observed:
    answer = ATTEMPTS[who](world)
    return Observed(answer.words(world), masked(answer.text, world))


def test_words_of_a_refusal_by_a_runtime(probe: Probe) -> None:
    """With which HTTP status, code and message does AgentCore Runtime refuse who may not invoke an agent?

    ask.py prints them; local/serve/guards/iam_guard.py answers in the same words.
    """

    def observe(world: World) -> Observed:
        runtime = world.scratch_runtime("unversioned")
        return Observed(ask(world, runtime, {}, world.caller("stranger", runtime)).words(world))

    probe(observe)
