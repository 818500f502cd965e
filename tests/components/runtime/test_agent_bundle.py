"""The agent's zip, built from hand-made wheels: no network."""

import hashlib
import marshal
import os
import platform
import random
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.components.handmade_packages import sdist, wheel
from toolgate.components.checks.arguments import UsageError
from toolgate.components.runtime import agent_bundle, code_zip, wheels
from toolgate.components.runtime.function_package import LOCKED_FROM

ROOT = Path(__file__).parents[3]


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an agent and a lock; packages come from hand-made wheels beside them."""
    index = tmp_path / "index"
    index.mkdir()
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(index))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    agent = tmp_path / "agent"
    (agent / "tests").mkdir(parents=True)
    (agent / "__pycache__").mkdir()
    (agent / "main.py").write_text("import helper\nfrom tiny import answer\nprint(answer(), helper.__name__)\n")
    (agent / "helper.py").write_text("X = 1\n")
    (agent / "tests" / "test_main.py").write_text("")
    (agent / ".main.py.swp").write_text("")
    (agent / "__pycache__" / "main.cpython-313.pyc").write_text("")
    (tmp_path / "agent.txt").write_text(wheel(index))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def build(inputs: Path, **options: Any) -> agent_bundle.Bundle:
    options = {"dist": inputs / "dist", **options}
    return agent_bundle.build(inputs / "agent", inputs / "agent.txt", **options)


def content(built: agent_bundle.Bundle) -> dict[str, bytes]:
    with zipfile.ZipFile(built.path) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def test_the_zip_holds_the_agent_and_what_it_needs(inputs: Path) -> None:
    built = build(inputs)
    tagged = "cpython-313.pyc"
    assert sorted(content(built)) == sorted(
        [
            "main.py",
            "helper.py",
            f"__pycache__/main.{tagged}",
            f"__pycache__/helper.{tagged}",
            "tiny/__init__.py",
            "tiny/otel.py",
            f"tiny/__pycache__/__init__.{tagged}",
            f"tiny/__pycache__/otel.{tagged}",
            "tiny/native.so",
            "botocore/data/sts/service-2.json",
            "botocore/data/endpoints.json",
            "bin/opentelemetry-instrument",
            "tiny-1.0.dist-info/METADATA",
            "tiny-1.0.dist-info/RECORD",
            "tiny-1.0.dist-info/WHEEL",
            "tiny-1.0.dist-info/entry_points.txt",
        ]
    )
    assert built.size == built.path.stat().st_size
    assert built.digest == hashlib.sha256(built.path.read_bytes()).hexdigest()


def test_each_package_says_which_files_are_left_of_it(inputs: Path) -> None:
    found = content(build(inputs))
    recorded = [row.split(",") for row in found["tiny-1.0.dist-info/RECORD"].decode().splitlines()]
    of_agent = {"main.py", "helper.py"}
    assert {name for name, *_ in recorded} == {name for name in found if "__pycache__" not in name} - of_agent
    assert {tuple(rest) for _, *rest in recorded} == {("", "")}  # what uv wrote of digests is no longer true of scripts


def test_the_agent_runs_from_the_unpacked_zip(inputs: Path) -> None:
    with zipfile.ZipFile(build(inputs).path) as archive:
        archive.extractall(inputs / "task")
    done = subprocess.run(
        [sys.executable, "-S", "main.py"], cwd=inputs / "task", capture_output=True, text=True, check=True
    )
    assert done.stdout == "42 helper\n"


def test_bytecode_is_loaded_as_it_is_and_names_no_folder_of_ours(inputs: Path) -> None:
    compiled = {name: data for name, data in content(build(inputs)).items() if name.endswith(".pyc")}
    assert len(compiled) == 4
    for name, data in compiled.items():
        # PEP 552: a hash instead of a date, and nothing to check it against.
        assert data[4:8] == b"\x01\0\0\0", name
        assert not Path(marshal.loads(data[16:]).co_filename).is_absolute()
        assert str(inputs).encode() not in data


def test_scripts_run_wherever_they_are_unpacked(inputs: Path) -> None:
    built = build(inputs)
    script = content(built)["bin/opentelemetry-instrument"].decode()
    assert script.startswith("#!/usr/bin/env python3\n")
    assert str(sys.prefix) not in script
    with zipfile.ZipFile(built.path) as archive:
        modes = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in archive.infolist()}
    assert modes.pop("bin/opentelemetry-instrument") == 0o755
    assert set(modes.values()) == {0o644}


def test_same_inputs_same_bytes(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    first = build(inputs)
    elsewhere = tmp_path_factory.mktemp("another_clone_with_a_much_longer_name")
    shutil.copytree(inputs / "agent", elsewhere / "agent", copy_function=shutil.copy)
    shutil.copy(inputs / "agent.txt", elsewhere)
    for path in (elsewhere / "agent").rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    second = build(elsewhere)
    assert first.path != second.path
    assert first.path.name == second.path.name
    assert first.digest == second.digest


def test_nothing_is_built_again_when_nothing_changed(inputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = build(inputs)
    monkeypatch.setattr(wheels, "install", None)
    assert build(inputs) == first


@pytest.mark.parametrize("changed", ["agent/main.py", "agent/new.py", "agent.txt"])
def test_what_changes_makes_another_zip(inputs: Path, changed: str) -> None:
    first = build(inputs)
    path = inputs / changed
    path.write_text((path.read_text() if path.exists() else "") + "# changed\n")
    assert build(inputs).path != first.path


def test_other_tools_make_another_zip(inputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = agent_bundle.build(inputs / "agent", None, dist=inputs / "dist")
    # Bytecode and compression differ between releases, so a zip of the old ones is not what a fresh clone builds.
    monkeypatch.setattr(platform, "python_version", lambda: "3.13.99")
    assert agent_bundle.build(inputs / "agent", None, dist=inputs / "dist").path != first.path


def test_a_wheel_for_another_machine_is_taken_where_it_is_asked_for(inputs: Path) -> None:
    (inputs / "agent.txt").write_text(wheel(inputs / "index", "x86", "cp313-cp313-manylinux2014_x86_64"))
    assert "x86-1.0.dist-info/METADATA" in content(build(inputs, machine="x86_64-manylinux2014"))


def test_the_sources_alone_need_no_package(inputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "install", None)
    built = agent_bundle.build(inputs / "agent", None, dist=inputs / "dist")
    assert sorted(content(built)) == ["helper.py", "main.py"]


@pytest.fixture
def own(inputs: Path) -> Path:
    """An agent with packages of its own, as `toolgate lock` leaves its folder."""
    agent = inputs / "own"
    agent.mkdir()
    (agent / "main.py").write_text("import tiny\n")
    (agent / "requirements.in").write_text("tiny\n")
    said = hashlib.sha256(b"tiny\n").hexdigest()
    (agent / "requirements.txt").write_text(f"{LOCKED_FROM}{said}\n{wheel(inputs / 'index')}")
    return agent


def test_an_agent_ships_its_own_packages_whole_and_their_lock(inputs: Path, own: Path) -> None:
    built = agent_bundle.build(own, agent_bundle.own_lock(own), dist=inputs / "dist")
    found = content(built)
    assert {"main.py", "requirements.txt", "tiny/__init__.py", "bin/opentelemetry-instrument"} <= found.keys()
    # Nobody has looked at what it imports.
    assert {"botocore/data/ec2/service-2.json", "tiny/tests/test_tiny.py"} <= found.keys()
    assert "requirements.in" not in found


def test_of_an_own_lock_all_that_is_needed_must_be_locked(inputs: Path, own: Path) -> None:
    line = wheel(inputs / "index", "needy", needs="missing")
    (own / "requirements.txt").write_text((own / "requirements.txt").read_text() + line)
    with pytest.raises(UsageError, match="could not be installed"):
        agent_bundle.build(own, agent_bundle.own_lock(own), dist=inputs / "dist")


def test_the_sources_of_an_own_agent_have_its_lock_and_those_of_another_have_none(inputs: Path, own: Path) -> None:
    sources = agent_bundle.build(own, own / "requirements.txt", dist=inputs / "dist", machine=None)
    assert sorted(content(sources)) == ["main.py", "requirements.txt"]
    # With another lock it does not run on its own here, either.
    other = agent_bundle.build(own, inputs / "agent.txt", dist=inputs / "dist", machine=None)
    assert sorted(content(other)) == ["main.py"]


@pytest.mark.parametrize(
    ("broken", "text", "message"),
    [
        ("requirements.txt", None, r"own/requirements\.in: is not locked\. Run `toolgate lock`"),
        ("requirements.txt", "tiny==1.0\n", r"own/requirements\.txt:1: tiny has no hash"),
        ("requirements.in", "tiny\nmore\n", r"is not the lock of requirements\.in as it is now"),
        (
            "requirements.in",
            None,
            r"own/requirements\.txt: is the lock of nothing\. .*`toolgate lock .*own`, or remove it",
        ),
    ],
)
def test_a_lock_that_does_not_hold_is_told(own: Path, broken: str, text: str | None, message: str) -> None:
    (own / broken).unlink() if text is None else (own / broken).write_text(text)
    with pytest.raises(UsageError, match=message):
        agent_bundle.own_lock(own)


def test_a_start_with_telemetry_takes_the_distro(own: Path) -> None:
    assert not agent_bundle.has_telemetry(own)
    lock = own / "requirements.txt"
    lock.write_text(f"{lock.read_text()}aws-opentelemetry-distro-more==1 --hash=sha256:0\n")
    assert not agent_bundle.has_telemetry(own)
    lock.write_text(f"{lock.read_text()}aws-opentelemetry-distro==0.21.0 \\\n    --hash=sha256:0\n")
    assert agent_bundle.has_telemetry(own)


def test_the_shipped_packages_have_what_telemetry_takes(inputs: Path) -> None:
    assert agent_bundle.has_telemetry(inputs / "agent")


def test_the_programs_folder_is_no_agents(inputs: Path) -> None:
    (inputs / "main.py").touch()
    with pytest.raises(UsageError, match="the program itself lies in it"):
        agent_bundle.build(inputs, None)


def test_zips_of_one_agent_make_no_room_for_those_of_another(inputs: Path, own: Path) -> None:
    kept = agent_bundle.build(own, None, dist=inputs / "dist").path
    for number in range(code_zip.KEPT + 1):
        (inputs / "agent" / "helper.py").write_text(f"X = {number}\n")
        agent_bundle.build(inputs / "agent", None, dist=inputs / "dist")
    assert kept.exists()


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda it: (it / "agent" / "main.py").unlink(), "main.py: is missing"),
        (lambda it: (it / "agent" / "helper.py").write_text("def f(:"), "helper.py:1: is not valid Python"),
        (lambda it: (it / "agent.txt").unlink(), "agent.txt: is missing. `make lock`"),
        (lambda it: (it / "agent.txt").write_text("tiny==1.0 --hash=sha256:" + "0" * 64), "could not be installed"),
        (lambda it: (it / "agent.txt").write_text("tiny==1.0"), "could not be installed"),
        (lambda it: (it / "agent.txt").write_text(sdist(it / "index")), "could not be installed"),
        (
            lambda it: (it / "agent.txt").write_text(wheel(it / "index", "x86", "cp313-cp313-manylinux2014_x86_64")),
            "could",
        ),
        (lambda it: (it / "agent" / "tiny.py").touch(), "tiny.py: a package it is shipped with has that name"),
        (
            lambda it: (it / "agent" / "tiny").mkdir() or (it / "agent" / "tiny" / "otel.py").touch(),
            "otel.py: a package",
        ),
    ],
)
def test_nothing_half_made_is_left(inputs: Path, break_it: Any, message: str) -> None:
    break_it(inputs)
    with pytest.raises(UsageError, match=message):
        build(inputs)
    assert list((inputs / "dist").glob("*")) == []


@pytest.mark.parametrize(("limit", "form"), [("unpacked", "unpacked"), ("zipped", "zipped")])
def test_over_agentcores_limit_the_largest_packages_are_named(
    inputs: Path, monkeypatch: pytest.MonkeyPatch, limit: str, form: str
) -> None:
    (inputs / "agent" / "large.txt").write_text(random.Random(1).randbytes(300_000).hex())
    monkeypatch.setattr(agent_bundle, "LIMITS", replace(agent_bundle.LIMITS, **dict[str, Any]({limit: 200_000})))
    with pytest.raises(UsageError) as refused:
        build(inputs)
    said = str(refused.value)
    assert re.search(rf"too large: 0\.[36] MB {form}; AgentCore takes", said)
    assert "Largest, unpacked: large.txt 0.6 MB, " in said
    assert "requirements/agent-overrides.txt" in said
    assert list((inputs / "dist").glob("*")) == []


def test_only_the_newest_zips_are_kept(inputs: Path) -> None:
    built = []
    for number in range(code_zip.KEPT + 2):
        (inputs / "agent" / "helper.py").write_text(f"X = {number}\n")
        built.append(agent_bundle.build(inputs / "agent", None, dist=inputs / "dist").path)
        os.utime(built[-1], ns=(number, number))
    (inputs / "dist" / "notes.txt").touch()
    (inputs / "agent" / "helper.py").write_text("X = -1\n")
    newest = agent_bundle.build(inputs / "agent", None, dist=inputs / "dist").path
    assert set((inputs / "dist").iterdir()) == {*built[-code_zip.KEPT + 1 :], newest, inputs / "dist" / "notes.txt"}


def test_an_agent_may_leave_bytecode_of_its_own(inputs: Path) -> None:
    program = "import pathlib, tiny\npathlib.Path('made.pyc').write_bytes(pathlib.Path('__pycache__').name.encode())\n"
    (inputs / "agent" / "prepare_bytecode.py").write_text(program)
    assert content(build(inputs))["made.pyc"] == b"__pycache__"
    (inputs / "agent" / "prepare_bytecode.py").write_text("raise SystemExit('no such module')\n")
    with pytest.raises(UsageError, match=r"prepare_bytecode\.py of the agent's folder ends with 1: no such module"):
        build(inputs)
