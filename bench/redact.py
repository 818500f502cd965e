"""Figures of redaction: results that a tool answers, 10 kB and 1 MB. `python -m bench.redact`.

The reference is done in the same run: the result's text is read as JSON, and each of the same patterns looks through
it. The exit code is 1 if a figure does not hold. Takes some seconds.
"""

import importlib
import json
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.agent_figures import Figure, printed

REDACT = Path(__file__).resolve().parents[1] / "interceptors" / "redact"
ROWS = {"10 kB": (28, 50), "1 MB": (2800, 1)}
"""Of each size: rows of the result, and how often it is redacted in a turn."""
LOOKING = ("ASCII_DIGITS", "SPELLED_OUT", "KEY", "AWS_SECRET", "PRIVATE_KEY", "USER", "SCHEME", "NAMED")
TIMES = 9


def main() -> int:
    """Measure everything and print it."""
    sys.path.insert(0, str(REDACT))  # the folder is the root of its zip
    return printed(figures())


def figures() -> Iterator[Figure]:
    """Every figure, as it is measured."""
    redaction: Any = importlib.import_module("redaction")  # found since `main` says where
    # Those that look through a text; the others look at what these found.
    patterns = [re.compile("@|%40"), *(getattr(redaction, f"_{name}") for name in LOOKING)]
    for size, (rows, often) in ROWS.items():
        text = json.dumps({"orders": [order(number) for number in range(rows)], "nextToken": None})
        result = {"content": [{"type": "text", "text": text}], "isError": False}
        shown = json.loads(redaction.masked_value(result)["content"][0]["text"])
        if [it["card"] for it in shown["orders"][:2]] != ["[card number]", "**** 0001"]:
            raise RuntimeError(f"not redacted: {shown['orders'][:2]}")

        def reference(text: str = text) -> None:
            json.loads(text)
            small = text.lower()
            for pattern in patterns:
                for _ in pattern.finditer(small if pattern in (redaction._SCHEME, redaction._NAMED) else text):
                    pass

        def ours(result: Any = result) -> None:
            redaction.masked_value(result)

        taken, compared = medians(often, ours, reference)
        yield Figure(f"redaction of {size} / json.loads and the same patterns", taken, compared, "ms", 1.5)


def order(number: int) -> dict[str, Any]:
    """A row as tools answer it; one of twenty has something to redact."""
    told = number % 20 == 0
    return {
        "id": f"ord_{number:08d}",
        "customer": f"customer{number}@example.com" if told else f"Customer {number}",
        "card": "4242 4242 4242 4242" if told else f"**** {number % 10000:04d}",
        "created": f"2026-11-30T20:{number % 60:02d}:04Z",
        "items": [{"sku": f"LAMP-{number % 7}", "quantity": number % 3 + 1, "price": 49.9}],
        "note": f"Please ring twice at door {number}, the bell is broken; leave it with the neighbour otherwise.",
        "trace": f"{number:08x}-7f1c-4a2b-9c3d-{number * 7919:012x}",
    }


def medians(often: int, *works: Callable[[], object]) -> list[float]:
    """Milliseconds of each, measured in turns so that all see the same machine; a turn does each several times."""
    turns = [[milliseconds(work, often) for work in works] for _ in range(TIMES)]
    return [statistics.median(taken) for taken in zip(*turns, strict=True)]


def milliseconds(work: Callable[[], object], often: int) -> float:
    """How long it takes."""
    started = time.perf_counter()
    for _ in range(often):
        work()
    return (time.perf_counter() - started) * 1000 / often


if __name__ == "__main__":
    sys.exit(main())
