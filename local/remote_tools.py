"""An MCP server of others, asked what tools it lists: bounded in time and size, and with its key sent nowhere else."""

import asyncio
import ipaddress
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, urlsplit

import anyio
import httpx
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.types import Implementation, PaginatedRequestParams, ServerCapabilities

from toolgate.local.terminal import one_line

SECONDS = 30.0
"""Longest time for all of it. Ours: a list is a few requests."""
LARGEST = 8 * 1024 * 1024
"""Bytes of all answers together. AgentCore takes a list of 1 MB (quotas, inline schema); a page may come as events."""
MOST_TOOLS = 1000
"""AgentCore quotas, "Gateway": tools of a target."""
_LONGEST_WORDS = 300
"""Characters of the server's own words in an error."""
_NO_KEY = (401, 403)
_US = Implementation(name="toolgate", version="1")


class RemoteServerError(Exception):
    """The server cannot be asked, or its answer is none that could be recorded; the text says why, and what to do."""


@dataclass(frozen=True)
class RemoteTools:
    """What a server lists.

    Attributes:
        tools: Its tools, as it says them.
        undecided: What it has besides that no Cedar policy decides: `prompts`, `resources`.
    """

    tools: list[dict[str, Any]]
    undecided: tuple[str, ...]


def ask(url: str, headers: Mapping[str, str]) -> RemoteTools:
    """Ask a server for its tools, by streamable HTTP.

    Args:
        url: Its endpoint: by https, or on this machine.
        headers: What it is told besides, such as a key.

    Raises:
        RemoteServerError: The URL is none, nothing answers in time, or the answer is refused or is no list of tools.
    """
    _check_url(url)
    with _without_logs():
        return asyncio.run(_asked(url, headers))


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if not parts.hostname or parts.username is not None or parts.scheme not in {"https", "http"}:
        raise RemoteServerError(f"{url} is no endpoint: write one like https://mcp.example.com/mcp")
    if parts.scheme == "http" and not _is_here(parts):
        raise RemoteServerError(
            f"{url}: without TLS whoever is in between reads the key and writes the tools: use https"
        )


def _is_here(parts: SplitResult) -> bool:
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname == "localhost"


@contextmanager
def _without_logs() -> Iterator[None]:
    """The SDK logs what the server does, with traces, to whoever has no handler; here it is said once, as an error."""
    logger = logging.getLogger("mcp")
    handler, before = logging.NullHandler(), logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.propagate = before
        logger.removeHandler(handler)


@dataclass
class _Watch:
    """What is watched of all answers; the first fault ends the asking.

    The SDK hands on neither an answer's status nor why a stream has ended, and would wait for one that never comes.

    Attributes:
        scope: What is ended.
        bytes: How many have come.
        fault: What was wrong.
    """

    scope: anyio.CancelScope
    bytes: int = 0
    fault: str | None = field(default=None)

    def end(self, fault: str) -> None:
        self.fault = self.fault or fault
        self.scope.cancel()

    async def look(self, response: httpx.Response) -> None:
        """Look at a response whose body is not read yet: a hook of httpx."""
        asked = response.request.method == "POST"  # what else there is, a server may refuse
        if response.headers.get("content-encoding", "identity") != "identity":
            self.end("answers compressed, which was not asked for and may become any size")
        elif asked and response.has_redirect_location:
            self.end(f"leads to {response.headers['location']}, where no key is sent. If that is meant, name it")
        elif asked and response.status_code in _NO_KEY:
            self.end(f"answers {response.status_code}: it wants a key, or another one (--key-env, --key-file)")
        elif asked and response.status_code >= 400:
            self.end(f"answers {response.status_code} {response.reason_phrase}")
        elif asked and response.status_code == HTTPStatus.OK:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind not in {"application/json", "text/event-stream"}:
                self.end(f"answers with {kind or 'something'}, which is no MCP")
        response.stream = _Counted(response.stream, self)

    async def hear(self, message: object) -> None:
        """Hear what the SDK hands on besides answers: of what was no message an exception."""
        if isinstance(message, Exception):
            self.end(_words(message))


class _Counted(httpx.AsyncByteStream):
    """A body that ends with the last byte that is taken."""

    def __init__(self, body: Any, watch: _Watch) -> None:
        self._body, self._watch = body, watch

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._body:
            self._watch.bytes += len(chunk)
            if self._watch.bytes > LARGEST:
                self._watch.end(f"answers with more than {LARGEST} bytes")
                return
            yield chunk

    async def aclose(self) -> None:
        await self._body.aclose()


async def _asked(url: str, headers: Mapping[str, str]) -> RemoteTools:
    found: RemoteTools | None = None
    with anyio.move_on_after(SECONDS) as scope:
        watch = _Watch(scope)
        try:
            client = httpx.AsyncClient(
                headers={"accept-encoding": "identity", **headers},
                timeout=SECONDS,
                follow_redirects=False,
                trust_env=not _is_here(urlsplit(url)),  # a proxy is not for this machine
                event_hooks={"response": [watch.look]},
            )
            async with (
                client,
                streamable_http_client(url, http_client=client, terminate_on_close=False) as (read, write, _),
                ClientSession(read, write, message_handler=watch.hear, client_info=_US) as session,
            ):
                found = await _list(session, watch)
        except Exception as error:  # whatever the SDK makes of what the server says
            watch.end(_words(error))
    if watch.fault:
        raise RemoteServerError(f"{url} {one_line(watch.fault)}")
    if found is None:
        raise RemoteServerError(f"{url} has not listed its tools within {SECONDS:.0f} s")
    return found


async def _list(session: ClientSession, watch: _Watch) -> RemoteTools | None:
    has = (await session.initialize()).capabilities
    if has.tools is None:
        watch.end("has no tools")
        return None
    tools: list[dict[str, Any]] = []
    cursors: set[str] = set()
    cursor: str | None = None
    while True:
        page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor))
        # `exclude_unset`: as the server says it, with what the SDK's model does not know.
        tools += [tool.model_dump(mode="json", by_alias=True, exclude_unset=True) for tool in page.tools]
        cursor = page.nextCursor
        if len(tools) > MOST_TOOLS:
            watch.end(f"lists more than {MOST_TOOLS} tools; AgentCore takes no more of one target")
        elif cursor in cursors:
            watch.end("lists its tools in a circle")
        if watch.fault:
            return None
        if not cursor:
            return RemoteTools(tools, tuple([name async for name in _undecided(session, has)]))
        cursors.add(cursor)


async def _undecided(session: ClientSession, has: ServerCapabilities) -> AsyncIterator[str]:
    """What it has besides tools; many a server announces both kinds and has none."""
    if has.prompts is not None and (await session.list_prompts()).prompts:
        yield "prompts"
    if has.resources is not None:
        templates = await session.list_resource_templates()
        if templates.resourceTemplates or (await session.list_resources()).resources:
            yield "resources"


def _words(error: BaseException) -> str:
    """What went wrong, in words: the first cause of several."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, httpx.TransportError):
        return f"cannot be reached ({str(error) or type(error).__name__})"
    said = " ".join(str(error).split()) or type(error).__name__
    return f"gives no list of tools: {said[:_LONGEST_WORDS]}"
