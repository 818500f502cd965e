"""The Python that AWS runs our code on, and the agent's locked packages for it: arm64 wheels, trimmed, compiled."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from toolgate.components.checks.arguments import UsageError

PYTHON = "3.13"
"""As `major.minor`; the agent's wheels are installed for it."""
# botocore lambda Runtime, bedrock-agentcore-control AgentManagedRuntimeType
LAMBDA_RUNTIME = f"python{PYTHON}"
AGENTCORE_RUNTIME = f"PYTHON_{PYTHON.replace('.', '_')}"
# AgentCore developer guide, "Direct code deployment": arm64 only.
AGENTCORE = "aarch64-manylinux2014"
# What the agent calls, and what boto3's default credential chain may.
BOTOCORE_SERVICES = {"bedrock-agentcore", "bedrock-runtime", "signin", "sso", "sso-oidc", "sts"}
SCRIPTS = {"opentelemetry-instrument"}
_FOLDERS_LEFT_OUT = {"__pycache__", "tests", "test"}
_METADATA_LEFT_OUT = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"}
_UV = (sys.executable, "-m", "uv")
# Exactly what is locked, and nothing built here: a source build would be for this machine.
_INSTALL = ("pip", "install", "--quiet", "--require-hashes", "--no-deps", "--only-binary=:all:", "--link-mode=copy")
_COMPILE = ("-m", "compileall", "-q", "--invalidation-mode=unchecked-hash")
# Written by uv: the builder's interpreter, or a shell line that runs it where its path is long.
_SHEBANG = re.compile(r"\A#!/bin/sh\n'''exec' .*\n' '''\n|\A#!.*\n")


def install(lock: Path, tree: Path, python: str, machine: str = AGENTCORE) -> None:
    """Install the locked wheels into a folder, without what the agent never reads.

    Args:
        lock: Requirements with hashes.
        tree: The folder to make.
        python: The runtime's Python, as `major.minor`.
        machine: Where they are to run, in uv's words.

    Raises:
        UsageError: A wheel for the platform is missing, or a hash differs.
    """
    say(f"installing {lock} for Python {python} on {machine} (some 30 MB to download the first time)")
    platform = ["--python-platform", machine, "--python-version", python]
    command = [*_UV, *_INSTALL, "--python", sys.executable, *platform, "--target", str(tree), "-r", str(lock)]
    result = subprocess.run(command, check=False, stdout=sys.stderr)
    if result.returncode:
        raise UsageError(
            "the agent's packages could not be installed; the lines above say why. `make lock` locks anew."
        )
    for path in list(_unneeded(tree)):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for script in (tree / "bin").glob("*"):
        script.write_text(portable(script.read_text("utf-8")), "utf-8")


def portable(script: str) -> str:
    """A console script that names no interpreter of the machine it was installed on."""
    return _SHEBANG.sub("#!/usr/bin/env python3\n", script)


def compile_bytecode(tree: Path, python: str) -> None:
    """Compile a folder so that a runtime of the same Python loads it as it is, whatever the files' dates.

    Raises:
        UsageError: No interpreter of that version is there.
    """
    say(f"compiling for Python {python}")
    interpreter = _interpreter(python)
    # One process: what is shared between files compiled together shows in the bytes.
    command = [interpreter, *_COMPILE, "-s", str(tree), str(tree)]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    result = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if result.returncode:
        # Some packages carry files that are not meant for this Python; those stay uncompiled.
        say(f"left uncompiled: {result.stdout.strip()[:500]}")


def _interpreter(python: str) -> str:
    if python == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = subprocess.run(
        [*_UV, "python", "find", "--no-project", "--no-python-downloads", python],
        check=False,
        capture_output=True,
        text=True,
    )
    if found.returncode:
        raise UsageError(
            f"the agent's bytecode must be made by Python {python}, which is not here. "
            f"Install it (`uv python install {python}`), or build from .venv (`make setup`)."
        )
    return found.stdout.strip()


def _unneeded(tree: Path) -> Iterator[Path]:
    for path in sorted(tree.rglob("*"), reverse=True):
        inside = path.relative_to(tree)
        parts = inside.parts
        if path.is_dir():
            service = parts[:2] == ("botocore", "data") and len(parts) == 3 and parts[2] not in BOTOCORE_SERVICES
            if path.name in _FOLDERS_LEFT_OUT or service or parts == ("boto3", "examples"):
                yield path
        elif (
            path.suffix in (".pyi", ".pyc")
            or (parts[0] == "bin" and path.name not in SCRIPTS)
            or (parts[0].endswith(".dist-info") and path.name in _METADATA_LEFT_OUT)
            or inside == Path(".lock")
        ):
            yield path


def say(what: str) -> None:
    """Show what is being done."""
    print(f"bundle: {what}", file=sys.stderr, flush=True)
