"""What comes of tokens: what each client may call at the gateways that take them, and so whoever can be that client."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from toolgate.access.cedar.cedar_decision import ToolEngine
from toolgate.access.chain.hops import Hop
from toolgate.access.chain.principals import everything
from toolgate.access.chain.tool_servers import tool_servers
from toolgate.access.chain.ways import in_words
from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.iam.evaluation import Access
from toolgate.access.iam.identities import ANY_CALLER, Identity
from toolgate.access.matrix.blocks import Block, changed, joined
from toolgate.access.matrix.far_side import FarSide
from toolgate.access.matrix.inbound import takes_tokens
from toolgate.access.matrix.principals import Caller
from toolgate.access.matrix.tool_access import ALLOWED, DENIED, AccessCheck, ToolAccess, both, decide_access
from toolgate.access.tokens import not_judged
from toolgate.access.tokens.callers import TokenCaller, client_principal, machine, token_callers
from toolgate.access.tokens.takers import Takers, Taking, best
from toolgate.access.tokens.token_inbound import let_in

OUTSIDE = "held outside of this deployment"
"""The way of a client to itself."""

type _Key = tuple[str, bool]
"""A client, and whether it is widened."""


@dataclass(frozen=True)
class ClientTaker:
    """Somebody who may be a client.

    Attributes:
        principal: Who: an ARN, `*`, or the client itself where it is held outside of the deployment.
        agent: The agent's name, if it is an agent's role.
        client: The client, as a matrix names it.
        name: The client's name in its user pool, if the deployment holds it.
        way: By which way, in words.
        access: Whether they may.
        hop: The way, if it is one of the deployment's.
    """

    principal: str
    agent: str | None
    client: str
    name: str
    way: str
    access: ToolAccess
    hop: Hop | None = None


@dataclass(frozen=True)
class TokenAccess:
    """What tokens open in a deployment; each part is worked out once, and none where no gateway takes tokens.

    Attributes:
        deployment: The deployment.
        engines: The gateways' policy engines by the gateways' ARNs.
        tools: The names of the gateways' tools by the gateways' ARNs.
    """

    deployment: Deployment
    engines: Mapping[str, ToolEngine | None]
    tools: Mapping[str, tuple[str, ...]]
    _taken: dict[str, Mapping[_Key, Taking]] = field(default_factory=dict)

    @cached_property
    def gateways(self) -> tuple[Gateway, ...]:
        """The gateways that take tokens."""
        return tuple(it for it in self.deployment.gateways if takes_tokens(it))

    @cached_property
    def far_side(self) -> FarSide:
        """What stands behind the gateways."""
        return FarSide(self.deployment, self.engines, tool_servers(self.deployment))

    @cached_property
    def behind(self) -> Mapping[str, Mapping[str, ToolAccess]]:
        """What each gateway's role may do behind it, by the gateways' ARNs and the tools' full names."""
        return {gateway.arn: self.far_side.cells(gateway) for gateway in self.deployment.gateways}

    @cached_property
    def takers(self) -> Takers:
        """The ways to the clients."""
        return Takers(self.deployment)

    def taken(self, who: Identity) -> Mapping[_Key, Taking]:
        """The surest way to each client that somebody may be."""
        if who.arn not in self._taken:
            self._taken[who.arn] = best(self.takers.of(who)) if self.gateways else {}
        return self._taken[who.arn]

    def callers(self, gateway: Gateway) -> Mapping[_Key, TokenCaller]:
        """Who comes to a gateway with tokens, the clients that somebody may have widened among them."""
        return self._callers[gateway.arn]

    def block(self, who: Caller, gateway: Gateway) -> Block:
        """What somebody may call who takes tokens as whichever client they may be."""
        cells = [
            changed(partial(through, taking), found)
            for key, taking in self.taken(who.identity).items()
            if (found := self._open[gateway.arn].get(key))
        ]
        tools, name = self.tools[gateway.arn], who.identity.principal
        first, *more = cells or [Block(name, who.agent, gateway.arn, tools, DENIED)]
        for block in more:
            first = joined(first, block)
        return replace(first, principal=name, agent=who.agent)

    def of_principals(self) -> Iterator[Block]:
        """A block for each agent and gateway, and for each other principal and gateway where it may call something."""
        for caller, _ in self._all:
            blocks = (self.block(caller, gateway) for gateway in self.gateways)
            yield from (it for it in blocks if caller.agent is not None or not it.denied)

    def of_clients(self) -> tuple[list[Block], list[Block]]:
        """What clients may call: those that are told as such, and those as which a principal of the deployment comes.

        A client that no credential provider holds is held outside of the deployment, whoever can be it besides.
        """
        # A client that is not its own to be: what somebody has to make, or to change, first.
        found = [block for of in self._open.values() for key, block in of.items() if not key[1] and not _made(key[0])]
        known = (it for _, takings in self._all for it in takings.values() if it.access is not Access.UNDECIDED)
        held = self.takers.held() & {it.client for it in known}
        return [it for it in found if it.principal not in held], [it for it in found if it.principal in held]

    def takings(self) -> Iterator[ClientTaker]:
        """Who may be which client; whoever may do everything is left out."""
        names = {client_principal(it.id): it.name for it in self.deployment.tokens.clients}
        for caller, taken in self._all:
            for (client, _), taking in taken.items() if not everything(caller.identity) else ():
                who, hop = (caller.identity.principal, caller.agent), taking.way.hop
                yield ClientTaker(*who, client, names.get(client, ""), in_words((hop,)), hop.access, hop)
        for client in dict.fromkeys(it.principal for it in self.of_clients()[0]):
            if client in names:
                yield ClientTaker(client, None, client, names[client], OUTSIDE, ALLOWED)

    def not_judged(self) -> Iterator[str]:
        """What cannot be judged of it, in a sentence each."""
        if not self.gateways:
            return
        for gateway in self.gateways:
            yield from not_judged.of_gateway(self.deployment, gateway, tuple(self.callers(gateway).values()))
        yield from not_judged.of_providers(self.deployment)
        for caller, taken in self._all:
            for key, taking in taken.items():
                somewhere = any(key in self.callers(gateway) for gateway in self.gateways)
                yield from not_judged.of_taking(caller, taking, at_a_gateway=somewhere)
            yield from not_judged.elsewhere(self.deployment, caller)

    @cached_property
    def _all(self) -> tuple[tuple[Caller, Mapping[_Key, Taking]], ...]:
        callers = (*self.takers.callers(), Caller(ANY_CALLER)) if self.gateways else ()
        return tuple((it, self.taken(it.identity)) for it in callers)

    @cached_property
    def _callers(self) -> Mapping[str, Mapping[_Key, TokenCaller]]:
        return {it.arn: dict(self._with_widened(it)) for it in self.gateways}

    def _with_widened(self, gateway: Gateway) -> Iterator[tuple[_Key, TokenCaller]]:
        for caller in token_callers(self.deployment, gateway, self.engines[gateway.arn]):
            yield (caller.principal, False), caller
        tokens = self.deployment.tokens
        pool = tokens.pool_of(gateway.jwt.discovery_url) if gateway.jwt else None
        for client in tokens.clients if pool and self._wide else ():
            if pool and client.pool_id == pool.id and client.has_secret:
                caller = machine(client, pool, pool.scopes)
                if caller.principal in self._wide:
                    yield (caller.principal, True), caller

    @cached_property
    def _wide(self) -> frozenset[str]:
        return frozenset(client for _, takings in self._all for client, widened in takings if widened)

    @cached_property
    def _open(self) -> Mapping[str, Mapping[_Key, Block]]:
        """What each may call at each gateway, where that is something."""
        found: dict[str, dict[_Key, Block]] = {}
        for gateway in self.gateways:
            blocks = ((key, self._block(gateway, caller)) for key, caller in self.callers(gateway).items())
            found[gateway.arn] = {key: block for key, block in blocks if not block.denied}
        return found

    def _block(self, gateway: Gateway, caller: TokenCaller) -> Block:
        engine, tools = self.engines[gateway.arn], self.tools[gateway.arn]
        let_in_, behind = let_in(self.deployment, gateway, caller), self.behind[gateway.arn]
        judged = decide_access(AccessCheck(gateway, engine, caller.cedar, let_in_, behind), tools)
        return Block(caller.principal, None, gateway.arn, tools, judged)


def _made(client: str) -> bool:
    return client.startswith("new client of ")


def through(taking: Taking, cell: ToolAccess) -> ToolAccess:
    """What somebody may call as a client, of what the client may."""
    hop = taking.way.hop
    found = both(hop.access, cell)
    return cell if found == cell else found
