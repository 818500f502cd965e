"""The HTTP server's connections: uvicorn's, over h11, with a bound on each wait and each size.

uvicorn bounds the wait for the next request on a connection, and nothing else. Here a header has a size, a number of
lines and a time, a body and an answer have a time, and the connections have a number: one too many takes the place of
the one that has waited longest for its header, so that the slow never lock others out.

All connections share one event loop, and what costs most to parse is small. So only a GET, where it is small too, is
looked at when it comes; the rest waits for its turn, and all turns of a round of the loop have a millisecond: `/ping`
is answered beside callers that send as much as they can.

A caller that sends its end (FIN) after its request has either left or only sends no more (`shutdown(SHUT_WR)`): TCP
tells the two apart no sooner than something is sent. So it is sent something that means nothing (a 100 Continue before
the answer, a comment within an event stream): one that has left answers that with a reset, and the connection is lost;
the other one gets its answer. nginx and Go take both for left.

This folder imports nothing of the agent: the local deployment serves with it, too.
"""

from functools import partial
from typing import Any

from .bounds import Bounds
from .connection import Connection
from .turns import Turns

__all__ = ["Bounds", "options"]


def options(bounds: Bounds) -> dict[str, Any]:
    """What `uvicorn.Config` needs to serve with these connections."""
    return {
        "http": partial(Connection, bounds=bounds, turns=Turns()),
        "ws": "none",  # a WebSocket would have none of the bounds
        "loop": "asyncio",  # the one loop whose transports these bounds are tried on
        # One that finds no other to take the place of: 503.
        "limit_concurrency": bounds.connections + 1,
        "h11_max_incomplete_event_size": bounds.header_bytes,  # of lines of chunks and of trailers, too
    }
