"""A function's process: one warm execution environment, its calls one after another, and its log.

What a call writes reaches the log at once, and so is there when the process dies or takes too long; the process has an
environment of its own, without the developer's.
"""

import asyncio
import json
import os
import secrets
import signal
import socket
import struct
import sys
import time
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from toolgate.access.deployment.agentcore_resources import Function
from toolgate.local.serve.bounded_file import BoundedFile
from toolgate.local.serve.gateway import lambda_log, process_session
from toolgate.local.serve.gateway.lambda_log import Report

WORKER = Path(__file__).with_name("function_worker.py")
INIT_SECONDS = 30.0
"""Longest time for the function's module to be imported; Lambda allows 10 s, but this machine may be busy."""

_PIECE = 65_536
_MOST_PIECES = 32  # of output at one time, so that a function which never stops writing cannot hold us
_TAIL = 65_536
_LEAVING_SECONDS = 2.0


class _ProcessEndedError(Exception):
    """The process ended before it had answered."""


@dataclass(frozen=True)
class Outcome:
    """How a call ended.

    Attributes:
        payload: What the handler returned; of one that failed, `{"errorMessage", "errorType"}`.
        failed: Whether it failed (not: whether it returned an error of its own).
        timed_out: Whether it failed because its time was over.
        lines: The last lines that it has written.
    """

    payload: Any
    failed: bool
    lines: Sequence[str] = ()
    timed_out: bool = False


@dataclass(frozen=True)
class _Call:
    event: Any
    client_context: Mapping[str, Any]
    request_id: str


@dataclass
class _Output:
    """What the process writes: to the log, and the end of it kept for the call under way."""

    descriptor: int
    log: BoundedFile
    tail: bytearray = field(default_factory=bytearray)
    ended: bool = False

    def read(self) -> None:
        """Take what is there by now."""
        for _ in range(_MOST_PIECES):
            try:
                data = b"" if self.ended else os.read(self.descriptor, _PIECE)
            except BlockingIOError:
                return
            if not data:
                self.close()
                return
            self.add(data)

    def add(self, data: bytes) -> None:
        """Write to the log."""
        self.log.write(data)
        self.tail += data
        del self.tail[:-_TAIL]

    def add_lines(self, lines: list[str]) -> None:
        """Write lines of our own, whatever the process left unfinished."""
        if lines:
            unfinished = self.tail and not self.tail.endswith(b"\n")
            self.add((b"\n" if unfinished else b"") + "".join(f"{line}\n" for line in lines).encode())

    def close(self) -> None:
        """Read no more."""
        if not self.ended:
            asyncio.get_running_loop().remove_reader(self.descriptor)
            os.close(self.descriptor)
        self.ended = True


@dataclass
class _Running:
    process: Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    output: _Output

    async def exchange(self, frame: Mapping[str, Any] | None) -> dict[str, Any]:
        """Send a frame, if there is one, and receive the next.

        Raises:
            _ProcessEndedError: The process is gone.
        """
        try:
            if frame is not None:
                data = json.dumps(frame).encode()
                self.writer.write(struct.pack(">I", len(data)) + data)
                await self.writer.drain()
            (length,) = struct.unpack(">I", await self.reader.readexactly(4))
            received: dict[str, Any] = json.loads(await self.reader.readexactly(length))
        except (OSError, asyncio.IncompleteReadError) as error:
            raise _ProcessEndedError from error
        return received

    async def end(self) -> None:
        """Kill the process and all that it started; what they wrote is read first."""
        self.writer.close()
        # The leader may be gone while what it started lives on and holds its output open.
        process_session.end(self.process.pid)
        await self.process.wait()
        self.output.read()
        self.output.close()


class FunctionProcess:
    """Runs a function's handler in a process that starts at the first call, and again after it has ended."""

    def __init__(self, function: Function, *, code: Path, environment: Mapping[str, str], log: BoundedFile) -> None:
        """Prepare the process.

        Args:
            function: The function.
            code: The folder with its code.
            environment: The whole environment of the process, but for the variables that Lambda itself sets.
            log: Where its output goes.
        """
        self._function = function
        self._code = code
        self._environment = {**environment, **_of_lambda(function, code)}
        self._log = log
        self._lock = asyncio.Lock()
        self._calls: set[asyncio.Task[Outcome]] = set()
        self._running: _Running | None = None

    async def call(self, event: Any, client_context: Mapping[str, Any], request_id: str) -> Outcome:
        """Call the handler. As on Lambda the call goes on when its caller is gone.

        Args:
            event: Its event.
            client_context: `context.client_context.custom`.
            request_id: `context.aws_request_id`, and the id of the call in the log.

        Returns:
            What the handler returned, or that it failed.
        """
        call = asyncio.create_task(self._in_turn(_Call(event, client_context, request_id)))
        self._calls.add(call)  # a task that nobody holds may be collected
        call.add_done_callback(self._calls.discard)
        return await asyncio.shield(call)

    async def replace(self, files: Mapping[str, bytes]) -> None:
        """Replace files of the code once no call is under way; the next one meets a new process.

        Args:
            files: Contents by place.
        """
        async with self._lock:
            for place, content in files.items():
                path = self._code / place
                path.write_bytes(content)
                # Python goes by size and second: bytecode of the file before could pass for this one's.
                Path(cache_from_source(path)).unlink(missing_ok=True)
            await self.aclose()

    async def aclose(self) -> None:
        """End the process; the next call starts another one."""
        running, self._running = self._running, None
        if running:
            await running.end()

    async def _in_turn(self, call: _Call) -> Outcome:
        async with self._lock:
            if self._running and self._running.process.returncode is None:
                return await self._call(self._running, call, None)
            await self.aclose()
            started = time.perf_counter()
            running = self._running = await self._start()
            timed_out = False
            try:
                async with asyncio.timeout(INIT_SECONDS):
                    error = (await running.exchange(None)).get("error")
            except TimeoutError:
                text = f"RequestId: {call.request_id} Error: Task timed out after {INIT_SECONDS:.2f} seconds"
                error, timed_out = {"errorMessage": text, "errorType": "Sandbox.Timedout"}, True
            except _ProcessEndedError:
                error = await self._ended(running, call)
            if error:
                await self.aclose()
                return _result(running, error, "timeout" if timed_out else "error")
            return await self._call(running, call, (time.perf_counter() - started) * 1000)

    async def _start(self) -> _Running:
        ours, theirs = socket.socketpair()
        read, write = os.pipe()
        os.set_blocking(read, False)
        output = _Output(read, self._log)
        asyncio.get_running_loop().add_reader(read, output.read)
        version = ".".join(map(str, sys.version_info[:3]))
        output.add_lines(lambda_log.init_start(self._function.log, f"python:{version} of this machine"))
        arguments = (str(theirs.fileno()), self._function.handler or "", str(self._code))
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-u", "-P", str(WORKER), *arguments),
                cwd=self._code,
                env=self._environment,
                stdin=DEVNULL,
                stdout=write,
                stderr=STDOUT,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # Ctrl-C is for us; we end the function, and whatever it started
            )
        finally:
            os.close(write)
            theirs.close()
        reader, writer = await asyncio.open_connection(sock=ours)
        return _Running(process, reader, writer, output)

    async def _call(self, running: _Running, call: _Call, init_milliseconds: float | None) -> Outcome:
        log, output, seconds = self._function.log, running.output, self._function.timeout_seconds
        if init_milliseconds is None:
            output.read()  # what it wrote between the calls is nobody's
            output.tail.clear()
        output.add_lines(lambda_log.start(log, call.request_id))
        context = {
            "request_id": call.request_id,
            "arn": self._function.arn,
            "client_context": call.client_context,
            "deadline": time.time() + seconds,
        }
        started = time.perf_counter()
        used: int | None = None
        try:
            async with asyncio.timeout(seconds):
                answer = await running.exchange({"event": call.event, "context": context})
            payload, failed, used = answer["payload"], answer["failed"], answer["max_rss_mb"]
            status = "error" if failed else "success"
        except TimeoutError:
            await self.aclose()
            text = f"Task timed out after {seconds:.2f} seconds"
            output.add_lines([f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + f"Z {call.request_id} {text}", ""])
            payload = {"errorMessage": f"RequestId: {call.request_id} Error: {text}", "errorType": "Sandbox.Timedout"}
            failed, status = True, "timeout"
        except _ProcessEndedError:
            payload = await self._ended(running, call)
            failed, status = True, "failure"
        milliseconds = (time.perf_counter() - started) * 1000
        output.read()  # before the lines that end the call, whether or not the loop has come to it
        kind = payload["errorType"] if failed else None
        report = Report(
            call.request_id, status, milliseconds, init_milliseconds, self._function.memory_mb, used, error_type=kind
        )
        output.add_lines(lambda_log.end(log, report))
        return _result(running, payload, status)

    async def _ended(self, running: _Running, call: _Call) -> dict[str, Any]:
        """The error of a process that is no more, which its log tells too."""
        with suppress(TimeoutError):  # it has closed its side, and may still be about to go
            async with asyncio.timeout(_LEAVING_SECONDS):
                await running.process.wait()
        await self.aclose()
        code = running.process.returncode or 0
        how = f"exit status {code}" if code >= 0 else f"signal: {(signal.strsignal(-code) or str(-code)).lower()}"
        text = f"RequestId: {call.request_id} Error: Runtime exited " + (
            f"with error: {how}" if code else "without providing a reason"
        )
        running.output.add_lines([text, "Runtime.ExitError"])
        return {"errorMessage": text, "errorType": "Runtime.ExitError"}


def _result(running: _Running, payload: Any, status: str) -> Outcome:
    lines = running.output.tail.decode(errors="replace").splitlines()
    return Outcome(payload, status != "success", lines, timed_out=status == "timeout")


def _of_lambda(function: Function, code: Path) -> dict[str, str]:
    """The variables that Lambda sets (Lambda developer guide, "Defined runtime environment variables")."""
    stream = f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{secrets.token_hex(16)}"
    return {
        "_HANDLER": function.handler or "",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "LAMBDA_TASK_ROOT": str(code),
        **lambda_log.environment(function.log),
    }
