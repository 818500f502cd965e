"""The lines that Lambda itself writes into a function's log: its start, its end, how long it took, what ended it.

In text as Lambda always wrote them; with the log format JSON as platform events, those of level INFO and above unless
the function says otherwise. Sources: Lambda developer guide, "Configuring advanced logging controls for your Lambda
function" (settings, defaults, levels of the events) and "Lambda Telemetry API Event schema reference" (the events). The
words about a process that ended are public reports; none of it was seen by us on AWS.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from toolgate.access.deployment.agentcore_resources import FunctionLog

_LEVELS = ("DEBUG", "INFO", "WARN")


@dataclass(frozen=True)
class Report:
    """What is said of a call that has ended.

    Attributes:
        request_id: The call.
        status: `success`, `error`, `timeout` or `failure` (the process ended).
        milliseconds: How long it ran.
        init_milliseconds: How long the process took to start, where this call started it.
        memory_mb: Memory that the function has.
        used_mb: Most that its process ever used; None when the process took that with it.
        error_type: Lambda's name for what went wrong.
    """

    request_id: str
    status: str
    milliseconds: float
    init_milliseconds: float | None
    memory_mb: int
    used_mb: int | None
    error_type: str | None = None


def environment(log: FunctionLog) -> dict[str, str]:
    """The variables by which Lambda tells a runtime how to log."""
    if log.format != "JSON":
        return {"AWS_LAMBDA_LOG_FORMAT": "Text"}
    return {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": log.application_level}


def init_start(log: FunctionLog, runtime: str) -> list[str]:
    """A process is started."""
    record = {"initializationType": "on-demand", "phase": "init", "runtimeVersion": runtime}
    return _lines(log, "INFO", "initStart", record, f"INIT_START Runtime Version: {runtime}")


def start(log: FunctionLog, request_id: str) -> list[str]:
    """A call begins."""
    record = {"requestId": request_id, "version": "$LATEST"}
    return _lines(log, "INFO", "start", record, f"START RequestId: {request_id} Version: $LATEST")


def end(log: FunctionLog, report: Report) -> list[str]:
    """A call has ended."""
    level = "INFO" if report.status == "success" else "WARN"
    billed = max(1, round(report.milliseconds))
    metrics = {
        "durationMs": round(report.milliseconds, 2),
        "billedDurationMs": billed,
        "memorySizeMB": report.memory_mb,
    }
    text = (
        f"REPORT RequestId: {report.request_id}\tDuration: {report.milliseconds:.2f} ms\tBilled Duration: {billed} ms"
        f"\tMemory Size: {report.memory_mb} MB"
    )
    if report.used_mb is not None:
        metrics["maxMemoryUsedMB"] = report.used_mb
        text += f"\tMax Memory Used: {report.used_mb} MB"
    if report.init_milliseconds is not None:
        metrics["initDurationMs"] = round(report.init_milliseconds, 2)
        text += f"\tInit Duration: {report.init_milliseconds:.2f} ms"
    if report.status != "success":
        text += f"\tStatus: {report.status}"
    if report.error_type:
        text += f"\tError Type: {report.error_type}"
    of_error = {"errorType": report.error_type} if report.error_type else {}
    record = {"requestId": report.request_id, "metrics": metrics, "status": report.status, **of_error}
    return [
        *([] if log.format == "JSON" else [f"END RequestId: {report.request_id}"]),
        *_lines(log, level, "report", record, text),
    ]


def last_words(lines: Sequence[str]) -> str | None:
    """The last line of the traceback that a call has logged; else the last line that the function wrote."""
    for line in reversed(lines):
        try:
            error = json.loads(line) if line.startswith("{") else None
        except ValueError:
            continue
        if isinstance(error, dict) and "errorType" in error:
            return f"{error['errorType']}: {error.get('errorMessage', '')}"
    of_lambda = ("START ", "END ", "REPORT ", "INIT_START ", '{"time"')
    return next((line for line in reversed(lines) if line.strip() and not line.startswith(of_lambda)), None)


def _lines(log: FunctionLog, level: str, event: str, record: Mapping[str, object], text: str) -> list[str]:
    if log.format != "JSON":
        return [text]
    if _LEVELS.index(level) < _LEVELS.index(log.system_level):
        return []
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return [json.dumps({"time": now, "type": f"platform.{event}", "record": record})]
