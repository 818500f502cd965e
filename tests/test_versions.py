"""The version stands in one place: what repeats it says the same, and the page about it names what there is."""

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path

import yaml  # type: ignore[import-untyped]
from packaging.requirements import Requirement

import toolgate
from scripts import release
from toolgate.components import __version__

ROOT = Path(__file__).resolve().parents[1]


def test_the_version_is_one_that_can_be_compared() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)


def test_the_policy_pack_has_the_version() -> None:
    assert yaml.safe_load((ROOT / "policy/PulumiPolicy.yaml").read_text())["version"] == __version__


def test_the_package_for_other_languages_has_the_version() -> None:
    assert json.loads((ROOT / "components/schema.json").read_text())["version"] == __version__


def test_the_pages_name_the_package_by_the_version() -> None:
    named = [
        version for page in ROOT.glob("docs/*.md") for version in re.findall(r"toolgate@([\w.]+)", page.read_text())
    ]
    assert named
    assert set(named) == {__version__}


def test_the_changelog_says_what_changed_in_the_version() -> None:
    unreleased, newest, *_ = release.sections((ROOT / "CHANGELOG.md").read_text())
    assert unreleased == release.UNRELEASED
    assert newest.split()[0] == __version__


def test_the_page_lists_the_public_names() -> None:
    page = (ROOT / "docs/versions.md").read_text()
    section = page.partition("\n## What is public\n")[2].partition("\nEverything else")[0]
    named, public = set(re.findall(r"`(\w+)`", section)), set(toolgate.__all__)
    assert public <= named
    assert {name for name in named if name[0].isupper()} <= public


def test_the_wheel_has_the_version_and_the_types_and_nothing_that_is_not_used(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.iterdir()
    assert wheel.name == f"toolgate-{__version__}-py3-none-any.whl"
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names} == {"toolgate", f"toolgate-{__version__}.dist-info"}
    assert "toolgate/py.typed" in names
    assert [name for name in names if re.search(r"/(tests|\.venv|__pycache__)/", name)] == []


def floors(lines: Iterable[str]) -> dict[str, str]:
    """Requirements by name, each as its specifiers in order."""
    found = (Requirement(line) for line in lines if line and not line.startswith(("toolgate[", "#")))
    return {it.name: ",".join(sorted(map(str, it.specifier))) for it in found}


def test_what_pip_takes_is_what_the_lock_was_made_from() -> None:
    """The lists of pyproject.toml name what the product needs, requirements/project.in also what proves it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [it for some in project["optional-dependencies"].values() for it in some]
    taken = floors([*project["dependencies"], *extras])
    lines = (ROOT / "requirements" / "project.in").read_text().splitlines()
    locked = floors(line.partition("#")[0].strip() for line in lines)
    both = taken.keys() & locked.keys()
    assert {name: taken[name] for name in both} == {name: locked[name] for name in both}
    assert taken.keys() - locked.keys() == {"opentelemetry-instrumentation-grpc"}
