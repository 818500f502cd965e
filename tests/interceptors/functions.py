"""An interceptor's function as it runs: the library and an author's module, under the stand-in's worker."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from toolgate.access.deployment.agentcore_resources import Function, FunctionLog
from toolgate.local.serve.bounded_file import BoundedFile
from toolgate.local.serve.gateway.function_process import FunctionProcess, Outcome

LIBRARY = Path(__file__).parents[2] / "interceptors"
FILES = ("intercept.py", "mcp_messages.py", "supervised.py", "callers.py")
MOST_TRIES = 60
_ARN = "arn:aws:lambda:us-east-1:123456789012:function:own"


class InterceptorFunction:
    """A function that judges events."""

    def __init__(self, process: FunctionProcess, folder: Path) -> None:
        self._process = process
        self._calls = 0
        self.folder = folder

    async def call(self, event: Any) -> Outcome:
        """What the function comes to for an event."""
        self._calls += 1
        return await self._process.call(event, {}, f"id-{self._calls}")

    async def answer(self, event: Any) -> Any:
        """Its answer; a function that failed, or ran into its own timeout, has none."""
        outcome = await self.call(event)
        assert not outcome.failed, outcome
        return outcome.payload["mcp"]

    async def passes(self, event: Any) -> bool:
        """Whether it lets a request through in the end: after a new start on a busy machine, some calls are denied."""
        for _ in range(MOST_TRIES):
            if "transformedGatewayRequest" in await self.answer(event):
                return True
        return False

    def kill(self) -> None:
        """Kill the function's process, and nothing else: as if the kernel had."""
        running = self._process._running
        assert running
        running.process.kill()

    def lines(self) -> list[Any]:
        """The JSON lines of its log, but for Lambda's own."""
        texts = (self.folder / "log").read_text("utf-8").splitlines()
        return [json.loads(text) for text in texts if text.startswith('{"timestamp"')]

    def verdicts(self) -> list[Any]:
        """What the handler says of each message."""
        return [line for line in self.lines() if "verdict" in line]


@asynccontextmanager
async def function(
    folder: Path, source: str, variable: str | None, *, seconds: int = 60, form: str = "JSON"
) -> AsyncIterator[InterceptorFunction]:
    """A function with an author's module.

    Args:
        folder: An empty folder.
        source: The module.
        variable: What it is declared to look at; None for no variable.
        seconds: The function's timeout.
        form: The form of its log.
    """
    code = folder / "code"
    code.mkdir()
    for name in FILES:
        shutil.copy(LIBRARY / name, code)
    (code / "interceptor.py").write_text(source, "utf-8")
    environment = {"PATH": os.environ["PATH"]} | ({} if variable is None else {"INTERCEPTS": variable})
    log = FunctionLog(form, "INFO", "INFO")
    own = Function(
        "f", _ARN, "own", "role", "intercept.handler", "python3.13", None, False, {}, (), seconds, False, 256, log
    )
    process = FunctionProcess(own, code=code, environment=environment, log=BoundedFile(folder / "log"))
    try:
        yield InterceptorFunction(process, folder)
    finally:
        await process.aclose()


async def gone(pid: int) -> bool:
    """Whether a process ends by itself."""
    for _ in range(600):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        await asyncio.sleep(0.1)
    return False
