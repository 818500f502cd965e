"""The whole chain of a deployment: who may ask, ways around a gateway, who may use memories, what is not judged."""

from collections.abc import Sequence
from dataclasses import dataclass

from toolgate.access.chain.graph import Graph, graph
from toolgate.access.chain.not_judged import not_judged
from toolgate.access.chain.other_gateways import other_gateways
from toolgate.access.chain.principals import principals
from toolgate.access.chain.ways import Ask, Bypass, asks, bypasses
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.iam.identities import ANY_CALLER
from toolgate.access.iam.policies import Policy
from toolgate.access.matrix.blocks import Block
from toolgate.access.matrix.principals import Caller
from toolgate.access.memories import rows
from toolgate.access.memories.questions import policies
from toolgate.access.memories.rows import MemoryUse, memory_uses


@dataclass(frozen=True)
class Chain:
    """Who may ask which agent, all ways around a gateway, who may use which memory; in sentences what is not judged."""

    asks: tuple[Ask, ...] = ()
    bypasses: tuple[Bypass, ...] = ()
    unsupported: tuple[str, ...] = ()
    memories: tuple[MemoryUse, ...] = ()


def chain(deployment: Deployment, blocks: Sequence[Block]) -> Chain:
    """The chain.

    Args:
        deployment: The deployment.
        blocks: What each principal may call over the gateways.
    """
    hops = graph(deployment)
    callers = (
        *principals(deployment, hops.functions, hops.interceptors, [*policies(deployment), *_on_secrets(hops)]),
        *map(Caller, hops.token_holders),
    )
    ways = [*bypasses(hops, blocks, callers), *other_gateways((*hops.functions, *hops.servers), blocks)]
    memories = tuple(memory_uses(hops, callers))
    return Chain(
        asks=tuple(asks(hops, callers)),
        bypasses=tuple(sorted(ways, key=lambda way: way.principal != ANY_CALLER.name)),  # anybody first
        unsupported=(*not_judged(hops), *rows.not_judged(deployment, memories)),
        memories=memories,
    )


def _on_secrets(hops: Graph) -> Sequence[tuple[Policy, str]]:
    return [(it.policy, it.arn) for it in hops.secrets if it.policy]
