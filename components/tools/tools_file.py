"""Tools written as JSON: those of a function that others made, of which there is no source to read."""

import json
from pathlib import Path

from toolgate.components.checks.arguments import UsageError
from toolgate.components.tools import tool_check
from toolgate.components.tools.listed_schema import ToolSchema


def read(path: Path, where: str) -> list[ToolSchema]:
    """The tools in a file: a list of `{"name", "description", "inputSchema"}`, as the gateway lists them.

    Args:
        path: The file, relative to the program.
        where: Who names it, for messages.

    Raises:
        UsageError: It cannot be read, is no such list, or says what AgentCore's schema has no word for.
    """
    try:
        # Bytes: json finds the encoding, also of what PowerShell writes (UTF-16, byte order marks).
        tools = json.loads(path.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{where}: {path} cannot be read ({error}).") from error
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}:{error.lineno}: is not valid JSON: {error.msg}.") from error
    except RecursionError as error:
        raise UsageError(f"{path}: is nested too deeply.") from error
    tool_check.check(tools, str(path))
    return list(tools)
