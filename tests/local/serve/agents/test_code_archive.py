import shutil
import zipfile
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.components.handmade_packages import wheel
from toolgate.access.deployment.stack_export import Archive, Asset, DeploymentError
from toolgate.components.runtime import agent_bundle
from toolgate.local.serve.agents.code_archive import write_out, write_sources


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root" / "lambdas" / "math"
    (folder / "deep").mkdir(parents=True)
    (folder / "__pycache__").mkdir()
    (folder / "tools.py").write_text("tools")
    (folder / "deep" / "more.py").write_text("more")
    (folder / "__pycache__" / "tools.pyc").write_text("old")
    with zipfile.ZipFile(tmp_path / "root" / "code.zip", "w") as packed:
        packed.writestr("zipped/handler.py", "zipped")
    return tmp_path / "root"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def _written(out: Path) -> dict[str, str]:
    return {str(file.relative_to(out)): file.read_text() for file in out.rglob("*") if file.is_file()}


def test_a_folder(root: Path, out: Path) -> None:
    write_out(Archive(path="lambdas/math"), out, root)
    assert _written(out) == {"tools.py": "tools", "deep/more.py": "more"}


def test_a_zip_by_an_absolute_path(root: Path, out: Path) -> None:
    write_out(Archive(path=str(root / "code.zip")), out, Path("/nowhere"))
    assert _written(out) == {"zipped/handler.py": "zipped"}


def test_named_assets_and_archives(root: Path, out: Path) -> None:
    assets: dict[str, Asset | Archive] = {
        ".": Archive(path="lambdas/math"),
        "dispatch.py": Asset(path="lambdas/math/tools.py"),
        "tools.json": Asset(text="[]"),
        "sub/deep": Archive(assets={"x.txt": Asset(text="x")}),
    }
    write_out(Archive(assets=assets), out, root)
    assert _written(out) == {
        "tools.py": "tools",
        "deep/more.py": "more",
        "dispatch.py": "tools",
        "tools.json": "[]",
        "sub/deep/x.txt": "x",
    }


@pytest.mark.parametrize(
    ("archive", "says"),
    [
        (Archive(path="missing"), "code missing is not there"),
        (Archive(path="lambdas/math/tools.py"), "neither a folder nor a zip"),
        (Archive(uri="https://example.com/code.zip"), "cannot be run here"),
        (Archive(assets={"x": Asset(uri="https://example.com/x")}), "cannot be run here"),
        (Archive(assets={"../x": Asset(text="t")}), "outside its folder"),
        (Archive(assets={"/etc/x": Asset(text="t")}), "outside its folder"),
    ],
)
def test_what_cannot_be_written_is_an_error(root: Path, out: Path, archive: Archive, says: str) -> None:
    with pytest.raises(DeploymentError, match=says):
        write_out(archive, out, root)
    assert _written(out) == {}


def test_a_zip_cannot_write_outside(root: Path, out: Path) -> None:
    with zipfile.ZipFile(root / "bad.zip", "w") as packed:
        packed.writestr("../../evil.py", "x")
    with pytest.raises(DeploymentError, match="outside its folder"):
        write_out(Archive(path="bad.zip"), out, root)
    assert not (out.parent.parent / "evil.py").exists()


def test_the_packages_in_an_agents_zip_are_left_out(root: Path, out: Path) -> None:
    record = "tiny/__init__.py,sha256=x,1\ntiny-1.dist-info/RECORD,,\nsix.py,,\n../../bin/tiny,,\nbin/other,,\n"
    with zipfile.ZipFile(root / "agent.zip", "w") as packed:
        for name in ("main.py", "own/deep.py", "bin/run.sh", "tiny/__init__.py", "tiny/native.so", "six.py"):
            packed.writestr(name, name)
        packed.writestr("tiny-1.dist-info/RECORD", record)
    write_sources(Archive(path="agent.zip"), out, root)
    assert _written(out) == {name: name for name in ("main.py", "own/deep.py", "bin/run.sh")}


def test_of_a_zip_as_it_is_deployed_only_the_agents_own_files_are_left(
    root: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(root))
    monkeypatch.setenv("UV_CACHE_DIR", str(root / "cache"))
    (root / "agent").mkdir()
    (root / "agent" / "main.py").write_text("import tiny\n")
    (root / "agent.txt").write_text(wheel(root))
    built = agent_bundle.build(root / "agent", root / "agent.txt", dist=root / "dist")
    write_sources(Archive(path=str(built.path.relative_to(root))), out, root)
    bytecode = "__pycache__/main.cpython-313.pyc"
    assert {str(file.relative_to(out)) for file in out.rglob("*") if file.is_file()} == {
        *("main.py", bytecode, "bin/opentelemetry-instrument")
    }


def test_packages_that_do_not_say_which_files_are_theirs_are_refused(root: Path, out: Path) -> None:
    with zipfile.ZipFile(root / "agent.zip", "w") as packed:
        for name in ("main.py", "tiny/native.so", "tiny-1.dist-info/METADATA"):
            packed.writestr(name, name)
    with pytest.raises(DeploymentError, match=r"code agent\.zip: .* no RECORD is in tiny-1\.dist-info\. Build it anew"):
        write_sources(Archive(path="agent.zip"), out, root)


def test_a_package_cannot_name_what_is_not_in_the_zip(root: Path, out: Path) -> None:
    precious = root / "precious"
    precious.write_text("kept")
    record = f"{precious},,\n\n,,\n../{root.name}/precious,,\n./../{root.name}/precious,,\n//precious,,\n"
    with zipfile.ZipFile(root / "agent.zip", "w") as packed:
        packed.writestr("main.py", "main.py")
        packed.writestr("bad-1.dist-info/RECORD", record)
    with patch.object(shutil, "rmtree") as removed:
        write_sources(Archive(path="agent.zip"), out, root)
    assert [call.args[0] for call in removed.call_args_list if call.args[0] == Path("/")] == []
    assert precious.read_text() == "kept"
