"""The Python that AWS runs our code on, and locked packages for it: arm64 wheels, trimmed, compiled."""

import csv
import gzip
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolgate.components.checks.arguments import UsageError

PYTHON = "3.13"
"""As `major.minor`; the agent's wheels are installed for it."""
# botocore lambda Runtime, bedrock-agentcore-control AgentManagedRuntimeType
LAMBDA_RUNTIME = f"python{PYTHON}"
AGENTCORE_RUNTIME = f"PYTHON_{PYTHON.replace('.', '_')}"
# AgentCore developer guide, "Direct code deployment": arm64 only.
AGENTCORE = "aarch64-manylinux2014"
# Lambda developer guide, "Lambda runtimes": Python 3.13 is on Amazon Linux 2023, whose glibc is 2.34.
LAMBDA = "aarch64-manylinux_2_34"


@dataclass(frozen=True)
class Kept:
    """What is kept of the packages, beside what every program needs.

    Attributes:
        services: botocore's services; None for all of them.
        scripts: Console scripts.
        tests: Whether folders named for tests are kept.
        complete: Whether all that the packages need must be locked.
    """

    services: frozenset[str] | None
    scripts: frozenset[str]
    tests: bool
    complete: bool


AGENT = Kept(
    # What the agent calls (s3 for conversations in a bucket), and what boto3's default credential chain may.
    frozenset({"bedrock-agentcore", "bedrock-runtime", "s3", "signin", "sso", "sso-oidc", "sts"}),
    frozenset({"opentelemetry-instrument"}),
    tests=False,
    complete=False,  # its lock leaves out on purpose what it never imports (agent-overrides.txt)
)
OWN_AGENT = Kept(None, frozenset({"opentelemetry-instrument"}), tests=True, complete=True)
"""An agent with packages of its own: nobody has looked at its imports."""
TOOLS = Kept(None, frozenset(), tests=True, complete=True)
"""Whose imports nobody has looked at."""
_TESTS = {"tests", "test"}
_METADATA_LEFT_OUT = {"INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"}
_UV = (sys.executable, "-m", "uv")
# Exactly what is locked, and nothing built here: a source build would be for this machine.
_INSTALL = ("pip", "install", "--quiet", "--require-hashes", "--only-binary=:all:", "--link-mode=copy")
# Only what has wheels, as nothing is built when it is installed.
_RESOLVE = (
    *("pip", "compile", "--quiet", "--universal", "--only-binary=:all:"),
    *("--generate-hashes", "--no-emit-index-url", "--no-header"),
)
_COMPILE = ("-m", "compileall", "-q", "--invalidation-mode=unchecked-hash")
# Written by uv: the builder's interpreter, or a shell line that runs it where its path is long.
_SHEBANG = re.compile(r"\A#!/bin/sh\n'''exec' .*\n' '''\n|\A#!.*\n")


def resolve(requirements: Path, lock: Path) -> None:
    """Write the lock of requirements: exact versions with hashes and without registry addresses, for any machine.

    Args:
        requirements: What is asked for.
        lock: The lock; where it is there, its versions are kept as far as they can be.

    Raises:
        UsageError: No versions fit.
    """
    _check_uv()
    command = [*_UV, *_RESOLVE, "--python-version", PYTHON, requirements.name, "-o", str(lock.absolute())]
    if subprocess.run(command, check=False, cwd=requirements.parent, stdout=subprocess.DEVNULL).returncode:
        raise UsageError(f"{requirements}: cannot be locked; the lines above say why.")


def install(lock: Path, tree: Path, python: str, machine: str, kept: Kept) -> None:
    """Install the locked wheels into a folder, without what is never read.

    The RECORD of each names the files that are left of it, so that they can be told from the sources beside them.

    Args:
        lock: Requirements with hashes.
        tree: The folder; it is made when it is not there.
        python: The runtime's Python, as `major.minor`.
        machine: Where they are to run, in uv's words.
        kept: What is kept of them.

    Raises:
        UsageError: A wheel for the platform is missing, a hash differs, or what a package needs is not locked.
    """
    _check_uv()
    platform = ["--python-platform", machine, "--python-version", python]
    platform += [] if kept.complete else ["--no-deps"]
    command = [*_UV, *_INSTALL, "--python", sys.executable, *platform, "--target", str(tree), "-r", str(lock)]
    # What has been downloaded before needs no network, and not a word.
    if subprocess.run([*command, "--offline"], check=False, capture_output=True).returncode:
        say(f"downloading what {lock} locks, for Python {python} on {machine}")
        if subprocess.run(command, check=False, stdout=sys.stderr).returncode:
            raise UsageError(
                f"the packages of {lock} could not be installed; the lines above say why. `make lock` (the "
                "shipped agent's) and `toolgate lock` (others) lock anew; name other versions or packages where a "
                "wheel is missing."
            )
    for path in list(_unneeded(tree, kept)):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    if kept.services is not None:
        _keep_endpoints_of_services(tree / "botocore" / "data")
    for record in tree.glob("*.dist-info/RECORD"):
        _record_what_is_left(record, tree)
    for script in (tree / "bin").glob("*"):
        script.write_text(portable(script.read_text("utf-8")), "utf-8")


def _keep_endpoints_of_services(data: Path) -> None:
    """Leave of botocore's list of endpoints what the services need that are there.

    The first client reads all of it, which takes more than half of the time that the client does.
    """
    path = data / "endpoints.json"
    if not path.is_file():
        return
    # The list has services by the prefix of their hosts (botocore, client.py, ClientEndpointBridge).
    prefixes = {_model(file).get("metadata", {}).get("endpointPrefix") for file in data.glob("*/*/service-2.json*")}
    endpoints = json.loads(path.read_bytes())
    for partition in endpoints.get("partitions", ()):
        partition["services"] = {name: it for name, it in partition["services"].items() if name in prefixes}
    path.write_text(json.dumps(endpoints, separators=(",", ":")), "utf-8")


def _model(file: Path) -> dict[str, Any]:
    content = file.read_bytes()
    model: dict[str, Any] = json.loads(gzip.decompress(content) if file.suffix == ".gz" else content)
    return model


def _record_what_is_left(record: Path, tree: Path) -> None:
    """Write a package's RECORD anew, without digests and sizes: scripts are changed, and what is unneeded is gone.

    Both may be left out (Python packaging user guide, "Recording installed projects", the RECORD file).
    """
    with record.open(encoding="utf-8", newline="") as file:
        names = sorted({row[0] for row in csv.reader(file) if row})
    with record.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerows((name, "", "") for name in names if (tree / name).is_file())


def _check_uv() -> None:
    if importlib.util.find_spec("uv") is None:
        raise UsageError(
            "packages are installed by uv, which is not in the environment that runs this: "
            "`pip install 'toolgate[bundle]'` there, or `pip install uv`."
        )


def portable(script: str) -> str:
    """A console script that names no interpreter of the machine it was installed on."""
    return _SHEBANG.sub("#!/usr/bin/env python3\n", script)


def compile_bytecode(tree: Path, python: str, programs: Sequence[str] = ()) -> None:
    """Compile a folder so that a runtime of the same Python loads it as it is, whatever the files' dates.

    Args:
        tree: The folder.
        python: The runtime's Python, as `major.minor`.
        programs: What is in it that makes bytecode, too, run there.

    Raises:
        UsageError: No interpreter of that version is there, or one of the programs fails.
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
    for program in programs:
        command = [interpreter, "-B", program]
        # It comes from the agent's folder: nothing of what the plan knows, credentials say, is its business.
        alone = {"PATH": os.defpath, "PYTHONHASHSEED": "0"}
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=alone, cwd=tree)
        if done.returncode:
            raise UsageError(f"{program} of the agent's folder ends with {done.returncode}: {done.stderr[-500:]}")


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


def _unneeded(tree: Path, kept: Kept) -> Iterator[Path]:
    for path in sorted(tree.rglob("*"), reverse=True):
        inside = path.relative_to(tree)
        parts = inside.parts
        if path.is_dir():
            of_botocore = parts[:2] == ("botocore", "data") and len(parts) == 3
            service = of_botocore and kept.services is not None and parts[2] not in kept.services
            test = path.name in _TESTS and not kept.tests
            if path.name == "__pycache__" or test or service or parts == ("boto3", "examples"):
                yield path
        elif (
            path.suffix in (".pyi", ".pyc")
            or (parts[0] == "bin" and path.name not in kept.scripts)
            or (parts[0].endswith(".dist-info") and path.name in _METADATA_LEFT_OUT)
            or inside == Path(".lock")
        ):
            yield path


def say(what: str) -> None:
    """Show what is being done."""
    print(f"bundle: {what}", file=sys.stderr, flush=True)
