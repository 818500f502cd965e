"""Who must not get in, by name: each way is a request that is really made."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.aws.signed import Answer, Signature, rpc, signed_by, with_wrong_secret
from tests.aws.world import World
from toolgate.access.deployment.agentcore_resources import Gateway

type Attempt = Callable[[World], Answer]


def _at(name: str, signature: Callable[[World, Gateway], Signature]) -> Attempt:
    """Listing the tools of a gateway: a throw-away one, or the one of the stack under test."""

    def attempt(world: World) -> Answer:
        gateway = world.front if name == "front" else world.scratch_gateway(name)
        return rpc(world, gateway, signature(world, gateway), "tools/list")

    return attempt


def _by(caller: str) -> Callable[[World, Gateway], Signature]:
    return lambda world, gateway: signed_by(world, caller, gateway)


def _spoilt(change: Callable[[Signature], Signature]) -> Callable[[World, Gateway], Signature]:
    """The signature of one who would be let in, changed."""
    return lambda world, gateway: change(signed_by(world, "knocker", gateway))


def _other_region(signature: Signature) -> Signature:
    return replace(signature, region="eu-west-1" if signature.region != "eu-west-1" else "us-east-1")


ATTEMPTS: Mapping[str, Attempt] = {
    "unsigned": _at("plain", lambda world, _gateway: Signature(None, world.region)),
    "no right": _at("plain", _by("stranger")),
    "a right on another gateway": _at("plain", _by("adder")),
    "wrong secret": _at("plain", _spoilt(with_wrong_secret)),
    "signed an hour ago": _at("plain", _spoilt(lambda it: replace(it, at=datetime.now(UTC) - timedelta(hours=1)))),
    "signed for another Region": _at("plain", _spoilt(_other_region)),
    "signed for another service": _at("plain", _spoilt(lambda it: replace(it, service="execute-api"))),
    "unsigned, the stack's gateway": _at("front", lambda world, _gateway: Signature(None, world.region)),
    "no right, the stack's gateway": _at("front", _by("stranger")),
    "rights on other gateways, the stack's gateway": _at("front", _by("knocker")),
}
