"""Figures of interceptors: what a verdict takes, on an event that is already parsed. `python -m bench.intercept`.

The handler runs as in its function, with the author's code in a child process. Each figure stands beside its bound and
beside two references of the same run, measured in turns so that all see the same machine: the event read from JSON and
written as JSON, and the event handed to a process that answers at once, by `multiprocessing` (which a busy machine
delays as it delays us). The exit code is 1 if one does not hold.
"""

import contextlib
import importlib
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bench.agent_figures import Figure, printed
from tests.interceptors import events

LIBRARY = Path(__file__).resolve().parents[1] / "interceptors"
TOOL = "orders___import"
AUTHOR = """
from intercept import Call, Result, Verdict, allow, deny, on_call, on_result

@on_call("orders___*")
def limited(call: Call) -> Verdict:
    return deny("too many") if len(call.arguments["documents"]) > 10_000 else allow()

@on_result("orders___*")
def seen(result: Result) -> Verdict:
    return deny("failed") if result.failed else allow()
"""
SIZES = {"10 kB": (10, 0.3), "1 MB": (1000, 5.0)}
"""Documents of a kilobyte each, and the most milliseconds at the 95th percentile."""
OF_JSON = {"10 kB": 10.0, "1 MB": 1.0}
"""The most that a verdict may take of what JSON takes."""
OF_PROCESS = 2.5
"""The same of what the plain process takes."""
TIMES = 400


def main() -> int:
    """Measure everything and print it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "interceptor.py").write_text(AUTHOR, "utf-8")
        sys.path[:0] = [folder, str(LIBRARY)]
        os.environ["INTERCEPTS"] = events.declared(calls=["orders___*"], results=["orders___*"])
        return printed(figures(importlib.import_module("intercept").handler))


def figures(handler: Callable[[Any, Any], Any]) -> Iterator[Figure]:
    """Every figure, as it is measured."""
    plain = plain_process()
    context = SimpleNamespace(aws_request_id="bench", get_remaining_time_in_millis=lambda: 10_000)
    for size, (count, most) in SIZES.items():
        for point, event in exchanges(count).items():
            text = json.dumps(event)
            expect(handler, event, context)
            works: list[Callable[[], object]] = [
                partial(handler, event, context),
                lambda: json.dumps(json.loads(text)),  # noqa: B023 called at once
                lambda: plain.send(event) or plain.recv(),  # type: ignore[func-returns-value] # noqa: B023 called at once
            ]
            turns = [[milliseconds(work) for work in works] for _ in range(TIMES)]
            ours, of_json, of_process = zip(*turns, strict=True)
            yield Figure(f"{point}, {size}, 95th percentile / the most", percentile(ours), most, "ms", 1)
            median = statistics.median(ours)
            yield Figure(
                "median / the event from JSON and to it", median, statistics.median(of_json), "ms", OF_JSON[size]
            )
            yield Figure("median / a plain process", median, statistics.median(of_process), "ms", OF_PROCESS)
    plain.close()


def plain_process() -> Connection:
    """A process that answers whatever it is sent."""
    ours, theirs = multiprocessing.Pipe()
    multiprocessing.get_context("spawn").Process(target=answer, args=(theirs,), daemon=True).start()
    theirs.close()
    return ours


def answer(connection: Connection) -> None:
    """What the plain process does."""
    with contextlib.suppress(EOFError):
        while connection.recv() is not None:
            connection.send(None)


def exchanges(count: int) -> dict[str, Any]:
    """An event at each point, about as large as its documents; read from JSON, as the runtime does."""
    documents = [{"id": at, "title": f"Document {at}", "text": "An order of brass lamps. " * 38} for at in range(count)]
    asked = {"documents": documents}
    sent = events.request(events.call(TOOL, asked))
    sent["mcp"]["rawGatewayRequest"]["body"] = ""  # nobody reads it, and it would count in the reference
    back = events.response(
        events.call(TOOL, {"documents": []}), events.result(events.text_result("", structured=asked))
    )
    return {"REQUEST": json.loads(json.dumps(sent)), "RESPONSE": json.loads(json.dumps(back))}


def expect(handler: Callable[[Any, Any], Any], event: Any, context: Any) -> None:
    """A figure of something that denies would be none."""
    with contextlib.redirect_stdout(None):
        for _ in range(50):
            [value] = handler(event, context)["mcp"].values()
            if "error" not in value["body"]:
                return
    raise RuntimeError(f"the handler denies: {value}")


def milliseconds(work: Callable[[], object]) -> float:
    """How long it takes; the log's lines go nowhere."""
    with Path(os.devnull).open("w", encoding="ascii") as log, contextlib.redirect_stdout(log):
        started = time.perf_counter()
        work()
        return (time.perf_counter() - started) * 1000


def percentile(taken: Iterable[float]) -> float:
    """The 95th."""
    return statistics.quantiles(list(taken), n=20)[-1]


if __name__ == "__main__":
    sys.exit(main())
