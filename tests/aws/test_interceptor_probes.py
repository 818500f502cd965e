"""Interceptors, which the local deployment does not reproduce."""

import json

from tests.aws.masking import masked
from tests.aws.probing import Observed, Probe
from tests.aws.signed import call
from tests.aws.world import World


def test_what_an_interceptor_knows_of_an_iam_caller(probe: Probe) -> None:
    """Is an interceptor told who the caller is when the gateway authorizes by IAM?

    docs/authorization.md decides by Cedar and not by interceptors: they are said to see no role.
    """

    def observe(world: World) -> Observed:
        gateway = world.scratch_gateway("intercepted")
        answer = call(world, gateway, "told", "math___add_numbers", {"a": 1, "b": 2})
        role = world.caller_role("told").name
        told = json.dumps(answer.message) if answer.message else answer.text
        if '\\"interceptor\\"' not in told:
            return Observed(answer.words(world), masked(told, world))
        return Observed("it is" if role in told else "it is not", masked(told, world))

    probe(observe, documented="it is not")
