"""Who may call what: every principal of a deployment against every tool of its gateways.

Decided from identity policies (denies, permissions boundaries and groups included), resource policies, trust policies
that let outsiders in, and Cedar policies. Where another feature has a say, the decision is `undecided` and the feature
is named in `unsupported`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from toolgate.access.cedar.cedar_decision import tool_engine
from toolgate.access.chain.chain import chain
from toolgate.access.chain.hops import Hop
from toolgate.access.chain.ways import Ask, Bypass
from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.iam.evaluation import Access
from toolgate.access.iam.identities import ANY_CALLER
from toolgate.access.matrix.blocks import Block, Entry, changed, joined
from toolgate.access.matrix.elsewhere import ANY_TOOL, any_gateway_elsewhere, gateways_elsewhere
from toolgate.access.matrix.inbound import concerned, reached, takes_tokens
from toolgate.access.matrix.not_judged import undecided, unsupported
from toolgate.access.matrix.principals import Caller, agents, given, held_entities, others, outsiders
from toolgate.access.matrix.role_takers import role_takers, services_not_judged
from toolgate.access.matrix.token_access import ClientTaker, TokenAccess
from toolgate.access.matrix.tool_access import (
    UNDECIDED,
    AccessCheck,
    ToolAccess,
    cedar_principal,
    decide_access,
)
from toolgate.access.memories.rows import MemoryUse
from toolgate.policy.language.agentcore_facts import INVOKE_GATEWAY, full_name

__all__ = ["INVOKE_GATEWAY", "Access", "Block", "Entry", "Matrix", "matrix"]


@dataclass(frozen=True)
class Matrix:
    """Who may call what.

    Attributes:
        blocks: One for each agent and each gateway; for other principals only where they may call something. And one
            for each grant on a gateway that is not in the deployment.
        unsupported: In a sentence each, what could not be judged.
        asks: Who may ask which agent, and who may run commands in which.
        bypasses: The ways around a gateway.
        takings: Who may be which client of an issuer.
        memories: Who may use which memory.
        taken: What the clients may call that are no rows of their own, as a principal of the deployment comes as them.
    """

    blocks: tuple[Block, ...]
    unsupported: tuple[str, ...]
    asks: tuple[Ask, ...] = ()
    bypasses: tuple[Bypass, ...] = ()
    takings: tuple[ClientTaker, ...] = ()
    taken: tuple[Block, ...] = ()
    memories: tuple[MemoryUse, ...] = ()

    @property
    def entries(self) -> Iterator[Entry]:
        """All entries, made one by one: there are as many as principals times tools."""
        return (entry for block in self.blocks for entry in block.entries())

    def json_lines(self) -> Iterator[str]:
        """The matrix as JSON, piece by piece: lists, the entries first and what is not judged last."""
        yield '{"entries": ['
        separator = "\n"
        for block in self.blocks:
            if block.tools:
                yield separator + ",\n".join(_json_entries(block))
                separator = ",\n"
        yield "\n], "
        for key, rows in (
            ("ask", map(_json_ask, self.asks)),
            ("bypasses", map(_json_bypass, self.bypasses)),
            ("clients", map(_json_taker, self.takings)),
            ("memories", map(_json_memory, self.memories)),
        ):
            yield f'"{key}": {json.dumps(list(rows))},\n'
        yield f'"unsupported": {json.dumps(self.unsupported)}}}'

    def as_json(self) -> str:
        """The same as one text."""
        return "".join(self.json_lines())


def _json_entries(block: Block) -> Iterator[str]:
    who = json.dumps({"principal": block.principal, "agent": block.agent, "gateway": block.gateway})[:-1]
    # Many tools share a cell, and a million look-ups of cells by what is in them take a while.
    told: dict[int, str] = {}
    for tool, cell in block.by_tool():
        if id(cell) not in told:
            told[id(cell)] = json.dumps(_json_access(cell))[1:]
        yield f'{who}, "tool": {_quoted(tool)}, {told[id(cell)]}'


def _json_ask(ask: Ask) -> Mapping[str, object]:
    asked = {"principal": ask.principal, "asker": ask.asker, "agent": ask.agent, "runtime": ask.runtime, "how": ask.how}
    return {**asked, **_json_access(ask.access)}


def _json_bypass(bypass: Bypass) -> Mapping[str, object]:
    return {
        "principal": bypass.principal,
        "agent": bypass.agent,
        "target": bypass.target,
        "tools": bypass.tools,
        "way": bypass.way,
        **_json_access(bypass.access),
        "hops": [_json_hop(hop) for hop in bypass.hops],
    }


def _json_taker(taker: ClientTaker) -> Mapping[str, object]:
    return {
        **{"principal": taker.principal, "agent": taker.agent, "client": taker.client},
        **{"name": taker.name, "way": taker.way, **_json_access(taker.access)},
        "hops": [_json_hop(taker.hop)] if taker.hop else [],
    }


def _json_memory(row: MemoryUse) -> Mapping[str, object]:
    return {
        **{"principal": row.principal, "agent": row.agent, "memory": row.memory.arn, "name": row.memory.name},
        **{"use": row.use, "actions": row.actions, "way": row.way, **_json_access(row.answer.access)},
        "scopes": [[{"key": key, "values": values} for key, values in scope] for scope in row.answer.scopes],
    }


def _json_hop(hop: Hop) -> Mapping[str, object]:
    statements = dict.fromkeys(str(s) for it in hop.checks for s in it.decision.statements)
    return {"step": hop.step, "to": hop.to, "decision": hop.decision, "statements": list(statements)}


def _json_access(access: ToolAccess) -> Mapping[str, object]:
    return {"decision": access.decision, "conditions": access.conditions}


_quoted = lru_cache(maxsize=100_000)(json.dumps)


def matrix(deployment: Deployment) -> Matrix:
    """Decide for each principal and each tool of the deployment."""
    tokens = token_access(deployment)
    notes: list[str] = []
    direct = [*_direct(tokens, notes), *tokens.of_principals()]
    clients, taken = tokens.of_clients()
    blocks = tuple(_with_taken_roles(deployment, [*direct, *clients], notes))
    found = chain(deployment, blocks)
    said = (*unsupported(deployment, tokens.engines), *tokens.far_side.not_judged(), *tokens.not_judged())
    not_judged = dict.fromkeys((*said, *notes, *found.unsupported))
    of_tokens = tuple(tokens.takings()), tuple(taken)
    return Matrix(blocks, tuple(not_judged), found.asks, found.bypasses, *of_tokens, found.memories)


def token_access(deployment: Deployment) -> TokenAccess:
    """What tokens open in a deployment, with the policy engines and the tools of all gateways."""
    engines = {it.arn: tool_engine(deployment, it) for it in deployment.gateways}
    tools = {it.arn: (*tools_of(deployment, it), *_not_listed(deployment, it)) for it in deployment.gateways}
    return TokenAccess(deployment, engines, tools)


def _direct(known: TokenAccess, notes: list[str]) -> Iterator[Block]:
    """What each may call by signing, and to `notes` a sentence for each decision that documents leave undecided."""
    deployment, engines = known.deployment, known.engines

    def block(caller: Caller, gateway: Gateway) -> Block:
        who, tools = caller.identity, known.tools[gateway.arn]
        inbound_decision = reached(deployment, gateway, who)
        principal, far_side = cedar_principal(gateway, who), known.behind[gateway.arn]
        asked = AccessCheck(gateway, engines[gateway.arn], principal, inbound_decision, far_side)
        found = Block(who.principal, caller.agent, gateway.arn, tools, decide_access(asked, tools))
        notes.extend([] if found.denied else undecided(gateway, caller, inbound_decision))
        return found

    without_tokens = [gateway for gateway in deployment.gateways if not takes_tokens(gateway)]
    for agent in agents(deployment):
        yield from (block(agent, gateway) for gateway in without_tokens)
    # A gateway that does not ask IAM makes no difference between callers: `*` tells it.
    signed = [gateway for gateway in deployment.gateways if gateway.authorizer == "AWS_IAM"]
    for other in others(deployment):
        # For somebody whom nothing concerns at a gateway whose own policy was not read, `*` stands.
        found = (block(other, gateway) for gateway in signed if concerned(deployment, gateway, other.identity))
        yield from (b for b in found if not b.denied)
    held = held_entities(deployment)
    for gateway in signed:
        strangers = (block(it, gateway) for it in outsiders(deployment, gateway, engines[gateway.arn], held))
        yield from (b for b in strangers if not b.denied)
    for caller in (*agents(deployment), *others(deployment), *given(deployment)):
        who = caller.agent or caller.identity.name
        if wide := list(any_gateway_elsewhere(deployment, caller.identity)):
            notes.append(f"{who}: may also invoke gateways that are not in the deployment: {'; '.join(wide)}")
        for arn in gateways_elsewhere(deployment, caller.identity):
            notes.append(f"{who}: may invoke {arn}; what that gateway's own policies say is not in the deployment")
            yield Block(caller.identity.arn, caller.agent, arn, (ANY_TOOL,), UNDECIDED)
    anybody = (block(Caller(ANY_CALLER), gateway) for gateway in without_tokens)
    yield from (b for b in anybody if not b.denied)


def _with_taken_roles(deployment: Deployment, direct: list[Block], notes: list[str]) -> list[Block]:
    """The blocks together with what outsiders may call by a role that they may take; `*` comes last."""
    blocks = {(b.principal, b.agent, b.gateway): b for b in direct}
    of_role: dict[str, list[Block]] = {}
    for block in direct:
        if not block.denied:
            of_role.setdefault(block.principal, []).append(block)
    for taker in role_takers(deployment):
        for of_taken in of_role.get(taker.role.arn, ()):
            block = replace(changed(taker.through, of_taken), principal=taker.principal, agent=None)
            key = (block.principal, block.agent, block.gateway)
            blocks[key] = joined(blocks[key], block) if key in blocks else block
            notes.extend([taker.note()] if taker.access is Access.UNDECIDED else [])
    for role in deployment.roles:
        notes.extend(services_not_judged(role) if role.arn in of_role else ())
    return sorted(blocks.values(), key=lambda block: block.principal == ANY_CALLER.name)


def _not_listed(deployment: Deployment, gateway: Gateway) -> tuple[str, ...]:
    """One name for the tools of each target of which the deployment lists none."""
    return tuple(full_name(it.name, ANY_TOOL) for it in deployment.targets_of(gateway) if it.tools is None)


def tools_of(deployment: Deployment, gateway: Gateway) -> tuple[str, ...]:
    """The full names of a gateway's tools."""
    return tuple(target.full_name(tool) for target in deployment.targets_of(gateway) for tool in target.tools or ())
