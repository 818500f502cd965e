"""One setting for how much is logged, in the words of each place that logs."""

import enum

from toolgate.components.runtime.python_function import FunctionLogLevel

AGENT_VARIABLE = "AGENT_LOG_LEVEL"
"""The environment variable of the agent that takes a LogLevel's value."""
SERVER_VARIABLE = "SERVER_LOG_LEVEL"
"""That of an MCP server (`servers/serve.py`)."""


class LogLevel(enum.Enum):
    """The lowest level of what is logged."""

    DEBUG = "debug"
    """For somebody who looks for a fault; callers of the gateway see its errors in detail, too."""
    INFO = "info"
    """What happened."""
    WARNING = "warning"
    """What may be wrong."""
    ERROR = "error"
    """What went wrong."""


def of_functions(level: LogLevel) -> FunctionLogLevel:
    """The level in Lambda's words."""
    return FunctionLogLevel.WARN if level is LogLevel.WARNING else FunctionLogLevel[level.name]
