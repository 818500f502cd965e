"""A process for code that may never come to an end, and the deadline that it is held to from outside.

A thread cannot keep such a promise: a pattern that backtracks, or 6 MB of JSON, holds Python's one lock until it is
done. So the author's code runs in a child, and who waits for it stays free to answer, and to end it.

Frames go over a pair of sockets: four bytes of length, and what `marshal` makes of JSON's types. The child says first
what it is (`hello`), and then answers one message after another under the number that the message has.
"""

import gc
import json
import logging
import marshal
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

IMPORT_SECONDS = 60.0
"""Most of the processor's time that a child may take until it says hello: its parent may be gone."""
LEAVING_SECONDS = 1.0
"""How long after its deadline a child ends by itself, if nobody has ended it."""
LARGEST_FRAME = 64 * 1024 * 1024
"""Bytes. A longer frame is none of ours: something wrote into the socket."""

_LENGTH = struct.Struct(">I")
_PIECE = 65_536
_BUFFER = 1024 * 1024


class NoAnswerError(Exception):
    """There is no answer.

    Attributes:
        code: `deadline`, `starting` (the child is still being imported) or `process_ended`.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Supervised:
    """A child that answers messages; one that does not, or ends, is replaced by a new one."""

    def __init__(self, program: str) -> None:
        """Prepare the child.

        Args:
            program: What it runs; the descriptor of its socket is `sys.argv[1]`.
        """
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._connection = socket.socket()
        self._hello: Any = None
        self._number = 0

    def start(self) -> None:
        """Start a child in place of the one that there is."""
        self.end()
        ours, theirs = socket.socketpair()
        for one in (ours, theirs):  # as much as the kernel gives: what fits is handed over at one time
            one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        with theirs:
            self._connection, self._hello = ours, None
            # Its path is ours; `_HANDLER` would tell it that it is the function itself.
            environment = {name: value for name, value in os.environ.items() if name != "_HANDLER"}
            self._process = subprocess.Popen(
                [sys.executable, "-u", "-P", "-c", _PROGRAM + self._program, str(theirs.fileno()), *sys.path],
                env=environment,
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                process_group=0,  # with what it starts it is ended as one
            )

    def end(self) -> None:
        """End the child and all that it has started."""
        process, self._process = self._process, None
        self._connection.close()
        if process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.5)

    def hello(self, deadline: float) -> Any:
        """What the child says of itself, once it is ready.

        Args:
            deadline: Until when to wait (`time.monotonic`). A child that is not ready then goes on getting ready.

        Raises:
            NoAnswerError: It is not ready, or ended.
        """
        if self._process is None or self._process.poll() is not None:
            self.start()
        if self._hello is None:
            if not self._is_readable(deadline):
                raise NoAnswerError("starting")
            try:
                self._hello = self._receive(deadline)
            except (OSError, EOFError, ValueError, TypeError):  # its module cannot be imported: its log says why
                self.end()
                raise NoAnswerError("process_ended") from None
        return self._hello

    def ask(self, message: Any, deadline: float) -> Any:
        """The child's answer to a message.

        Args:
            message: Of JSON's types, and tuples.
            deadline: Until when to wait (`time.monotonic`).

        Raises:
            NoAnswerError: There is none; the child was replaced unless it is still getting ready.
        """
        if time.monotonic() >= deadline:
            raise NoAnswerError("deadline")
        self.hello(deadline)
        self._number += 1
        frame = _frame((self._number, deadline, message))
        try:
            return self._exchange(frame, deadline)
        except TimeoutError:
            code = "deadline"
        except (OSError, EOFError, ValueError, TypeError):  # also of bytes that are no frame
            code = "process_ended"
        self.start()
        raise NoAnswerError(code)

    def _exchange(self, frame: bytes, deadline: float) -> Any:
        # As long as a child does not read, what is sent waits in the socket: sending has the deadline, too.
        self._connection.settimeout(_left(deadline))
        self._connection.sendall(frame)
        number, answer = self._receive(deadline)
        if number != self._number:
            raise OSError("an answer to another message")
        return answer

    def _is_readable(self, deadline: float) -> bool:
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        return bool(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))

    def _receive(self, deadline: float) -> Any:
        """The next frame, of which most come as one piece."""
        head = self._piece(deadline)
        while len(head) < _LENGTH.size:
            head += self._piece(deadline)
        (length,) = _LENGTH.unpack_from(head)
        begun = len(head) - _LENGTH.size
        if not begun <= length <= LARGEST_FRAME:  # more than was asked for is no frame, too
            raise OSError("no frame")
        if begun == length:
            return marshal.loads(head[_LENGTH.size :])  # noqa: S302 from our own child
        data = bytearray(length)
        data[:begun] = head[_LENGTH.size :]
        view = memoryview(data)[begun:]
        while view:
            self._connection.settimeout(_left(deadline))
            got = self._connection.recv_into(view)
            if not got:
                raise EOFError
            view = view[got:]
        return marshal.loads(data)  # noqa: S302 as above

    def _piece(self, deadline: float) -> bytes:
        self._connection.settimeout(_left(deadline))
        piece = self._connection.recv(_PIECE)
        if not piece:
            raise EOFError
        return piece


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _frame(value: Any) -> bytes:
    data = marshal.dumps(value)
    return _LENGTH.pack(len(data)) + data


# --- in the child ---

# Of the path as it is in the parent: there is no other place where what follows could be found.
_PROGRAM = "import sys; sys.path[:] = sys.argv[2:]; del sys.argv[2:]\n"


def serve(load: Callable[[], tuple[Any, Callable[[Any, float], Any]]]) -> None:
    """Answer messages until the parent closes the socket; then the process ends.

    Args:
        load: Imports what answers; returns what the child says of itself, and what answers a message (the message, and
            until when, by `time.monotonic`).
    """
    connection = socket.socket(fileno=int(sys.argv.pop(1)))
    connection.set_inheritable(False)  # what the author's code starts must not keep it open
    _prefer_for_the_kernel()
    _configure_logging()
    own = os.getpid()
    # Should the parent be gone, which nobody tells who never reads: the kernel ends us then, whatever runs.
    signal.setitimer(signal.ITIMER_PROF, IMPORT_SECONDS)
    hello, answer = load()
    signal.setitimer(signal.ITIMER_PROF, 0)
    gc.collect()
    gc.freeze()  # what was imported stays; it need not be looked through again for each event
    connection.sendall(_frame(hello))
    stream = connection.makefile("rb")
    while (received := _next(stream)) is not None:
        number, deadline, message = received
        signal.setitimer(signal.ITIMER_REAL, max(0.0, deadline - time.monotonic()) + LEAVING_SECONDS)
        answered = _frame((number, answer(message, deadline)))
        signal.setitimer(signal.ITIMER_REAL, 0)
        if os.getpid() != own:  # a fork that came back to us: its answer is its parent's
            os._exit(0)
        connection.sendall(answered)
    os._exit(0)  # now, whatever threads the author's code has left


def _next(stream: BinaryIO) -> Any:
    """The next message; None when the parent is gone."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    data = stream.read(length)
    return None if len(data) < length else marshal.loads(data)  # noqa: S302 from our own parent


def _prefer_for_the_kernel() -> None:
    """Where memory runs out the kernel ends us, and not who answers for us (Linux; others have no such file)."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")


# --- its log, as Lambda's runtime would write it ---

request_id = ""
"""Of the event that is judged."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "timestamp": timestamp(record.created),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "requestId": request_id,
        }
        if record.exc_info and record.exc_info[0]:
            kind, error, trace = record.exc_info
            line |= {
                "errorType": kind.__name__,
                "errorMessage": str(error),
                "stackTrace": traceback.format_tb(trace),
            }
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD and key not in line}
        return json.dumps(line, default=str)


class _TextLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        record.aws_request_id = request_id
        return super().format(record)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 logging's name
        return timestamp(record.created)


def timestamp(seconds: float) -> str:
    """A time as Lambda's log lines have it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _configure_logging() -> None:
    handler = logging.StreamHandler(sys.stdout)
    text = "[%(levelname)s]\t%(asctime)s\t%(aws_request_id)s\t%(message)s"
    is_json = os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON"
    handler.setFormatter(_JsonLines() if is_json else _TextLines(text))
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "")
    named = logging.getLevelNamesMapping() | {"TRACE": logging.DEBUG}
    if level in named:
        logging.getLogger().setLevel(named[level])
    logging.getLogger().addHandler(handler)
    # With DEBUG they log what they sign with and what they are answered: session tokens, and values of secrets.
    for library in ("boto3", "botocore", "s3transfer", "urllib3"):
        logging.getLogger(library).setLevel(logging.INFO)
