"""InvokeAgentRuntime and StopRuntimeSession in front of the processes of agents and MCP servers.

Of a server an invocation is one message of MCP, which goes to its `/mcp`. Its session is that of the header
Mcp-Session-Id; where a request has none AgentCore makes one, and tells it in the answer (AgentCore developer guide,
"MCP protocol contract"). The guide has the made one told to servers without sessions, too: here a server is told none,
since one that keeps sessions would refuse it.

Written by hand: all of it. What the service does with an agent's answer was seen live by others: anything but a 2xx
becomes a RuntimeClientError (424) that names the status, and the agent's own body is dropped.
Source: botocore bedrock-agentcore, operations InvokeAgentRuntime and StopRuntimeSession.
"""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from toolgate.access.deployment.agentcore_resources import Runtime
from toolgate.local.serve.agents.agent_process import START_SECONDS, AgentProcess, AgentStartError
from toolgate.local.serve.agents.invoke_headers import misfit
from toolgate.local.serve.agents.runtime_sessions import (
    RuntimeSessions,
    SessionEnded,
    TooManyProcessesError,
    Use,
    unless,
)
from toolgate.local.serve.guards.iam_guard import REQUEST_ID, NeededPermission, refuse
from toolgate.local.serve.guards.sigv4 import Received
from toolgate.policy.language.agentcore_facts import INVOKE_RUNTIME, INVOKE_RUNTIME_FOR_USER, STOP_RUNTIME_SESSION

PATH = re.compile(r"/runtimes/(?P<runtime>arn(?::|%3A)[^/]+)/(?P<operation>invocations|stopruntimesession)")
MAX_BODY = 100 * 2**20

_STOP = "stopruntimesession"
SESSION = "x-amzn-bedrock-agentcore-runtime-session-id"
_REQUEST = "x-amzn-bedrock-agentcore-runtime-request-id"  # bedrock-agentcore's SDK reads it
_USER = "x-amzn-bedrock-agentcore-runtime-user-id"
_MCP_SESSION = "mcp-session-id"
_FORWARDED = ("content-type", "accept", "traceparent", "tracestate", "baggage", "x-amzn-trace-id", _USER)
_OF_MCP = (_MCP_SESSION, "mcp-protocol-version", "mcp-method", "mcp-name")  # members of InvokeAgentRuntime in botocore
_PATHS = {"HTTP": "/invocations", "MCP": "/mcp"}  # the contracts' of the protocols
_DYING_SECONDS = 1.0
_KEPT_SECONDS = 2.0  # of a connection without a request: uvicorn, which most servers are served by, ends it after 5
_TIMEOUT = httpx.Timeout(30.0, read=15 * 60.0)  # AgentCore quotas: a synchronous request takes at most 15 minutes


def permissions(match: re.Match[str], request: Received) -> list[NeededPermission]:
    """What a request needs: the action on the runtime and on the endpoint that it names.

    Source: https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/resource-based-policies.html, and the Service
    Authorization Reference, "Amazon Bedrock AgentCore"
    """
    arn = unquote(match["runtime"])
    actions = [INVOKE_RUNTIME, *([INVOKE_RUNTIME_FOR_USER] if request.header(_USER) else [])]
    if match["operation"] == _STOP:
        actions = [STOP_RUNTIME_SESSION]
    return [
        NeededPermission(action, resource)
        for action in actions
        for resource in (arn, f"{arn}/runtime-endpoint/{_qualifier(request.query)}")
    ]


def _qualifier(query: str) -> str:
    return parse_qs(query).get("qualifier", ["DEFAULT"])[0]


@dataclass
class Connections:
    """Clients of the processes, by their sockets; those of servers keep their connections, as many calls are short."""

    _kept: dict[str, httpx.AsyncClient] = field(default_factory=dict)

    @asynccontextmanager
    async def client(self, agent: AgentProcess) -> AsyncIterator[httpx.AsyncClient]:
        """The client of a process."""
        if agent.program.protocol == "MCP":
            if agent.socket not in self._kept:
                self._kept[agent.socket] = _client(agent.socket)
            yield self._kept[agent.socket]
            return
        async with _client(agent.socket) as client:
            yield client

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._kept.values():
            await client.aclose()
        self._kept.clear()


def _client(path: str) -> httpx.AsyncClient:
    limits = httpx.Limits(keepalive_expiry=_KEPT_SECONDS)
    transport = httpx.AsyncHTTPTransport(uds=path, verify=False, limits=limits)
    return httpx.AsyncClient(timeout=_TIMEOUT, transport=transport, trust_env=False)


def runtime_app(
    runtimes: Mapping[str, RuntimeSessions[AgentProcess]], connections: Connections | None = None
) -> ASGIApp:
    """The operations, behind whatever checks the caller.

    Args:
        runtimes: The runtimes' sessions by the runtimes' ARNs.
        connections: Clients of their processes; whoever gives them closes them.
    """
    clients = connections or Connections()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request, reply = Request(scope, receive), _Reply(scope, receive, send)
        arn = unquote(scope["path_params"]["runtime"])
        qualifier = _qualifier(scope["query_string"].decode("latin-1"))
        stops = scope["path_params"]["operation"] == _STOP
        mcp_session = request.headers.get(_MCP_SESSION)
        session = request.headers.get(SESSION) or mcp_session or ("" if stops else str(uuid.uuid4()))
        operation = "StopRuntimeSession" if stops else "InvokeAgentRuntime"
        if arn not in runtimes:
            await refuse(send, 404, _NOT_FOUND, "No such runtime in the local deployment")
        elif qualifier != "DEFAULT":
            await refuse(send, 404, _NOT_FOUND, f"No endpoint or agent found with qualifier '{qualifier}'")
        elif wrong := misfit(operation, ({} if mcp_session else {SESSION: session}) | dict(request.headers)):
            await refuse(send, 400, "ValidationException", wrong)
        elif not stops:
            await _invoke(_Runtime(runtimes[arn], clients), session, request, reply)
        elif runtimes[arn].end(session):
            await JSONResponse({}, headers={SESSION: session})(scope, receive, send)
        else:
            await refuse(send, 404, _NOT_FOUND, f"No session '{session}' is in use: it was never, or it has ended")

    return app


_NOT_FOUND = "ResourceNotFoundException"
_FAILED = "RuntimeClientError"


@dataclass(frozen=True)
class _Reply:
    scope: Scope
    receive: Receive
    send: Send


@dataclass(frozen=True)
class _Runtime:
    """The sessions of a runtime, and the clients of its processes."""

    sessions: RuntimeSessions[AgentProcess]
    clients: Connections


async def _invoke(runtime: _Runtime, session: str, request: Request, reply: _Reply) -> None:
    forwarded = {name: request.headers[name] for name in (*_FORWARDED, *_OF_MCP) if name in request.headers}
    forwarded |= {SESSION: session, _REQUEST: reply.scope[REQUEST_ID]}
    headers = [(name.encode(), value.encode()) for name, value in forwarded.items()]
    try:
        use = runtime.sessions.use(session)
        await use.unless_ended(use.ready())
        await _ask(use, headers, await request.body(), _OfRuntime(reply, runtime))
    except TooManyProcessesError as error:
        await refuse(reply.send, 429, "ThrottlingException", str(error))
    except AgentStartError:
        seconds = f"{START_SECONDS:.0f}s"
        text = f"Runtime initialization time exceeded. Please make sure that initialization completes in {seconds}."
        await refuse(reply.send, 424, _FAILED, text)
    except SessionEnded as ended:
        await refuse(reply.send, 424, _FAILED, f"The session has ended: {ended}")


type _Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class _OfRuntime:
    """A reply, and the runtime that it comes from."""

    reply: _Reply
    runtime: _Runtime


async def _ask(use: Use[AgentProcess], headers: _Headers, body: bytes, to: _OfRuntime) -> None:
    """Pass a request on to the session's process, and its answer back."""
    agent, reply = use.process, to.reply
    async with to.runtime.clients.client(agent) as client:
        try:
            answer = await use.unless_ended(
                unless(_left(reply.receive), _sent(client, agent, headers, body), _CallerLeft)
            )
        except _CallerLeft:
            return  # the agent hears it by its connection; that AWS does so, nobody has seen (test_caller_that_leaves)
        except httpx.HTTPError:
            # It may be dying, and its socket still open for a moment: the next request must not go there.
            await asyncio.to_thread(agent.ended_within, _DYING_SECONDS)
            await refuse(reply.send, 424, _FAILED, _received(502))
        else:
            if answer.is_success:
                await _pass_on(answer, use, to)
            else:
                await refuse(reply.send, 424, _FAILED, _received(answer.status_code))


class _CallerLeft(Exception):  # noqa: N818  # what happened, not a fault
    """Nobody waits for the answer any more."""


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _sent(client: httpx.AsyncClient, agent: AgentProcess, headers: _Headers, body: bytes) -> httpx.Response:
    try:
        return await client.send(_invocation(client, agent, headers, body), stream=True)
    except httpx.ConnectError:  # the agent has died: like the service, which would start another microVM
        await asyncio.to_thread(agent.revive)
        return await client.send(_invocation(client, agent, headers, body), stream=True)


def _invocation(client: httpx.AsyncClient, agent: AgentProcess, headers: _Headers, body: bytes) -> httpx.Request:
    # Servers of MCP look at Host, and want the port in it.
    url = f"http://127.0.0.1:{agent.program.port}{_PATHS[agent.program.protocol]}"
    return client.build_request("POST", url, headers=headers, content=body)


def _received(status: int) -> str:
    return f"Received error ({status}) from runtime. Please check your CloudWatch logs for more information."


async def _pass_on(answer: httpx.Response, use: Use[AgentProcess], to: _OfRuntime) -> None:
    async def body() -> AsyncIterator[bytes]:
        pieces = answer.aiter_raw()
        with suppress(StopAsyncIteration, SessionEnded):
            while True:
                yield await use.unless_ended(anext(pieces))

    answer.headers.encoding = "latin-1"  # a byte a character, which go on as they came
    headers = {"content-type": answer.headers.get("content-type", "application/octet-stream"), SESSION: use.id}
    if use.process.program.protocol == "MCP":
        headers[_MCP_SESSION] = answer.headers.get(_MCP_SESSION, use.id)
        to.runtime.sessions.join(use, headers[_MCP_SESSION])
    reply = to.reply
    await StreamingResponse(body(), answer.status_code, headers)(reply.scope, reply.receive, reply.send)


def environment(runtime: Runtime, urls: Mapping[str, str]) -> dict[str, str]:
    """The runtime's variables with every gateway URL replaced by the local one.

    Args:
        runtime: The runtime.
        urls: The deployment's gateway URLs and the local ones.
    """
    changed = dict(runtime.environment)
    for there, here in urls.items():
        changed = {name: value.replace(there, here) for name, value in changed.items()}
    return changed
