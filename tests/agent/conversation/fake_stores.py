"""S3 and AgentCore Memory's data plane on loopback: what the agent's memories call, no more, and misbehaving on demand.

Both write down the IAM actions that AWS would ask for, each with its resource and the condition keys that it has then.
"""

import asyncio
import base64
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.agent.loopback import Loopback

DENIED = "User: arn:aws:sts::123456789012:assumed-role/agent/s is not authorized to perform: {} on resource: {}"


@dataclass
class Call:
    """One call: the action, its resource, and the condition keys."""

    action: str
    resource: str
    conditions: dict[str, str] = field(default_factory=dict)


class Store:
    """What both have."""

    def __init__(self, routes: list[Route]) -> None:
        self.server = Loopback(Starlette(routes=routes))
        self.lock = threading.Lock()
        self.reset()

    @property
    def url(self) -> str:
        return self.server.url

    def reset(self) -> None:
        self.calls: list[Call] = []
        self.faults: dict[str, int] = {}
        self.denied: set[str] = set()
        self.reached = threading.Event()
        self.free = threading.Event()
        self.free.set()
        self.unsigned = 0

    def fail(self, action: str, status: int = 503) -> None:
        """Answer this action with that status, until `heal`."""
        self.faults[action] = status

    def heal(self) -> None:
        self.faults.clear()
        self.denied.clear()

    def actions(self) -> set[str]:
        return {call.action for call in self.calls}

    def note(self, request: Request, service: str, call: Call) -> None:
        scope = f"/us-east-1/{service}/aws4_request"
        self.unsigned += scope not in request.headers.get("authorization", "")
        with self.lock:
            self.calls.append(call)


class FakeBucket(Store):
    """S3 with one bucket, `conversations`; a page of a list has two keys."""

    def __init__(self) -> None:
        super().__init__(
            [
                Route("/{bucket}", self._list, methods=["GET"]),
                Route("/{bucket}/{key:path}", self._get, methods=["GET", "HEAD"]),
                Route("/{bucket}/{key:path}", self._put, methods=["PUT"]),
            ]
        )

    def reset(self) -> None:
        super().reset()
        self.objects: dict[str, bytes] = {}

    def _refused(self, request: Request, call: Call) -> Response | None:
        self.note(request, "s3", call)
        if call.action in self.denied:
            return _xml(403, "AccessDenied", DENIED.format(call.action, f'"{call.resource}" because no policy allows'))
        if status := self.faults.get(call.action):
            return _xml(status, "SlowDown" if status >= 500 else "InvalidRequest", "hunter2")
        if request.path_params["bucket"] != "conversations":
            return _xml(404, "NoSuchBucket", "The specified bucket does not exist")
        return None

    async def _list(self, request: Request) -> Response:
        prefix = request.query_params["prefix"]
        call = Call("s3:ListBucket", f"arn:aws:s3:::{request.path_params['bucket']}", {"s3:prefix": prefix})
        if refused := self._refused(request, call):
            return refused
        after = request.query_params.get("continuation-token", "")
        keys = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        page, more = keys[:2], len(keys) > 2
        found = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.objects[key])}</Size></Contents>" for key in page
        )
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        truncated = f"<IsTruncated>{str(more).lower()}</IsTruncated>"
        body = f"<ListBucketResult><KeyCount>{len(page)}</KeyCount>{truncated}{found}{token}</ListBucketResult>"
        return Response(body, media_type="application/xml")

    async def _get(self, request: Request) -> Response:
        key = request.path_params["key"]
        call = Call("s3:GetObject", f"arn:aws:s3:::{request.path_params['bucket']}/{key}")
        if refused := self._refused(request, call):
            return refused
        if key not in self.objects:
            return _xml(404, "NoSuchKey", "The specified key does not exist.")
        return Response(self.objects[key], media_type="application/json")

    async def _put(self, request: Request) -> Response:
        key = request.path_params["key"]
        body = await request.body()
        call = Call("s3:PutObject", f"arn:aws:s3:::{request.path_params['bucket']}/{key}")
        if refused := self._refused(request, call):
            return refused
        self.reached.set()
        await _until(self.free)
        if f"s3:PutObject {key.rpartition('/')[2]}" in self.faults:
            return _xml(503, "SlowDown", "hunter2")
        self.objects[key] = body
        return Response()


class FakeEvents(Store):
    """AgentCore Memory: events newest first, at most three a page, and an empty page before the last ones."""

    def __init__(self) -> None:
        memory = "/memories/{memory}"
        super().__init__(
            [
                Route(memory + "/events", self._create, methods=["POST"]),
                Route(memory + "/actor/{actor}/sessions/{session}", self._list, methods=["POST"]),
                Route(memory + "/retrieve", self._retrieve, methods=["POST"]),
            ]
        )

    def reset(self) -> None:
        super().reset()
        self.events: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        self.records: dict[str, list[str]] = {}
        self.tokens: set[str] = set()
        self._numbers = count()

    def _refused(self, request: Request, action: str, **conditions: str) -> Response | None:
        memory = request.path_params["memory"]
        call = Call(
            f"bedrock-agentcore:{action}",
            f"arn:aws:bedrock-agentcore:us-east-1:123456789012:memory/{memory}",
            {f"bedrock-agentcore:{key}": value for key, value in conditions.items()},
        )
        self.note(request, "bedrock-agentcore", call)
        if call.action in self.denied:
            return _json(403, "AccessDeniedException", DENIED.format(call.action, call.resource))
        if status := self.faults.get(call.action):
            return _json(status, "ServiceException" if status >= 500 else "ValidationException", "hunter2")
        if memory != MEMORY_ID:
            return _json(404, "ResourceNotFoundException", "Memory not found")
        return None

    async def _create(self, request: Request) -> Response:
        body = await request.json()
        whose = {"actorId": body["actorId"], "sessionId": body["sessionId"]}
        if refused := self._refused(request, "CreateEvent", **whose):
            return refused
        self.reached.set()
        await _until(self.free)
        number = next(self._numbers)
        event = {
            "memoryId": MEMORY_ID,
            **whose,
            "eventId": f"{round(body['eventTimestamp'] * 1000):019}#{number:08x}",
            "eventTimestamp": body["eventTimestamp"],
            "payload": body["payload"],
        }
        if body["clientToken"] not in self.tokens:
            self.tokens.add(body["clientToken"])
            self.events[whose["actorId"], whose["sessionId"]].append(event)
        return JSONResponse({"event": event}, 201)

    async def _list(self, request: Request) -> Response:
        body = await request.json() if await request.body() else {}
        actor, session = unquote(request.path_params["actor"]), request.path_params["session"]
        if refused := self._refused(request, "ListEvents", actorId=actor, sessionId=session):
            return refused
        newest = sorted(self.events[actor, session], key=lambda event: event["eventId"], reverse=True)
        start = int(base64.b64decode(body["nextToken"])) if "nextToken" in body else 0
        page = [] if start == 3 and self._empty(body) else newest[start : start + min(3, body["maxResults"])]
        token = {}
        if start + len(page) < len(newest):
            token = {"nextToken": base64.b64encode(str(start + len(page)).encode()).decode()}
        return JSONResponse({"events": page, **token})

    def _empty(self, body: dict[str, Any]) -> bool:
        """Whether this page stays empty: the first time that it is asked for."""
        fresh = body["nextToken"] not in self.tokens
        self.tokens.add(body["nextToken"])
        return fresh

    async def _retrieve(self, request: Request) -> Response:
        body = await request.json()
        if refused := self._refused(request, "RetrieveMemoryRecords", namespacePath=body["namespacePath"]):
            return refused
        summaries = [
            {
                "memoryRecordId": "mem-" + "0" * 40,
                "content": {"text": text},
                "memoryStrategyId": "facts-0123456789",
                "namespaces": [body["namespacePath"]],
                "createdAt": time.time(),
            }
            for text in self.records.get(body["namespacePath"], [])
        ]
        return JSONResponse({"memoryRecordSummaries": summaries[: body["searchCriteria"]["topK"]]})


MEMORY_ID = "conversations-0123456789"


async def _until(free: threading.Event) -> None:
    while not free.is_set():
        await asyncio.sleep(0.01)


def _xml(status: int, code: str, message: str) -> Response:
    body = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return Response(body, status, media_type="application/xml")


def _json(status: int, code: str, message: str) -> Response:
    return JSONResponse({"message": message}, status, headers={"x-amzn-errortype": code})
