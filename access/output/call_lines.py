"""One call of a tool at one gateway in lines, in AWS's order.

Inbound authorization, the interceptor at REQUEST, the policy engine on what that leaves, what stands behind the target,
the interceptor at RESPONSE (AgentCore developer guide, "Gateway interceptors").
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from toolgate.access.cedar.cedar_decision import ToolDecision, ToolEngine, decide_tool
from toolgate.access.cedar.cedar_policies import CedarPrincipal
from toolgate.access.chain import hops
from toolgate.access.chain.hops import OPENNESS
from toolgate.access.chain.tool_functions import ToolFunction, url_behind
from toolgate.access.chain.tool_servers import ToolServer
from toolgate.access.chain.ways import in_words
from toolgate.access.deployment.agentcore_resources import Gateway, Target
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.roles import Role
from toolgate.access.iam.evaluation import Access
from toolgate.access.iam.identities import Identity
from toolgate.access.matrix.inbound import OPEN, Inbound, inbound, requests, takes_tokens
from toolgate.access.matrix.token_access import TokenAccess, through
from toolgate.access.matrix.tool_access import ALLOWED, DENIED, AccessCheck, ToolAccess, call, cedar_principal, either
from toolgate.access.output.interceptor_lines import interceptor_lines
from toolgate.access.output.witness_lines import answered, check_lines, hop_lines
from toolgate.access.tokens.callers import TokenCaller
from toolgate.access.tokens.takers import Taking
from toolgate.access.tokens.token_inbound import let_in
from toolgate.policy.language.agentcore_facts import (
    INVOKE_FUNCTION,
    INVOKE_FUNCTION_URL,
    INVOKE_GATEWAY,
    INVOKE_RUNTIME,
    full_name,
    target_of,
)
from toolgate.policy.language.interceptors import REQUEST, RESPONSE

SIGNED_FOR_FUNCTIONS = "lambda"
"""What a gateway's role signs for at a function's URL (Lambda developer guide, "Invoking Lambda function URLs")."""

Arguments = Mapping[str, Any] | None


@dataclass(frozen=True)
class Call:
    """A tool at a gateway.

    Attributes:
        tokens: What tokens open in the deployment, with the policy engines.
        gateway: The gateway.
        tool: The tool's full name.
        arguments: The arguments, if they are known.
        function: The function behind the tool, if there is one.
        server: The server behind it, if there is one.
    """

    tokens: TokenAccess
    gateway: Gateway
    tool: str
    arguments: Arguments = None
    function: ToolFunction | None = None
    server: ToolServer | None = None

    @property
    def deployment(self) -> Deployment:
        """The deployment."""
        return self.tokens.deployment

    @property
    def engine(self) -> ToolEngine | None:
        """The gateway's policy engine."""
        return self.tokens.engines[self.gateway.arn]

    def access(self, who: Identity) -> ToolAccess:
        """Whether somebody may make the call, by signing or as a client that they may be."""
        if takes_tokens(self.gateway):
            return reduce(either, (it.access for it in self.as_clients(who)), DENIED)
        return self._made(cedar_principal(self.gateway, who), inbound(self.deployment, self.gateway, who))

    def of_client(self, caller: TokenCaller) -> ToolAccess:
        """Whether whoever comes with such tokens may make the call."""
        return self._made(caller.cedar, let_in(self.deployment, self.gateway, caller))

    def as_clients(self, who: Identity) -> list["AsClient"]:
        """The ways to make the call as a client, the most open one first."""
        callers = self.tokens.callers(self.gateway)
        found = [
            AsClient(taking, callers[key], through(taking, self.of_client(callers[key])))
            for key, taking in self.tokens.taken(who).items()
            if key in callers
        ]
        return sorted(found, key=lambda it: -OPENNESS.index(it.access.decision))

    def _made(self, caller: CedarPrincipal | None, let_in_: Inbound) -> ToolAccess:
        behind = self.tokens.behind[self.gateway.arn]
        return call(AccessCheck(self.gateway, self.engine, caller, let_in_, behind), self.tool, self.arguments)

    def lines(self, who: Identity) -> Iterator[str]:
        """What decides about somebody's call."""
        if takes_tokens(self.gateway):
            yield from self._with_token(who)
            return
        found = inbound(self.deployment, self.gateway, who)
        yield from self._signed(who, found)
        if found.access is not Access.DENY:
            yield from self._behind(cedar_principal(self.gateway, who), self.access(who))

    def lines_of_client(self, caller: TokenCaller) -> Iterator[str]:
        """What decides about the call of whoever comes with such tokens."""
        found = let_in(self.deployment, self.gateway, caller)
        jwt = self.gateway.jwt
        reasons = f": {'; '.join(found.reasons)}" if found.reasons else ""
        yield f"inbound: token of {jwt.issuer if jwt else 'an issuer'}: {found.access}{reasons}"
        if found.access is not Access.DENY:
            yield from self._behind(caller.cedar, self.of_client(caller))

    def _signed(self, who: Identity, let_in_: Inbound) -> Iterator[str]:
        if let_in_.decision is None:
            authorizer = self.gateway.authorizer
            yield f"inbound: authorizer {authorizer}: {OPEN.get(authorizer, 'whom it lets in is not judged')}"
            return
        yield f"inbound: IAM {INVOKE_GATEWAY}: {let_in_.decision.outcome}"
        for asked in requests(self.deployment, self.gateway, who):
            yield from (f"  {line}" for line in check_lines(answered(asked)))

    def _with_token(self, who: Identity) -> Iterator[str]:
        ways = self.as_clients(who)
        told = ways[:1] if ways and ways[0].access.decision is not Access.DENY else ways[:_MOST_CLIENTS]
        for it in told:
            hop = it.taking.way.hop
            yield f"as {it.taking.client} by {in_words((hop,))}: {hop.decision}"
            yield from (f"  {line}" for line in hop_lines(hop))
            yield from (f"  not known: {line}" for line in [it.taking.way.why] if line)
            yield from (f"  {line}" for line in self.lines_of_client(it.caller))
        if not told or told[0].access.decision is Access.DENY:
            yield from self._lacking(who, {it.taking.client for it in ways})

    def _lacking(self, who: Identity, been: set[str]) -> Iterator[str]:
        """The clients that may make the call, and what is missing to be one."""
        callers = [it for (_, widened), it in self.tokens.callers(self.gateway).items() if not widened]
        able = [it for it in callers if it.principal not in been and self.of_client(it).decision is not Access.DENY]
        if not able and not been:
            yield "inbound: it may be no client of the issuer, and none may make the call"
        for caller in able[:_MOST_CLIENTS]:
            yield f"{caller.principal} may make the call, and it may not be that client"
            way = self.tokens.takers.nearest(who, caller.principal)
            failing = [it for it in way.hop.checks if it.access is Access.DENY][:1] if way else []
            yield from (f"  {line}" for it in failing for line in check_lines(it))

    def _behind(self, caller: CedarPrincipal | None, access: ToolAccess) -> Iterator[str]:
        """What decides behind the gateway's door."""
        yield from self._intercepted(REQUEST)
        if self.engine is not None:
            yield from _engine(self.engine, self, caller)
            asked = self.tokens.far_side.rights.of_engine(self.gateway)
            if asked and asked.access.decision is not Access.ALLOW:
                yield f"policy engine, asked with the gateway's role: {asked.access.decision}"
                yield from (f"  {line}" for line in hop_lines(asked))
        behind = self.tokens.behind[self.gateway.arn].get(self.tool, ALLOWED)
        if access.decision is not Access.DENY or behind.decision is Access.DENY:
            yield from self._invoked()
        if access.decision is not Access.DENY:
            yield from self._intercepted(RESPONSE)

    def _intercepted(self, point: str) -> Iterator[str]:
        """What the interceptors of a point may do to the call, or to its result."""
        for it in self.gateway.interceptors:
            if point in it.points:
                yield from interceptor_lines(it, point, self.tool)

    def _invoked(self) -> Iterator[str]:
        """The last hop, where the deployment holds the role with which the gateway makes it."""
        role = self.deployment.role(self.gateway.role_arn)
        targets = [it for it in self.deployment.targets_of(self.gateway) if it.name == target_of(self.tool)]
        if role and self.function and targets:
            yield from self._function(role, self.function, targets[0])
        for target in targets:
            yield from self._far_side(target)

    def _function(self, role: Role, function: ToolFunction, target: Target) -> Iterator[str]:
        """How the gateway's role is let in at a function, by its name or, where it signs for that, by its URL."""
        url = url_behind(self.deployment, target)
        if url is None:
            # The target may name an alias, and the role may be granted no more.
            action, hop = INVOKE_FUNCTION, hops.invoke(role, function, target.function_arn or function.arn)
        elif target.sign_in.service == SIGNED_FOR_FUNCTIONS:
            action, hop = INVOKE_FUNCTION_URL, hops.through_url(role, function, url)
        else:
            return
        yield f"function: IAM {action} as {role.name}, the gateway's role: {hop.decision}"
        yield from (f"  {line}" for it in hop.checks for line in check_lines(it))

    def _far_side(self, target: Target) -> Iterator[str]:
        """How the gateway's role is let in at a server, or at a gateway behind this one."""
        far_side, role = self.tokens.far_side, self.deployment.identity(self.gateway.role_arn)
        if hop := far_side.hop(self.gateway, target):
            yield f"server: IAM {INVOKE_RUNTIME} as {role.name}, the gateway's role: {hop.decision}"
            yield from (f"  {line}" for line in hop_lines(hop))
        elif inner := far_side.inner(target):
            behind = self.tokens.behind[self.gateway.arn].get(self.tool, ALLOWED)
            yield f"gateway {inner.id}, behind this one, as {role.name}, the gateway's role: {behind.decision}"
            asked = Call(self.tokens, inner, self.tool.removeprefix(full_name(target.name, "")), self.arguments)
            yield from (f"  {line}" for line in asked.lines(role))
        elif not self.function or not (target.function_arn or url_behind(self.deployment, target)):
            # A function is told of already.
            needed = far_side.rights.of(self.gateway, target, self.tool.removeprefix(full_name(target.name, "")))
            if needed:
                yield f"target: IAM as {role.name}, the gateway's role: {needed.access.decision}"
                yield from (f"  {line}" for line in hop_lines(needed))


_MOST_CLIENTS = 3
"""More clients than this are not told of where none of them may make the call."""


@dataclass(frozen=True)
class AsClient:
    """A call as a client: how somebody is it, the client at the gateway, and what comes of both."""

    taking: Taking
    caller: TokenCaller
    access: ToolAccess


def _engine(engine: ToolEngine, asked: Call, caller: CedarPrincipal | None) -> Iterator[str]:
    if caller is None:
        yield "policy engine: which Cedar principal the caller is, AWS does not say"
        return
    decided = decide_tool(engine, caller, asked.tool, asked.arguments)
    mode = "ENFORCE" if engine.enforce else "LOG_ONLY, which lets every call through; ENFORCE would come to"
    told = decided.logged or decided
    yield f"policy engine ({mode}): {told.outcome}"
    yield from (f"  {line}" for line in _policies(engine, told))
    if told.reason:
        yield f"  because {told.reason}"
    elif told.outcome is Access.DENY and not told.policies:
        yield (
            f'  missing: a Cedar policy that permits {caller.type}::"{caller.id or "*"}"'
            f' the action AgentCore::Action::"{asked.tool}" on AgentCore::Gateway::"{asked.gateway.arn}"'
        )


def _policies(engine: ToolEngine, told: ToolDecision) -> Iterator[str]:
    for policy in engine.policies:
        if policy.name in told.policies:
            condition = f", {policy.condition}" if policy.conditional else ""
            yield f"{policy.effect} in Cedar policy '{policy.name}'{condition}"
