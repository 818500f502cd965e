"""All hops that one principal can make in a deployment, decided only where some statement concerns both ends.

Statements that name their resources one by one are looked up, so that pairs which no statement concerns cost nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from toolgate.access.chain import hops
from toolgate.access.chain.hops import Hop, Step
from toolgate.access.chain.interceptor_functions import CHANGES, InterceptorFunction, interceptor_functions
from toolgate.access.chain.tool_functions import ToolFunction, tool_functions
from toolgate.access.chain.tool_secrets import ToolSecret, ToolSecrets
from toolgate.access.chain.tool_servers import ToolServer, tool_servers
from toolgate.access.deployment.agentcore_resources import Runtime
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.roles import Role
from toolgate.access.iam.evaluation import Access
from toolgate.access.iam.identities import ANY_CALLER, Identity, outsider
from toolgate.access.iam.policies import UNREAD, Policy
from toolgate.access.matrix.role_takers import RoleTaker, role_takers
from toolgate.policy.language.agentcore_facts import (
    ASK_RUNTIME,
    ASSUME_ROLE,
    GET_SECRET,
    INVOKE_FUNCTION,
    INVOKE_FUNCTION_URL,
    RUN_COMMANDS,
    entity_id,
)
from toolgate.policy.language.arns import account_in, account_of
from toolgate.policy.language.documents import Statement
from toolgate.policy.language.principals import Named, aws_principals, is_account, named


@dataclass(frozen=True)
class Things[T]:
    """What an action can be done to: things by the ARN that IAM is asked for, and their own policies by that ARN."""

    action: str
    by_arn: Mapping[str, T]
    policies: Mapping[str, Policy]

    def concerning(self, caller: Identity) -> Iterator[T]:
        """Those to which a statement may let the caller; all others are denied."""
        granted = [policy.granted(self.action) for policy in caller.policies]
        starts = tuple(start for _, of_policy in granted for start in of_policy)
        keys = (_ANY, caller.account, entity_id(caller.arn), caller.arn)
        opened = {arn for key in keys for arn in self._opened.get(key, ())}
        found = {arn for arn in opened if self._names(self.policies[arn], arn, caller)}
        found |= {arn for names, _ in granted for arn in names & self.by_arn.keys()}
        found |= {arn for arn in self.by_arn if arn.startswith(starts)} if starts else set()
        yield from (self.by_arn[arn] for arn in self.by_arn if arn in found)

    @cached_property
    def _opened(self) -> Mapping[str, list[str]]:
        """Those whose own policy names somebody other than services, or may do so, by whom it names."""
        found: dict[str, list[str]] = {}
        for arn in self.by_arn.keys() & self.policies.keys():
            statements = self.policies[arn].concerning(self.action)
            unread = [_ANY] if self.policies[arn] is UNREAD else []
            for key in dict.fromkeys([*unread, *(key for statement in statements for key in _named_keys(statement))]):
                found.setdefault(key, []).append(arn)
        return found

    def _names(self, policy: Policy, arn: str, caller: Identity) -> bool:
        """Whether it names the caller; its account does not count where the caller's own policies have to allow.

        For all whom a policy may name that was not read, anybody stands.
        """
        if policy is UNREAD:
            return caller is ANY_CALLER
        who = None if caller is ANY_CALLER else caller.arn
        ways = {named(s, who) for s in policy.concerning(self.action)} - {None}
        return bool(ways - {Named.ACCOUNT}) or (bool(ways) and account_in(arn) != caller.account)


_ANY = "*"


def _named_keys(statement: Statement) -> Iterator[str]:
    """By what a caller whom the statement may name is looked up: its ARN, its role's sessions, its account, or any."""
    if statement.everybody_but:
        yield _ANY
    for principal in aws_principals(statement):
        if is_account(principal):
            yield account_of(principal)
        else:
            yield entity_id(principal) if principal.startswith("arn:") else _ANY


@dataclass(frozen=True)
class Graph:
    """The hops of a deployment; those of each principal are decided once."""

    deployment: Deployment
    functions: tuple[ToolFunction, ...]
    interceptors: tuple[InterceptorFunction, ...] = ()
    servers: tuple[ToolServer, ...] = ()
    secrets: tuple[ToolSecret, ...] = ()
    _taken: dict[str, tuple[Hop, ...]] = field(default_factory=dict)
    _doors: dict[str, tuple[Hop, ...]] = field(default_factory=dict)

    @property
    def behind(self) -> tuple[ToolFunction | ToolServer | ToolSecret, ...]:
        """What stands behind tools, and what opens it."""
        return (*self.functions, *self.servers, *self.secrets)

    def asks(self, caller: Identity) -> Iterator[Hop]:
        """The agents that the caller may send a question to, and the servers behind no gateway."""
        behind = {server.arn for server in self.servers}
        yield from (hop for hop in self._decided(caller, self._asked, hops.ask) if hop.to not in behind)

    def commands(self, caller: Identity) -> Iterator[Hop]:
        """The agents in which the caller may run commands."""
        yield from (hop for hop in self.taken(caller) if hop.step is Step.COMMANDS)

    def taken(self, caller: Identity) -> tuple[Hop, ...]:
        """The roles that the caller may act as: by assuming one, or by commands in an agent or server that has it."""
        if caller.arn not in self._taken:
            self._taken[caller.arn] = (
                *self._assumed(caller),
                *self._decided(caller, self._commanded, hops.commands),
            )
        return self._taken[caller.arn]

    def doors(self, caller: Identity) -> tuple[Hop, ...]:
        """The functions, servers and secrets of tools that the caller may reach past every gateway."""
        if caller.arn not in self._doors:
            found = (self._invoked, self._urls, self._called, self._read)
            self._doors[caller.arn] = tuple(hop for doors in found for hop in doors(caller))
        return self._doors[caller.arn]

    def own_doors(self, caller: Identity) -> Iterator[Hop]:
        """The same but for what the caller has to invoke or read as a gateway; whoever acts as it has not."""
        for hop in self.doors(caller):
            needed = self._url_callers if hop.step is Step.URL else self._callers
            if hop.step is Step.SHELL or caller.arn not in needed[hop.to]:
                yield hop

    def changes(self, caller: Identity) -> Iterator[tuple[InterceptorFunction, Hop]]:
        """The functions of interceptors that the caller may change, each by the surest way."""
        found: dict[str, tuple[InterceptorFunction, list[Hop]]] = {}
        for things in self._changed:
            for it in (function for functions in things.concerning(caller) for function in functions):
                found.setdefault(it.name, (it, []))[1].append(hops.change(caller, it, things.action))
        for function, ways in found.values():
            yield from ((function, hop) for hop in _open([hops.widest(ways)]))

    def tools_of(self, arn: str) -> tuple[str, ...]:
        """The full names of the tools that a function or a server stands behind, or that a secret opens."""
        return self._tools[arn]

    def role_after(self, hop: Hop) -> Identity:
        """Whom somebody acts as who made the hop to a role or to an agent."""
        runtime = self._runtimes.get(hop.to)
        arn = runtime.role_arn if runtime else hop.to
        return self._identities.get(arn) or outsider(arn)

    def _decided[T: Runtime | ToolServer](
        self, caller: Identity, things: tuple[Things[T], ...], decided: Callable[[Deployment, Identity, T], Hop]
    ) -> Iterator[Hop]:
        concerned = {it.arn: it for of_action in things for it in of_action.concerning(caller)}
        yield from _open(decided(self.deployment, caller, it) for it in concerned.values())

    def _assumed(self, caller: Identity) -> Iterator[Hop]:
        roles = [role for role in self._roles.concerning(caller) if role.arn != caller.arn]
        yield from _open(hops.assume(caller, role, self._roles.policies[role.arn]) for role in roles)
        yield from (hops.assume_with_token(taker) for taker in self._by_token if taker.principal == caller.principal)

    def _invoked(self, caller: Identity) -> Iterator[Hop]:
        found: dict[str, list[Hop]] = {}
        for function, way_in in self._ways_in.concerning(caller):
            found.setdefault(function.arn, []).append(hops.invoke(caller, function, way_in))
        yield from _open(hops.widest(ways) for ways in found.values())

    def _urls(self, caller: Identity) -> Iterator[Hop]:
        for function in self._with_url.concerning(caller):
            # A URL that asks nobody who they are is open to whoever it is open to at all.
            urls = [url for url in function.urls if not url.public or caller is ANY_CALLER]
            if urls:
                yield from _open([hops.widest([hops.through_url(caller, function, url) for url in urls])])

    def _called(self, caller: Identity) -> Iterator[Hop]:
        """Servers, by a call and by commands in their machines."""
        for decided, things in ((hops.call_server, self._served), (hops.shell, self._shelled)):
            yield from self._decided(caller, things, decided)

    def _read(self, caller: Identity) -> Iterator[Hop]:
        yield from _open(hops.read_secret(caller, secret) for secret in self._kept.concerning(caller))

    @cached_property
    def _tools(self) -> Mapping[str, tuple[str, ...]]:
        return {it.arn: tuple(dict.fromkeys(tool.name for tool in it.tools)) for it in self.behind}

    @cached_property
    def _url_callers(self) -> Mapping[str, frozenset[str]]:
        return {it.arn: it.url_callers for it in self.functions}

    @cached_property
    def _callers(self) -> Mapping[str, frozenset[str]]:
        return {it.arn: it.callers for it in self.behind}

    @cached_property
    def _identities(self) -> Mapping[str, Identity]:
        return {it.arn: it for it in (*self.deployment.given, *self.deployment.roles)}

    @cached_property
    def _runtimes(self) -> Mapping[str, Runtime]:
        return {runtime.arn: runtime for runtime in self.deployment.runtimes}

    @cached_property
    def _asked(self) -> tuple[Things[Runtime], ...]:
        return self._signed(ASK_RUNTIME)

    @cached_property
    def _commanded(self) -> tuple[Things[Runtime], ...]:
        return self._signed(RUN_COMMANDS)

    @cached_property
    def _served(self) -> tuple[Things[ToolServer], ...]:
        return self._things(ASK_RUNTIME, self._signed_servers)

    @cached_property
    def _shelled(self) -> tuple[Things[ToolServer], ...]:
        return self._things(RUN_COMMANDS, self._signed_servers)

    @cached_property
    def _signed_servers(self) -> Mapping[str, ToolServer]:
        return {it.arn: it for it in self.servers if it.runtime is None or not it.runtime.jwt}

    def _signed(self, actions: tuple[str, ...]) -> tuple[Things[Runtime], ...]:
        signed = {arn: runtime for arn, runtime in self._runtimes.items() if not runtime.jwt}
        return self._things(actions, signed)

    def _things[T](self, actions: tuple[str, ...], by_arn: Mapping[str, T]) -> tuple[Things[T], ...]:
        return tuple(Things(action, by_arn, self.deployment.resource_policies) for action in actions)

    @property
    def token_holders(self) -> tuple[Identity, ...]:
        """Who may take a role with a token that not everybody gets, by identity provider."""
        return tuple({it.principal: it.caller for it in self._by_token if it.principal != ANY_CALLER.name}.values())

    @cached_property
    def _by_token(self) -> tuple[RoleTaker, ...]:
        return tuple(taker for taker in role_takers(self.deployment) if taker.action != ASSUME_ROLE)

    @cached_property
    def _roles(self) -> Things[Role]:
        trusts = {role.arn: role.trust_policy for role in self.deployment.roles}
        return Things(ASSUME_ROLE, {role.arn: role for role in self.deployment.roles}, trusts)

    @cached_property
    def _ways_in(self) -> Things[tuple[ToolFunction, str]]:
        ways = {way_in: (function, way_in) for function in self.functions for way_in in function.ways_in}
        functions = {function.arn: function for function in self.functions}
        identities = (*self.deployment.roles, *self.deployment.users, *self.deployment.given)
        granted = [policy.granted(INVOKE_FUNCTION) for who in identities for policy in who.policies]
        for way_in in sorted({it for names, starts in granted for it in names | starts}):
            arn, _, qualifier = way_in.rpartition(":")
            if qualifier and arn in functions:  # an alias that may have been made elsewhere
                ways.setdefault(way_in, (functions[arn], way_in))
        policies = {arn: function.policy for arn, (function, _) in ways.items() if function.policy}
        return Things(INVOKE_FUNCTION, ways, policies)

    @cached_property
    def _changed(self) -> tuple[Things[list[InterceptorFunction]], ...]:
        by_arn: dict[str, list[InterceptorFunction]] = {}
        for it in self.interceptors:
            by_arn.setdefault(it.arn, []).append(it)
        policies = {it.arn: it.policy for it in self.interceptors if it.policy}
        return tuple(Things(action, by_arn, policies) for action in CHANGES) if by_arn else ()

    @cached_property
    def _kept(self) -> Things[ToolSecret]:
        policies = {it.arn: it.policy for it in self.secrets if it.policy}
        return Things(GET_SECRET, {it.arn: it for it in self.secrets}, policies)

    @cached_property
    def _with_url(self) -> Things[ToolFunction]:
        doors = {url.function.qualified(it.arn): it for it in self.functions for url in it.urls}
        policies = {arn: function.policy for arn, function in doors.items() if function.policy}
        return Things(INVOKE_FUNCTION_URL, doors, policies)


def graph(deployment: Deployment) -> Graph:
    """The graph of a deployment."""
    return Graph(
        deployment,
        tool_functions(deployment),
        interceptor_functions(deployment),
        tool_servers(deployment),
        ToolSecrets(deployment).known,
    )


def _open(found: Iterator[Hop] | list[Hop]) -> Iterator[Hop]:
    return (hop for hop in found if hop.decision is not Access.DENY)
