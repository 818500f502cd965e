"""Clients that ask a server the same things over and over, each on a connection of its own; signed beforehand.

What signs and reads an answer here costs little: two cores have to do for the server, its functions and the clients.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

HEADERS = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
DISTINCT = 200
"""Different requests, by their ids: a server that kept answers would be found out."""


def calls(
    url: str, tool: str, arguments: Mapping[str, Any], credentials: Credentials | str | None = None
) -> list[bytes]:
    """Requests of `tools/call`, as they are sent; signed if there are credentials, or with a token."""
    return [_request(url, _call(number, tool, arguments), credentials) for number in range(DISTINCT)]


def _call(number: int, tool: str, arguments: Mapping[str, Any]) -> bytes:
    params = {"name": tool, "arguments": arguments}
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}).encode()


def _request(url: str, body: bytes, credentials: Credentials | str | None) -> bytes:
    request = AWSRequest("POST", url, data=body, headers=dict(HEADERS))
    if isinstance(credentials, str):
        request.headers["authorization"] = f"Bearer {credentials}"
    elif credentials:
        SigV4Auth(credentials, "bedrock-agentcore", "us-east-1").add_auth(request)
    there = urlsplit(url)
    headers = {"host": there.netloc, "content-length": len(body), **request.headers}
    lines = [f"POST {there.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + body


def times(url: str, requests: Sequence[bytes], expected: bytes, clients: int, seconds: float) -> list[float]:
    """Milliseconds of each request that the clients made in the time, one after another each.

    Raises:
        RuntimeError: An answer was not a 200 with what is expected in it.
    """
    return asyncio.run(_all(url, requests, expected, clients, seconds))


async def _all(url: str, requests: Sequence[bytes], expected: bytes, clients: int, seconds: float) -> list[float]:
    until = time.perf_counter() + seconds
    numbers = itertools.cycle(requests)
    taken = await asyncio.gather(*(_one(url, numbers, expected, until) for _ in range(clients)))
    return [milliseconds for of_one in taken for milliseconds in of_one]


async def _one(url: str, requests: Iterator[bytes], expected: bytes, until: float) -> list[float]:
    there = urlsplit(url)
    reader, writer = await asyncio.open_connection(there.hostname, there.port)
    taken = []
    try:
        while time.perf_counter() < until:
            started = time.perf_counter()
            writer.write(next(requests))
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            body = await reader.readexactly(int(length))
            taken.append((time.perf_counter() - started) * 1000)
            if b" 200 " not in head[:16] or expected not in body:
                raise RuntimeError(f"{head!r} {body!r}")
    finally:
        writer.close()
    return taken
