"""Why somebody may or may not call a tool: hop by hop the statements that decided, and what a denial lacks.

First the call at the gateway, then the call through an agent that may be asked, then every way around the gateway.
Where nothing leads to the tool, each nearest hop tells what it lacks.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from toolgate.access.chain import hops
from toolgate.access.chain.graph import Graph, graph
from toolgate.access.chain.hops import OPENNESS
from toolgate.access.chain.principals import principals
from toolgate.access.chain.ways import Path, in_words, paths, through
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.access.iam.evaluation import Access
from toolgate.access.iam.identities import ANY_CALLER, outsider
from toolgate.access.matrix.access_matrix import token_access, tools_of
from toolgate.access.matrix.principals import Caller, agents
from toolgate.access.matrix.token_access import TokenAccess
from toolgate.access.matrix.tool_access import ToolAccess
from toolgate.access.output.call_lines import Arguments, Call
from toolgate.access.output.witness_lines import hop_lines
from toolgate.access.tokens.callers import TokenCaller


def explain(deployment: Deployment, agent: str, tool: str, arguments: Arguments = None) -> str:
    """Why an agent may or may not call a tool, at every gateway that offers it.

    Args:
        deployment: The deployment.
        agent: The agent's name.
        tool: The tool's full name.
        arguments: The call's arguments; None for a call of which they are not known.

    Raises:
        DeploymentError: There is no such agent or no such tool; the text lists those that there are.
    """
    callers = [caller for caller in agents(deployment) if caller.agent == agent]
    if not callers:
        names = sorted({caller.agent or "" for caller in agents(deployment)})
        raise DeploymentError(f"there is no agent '{agent}'; the deployment has {_listed(names)}")
    return _explained(graph(deployment), callers, tool, arguments)


def explain_principal(deployment: Deployment, principal: str, tool: str, arguments: Arguments = None) -> str:
    """The same of any principal.

    Args:
        deployment: The deployment.
        principal: Its ARN, its name, `*` for anybody, or a client of an issuer by its id or as the matrix names it.
        tool: The tool's full name.
        arguments: The call's arguments; None for a call of which they are not known.

    Raises:
        DeploymentError: There is no such principal or no such tool; the text lists those that there are.
    """
    hops_ = graph(deployment)
    known = list(principals(deployment, hops_.functions, hops_.interceptors))
    found = [caller for caller in known if principal in (caller.identity.arn, caller.identity.name)]
    if not found and principal.startswith("arn:"):
        found = [Caller(outsider(principal))]
    tokens = token_access(deployment)
    clients = _clients(tokens, principal)
    if clients and not found:
        return "\n".join(_of_clients(clients, _calls_of(hops_, tool, arguments)))
    if not found:
        names = sorted({caller.identity.name for caller in known} | {*_every_client(tokens)})
        raise DeploymentError(f"there is no principal '{principal}'; the deployment has {_listed(names)}")
    return _explained(hops_, found, tool, arguments, why_not=True)


def _explained(
    hops_: Graph, callers: Sequence[Caller], tool: str, arguments: Arguments, *, why_not: bool = False
) -> str:
    calls = _calls_of(hops_, tool, arguments)
    elsewhere = list(_same_tool(hops_, calls))
    lines: list[str] = []
    for caller in callers:
        lines += _calls(calls, caller)
        further = [*_through_agents(hops_, calls, caller), *_around(hops_, calls, caller)]
        further += _other_gateways(calls, elsewhere, caller)
        if caller.identity is not ANY_CALLER:
            further += _around(hops_, calls, Caller(ANY_CALLER))
        open_ = further or any(it.access(caller.identity).decision is not Access.DENY for it in calls)
        lines += further if open_ or not why_not else _nearest_agents(calls, caller)
    return "\n".join(lines)


def _calls_of(hops_: Graph, tool: str, arguments: Arguments) -> list[Call]:
    """The call at each gateway that offers the tool.

    Raises:
        DeploymentError: None does.
    """
    deployment = hops_.deployment
    gateways = [gateway for gateway in deployment.gateways if tool in tools_of(deployment, gateway)]
    if not gateways:
        names = sorted({name for gateway in deployment.gateways for name in tools_of(deployment, gateway)})
        raise DeploymentError(f"there is no tool '{tool}'; the deployment has {_listed(names)}")
    functions = {(it.gateway, it.name): function for function in hops_.functions for it in function.tools}
    servers = {(it.gateway, it.name): server for server in hops_.servers for it in server.tools}
    tokens = token_access(deployment)
    return [
        Call(tokens, it, tool, arguments, functions.get((it.arn, tool)), servers.get((it.arn, tool))) for it in gateways
    ]


def _clients(tokens: TokenAccess, principal: str) -> dict[str, TokenCaller]:
    """The client of that name or id, by the gateways' ARNs at which it is known."""
    return {
        gateway.arn: caller
        for gateway in tokens.gateways
        for (name, widened), caller in tokens.callers(gateway).items()
        if not widened and principal in (name, name.removeprefix("client/"))
    }


def _every_client(tokens: TokenAccess) -> list[str]:
    return sorted({name for gateway in tokens.gateways for name, _ in tokens.callers(gateway)})


def _of_clients(clients: Mapping[str, TokenCaller], calls: Sequence[Call]) -> Iterator[str]:
    """What decides about the calls of a client, whoever it is."""
    for it in calls:
        caller = clients.get(it.gateway.arn)
        who = next(iter(clients.values())).principal
        access = it.of_client(caller).decision if caller else Access.DENY
        yield f"{access}: {who} calling {it.tool} at {it.gateway.arn}"
        yield from _indented(
            it.lines_of_client(caller) if caller else ["inbound: it takes none of the client's tokens"]
        )


def _same_tool(found: Graph, calls: Sequence[Call]) -> Iterator[Call]:
    """The calls of what stands behind the tool, by the same name at other gateways, where it has another full name."""
    deployment = found.deployment
    gateways = {gateway.arn: gateway for gateway in deployment.gateways}
    for asked in calls:
        behind = asked.function or asked.server
        tools = behind.tools if behind else ()
        plain = {it.plain for it in tools if it.name == asked.tool}
        for it in tools:
            if it.plain in plain and it.name != asked.tool:
                another = gateways[it.gateway]
                yield Call(asked.tokens, another, it.name, asked.arguments, asked.function, asked.server)


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"


def _told(caller: Caller) -> str:
    if caller.identity is ANY_CALLER:
        return "anybody"
    return f"{caller.agent or caller.identity.name} ({caller.identity.arn})"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _calls(calls: Sequence[Call], caller: Caller) -> Iterator[str]:
    for it in calls:
        yield f"{it.access(caller.identity).decision}: {_told(caller)} calling {it.tool} at {it.gateway.arn}"
        yield from _indented(it.lines(caller.identity))


def _through_agents(found: Graph, calls: Sequence[Call], caller: Caller) -> Iterator[str]:
    """The calls that agents make for whoever may ask them."""
    for hop in found.asks(caller.identity):
        for it in calls:
            yield from _as_another(found, (hop,), it, caller, Access.DENY)


def _as_another(found: Graph, path: Path, asked: Call, caller: Caller, known: Access) -> Iterator[str]:
    """A call at the end of a path, where that lets through more than what is known."""
    role = found.role_after(path[-1])
    access = through(path, asked.access(role))
    if _more(access, known):
        yield f"{access.decision}: {_told(caller)} reaching {asked.tool} at {asked.gateway.arn}: {in_words(path)}"
        yield from _indented(_hops(path))
        yield f"  as {role.name} ({role.arn}):"
        yield from _indented(_indented(asked.lines(role)))


def _around(found: Graph, calls: Sequence[Call], caller: Caller) -> Iterator[str]:
    """Every way around the gateway, the surest and shortest of each sort."""
    asked = {(it.gateway.arn, it.tool) for it in calls}
    behind = {it.arn for it in found.behind if any((tool.gateway, tool.name) in asked for tool in it.tools)}
    called = {it.gateway.arn: it.access(caller.identity).decision for it in calls}
    doors, changes = (
        (found.own_doors(ANY_CALLER), found.changes(ANY_CALLER)) if caller.identity is not ANY_CALLER else ((), ())
    )
    public = {(hop.to, hop.step): hop.decision for hop in doors}
    invoked = max(public.values(), key=OPENNESS.index, default=Access.DENY)
    changed = {(it.gateway, it.arn): hop.decision for it, hop in changes}
    for path in ((), *paths(found, caller.identity)):
        at = found.role_after(path[-1]) if path else caller.identity
        for hop in found.doors(at) if path else found.own_doors(at):
            access = through(path, hop.access)
            known = invoked if path else public.get((hop.to, hop.step), Access.DENY)
            if hop.to in behind and _more(access, known):
                invoked = max(invoked, access.decision, key=OPENNESS.index)
                yield f"{access.decision}: {_told(caller)} reaching {hop.to}: {in_words((*path, hop))}"
                yield from _indented(_hops((*path, hop)))
        yield from _changes(found, calls, (caller, path), changed)
        for it in calls if path else ():
            lines = list(_as_another(found, path, it, caller, called[it.gateway.arn]))
            if lines:
                called[it.gateway.arn] = through(path, it.access(at)).decision
                yield from lines


def _changes(
    found: Graph, calls: Sequence[Call], who: tuple[Caller, Path], known: dict[tuple[str, str], Access]
) -> Iterator[str]:
    """The interceptors of the calls' gateways that somebody may change, at the end of a path.

    Args:
        found: The hops.
        calls: The calls.
        who: Who, and by which path as whom.
        known: What was told of each gateway and function before; what is told is added.
    """
    caller, path = who
    tools = {it.gateway.arn: it.tool for it in calls}
    for function, hop in found.changes(found.role_after(path[-1]) if path else caller.identity):
        access, key = through(path, hop.access), (function.gateway, function.arn)
        if function.gateway in tools and _more(access, known.get(key, Access.DENY)):
            known[key] = access.decision
            decides = f"deciding on calls of {tools[function.gateway]} at {function.gateway}"
            yield f"{access.decision}: {_told(caller)} {decides}: {in_words((*path, hop))}"
            yield from _indented(_hops((*path, hop)))


def _other_gateways(calls: Sequence[Call], further: Sequence[Call], caller: Caller) -> Iterator[str]:
    """The same tool of the same function at gateways that let the caller do more."""
    known = max((it.access(caller.identity).decision for it in calls), key=OPENNESS.index)
    for it in further:
        access = it.access(caller.identity)
        if _more(access, known):
            yield f"{access.decision}: {_told(caller)} calling {it.tool}, the same tool, at {it.gateway.arn}"
            yield from _indented(it.lines(caller.identity))


def _nearest_agents(calls: Sequence[Call], caller: Caller) -> Iterator[str]:
    """What it takes to ask an agent that may make the call: the hop that fails, next to the call itself."""
    for it in calls:
        for runtime in it.deployment.agents:
            role = it.deployment.identity(runtime.role_arn)
            if not runtime.jwt and role.arn != caller.identity.arn and _more(it.access(role), Access.DENY):
                hop = hops.ask(it.deployment, caller.identity, runtime)
                yield f"{hop.decision}: {_told(caller)} asks agent {runtime.agent}, which may call {it.tool}"
                yield from _indented(hop_lines(hop))


def _hops(path: Path) -> Iterator[str]:
    for hop in path:
        yield f"{in_words((hop,))}: {hop.decision}"
        yield from _indented(hop_lines(hop))


def _more(access: ToolAccess, known: Access) -> bool:
    return OPENNESS.index(access.decision) > OPENNESS.index(known)
