"""AgentCore Memory's data plane: events are kept, and what would be extracted from them is refused.

Operations are told and requests are checked by botocore's model. Each is decided by IAM with the condition keys that
the operation brings.
Source: botocore bedrock-agentcore; what was measured on AWS and is not in it: see `events`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.request_validation import violations
from toolgate.local.serve.agentcore_errors import refuse_with_reason
from toolgate.local.serve.aws.protocols import not_reproduced
from toolgate.local.serve.control.operations import find
from toolgate.local.serve.guards.iam_guard import NeededPermission, RequestRefused, Service
from toolgate.local.serve.guards.sigv4 import Received
from toolgate.local.serve.json_body import NotJsonError, read_json
from toolgate.local.serve.memory.events import MemoryEvents, NoRoomError, OtherRequestError
from toolgate.local.serve.memory.served_memories import ServedMemory
from toolgate.policy.language.agentcore_memory import KEYS

_SERVICE = "bedrock-agentcore"
# Beside `/memories/create` and the like, which are the control plane's.
_PATH = re.compile(
    r"/memories/[^/]+/(actors|actor/.+|events|extractionJobs(/start)?|ingest|memoryRecords?(/.+)?|retrieve)/?"
)
_MAX_BODY = 16 * 2**20  # 100 messages of 100,000 characters, and what is around them; AWS's own bound is not known
_PAGE = 20
"""Items of a page when nobody says how many (botocore bedrock-agentcore, `maxResults`)."""
_LATEST = 253_402_300_799
"""The last second of the year 9999, the last that AWS's SDKs can read."""

type _Given = Mapping[str, Any]


@dataclass(frozen=True)
class MemoryApi:
    """What the operations answer.

    Attributes:
        memories: The deployment's memories.
        env: Its account and Region.
        events: What the memories keep.
    """

    memories: Sequence[ServedMemory]
    env: CloudEnvironment
    events: MemoryEvents

    def service(self) -> Service:
        """The operations behind whatever checks the caller."""
        methods = frozenset({"GET", "POST", "DELETE"})
        return Service(_SERVICE, _PATH, methods, self._permissions, self._app(), _MAX_BODY, refuse_with_reason)

    def _permissions(self, _match: re.Match[str], request: Received) -> list[NeededPermission]:
        name, given = _asked(request.method, request.path, request.query, request.body)
        action = f"bedrock-agentcore:{name}"
        values = {key: _member(given, member) for key, member in KEYS.get(action, {}).items()}
        facts = {key: value for key, value in values.items() if isinstance(value, str)}
        return [NeededPermission(action, self._arn(given["memoryId"]), facts)]

    def _app(self) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
            try:
                name, given = _asked(scope["method"], path, query, (await receive())["body"])
                status, answer = self._answer(name, given)
            except RequestRefused as refusal:
                await refuse_with_reason(send, refusal.status, refusal.code, str(refusal))
            except OtherRequestError:
                text = "The clientToken came with another request before"
                await refuse_with_reason(send, 400, _INVALID, text, "IdempotentParameterMismatchException")
            else:
                await JSONResponse(answer, status)(scope, receive, send)

        return app

    def _answer(self, name: str, given: _Given) -> tuple[int, dict[str, Any]]:
        memory = self._memory(given["memoryId"])
        if name == "CreateEvent":
            return 201, {"event": self._create(memory, given)}
        answer = _OPERATIONS.get(name)
        if answer is None:
            raise not_reproduced(f"{name}: nothing is extracted from events here, so there are no records")
        return 200, answer(self.events, memory, given)

    def _create(self, memory: ServedMemory, given: _Given) -> Mapping[str, Any]:
        seconds = given["eventTimestamp"]
        if isinstance(seconds, str) or not 0 <= seconds <= _LATEST:
            raise _invalid("Value at 'eventTimestamp' failed to satisfy constraint: Member must be seconds since 1970")
        root = (given.get("branch") or {}).get("rootEventId")
        if root and self.events.get(memory, (given["actorId"], given.get("sessionId", ""), root)) is None:
            raise _missing(f"Unable to find event with id {root}")
        try:
            return self.events.create(memory, given)
        except NoRoomError:
            text = "The local deployment keeps at most 64 MiB of events. Delete some, or start it again."
            raise RequestRefused(402, "ServiceQuotaExceededException", text) from None

    def _memory(self, named: str) -> ServedMemory:
        found = next((it for it in self.memories if named in (it.id, it.arn)), None)
        if found is None:
            raise _missing(f"Memory not found: {named}")
        return found

    def _arn(self, memory_id: str) -> str:
        return memory_id if memory_id.startswith("arn:") else self.env.arn(_SERVICE, f"memory/{memory_id}")


def _get(events: MemoryEvents, memory: ServedMemory, given: _Given) -> dict[str, Any]:
    found = events.get(memory, _key(given))
    if found is None:
        raise _missing(f"Unable to find event with id {given['eventId']}")
    return {"event": found}


def _delete(events: MemoryEvents, memory: ServedMemory, given: _Given) -> dict[str, Any]:
    if not events.delete(memory, _key(given)):
        raise _missing(f"Unable to find event with id {given['eventId']}")
    return {"eventId": given["eventId"]}


def _list_events(events: MemoryEvents, memory: ServedMemory, given: _Given) -> dict[str, Any]:
    found = events.of_session(memory, given["actorId"], given["sessionId"])
    fits = _filter(given.get("filter") or {})
    page, more = _page([it["eventId"] for it in found], given, newest_first=True)
    # The page is read first, and what does not fit is left out of it: a page may be empty and another one follow.
    shown = [it for it in found if it["eventId"] in page and fits(it)]
    if given.get("includePayloads") is False:
        shown = [{name: value for name, value in it.items() if name != "payload"} for it in shown]
    return {"events": shown, **more}


def _list_sessions(events: MemoryEvents, memory: ServedMemory, given: _Given) -> dict[str, Any]:
    found = events.sessions(memory, given["actorId"])
    if (given.get("filter") or {}).get("eventFilter") == "HAS_EVENTS":
        found = {session: it for session, it in found.items() if it.events}
    page, more = _page(list(found), given)
    actor = given["actorId"]
    shown = [{"sessionId": it, "actorId": actor, "createdAt": found[it].created} for it in found if it in page]
    return {"sessionSummaries": shown, **more}


def _list_actors(events: MemoryEvents, memory: ServedMemory, given: _Given) -> dict[str, Any]:
    found = events.actors(memory)
    page, more = _page(found, given)
    return {"actorSummaries": [{"actorId": it} for it in found if it in page], **more}


_OPERATIONS: Mapping[str, Callable[[MemoryEvents, ServedMemory, _Given], dict[str, Any]]] = {
    "GetEvent": _get,
    "DeleteEvent": _delete,
    "ListEvents": _list_events,
    "ListSessions": _list_sessions,
    "ListActors": _list_actors,
}


def _key(given: _Given) -> tuple[str, str, str]:
    return given["actorId"], given["sessionId"], given["eventId"]


def _page(names: Sequence[str], given: _Given, *, newest_first: bool = False) -> tuple[set[str], dict[str, str]]:
    """The names on a page, and the token of the next one: the last name, so that what is new in between moves none.

    Args:
        names: Every name, in order.
        given: The request.
        newest_first: Whether the order is the other way round.
    """
    after = given.get("nextToken")
    if after is not None:
        names = [it for it in names if (it < after if newest_first else it > after)]
    page = names[: given.get("maxResults") or _PAGE]
    return set(page), {"nextToken": page[-1]} if len(page) < len(names) else {}


def _filter(given: _Given) -> Callable[[Mapping[str, Any]], bool]:
    """Whether an event is one of those that a filter lets through."""
    branch = given.get("branch") or {}
    if branch.get("includeParentBranches"):
        raise not_reproduced("includeParentBranches of a filter")
    wanted = [_expression(it) for it in given.get("eventMetadata") or ()]

    def fits(event: Mapping[str, Any]) -> bool:
        on_branch = not branch or event["branch"]["name"] == branch["name"]
        return on_branch and all(it(event.get("metadata") or {}) for it in wanted)

    return fits


def _expression(given: _Given) -> Callable[[Mapping[str, Any]], bool]:
    """Whether an event's metadata meets a condition."""
    name, operator, right = given["left"]["metadataKey"], given["operator"], given.get("right")
    if (operator == "EQUALS_TO") != (right is not None):
        raise _invalid(f"Value at 'filter.eventMetadata' failed to satisfy constraint: 'right' of {operator}")
    if right is not None:
        return lambda metadata: metadata.get(name) == right["metadataValue"]
    return lambda metadata: (name in metadata) == (operator == "EXISTS")


def _member(given: _Given, path: str) -> Any:
    value: Any = given
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


_INVALID = "ValidationException"


def _asked(method: str, path: str, query: str, body: bytes) -> tuple[str, dict[str, Any]]:
    """The operation and its members, as botocore's model wants them."""
    try:
        if body and not isinstance(read_json(body), dict):
            raise _invalid("The body is not a JSON object")
    except NotJsonError as error:
        raise _invalid(str(error)) from None
    found = find(_SERVICE, method, path, query, body)
    if found is None:
        text = "The local deployment has no such operation of AgentCore Memory: docs/local.md lists those that it has"
        raise RequestRefused(404, "UnknownOperationException", text)
    name = found[0].name
    given = {member: value for member, value in found[1].items() if value is not None}
    if wrong := [text for _, text in violations(_SERVICE, name, given)]:
        raise _invalid(f"{len(wrong)} validation error{'s' if len(wrong) > 1 else ''} detected: {'; '.join(wrong)}")
    return name, given


def _invalid(message: str) -> RequestRefused:
    return RequestRefused(400, _INVALID, message)


def _missing(message: str) -> RequestRefused:
    return RequestRefused(404, "ResourceNotFoundException", message)
