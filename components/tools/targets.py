"""The targets of a program: every folder with a `tools.py`."""

from pathlib import Path

from toolgate.components.checks.errors import UsageError
from toolgate.components.tools.tool_schema import ToolSchema, read_tools


def read_targets(lambdas: Path) -> dict[str, list[ToolSchema]]:
    """The tools of every target by target name, which is the folder's name.

    Raises:
        UsageError: There is no target, or a tool cannot be expressed.
    """
    folders = sorted(path.parent for path in lambdas.glob("*/tools.py"))
    if not folders:
        raise UsageError(f"{lambdas}: has no target. A target is a folder with a tools.py.")
    return {folder.name: read_tools(folder / "tools.py") for folder in folders}
