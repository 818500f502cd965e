"""The plugin's process as an engine starts and ends it: whenever it is told to end, it does so without a word."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parents[3] / "local" / "plugin" / "pulumi-resource-aws"
PATIENCE = 60.0  # seconds; this machine may be busy
BEFORE_PYTHON = 'touch "$HERE"; exec sleep 60'
IN_PYTHON = f'exec "{sys.executable}" "$@"'
# Found before the real one; it is what the plugin's start spends its time with.
SLOW_TO_IMPORT = "import os, pathlib, time\npathlib.Path(os.environ['HERE']).touch()\ntime.sleep(60)\n"

type Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the plugin with a `python3` of the test's own, in a group of its own as an engine does."""

    def begin(python: str, **variables: str) -> subprocess.Popen[str]:
        plugin = tmp_path / "local" / "plugin" / PLUGIN.name
        plugin.parent.mkdir(parents=True)
        shutil.copy(PLUGIN, plugin)
        fake = tmp_path / "bin" / "python3"
        fake.parent.mkdir()
        fake.write_text(f"#!/bin/sh\n{python}\n")
        fake.chmod(0o755)
        process = stack.enter_context(
            subprocess.Popen(
                [plugin, "127.0.0.1:1"],
                env={
                    "PATH": f"{fake.parent}{os.pathsep}{os.environ['PATH']}",
                    "HERE": str(tmp_path / "here"),
                    "TOOLGATE_LOCAL": str(tmp_path),
                    **variables,
                },
                cwd=tmp_path,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                process_group=0,
                preexec_fn=_as_in_a_terminal,  # noqa: PLW1509  # between fork and exec it takes no lock
            )
        )
        stack.callback(lambda: _signal_group(process, signal.SIGKILL))
        return process

    with ExitStack() as stack:
        yield begin


@pytest.fixture
def before_python(start: Start, tmp_path: Path) -> subprocess.Popen[str]:
    """The shell has started, and what it runs has not come to a line of ours."""
    process = start(BEFORE_PYTHON)
    _wait_for(tmp_path / "here")
    return process


@pytest.fixture
def importing(start: Start, tmp_path: Path) -> subprocess.Popen[str]:
    """Python imports what the provider needs."""
    (tmp_path / "slow" / "grpc").mkdir(parents=True)
    (tmp_path / "slow" / "grpc" / "__init__.py").write_text(SLOW_TO_IMPORT)
    process = start(IN_PYTHON, PYTHONPATH=str(tmp_path / "slow"))
    _wait_for(tmp_path / "here")
    return process


@pytest.fixture
def serving(start: Start) -> subprocess.Popen[str]:
    """The engine has read the port."""
    process = start(IN_PYTHON)
    assert process.stdout is not None
    assert process.stdout.readline().strip().isdecimal()
    return process


@pytest.mark.parametrize("moment", ["before_python", "importing", "serving"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_its_group_ends_it_quietly(
    moment: str, number: signal.Signals, request: pytest.FixtureRequest
) -> None:
    process: subprocess.Popen[str] = request.getfixturevalue(moment)
    _signal_group(process, number)
    _assert_ended_quietly(process)


@pytest.mark.parametrize("moment", ["before_python", "importing"])
def test_a_signal_to_the_shell_alone_ends_python_too(moment: str, request: pytest.FixtureRequest) -> None:
    process: subprocess.Popen[str] = request.getfixturevalue(moment)
    process.terminate()
    _assert_ended_quietly(process)


def test_it_ends_when_the_engine_is_gone(serving: subprocess.Popen[str]) -> None:
    assert serving.stdout is not None
    serving.stdout.close()
    assert serving.wait(PATIENCE) == 0
    assert serving.stderr is not None
    assert serving.stderr.read() == ""


def test_it_ends_when_nobody_reads_its_port(start: Start) -> None:
    process = start(IN_PYTHON)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(PATIENCE) == 0
    assert process.stderr is not None
    assert process.stderr.read() == ""


def test_what_keeps_it_from_starting_is_still_said(start: Start) -> None:
    process = start("echo 'no such module' >&2; exit 3")
    assert process.communicate(timeout=PATIENCE) == ("", "no such module\n")
    assert process.returncode == 3


def _as_in_a_terminal() -> None:
    """Signals do what they do by default, though whoever runs the tests in the background ignores some."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def _assert_ended_quietly(process: subprocess.Popen[str]) -> None:
    # Read to their end: nothing that it started holds them any more.
    assert process.communicate(timeout=PATIENCE) == ("", "")
    assert process.returncode == 0


def _signal_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # nothing is left of it
        os.killpg(process.pid, number)


def _wait_for(file: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not file.exists():
        assert time.monotonic() < deadline, f"{file.name} did not come"
        time.sleep(0.01)
