"""A function's packages and its zip, from hand-made wheels: no network."""

import hashlib
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest

from tests.components.handmade_packages import wheel
from toolgate.components.checks.arguments import UsageError
from toolgate.components.runtime import code_zip, function_package, wheels


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A target's folder, in the current folder, whose lock names a package that lies beside it."""
    (tmp_path / "index").mkdir()
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    folder = Path("shop")
    folder.mkdir()
    (folder / "requirements.txt").write_text(wheel(tmp_path / "index"))
    return folder


def _zip(target: Path, **texts: str) -> dict[str, bytes]:
    files = {name.replace("_py", ".py"): pulumi.StringAsset(text) for name, text in texts.items()}
    archive = function_package.code("shop", files, function_package.packages(target))
    assert isinstance(archive, pulumi.FileArchive)
    with zipfile.ZipFile(archive.path) as content:
        return {"": Path(archive.path).read_bytes(), **{name: content.read(name) for name in content.namelist()}}


def test_without_packages_pulumi_makes_the_zip(tmp_path: Path) -> None:
    assert function_package.packages(tmp_path) is None
    assert isinstance(function_package.code("shop", {}, None), pulumi.AssetArchive)


def test_its_wheels_are_for_lambda_and_lie_beside_the_tools(target: Path) -> None:
    content = _zip(target, tools_py="import tiny\n")
    assert content["tools.py"] == b"import tiny\n"
    # Whatever a tool may import or call is there: all services of AWS, folders named for tests, and no script.
    present = {"tiny/native.so", "tiny/tests/test_tiny.py", "botocore/data/ec2/service-2.json"}
    assert present <= content.keys()
    assert not [name for name in content if name.startswith("bin/") or name.endswith((".pyi", "INSTALLER"))]
    assert [name for name in content if name.startswith("tiny/__pycache__/__init__")]


def test_the_same_files_give_the_same_bytes(target: Path) -> None:
    first = _zip(target, tools_py="1\n")[""]
    shutil.rmtree("dist")
    assert _zip(target, tools_py="1\n")[""] == first
    assert _zip(target, tools_py="2\n")[""] != first


def test_what_has_been_built_is_not_built_again(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = _zip(target, tools_py="1\n")[""]
    monkeypatch.setattr(wheels, "install", None)
    monkeypatch.setattr(code_zip, "_zip", None)
    assert _zip(target, tools_py="1\n")[""] == first


def test_another_process_may_be_quicker(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needed = function_package.packages(target)
    assert needed is not None
    kept = needed.tree.rename("kept")

    def meanwhile(*_: object) -> None:
        shutil.copytree(kept, needed.tree)

    monkeypatch.setattr(wheels, "compile_bytecode", meanwhile)
    assert function_package.packages(target) == needed
    assert list(Path("dist").iterdir()) == [needed.tree]


def test_what_was_downloaded_once_needs_no_network(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    function_package.packages(target)
    shutil.rmtree("dist")
    said: list[str] = []
    monkeypatch.setattr(wheels, "say", said.append)
    function_package.packages(target)
    assert [text for text in said if "downloading" in text] == []


def test_the_modules_that_a_tool_may_import(target: Path) -> None:
    needed = function_package.packages(target)
    assert needed is not None
    assert needed.modules == {"tiny", "botocore"}


def test_the_lock_may_be_anybodys_who_hashes(target: Path) -> None:
    line = (target / "requirements.txt").read_text().replace(" --hash", " \\\n    --hash")
    (target / "requirements.txt").write_text(f"# mine\n{line}    # via -r requirements.in\n")
    assert function_package.packages(target) is not None


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (
            lambda it: (it / "requirements.in").write_text("tiny") and (it / "requirements.txt").unlink(),
            "is not locked",
        ),
        (lambda it: (it / "requirements.txt").write_text("tiny==1.0\n"), r"requirements\.txt:1: tiny has no hash"),
        (lambda it: (it / "requirements.txt").write_text("#\n\ntiny[x] ==1.0 \\\n  ; x\n"), r"txt:3: tiny has no hash"),
        (lambda it: (it / "requirements.txt").write_bytes(b"\xff\xfe"), r"requirements\.txt: is not UTF-8 text"),
        (lambda it: _locked_from(it, "tiny\n", "tiny>2\n"), r"is not the lock of requirements\.in as it is now"),
    ],
)
def test_what_is_not_locked_is_refused(target: Path, break_it: Any, message: str) -> None:
    break_it(target)
    with pytest.raises(UsageError, match=message) as refused:
        function_package.packages(target)
    assert "toolgate lock" in str(refused.value)


def _locked_from(target: Path, then: str, now: str) -> None:
    lock = target / "requirements.txt"
    said = f"{function_package.LOCKED_FROM}{hashlib.sha256(then.encode()).hexdigest()}\n"
    lock.write_text(said + lock.read_text())
    (target / "requirements.in").write_text(now)


def test_the_lock_of_the_requirements_as_they_are_is_taken(target: Path) -> None:
    _locked_from(target, "tiny\n", "tiny\n")
    assert function_package.packages(target) is not None


def test_a_wheel_for_another_machine_will_not_do(target: Path) -> None:
    (target / "requirements.txt").write_text(wheel(Path("index"), "x86", "cp313-cp313-manylinux2014_x86_64"))
    with pytest.raises(UsageError, match=r"shop/requirements\.txt could not be installed"):
        function_package.packages(target)
    assert list(Path("dist").iterdir()) == []


def test_what_a_package_needs_must_be_locked(target: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    index = tmp_path / "index"
    needs, needed = wheel(index, "needs", needs="tiny>=1"), wheel(index)
    lock = target / "requirements.txt"
    lock.write_text(needs)
    with pytest.raises(UsageError, match=r"requirements\.txt could not be installed; the lines above say why"):
        function_package.packages(target)
    assert "tiny" in capfd.readouterr().err
    lock.write_text(needs + needed)
    assert function_package.packages(target) is not None


def test_a_file_with_the_name_of_a_package_is_refused(target: Path) -> None:
    with pytest.raises(UsageError, match=r"shop/tiny\.py: a package it is shipped with has that name"):
        _zip(target, tiny_py="")


@pytest.mark.parametrize("limit", ["zipped", "unpacked"])
def test_over_lambdas_limits_the_largest_packages_are_named(
    target: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    limits: Any = {limit: 100}
    monkeypatch.setattr(function_package, "LIMITS", replace(function_package.LIMITS, **limits))
    with pytest.raises(UsageError, match=rf"too large: 0\.0 MB {limit}; Lambda takes .* Largest, unpacked: tiny "):
        _zip(target, tools_py="")


def test_a_library_for_another_machine_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fast.cpython-313.so"
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00"
    path.write_bytes(head + b"\xb7\x00")
    function_package.check_machine(path)
    path.write_bytes(head + b"\x3e\x00")
    with pytest.raises(UsageError, match=r"fast\.cpython-313\.so: is compiled for another machine"):
        function_package.check_machine(path)
    path.write_bytes(b"")
    function_package.check_machine(path)


def test_packages_of_long_ago_are_forgotten(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function_package, "KEPT", 1)
    function_package.packages(target)
    lock = target / "requirements.txt"
    lock.write_text(lock.read_text() + "# another\n")
    function_package.packages(target)
    assert len(list(Path("dist").glob("packages-*"))) == 1
