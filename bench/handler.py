"""The reference of tool calls: a function's handler, called by nobody but itself."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolgate.access.deployment.deployment import Deployment
from toolgate.local.function_packages import packages
from toolgate.local.serve.agents.code_archive import write_out

ALONE = """
import json, statistics, sys, time
from types import SimpleNamespace
sys.path[:0] = sys.argv[4:]
import dispatch
custom = {dispatch.TOOL_NAME_KEY: sys.argv[1]}
context = SimpleNamespace(client_context=SimpleNamespace(custom=custom))
taken = []
for _ in range(int(sys.argv[3])):
    started = time.perf_counter()
    result = dispatch.handler(json.loads(sys.argv[2]), context)
    taken.append((time.perf_counter() - started) * 1000)
print(json.dumps([result, statistics.median(taken)]))
"""


@dataclass(frozen=True)
class Alone:
    """A handler whose process imports it, calls it and ends."""

    command: tuple[str, ...]
    places: tuple[str, ...]

    def call(self) -> Any:
        """The tool's result, of one call."""
        return self._run(1)[0]

    def warm_milliseconds(self) -> float:
        """How long a call takes in a process that has made some: the median of 200."""
        milliseconds: float = self._run(200)[1]
        return milliseconds

    def _run(self, times: int) -> Any:
        command = [*self.command, str(times), *self.places]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def alone(deployment: Deployment, root: Path, folder: Path, tool: str, arguments: Mapping[str, Any]) -> Alone:
    """The handler of a deployment's only function.

    Args:
        deployment: The deployment.
        root: The program's folder.
        folder: An empty folder for the function's code.
        tool: The tool's full name.
        arguments: Its arguments.
    """
    [function] = deployment.functions
    assert function.code
    write_out(function.code, folder, root)
    # Those in the code are for Lambda's machines.
    own = packages(folder, root)
    command = (sys.executable, "-P", "-c", ALONE, tool, json.dumps(arguments))
    return Alone(command, tuple(str(place.resolve()) for place in (own, folder) if place))
