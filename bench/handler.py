"""The reference of tool calls: a function's handler, called by nobody but itself."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from toolgate.access.deployment.deployment import Deployment
from toolgate.local.function_packages import packages
from toolgate.local.serve.agents.code_archive import write_out

ALONE = """
import json, sys
from types import SimpleNamespace
sys.path[:0] = sys.argv[3:]
import dispatch
custom = {dispatch.TOOL_NAME_KEY: sys.argv[1]}
context = SimpleNamespace(client_context=SimpleNamespace(custom=custom))
print(json.dumps(dispatch.handler(json.loads(sys.argv[2]), context)))
"""


def alone(
    deployment: Deployment, root: Path, folder: Path, tool: str, arguments: Mapping[str, Any]
) -> Callable[[], Any]:
    """Make what starts a process that imports the handler, calls it once and ends.

    Args:
        deployment: A deployment with one function.
        root: The program's folder.
        folder: An empty folder for the function's code.
        tool: The tool's full name.
        arguments: Its arguments.

    Returns:
        A function that runs the process and gives the tool's result.
    """
    [function] = deployment.functions
    assert function.code
    write_out(function.code, folder, root)
    # Those in the code are for Lambda's machines.
    own = packages(folder, root)
    places = [str(place.resolve()) for place in (own, folder) if place]
    command = [sys.executable, "-P", "-c", ALONE, tool, json.dumps(arguments), *places]

    def run() -> Any:
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        return json.loads(done.stdout)

    return run
