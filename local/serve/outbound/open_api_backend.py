"""An API behind a target: each tool is an operation of its OpenAPI document, called by HTTP.

Nothing of the caller's request but the arguments goes there. How AgentCore writes lists and objects into a query, and
what its caller is told of a status that is no success, nobody has published: both are ours.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from toolgate.local.serve.access_log import Entry
from toolgate.local.serve.gateway.backend import Call, Called, text_result
from toolgate.local.serve.outbound.far_side import FarSide, FarSideError
from toolgate.local.serve.outbound.sign_in import Guard, SignIn
from toolgate.policy.language.open_api import BODY, COOKIE, HEADER, PATH, QUERY, WHOLE_BODY, Operation

_NO_PARAMETERS = frozenset({"accept", "content-type", "authorization"})
"""Header parameters that mean nothing (OpenAPI 3.1.0, "Parameter Object")."""
_OF_THE_CONNECTION = frozenset(
    {"connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
_ERROR_TYPE = "x-amzn-errortype"
_LOGGED = 1_000  # characters of an answer that is no success


@dataclass(frozen=True)
class OpenApiBackend:
    """Calls the operations of one API.

    Attributes:
        url: Where the API is here, in the place of the document's server URL.
        operations: The operations by their names.
        far_side: The API.
        sign_in: How the gateway signs in there.
        guarded: The door of an API that is served here.
    """

    url: str
    operations: Mapping[str, Operation]
    far_side: FarSide
    sign_in: SignIn
    guarded: Guard | None = None

    async def call(self, call: Call, entry: Entry) -> Called:
        """Call an operation."""
        return await self.far_side.carried_out(self._called(call, entry), entry)

    async def aclose(self) -> None:
        """Close its connections."""
        await self.far_side.aclose()

    async def _called(self, call: Call, entry: Entry) -> Called:
        request = self.sign_in(request_of(self.url, self.operations[call.tool], call.arguments), entry)
        async with self.far_side.answer(request) as answer:
            body = await answer.read()
        try:
            text = body.decode()
        except UnicodeError:
            raise FarSideError("Unreadable", "the answer is no text in UTF-8") from None
        if not 200 <= answer.status < 300:
            # Of a handler's own 403 the door says nothing.
            if self.guarded and _ERROR_TYPE in answer.headers:
                self.guarded.heed(answer, text[:_LOGGED], self.far_side, entry)
            told = f"Target {self.far_side.name} answered with HTTP status {answer.status}"
            raise FarSideError(f"HttpStatus{answer.status}", text[:_LOGGED], told)
        entry.status, entry.log = "ok", self.far_side.log.path
        return Called(text_result(text))


def request_of(url: str, operation: Operation, arguments: Mapping[str, Any]) -> httpx.Request:
    """The request that carries out an operation.

    Args:
        url: Where the API is.
        operation: The operation.
        arguments: What the tool was called with; what the operation does not have is left out.

    Raises:
        FarSideError: An argument cannot stand where it belongs.
    """
    path, body = operation.path, {}
    query: list[tuple[str, str]] = []
    headers: dict[str, str] = {"accept": "application/json"}
    cookies: list[str] = []
    content: bytes | None = None
    for argument in operation.arguments:
        value = arguments.get(argument.name)
        if argument.place == PATH:
            path = path.replace(f"{{{argument.name}}}", _segment(argument.name, value))
        elif argument.name not in arguments:
            continue
        elif argument.place == QUERY:
            values = value if isinstance(value, list) else [value]
            query += [(argument.name, _text(it)) for it in values if it is not None]
        elif argument.place == HEADER:
            headers |= _header(argument.name, value)
        elif argument.place == COOKIE:
            cookies.append(f"{quote(argument.name)}={quote(_text(value))}")
        elif argument.place == BODY:
            body[argument.name] = value
        elif argument.place == WHOLE_BODY:
            content = _json(value)
    if body or (content is None and any(it.place == BODY for it in operation.arguments)):
        content = _json(body)
    if content is not None:
        headers["content-type"] = "application/json"
    if cookies:
        headers["cookie"] = "; ".join(cookies)
    whole = f"{url.rstrip('/')}{path}" + (f"?{urlencode(query)}" if query else "")
    return httpx.Request(operation.method, whole, headers=headers, content=content)


def _segment(name: str, value: Any) -> str:
    text = "" if value is None else _text(value)
    if not text or not text.strip("."):  # `..` would lead to another path
        raise _wrong(name, "must be given: it is a part of the path, which it may not leave")
    return quote(text, safe="")


def _header(name: str, value: Any) -> dict[str, str]:
    if name.lower() in _NO_PARAMETERS | _OF_THE_CONNECTION:
        return {}
    text = _text(value)
    if not (text.isascii() and text.isprintable()):
        raise _wrong(name, "must be printable ASCII: it is a header")
    return {name: text}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _wrong(name: str, why: str) -> FarSideError:
    text = f"Argument {name} {why}"
    return FarSideError("InvalidArgument", text, text)
