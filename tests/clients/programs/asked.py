"""What each client written in Python does: list the tools, make the calls, print how each of that ended."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

type Asked = dict[str, Any]
"""A session: the gateway's `url`, a `proxy` that signs, `environment` (`toolgate credentials`), and the `calls`."""
type List = Callable[[], Awaitable[list[str]]]
type Call = Callable[[str, dict[str, Any]], Awaitable[tuple[str, bool]]]
"""A call of a tool: its text, and whether the client takes it for an error."""
type Connect = Callable[[Asked], contextlib.AbstractAsyncContextManager[tuple[List, Call]]]


class NotOfferedError(Exception):
    """The client has no way to call a tool that was not listed."""


def main(connect: Connect) -> None:
    """Answer what standard input asks."""
    # What a library says on standard output is not the answer.
    answer, sys.stdout = sys.stdout, sys.stderr
    asked = json.load(sys.stdin)
    print(json.dumps({name: asyncio.run(_session(connect, it)) for name, it in asked.items()}), file=answer)


async def _session(connect: Connect, asked: Asked) -> dict[str, Any]:
    found: dict[str, Any] = {}
    try:
        async with connect(asked) as (listed, call):
            found["tools"] = await listed()
            found["calls"] = {name: await _ended(call, *words) for name, words in asked["calls"].items()}
    except Exception as error:
        found["refused"] = told(error)
    return found


async def _ended(call: Call, tool: str, arguments: dict[str, Any]) -> list[str]:
    try:
        text, wrong = await call(tool, arguments)
    except NotOfferedError:
        return ["not offered", ""]
    except Exception as error:
        return ["raised", told(error)]
    return ["error" if wrong else "result", text]


def told(error: BaseException) -> str:
    """What a user reads of an exception: of a group its members, and each with what caused it."""
    words: list[str] = []
    waiting, seen = [error], set()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:  # some raise what they have caught
            continue
        seen.add(id(one))
        words.append(f"{type(one).__name__}: {one}")
        members = one.exceptions if isinstance(one, BaseExceptionGroup) else (one.__cause__ or one.__context__,)
        waiting += [it for it in members if it]
    return " <- ".join(words)


def of(client: Any) -> tuple[List, Call]:
    """What most clients have: `list_tools` and `call_tool`, with MCP's own results."""

    async def listed() -> list[str]:
        found = await client.list_tools()
        return [tool.name for tool in getattr(found, "tools", found)]

    async def call(tool: str, arguments: dict[str, Any]) -> tuple[str, bool]:
        result = await client.call_tool(tool, arguments)
        # The field's name before version 2 of the SDK, and since.
        wrong = result.isError if hasattr(result, "isError") else result.is_error
        return "".join(getattr(it, "text", "") for it in result.content), wrong

    return listed, call
