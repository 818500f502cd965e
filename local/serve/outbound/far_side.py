"""An HTTP exchange with what stands behind a target: bounded in size and in time, and nothing of it is trusted.

What goes wrong is told to the gateway's caller in fixed words with the request's id, and in full to the target's log:
AWS's words for a server that fails are not known.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import httpx

from toolgate.local.serve.access_log import Entry
from toolgate.local.serve.gateway.backend import Called, text_result
from toolgate.local.serve.gateway.json_rpc import INTERNAL_ERROR, RpcError

# httpcore tries to import sniffio several times in each request. Where it is not installed Python looks through all
# folders each time; this is Python's own way to say that a module is not there.
if "sniffio" not in sys.modules and find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]  # typeshed has modules only

MOST_BYTES = 6 * 2**20
"""Of an answer (AgentCore quotas: a gateway's payload)."""
LONGEST_SECONDS = 15 * 60.0
"""For one call (AgentCore quotas: a gateway's invocation)."""

_CONNECT_SECONDS = 30.0  # this process, with many calls at once, may be slow to see that it is connected
_MOST_WORDS = 2_000  # characters of what went wrong


class FarSideError(Exception):
    """The far side gave no answer that could be passed on.

    Its text is for the log; `kind` is the failure's name there, `told` what the gateway's caller is told besides that.
    """

    def __init__(self, kind: str, words: str, told: str = "") -> None:
        super().__init__(words)
        self.kind = kind
        self.told = told


class NotPermittedError(Exception):
    """The gateway's role may not make the call; the exchange's entry says what decided. The text is for the caller."""


@dataclass(frozen=True)
class Log:
    """Where the far side's failures are told in full.

    Attributes:
        path: The file.
        tell: Writes a line.
    """

    path: Path
    tell: Callable[[str], None]


@dataclass(frozen=True)
class Answer:
    """An answer, of which the head is there."""

    status: int
    headers: httpx.Headers
    _response: httpx.Response = field(repr=False)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes.

        Raises:
            FarSideError: It is too large, packed, or breaks off.
        """
        if self.headers.get("content-encoding", "identity") != "identity":
            raise FarSideError("Unreadable", f"the answer is packed ({self.headers['content-encoding']}), unasked")
        declared, got = self.headers.get("content-length", ""), 0
        if declared.isdigit() and int(declared) > MOST_BYTES:
            raise FarSideError("TooLarge", f"the answer has {declared} bytes, and {MOST_BYTES} are taken")
        try:
            async for piece in self._response.aiter_raw():
                got += len(piece)
                if got > MOST_BYTES:
                    raise FarSideError("TooLarge", f"the answer has more than {MOST_BYTES} bytes")
                yield piece
        except httpx.HTTPError as error:
            raise FarSideError("NoAnswer", f"the answer breaks off: {type(error).__name__}: {error}") from None

    async def read(self) -> bytes:
        """The whole body.

        Raises:
            FarSideError: See `pieces`.
        """
        return b"".join([piece async for piece in self.pieces()])


@dataclass
class FarSide:
    """A client of what stands behind one target.

    Attributes:
        name: The target's name.
        log: Its log.
    """

    name: str
    log: Log
    _client: httpx.AsyncClient | None = None

    @asynccontextmanager
    async def answer(self, request: httpx.Request) -> AsyncIterator[Answer]:
        """Send a request, and have its answer while the block runs.

        Raises:
            FarSideError: There is none.
        """
        request.headers["accept-encoding"] = "identity"  # what is unpacked has no bound
        try:
            response = await self._open(request.url).send(request, stream=True)
        except httpx.ConnectError as error:
            raise FarSideError("NoConnection", f"nobody answers at {_place(request.url)}: {error}") from None
        except httpx.HTTPError as error:
            raise FarSideError("NoAnswer", f"{_place(request.url)}: {type(error).__name__}: {error}") from None
        try:
            yield Answer(response.status_code, response.headers, response)
        finally:
            await response.aclose()

    async def carried_out(self, work: Awaitable[Called], entry: Entry) -> Called:
        """What came of a call, within its time; a failure is the result that the gateway's caller gets."""
        try:
            return await self._answered(work, entry)
        except NotPermittedError as refusal:
            return Called(text_result(str(refusal), failed=True), made=False)
        except FarSideError as failure:
            return Called(text_result(failure.told, failed=True), failed=True)

    async def asked[T](self, work: Awaitable[T], entry: Entry) -> T:
        """What came of a request that is no call, within its time.

        Raises:
            RpcError: It failed: what the gateway's caller gets. AWS's code and words nobody has published.
        """
        entry.target = self.name
        try:
            found = await self._answered(work, entry)
        except NotPermittedError as refusal:
            raise RpcError(INTERNAL_ERROR, str(refusal), status=200) from None
        except FarSideError as failure:
            raise RpcError(INTERNAL_ERROR, failure.told, status=200, name="target_failed") from None
        entry.status, entry.log = "ok", self.log.path
        return found

    async def _answered[T](self, work: Awaitable[T], entry: Entry) -> T:
        """What came of it; what went wrong is in the log and in the exchange, and `told` is all that is for others."""
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                return await work
        except NotPermittedError:
            entry.log = self.log.path
            raise
        except TimeoutError:
            error = FarSideError("Timeout", f"no answer within {LONGEST_SECONDS:g} s")
        except FarSideError as failure:
            error = failure
        self.log.tell(f"request {entry.request_id}: {error.kind}: {error}"[:_MOST_WORDS])
        entry.status, entry.error_type, entry.log = "target_failed", error.kind, self.log.path
        entry.last_words = f"{error.kind}: {error}"[:_MOST_WORDS]
        told = error.told or f"Target {self.name} could not carry out the call"
        raise FarSideError(error.kind, str(error), f"{told}. Request id: {entry.request_id}")

    async def aclose(self) -> None:
        """Close its connections."""
        client, self._client = self._client, None
        if client:
            await client.aclose()

    def _open(self, url: httpx.URL) -> httpx.AsyncClient:
        if self._client is None:
            # Certificates take a fifth of a second to read. Time is bounded for a call as a whole.
            timeout = httpx.Timeout(None, connect=_CONNECT_SECONDS)
            self._client = httpx.AsyncClient(verify=url.scheme == "https", timeout=timeout, trust_env=False)
        return self._client


def _place(url: httpx.URL) -> str:
    """Where it is, without what may be secret in it."""
    return str(url.copy_with(query=None, userinfo=b""))
