"""SigV4 and IAM in front of everything: what AWS does before a service's own code runs.

Written by hand: the order of checks and the answers' shape. The body of AWS's 403 is `{"message": ...}` and the error's
code stands in `x-amzn-errortype`; the message is the one that callers of InvokeAgentRuntime have published.
"""

import asyncio
import json
import logging
import re
import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from toolgate.access.iam.evaluation import BOUNDARY, IDENTITY, RESOURCE, Decision, IamRequest, Outcome, decide
from toolgate.access.iam.policies import Policy
from toolgate.local.serve.access_log import DENIED, ENTRY, Entry
from toolgate.local.serve.guards.credentials import SessionPrincipal, Sessions
from toolgate.local.serve.guards.sigv4 import Received, SignatureError, claim, verify
from toolgate.policy.language.request_facts import Fact
from toolgate.policy.language.target_rights import Right

log = logging.getLogger(__name__)

PRINCIPAL = "toolgate.principal"
"""Key in the ASGI scope under which a service finds who calls."""
REQUEST_ID = "toolgate.request_id"
"""Key in the ASGI scope under which a service finds the id that the request was given."""
REQUEST_ID_HEADER = b"x-amzn-requestid"
"""On every answer: AWS's SDKs show it as `ResponseMetadata.RequestId`."""

MOST_HELD = 256 * 2**20
"""Bytes of the bodies of all requests together that are held at once: a signature covers a whole body."""

_SMALL = 128 * 1024
_SCOPED_TO = re.compile(rb"Credential=[^/\s]+/[^/\s]+/[^/\s]+/(?P<service>[^/\s]+)/aws4_request")
# A presigned URL has its signature in the query; only to tell the service that refuses it.
_PRESIGNED_FOR = re.compile(rb"X-Amz-Credential=[^&]+%2F(?P<service>[a-z0-9-]+)%2Faws4_request")


class RequestRefused(Exception):  # noqa: N818  # an answer, not a fault
    """A service does not take the request: the answer's status, AWS's error code, the message, further headers."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}


type Refuse = Callable[[Send, int, str, str], Awaitable[None]]
type Admit = Callable[[Received, Entry], Any]
"""Knows who sends a request from its head alone, and notes it in the exchange; it raises RequestRefused."""


def nobody(_head: Received, _entry: Entry) -> None:
    """Lets everybody in."""


async def refuse(send: Send, status: int, code: str, message: str) -> None:
    """Answer with an error as AWS's JSON services write it."""
    body = json.dumps({"message": message}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-amzn-errortype", code.encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@dataclass(frozen=True)
class NeededPermission:
    """An action on a resource that the caller must be allowed.

    Attributes:
        action: `<service>:<Operation>`.
        resource: The resource's ARN.
        facts: The condition keys that the request sets.
        policy_of: The resource whose policy has a say, where it is another one: a bucket's, of its objects.
    """

    action: str
    resource: str
    facts: Mapping[str, Fact] = field(default_factory=dict)
    policy_of: str | None = None

    @classmethod
    def of(cls, right: Right) -> "NeededPermission":
        """What a call of a target needs; `*` where nobody can say on which resource."""
        return cls(right.action, right.resource or "*", right.facts)


@dataclass(frozen=True)
class Service:
    """One service of the local deployment.

    Attributes:
        name: The SigV4 service name that requests to it are scoped to.
        path: Matches the undecoded path of its requests.
        methods: The HTTP methods that it has.
        permissions: What a request needs, from the path's match and the request; all of it must be allowed. It raises
            RequestRefused for what the service does not take.
        app: The service behind the checks.
        max_body: Largest body in bytes; a signature covers the whole body, so it is held in memory.
        refuse: Writes an error in the service's own form: send, status, code, message.
        by_path: Whether the path tells the service. AWS has a host for each, and here all have one: of what is signed
            for nothing, or for something else, only the services with paths of their own can be told.
        record: Told of each exchange just before its answer is complete, or when the caller has left.
        admit: Knows the caller instead of a signature; `permissions` is not asked then.
    """

    name: str
    path: re.Pattern[str]
    methods: frozenset[str]
    permissions: Callable[[re.Match[str], Received], list[NeededPermission]]
    app: ASGIApp
    max_body: int
    refuse: Refuse = refuse
    by_path: bool = True
    record: Callable[[Entry], None] | None = None
    admit: Admit | None = None


@dataclass(frozen=True)
class Authority:
    """What is known of those who sign, and of what may be done.

    Attributes:
        sessions: The credentials in force.
        region: The Region that requests must be signed for.
        resource_policies: Policies of resources by the resources' ARNs.
    """

    sessions: Sessions
    region: str
    resource_policies: Mapping[str, Policy] = field(default_factory=dict)


async def _no_such_operation(_scope: Scope, _receive: Receive, send: Send) -> None:
    text = "The local deployment has no such operation: docs/local.md lists those that it has"
    await refuse(send, 404, "UnknownOperationException", text)


def authorized(services: list[Service], authority: Authority, otherwise: ASGIApp = _no_such_operation) -> ASGIApp:
    """The ASGI app that leads a request to its service, once it is signed by somebody who may make it.

    Args:
        services: The services.
        authority: What is known of those who sign.
        otherwise: Answers what is for none of the services.
    """
    room = _Room(MOST_HELD)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request_id = str(uuid.uuid4())
        found = _service(services, scope)
        entry = Entry(request_id, path=found[1].groupdict() if found else {})
        recorder = _Recorder(entry, found[0].record if found else None, send)
        scope = {**scope, REQUEST_ID: request_id, ENTRY: recorder.entry}
        exchange = _Exchange(scope, receive, recorder.send, room)
        if found is None:
            await otherwise(exchange.scope, exchange.receive, exchange.send)
            return
        try:
            await _serve(*found, exchange, authority)
        finally:
            exchange.close()
            recorder.finish()

    return app


def signed_for(scope: Scope) -> str | None:
    """The SigV4 service name that a request says it is signed for; nobody has checked it."""
    header = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    scoped = _SCOPED_TO.search(header) or _PRESIGNED_FOR.search(scope["query_string"])
    return scoped["service"].decode("latin-1") if scoped else None


def _service(services: list[Service], scope: Scope) -> tuple[Service, re.Match[str]] | None:
    """The service that the request is signed for, else the first one whose path it has."""
    meant = signed_for(scope)
    path = scope["raw_path"].decode("latin-1")
    fitting = [
        (service, match)
        for service in services
        if scope["method"] in service.methods and (match := service.path.fullmatch(path))
    ]
    exact = (found for found in fitting if found[0].name == meant)
    return next(exact, None) or next((found for found in fitting if found[0].by_path), None)


class _Recorder:
    """Passes an answer on, with its id. The exchange is recorded before its answer ends, for who looks it up then."""

    def __init__(self, entry: Entry, record: Callable[[Entry], None] | None, send: Send) -> None:
        self.entry = entry
        self._record = record
        self._send = send
        self._status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            request_id = (REQUEST_ID_HEADER, self.entry.request_id.encode())
            message = {**message, "headers": [*message.get("headers", ()), request_id]}
            self._status = message["status"]
        elif not message.get("more_body"):
            self.finish()
        await self._send(message)

    def finish(self) -> None:
        record, self._record = self._record, None
        if record:
            self.entry.close(self._status)
            record(self.entry)


@dataclass
class _Room:
    """Bytes that the bodies of further requests may take, of all that are under way together."""

    free: int


@dataclass(frozen=True)
class _Exchange:
    scope: Scope
    receive: Receive
    send: Send
    room: _Room
    body: list[bytes] = field(default_factory=list, repr=False)

    async def read(self, most: int) -> bytes:
        """Read the body, which is held until `close`.

        Raises:
            RequestRefused: It has more than `most` bytes, or there is no room for it.
        """
        declared = next((value for name, value in self.scope["headers"] if name == b"content-length"), b"")
        size = int(declared) if declared.isdigit() else 0
        got, more = 0, True
        while more and size <= most:
            message = await self.receive()
            part, more = message.get("body", b""), message.get("more_body", False)
            self.body.append(part)
            self.room.free -= len(part)
            got += len(part)
            size = max(size, got)
            if self.room.free < 0:
                text = "The local deployment holds too many large requests at once. Send it again."
                raise RequestRefused(503, "ServiceUnavailableException", text)
        if size > most:
            raise RequestRefused(413, "ValidationException", f"The request is larger than {most} bytes")
        return b"".join(self.body)

    def close(self) -> None:
        """The exchange is over: there is room for another body."""
        self.room.free += sum(map(len, self.body))


async def _serve(service: Service, match: re.Match[str], exchange: _Exchange, authority: Authority) -> None:
    entry: Entry = exchange.scope[ENTRY]
    try:
        principal = await _admitted(service, match, exchange, authority)
    except RequestRefused as refusal:
        if entry.decision != DENIED:
            entry.deny(by="gateway", effect="deny", reason=str(refusal), code=refusal.code)
        send = with_headers(exchange.send, refusal.headers) if refusal.headers else exchange.send
        await service.refuse(send, refusal.status, refusal.code, str(refusal))
        return
    scope = {**exchange.scope, PRINCIPAL: principal, "path_params": match.groupdict()}
    await service.app(scope, replayed(entry.body, exchange.receive), exchange.send)


async def _admitted(service: Service, match: re.Match[str], exchange: _Exchange, authority: Authority) -> Any:
    """Who sends the request; refused unless that is known, and the sender may make it."""
    entry: Entry = exchange.scope[ENTRY]
    head = received(exchange.scope, b"")
    entry.headers = {name.lower(): value for name, value in head.headers}
    if service.admit:
        caller = service.admit(head, entry)
        entry.body = await exchange.read(service.max_body)
        return caller
    return await _signer(service, match, exchange, authority)


async def _signer(
    service: Service, match: re.Match[str], exchange: _Exchange, authority: Authority
) -> SessionPrincipal:
    """Who signed the request; refused unless it is signed as it must be, and its sender may make it."""
    entry: Entry = exchange.scope[ENTRY]
    head = received(exchange.scope, b"")
    with _told(head, entry):  # before the body is read: whom nobody knows fills no memory
        claimed = claim(head, authority.sessions.key, service=service.name, region=authority.region)
    entry.body = await exchange.read(service.max_body)
    request = replace(head, body=entry.body)
    with _told(request, entry):
        # To hand a small body to a thread takes longer than to hash it.
        small = len(entry.body) <= _SMALL
        key = verify(request, claimed) if small else await asyncio.to_thread(verify, request, claimed)
    principal = authority.sessions.principal(key)
    entry.principal, entry.role = principal.arn, principal.role.arn
    for needed, decision in decisions(principal, service.permissions(match, request), authority.resource_policies):
        why = "" if decision.allowed else _why(decision, needed.action)
        entry.decided(needed.action, decision, why)
        if why:
            refusal = (
                f"User: {principal.arn} is not authorized to perform: {needed.action}"
                f" on resource: {needed.resource} {why}"
            )
            log.info("%s", refusal)
            raise RequestRefused(403, "AccessDeniedException", refusal)
    return principal


@contextmanager
def _told(request: Received, entry: Entry) -> Iterator[None]:
    """Refuse what is not signed as it must be."""
    try:
        yield
    except SignatureError as error:
        log.info("%s %s: %s", request.method, request.path, error)
        entry.deny(by="signature", effect="deny", reason=str(error), code=error.code)
        raise RequestRefused(403, error.code, str(error)) from error


def with_headers(send: Send, headers: Mapping[str, str]) -> Send:
    """What sends an answer with further headers."""
    more = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]

    async def sends(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *more]}
        await send(message)

    return sends


def replayed(body: bytes, receive: Receive) -> Receive:
    """What hands on a body that was read already, whole, and then whatever comes after it."""
    messages: Iterator[Message] = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def replay() -> Message:
        return next(messages, None) or await receive()

    return replay


def received(scope: Scope, body: bytes) -> Received:
    """The request of an ASGI scope with its whole body."""
    return Received(
        method=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]),
        body=body,
    )


def decisions(
    principal: SessionPrincipal, permissions: Iterable[NeededPermission], policies: Mapping[str, Policy]
) -> Iterator[tuple[NeededPermission, Decision]]:
    """What IAM says to each permission of a request that is made now, from this machine.

    Args:
        principal: Who makes it.
        permissions: What it needs.
        policies: Policies of resources by the resources' ARNs.
    """
    now = datetime.now(UTC)
    made: dict[str, Fact] = {
        "aws:SourceIp": "127.0.0.1",
        "aws:CurrentTime": now.isoformat(),
        "aws:EpochTime": str(int(now.timestamp())),
    }
    for needed in permissions:
        facts: dict[str, Fact] = {**made, **needed.facts}
        policy = policies.get(needed.policy_of or needed.resource)
        yield needed, decide(IamRequest(principal.role, needed.action, needed.resource, facts, policy))


# AWS's words, by the kind of a statement and by the sort of policy that is missing.
# Source: IAM user guide, "Troubleshoot access denied error messages".
_DENYING = {
    "identity": "an identity-based policy",
    "boundary": "a permissions boundary",
    "resource": "a resource-based policy",
}
_ALLOWING = {IDENTITY: "identity-based policy", BOUNDARY: "permissions boundary", RESOURCE: "resource-based policy"}


def _why(decision: Decision, action: str) -> str:
    if decision.outcome is Outcome.EXPLICIT_DENY:
        return f"with an explicit deny in {_DENYING[decision.statements[0].kind]}"
    if decision.outcome is Outcome.IMPLICIT_DENY:
        return f"because no {_ALLOWING[decision.missing[0][0]]} allows the {action} action"
    listed = "; ".join(str(statement) for statement in decision.statements) or "a policy whose document is not known"
    return f"because the local deployment cannot decide it: {listed}"
