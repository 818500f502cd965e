"""What runs in a function's process: Lambda's runtime for Python, as far as a handler and its log can tell.

Started as a file, with the function's own interpreter: standard library only, and nothing of the project can be
imported. Handler, logging and errors are as AWS's runtime client has them (github.com/aws/aws-lambda-python-runtime-
interface-client, bootstrap.py and lambda_runtime_log_utils.py). That client itself is no choice: it is compiled for
Linux only, and speaks to a runtime API that would have to be served.

Called as `function_worker.py FD HANDLER CODE`. On the socket FD go frames: four bytes of length, and JSON.

    worker -> us   {"ready": true}  or  {"error": {"errorMessage", "errorType", ...}}, after which the process ends
    us -> worker   {"event": ..., "context": {...}}
    worker -> us   {"payload": ..., "failed": bool, "max_rss_mb": int}
"""

import decimal
import importlib
import json
import logging
import math
import os
import resource
import socket
import struct
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any

Handler = Callable[[Any, Any], Any]

LARGEST = 6_291_556
"""Bytes of an answer (Lambda developer guide, "Quotas": 6 MB; Lambda's own error says it to the byte)."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "aws_request_id"}
_invocation = {"id": ""}


class RuntimeFault(Exception):  # noqa: N818  # what Lambda calls it
    """The function cannot be run, or its answer not be sent: an error's type as Lambda calls it, and its text."""

    def __init__(self, kind: str, text: str, trace: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.kind = kind
        self.trace = trace


class Context:
    """The handler's second argument (Lambda developer guide, "Using the Lambda context object")."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.aws_request_id: str = told["request_id"]
        self.invoked_function_arn: str = told["arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.client_context = SimpleNamespace(custom=told["client_context"], env={}, client=None)
        self.identity = SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)
        self._deadline: float = told["deadline"]

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is ended."""
        return max(0, int((self._deadline - time.time()) * 1000))

    def log(self, text: Any) -> None:
        """Write to the log."""
        sys.stdout.write(str(text))


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "timestamp": _timestamp(record.created),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info and record.exc_info[0]:
            kind, error, trace = record.exc_info
            line |= {
                "stackTrace": traceback.format_tb(trace),
                "errorType": kind.__name__,
                "errorMessage": str(error),
                "location": f"{record.pathname}:{record.funcName}:{record.lineno}",
            }
        line["requestId"] = _invocation["id"]
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD and key not in line}
        return json.dumps(line, ensure_ascii=False, default=str)


class _TextLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        record.aws_request_id = _invocation["id"]
        return super().format(record)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802  # logging's name
        return _timestamp(record.created)


def configure_logging(form: str, level: str) -> None:
    """Send the root logger to standard output, as Lambda's runtime does.

    Args:
        form: `JSON`, or anything else for text.
        level: The lowest level that is logged, of every logger: Lambda drops what is below it. Empty for Python's own.
    """
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        _JsonLines() if form == "JSON" else _TextLines("[%(levelname)s]\t%(asctime)s\t%(aws_request_id)s\t%(message)s")
    )
    named = logging.getLevelNamesMapping() | {"TRACE": logging.DEBUG}
    if level in named:
        handler.setLevel(named[level])
        logging.getLogger().setLevel(named[level])
    logging.getLogger().addHandler(handler)


def find_handler(name: str) -> Handler:
    """The function `<module>.<function>`.

    Raises:
        RuntimeFault: There is no such module or function, or it is not Python.
    """
    module, _, function = name.replace("/", ".").rpartition(".")
    try:
        loaded = importlib.import_module(module)
        found: Handler = getattr(loaded, function)
    except ImportError as error:
        text = f"Unable to import module '{module}': {error}"
        raise RuntimeFault("Runtime.ImportModuleError", text, _own_frames(error.__traceback__)) from error
    except SyntaxError as error:
        where = f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'
        text = f"Syntax error in module '{module}': {error}"
        raise RuntimeFault("Runtime.UserCodeSyntaxError", text, [where]) from error
    except AttributeError as error:
        if module not in sys.modules:  # it is the module's own code that lacks something
            raise
        raise RuntimeFault("Runtime.HandlerNotFound", f"Handler '{function}' missing on module '{module}'") from error
    return found


def call(handler: Handler, event: Any, context: Context) -> tuple[bytes, bool]:
    """Call the handler; what goes wrong is logged, and is the answer.

    Returns:
        The answer as JSON, and whether it is an error.
    """
    try:
        return _small(_json(handler(event, context))), False
    except Exception as error:  # one that exits ends the process, as on Lambda
        described = _described(error)
        _log_error(described | {"requestId": context.aws_request_id})
        return json.dumps(described).encode(), True


def _json(value: Any) -> bytes:
    try:
        return json.dumps(value, default=_decimal).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise RuntimeFault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def _small(answer: bytes) -> bytes:
    if len(answer) > LARGEST:
        text = f"Response payload size exceeded maximum allowed payload size ({LARGEST} bytes)."
        raise RuntimeFault("Function.ResponseSizeTooLarge", text)
    return answer


def _decimal(value: Any) -> float:
    if isinstance(value, decimal.Decimal):
        return math.nan if value.is_nan() else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _described(error: BaseException) -> dict[str, Any]:
    if isinstance(error, RuntimeFault):
        return {"errorMessage": str(error), "errorType": error.kind, "stackTrace": list(error.trace)}
    trace = _own_frames(error.__traceback__)
    return {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": trace}


def _own_frames(trace: TracebackType | None) -> list[str]:
    """The frames of the function: ours, and those of the import system, tell its author nothing."""
    others = ("<frozen importlib", __file__, str(importlib.__file__))
    return traceback.format_list([it for it in traceback.extract_tb(trace) if not it.filename.startswith(others)])


def _log_error(error: dict[str, Any]) -> None:
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON":
        line = json.dumps({"timestamp": _timestamp(time.time()), "level": "ERROR", **error}, ensure_ascii=False)
    else:
        trace = "".join(error["stackTrace"])
        line = f"[ERROR] {error['errorType']}: {error['errorMessage']}\nTraceback (most recent call last):\n{trace}"
    print(line.rstrip("\n"))


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _max_rss_mb() -> int:
    # Linux counts in `getrusage` what our parent had when it started us.
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text("ascii", "replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most / (1024 * 1024 if sys.platform == "darwin" else 1024))


def _send(connection: socket.socket, frame: bytes) -> None:
    connection.sendall(struct.pack(">I", len(frame)) + frame)


def _receive(connection: socket.socket) -> Any:
    """The next frame; None when the other side is gone."""
    length = _exactly(connection, 4)
    frame = _exactly(connection, struct.unpack(">I", length)[0]) if length else None
    return None if frame is None else json.loads(frame)


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            return None
        data += part
    return bytes(data)


def main(descriptor: int, name: str, code: str) -> int:
    """Serve calls until the other side closes the socket."""
    connection = socket.socket(fileno=descriptor)
    own = os.getpid()
    connection.set_inheritable(False)  # what the function starts must not keep it open
    sys.path.insert(0, code)
    configure_logging(os.environ.get("AWS_LAMBDA_LOG_FORMAT", ""), os.environ.get("AWS_LAMBDA_LOG_LEVEL", ""))
    try:
        handler = find_handler(name)
    except Exception as error:  # whatever the module does when it is imported
        described = _described(error)
        _log_error(described)
        _send(connection, json.dumps({"error": described}).encode())
        return 1
    _send(connection, b'{"ready": true}')
    while (frame := _receive(connection)) is not None:
        context = Context(frame["context"])
        _invocation["id"] = context.aws_request_id
        payload, failed = call(handler, frame["event"], context)
        if os.getpid() != own:  # a fork that came back to us: its answer, and the next call, are its parent's
            os._exit(0)
        rest = json.dumps({"failed": failed, "max_rss_mb": _max_rss_mb()}).encode()
        _send(connection, b'{"payload": ' + payload + b", " + rest[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
