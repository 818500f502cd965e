"""Two hundred slow, large or hostile connections: `python -m bench.agent_hostile PORT KIND SECONDS`.

Only to this machine, and only for so many seconds. A connection that ends is made anew.
"""

import asyncio
import os
import random
import socket
import struct
import sys
from collections.abc import AsyncIterator, Callable

CONNECTIONS = 200
RESET = struct.pack("ii", 1, 0)  # a socket closed with it sends RST
_PIECE = b"a" * 65536
_POST = b"POST /invocations HTTP/1.1\r\nHost: a\r\n"


async def nothing() -> AsyncIterator[bytes]:
    """A connection that says nothing."""
    await asyncio.sleep(60)
    yield b""


async def slow_header() -> AsyncIterator[bytes]:
    """A header, byte by byte."""
    yield b"GET /ping HTTP/1.1\r\nX: "
    while True:
        await asyncio.sleep(0.1)
        yield b"a"


async def slow_body() -> AsyncIterator[bytes]:
    """A body, byte by byte."""
    yield _POST + b"Content-Length: 100000\r\n\r\n"
    while True:
        await asyncio.sleep(0.1)
        yield b" "


async def endless_header() -> AsyncIterator[bytes]:
    """A header line without end, as fast as it goes."""
    yield b"GET /ping HTTP/1.1\r\nX: "
    while True:
        yield _PIECE


async def many_lines() -> AsyncIterator[bytes]:
    """Requests with the most lines that are taken, 200 in a second in all."""
    while True:
        yield b"GET /ping HTTP/1.1\r\nHost: a\r\n" + b"a:b\r\n" * 250 + b"\r\n"
        await asyncio.sleep(1)


async def large_body() -> AsyncIterator[bytes]:
    """Bodies of 20 MB."""
    while True:
        yield _POST + b"Content-Length: 20971520\r\n\r\n"
        for _ in range(320):
            yield _PIECE


async def tiny_chunks() -> AsyncIterator[bytes]:
    """A body in chunks of one byte, as fast as it goes."""
    yield _POST + b"Transfer-Encoding: chunked\r\n\r\n"
    while True:
        yield b"1\r\na\r\n" * 10_000


async def garbage() -> AsyncIterator[bytes]:
    """What is no HTTP."""
    while True:
        yield random.randbytes(1024)
        await asyncio.sleep(0.1)


async def reset() -> AsyncIterator[bytes]:
    """A request whose sender is gone at once."""
    yield _POST + b'Content-Length: 15\r\n\r\n{"prompt": "a"}'


KINDS: dict[str, Callable[[], AsyncIterator[bytes]]] = {
    kind.__name__: kind
    for kind in (
        nothing, slow_header, slow_body, endless_header, many_lines, large_body, tiny_chunks, garbage, reset,
    )
}  # fmt: skip


async def keep_sending(port: int, kind: str) -> None:
    """One connection after the other."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
            continue
        try:
            async for piece in KINDS[kind]():
                writer.write(piece)
                await writer.drain()
                if writer.transport.is_closing():
                    break
        except OSError:
            pass
        if kind == "reset":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()
        await asyncio.sleep(1 if kind == "reset" else 0.1)  # each is an invocation that begins


async def main(port: int, kind: str, seconds: float) -> None:
    """All of them, for so long."""
    os.nice(19)  # the agent is measured, not who of the two gets a core
    tasks = [asyncio.create_task(keep_sending(port, kind)) for _ in range(CONNECTIONS)]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
