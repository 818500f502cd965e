"""Figures of the local gateway under load: decided by IAM, by Cedar, around interceptors. `python -m bench.gateway`.

The reference is FastMCP without any authorization, whose tool runs in the server itself; ours takes each call to the
function's own process. Both servers, and the clients, share two cores. All are asked in turns, so that all see the same
machine; the exit code is 1 if a figure does not hold. Takes two minutes; say nothing of a busy machine by it.
"""

import multiprocessing
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import uvicorn
from botocore.credentials import Credentials
from fastmcp import FastMCP

from bench import signed_load
from bench.agent_figures import Figure, printed
from tests.interceptor_export import PASSING, Written, with_interceptors
from toolgate.access.deployment.deployment import parse
from toolgate.local.plan import plan
from toolgate.local.serve.server import serve

ARGUMENTS, EXPECTED = {"a": 100, "b": 12}, b"112"
STACKS = {"dev": "IAM", "agents": "IAM and Cedar"}
INTERCEPTED = "dev between interceptors"
CLIENTS = (1, 16)
TURNS, SECONDS = 6, 2.0


@dataclass
class Server:
    """One that is asked, and how long each of its answers took, by the number of clients."""

    url: str
    requests: list[bytes] = field(repr=False)
    taken: dict[int, list[float]] = field(default_factory=lambda: {clients: [] for clients in CLIENTS})

    def ask(self, clients: int, seconds: float) -> None:
        """Have it asked for a while."""
        self.taken[clients] += signed_load.times(self.url, self.requests, EXPECTED, clients, seconds)

    def median(self, clients: int) -> float:
        """Milliseconds."""
        return statistics.median(self.taken[clients])

    def slowest(self, clients: int) -> float:
        """Milliseconds that 99 of 100 requests do not exceed."""
        return statistics.quantiles(self.taken[clients], n=100)[-1]

    def each(self, clients: int) -> float:
        """Milliseconds of the clients' time for one request: what many a second cost."""
        return TURNS * SECONDS * 1000 / len(self.taken[clients])


def main() -> int:
    """Measure everything and print it."""
    return printed(figures())


def figures() -> Iterator[Figure]:
    """Every figure."""
    with ExitStack() as stack:
        url = stack.enter_context(_process(_reference, ""))[0]
        reference = Server(url, signed_load.calls(url, "add_numbers", ARGUMENTS))
        ours = {}
        for name in (*STACKS, INTERCEPTED):
            url, *keys = stack.enter_context(_process(_ours, name))
            ours[name] = Server(url, signed_load.calls(url, "math___add_numbers", ARGUMENTS, Credentials(*keys)))
        every = [reference, *ours.values()]
        for server in every:
            signed_load.times(server.url, server.requests, EXPECTED, 4, 1.0)  # what starts with the first call has
        for clients in CLIENTS:
            for _ in range(TURNS):
                for server in every:
                    server.ask(clients, SECONDS)
    for (name, by), most in zip(STACKS.items(), (1.5, 2.0), strict=True):
        one = (ours[name].median(1), reference.median(1))
        yield Figure(f"`tools/call`, decided by {by}: one client, median / FastMCP without", *one, "ms", most)
    for name, by in STACKS.items():
        many = (ours[name].each(16), reference.each(16))
        yield Figure(f"16 clients, {by}: time for one request / FastMCP without", *many, "ms", 1 / 0.8)
        far = (ours[name].slowest(16), ours[name].median(16))
        yield Figure(f"16 clients, {by}: 99 of 100 requests / the median", *far, "ms", 4)
    between = (ours[INTERCEPTED].median(1), ours["dev"].median(1))
    yield Figure("`tools/call` between two interceptors that let all pass / without, one client", *between, "ms", 2)


@contextmanager
def _process(target: Callable[[str, Connection], None], name: str) -> Iterator[list[str]]:
    """A server in a process of its own; gives what it says once it listens."""
    mine, its = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=target, args=(name, its))
    process.start()
    try:
        yield mine.recv()
    finally:
        mine.send("end")
        process.join()


def _reference(_name: str, parent: Connection) -> None:
    server = FastMCP("reference")

    @server.tool
    def add_numbers(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    listener = socket.create_server(("127.0.0.1", 0))
    app = server.http_app(path="/mcp", json_response=True, stateless_http=True)
    running = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    while not running.started:
        time.sleep(0.01)
    parent.send([f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"])
    parent.recv()
    running.should_exit = True
    thread.join()


def _ours(name: str, parent: Connection) -> None:
    export = plan("dev" if name == INTERCEPTED else name).deployment
    if name == INTERCEPTED:
        one, other = Written(PASSING, ("REQUEST",)), Written(PASSING, ("RESPONSE",))
        export = with_interceptors(export, one=one, other=other)
    deployment = parse(export)
    caller, gateway = deployment.runtimes[0], deployment.gateways[0]
    with serve(export, told=lambda _line, _entry: None) as serving:
        issued = serving.session(caller.role_arn)
        keys = [issued.access_key_id, issued.secret_access_key, issued.session_token]
        parent.send([serving.gateway_url(gateway.id), *keys])
        parent.recv()


if __name__ == "__main__":
    sys.exit(main())
