"""The components' process, ended while it starts. tests/local/engine/test_plugin.py has the other moments."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMPONENTS = Path(__file__).parents[2] / "components"
SLOW_TO_IMPORT = "import os, pathlib, time\npathlib.Path(os.environ['HERE']).touch()\ntime.sleep(60)\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_quietly(number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "pulumi.py").write_text(SLOW_TO_IMPORT)
    here = tmp_path / "here"
    variables = {**os.environ, "PYTHONPATH": str(tmp_path), "HERE": str(here)}
    with subprocess.Popen(
        [sys.executable, COMPONENTS, "127.0.0.1:1"],
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = time.monotonic() + 20
        while not here.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(number)
        assert process.communicate(timeout=20) == ("", "")
        assert process.returncode == 0
