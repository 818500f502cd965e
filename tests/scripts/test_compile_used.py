"""Whose bytecode the set-up writes."""

import os
import subprocess
import sys
from pathlib import Path

from scripts.compile_used import ROOT, imported, sources

SOURCE = """
import first, second.part as short
from third import thing
from . import sibling

def later():
    from fourth.part import other
    return aws.bedrock.Gateway, other.bedrock
"""


def test_every_import_counts_wherever_it_stands_and_every_service() -> None:
    assert set(imported(SOURCE)) == {
        *("first", "second.part", "third", "third.thing", "fourth.part", "fourth.part.other", "pulumi_aws.bedrock"),
    }


def test_the_services_that_the_components_make_are_among_them() -> None:
    found = {name for path in sources(ROOT) for name in imported(path.read_text(encoding="utf-8"))}
    assert {"pulumi_aws.bedrock", "pulumi_aws.lambda_", "pulumi_aws.iam", "boto3", "pytest"} <= found


def test_bytecode_is_written_of_what_is_imported_even_where_the_shell_says_none(tmp_path: Path) -> None:
    project, packages = tmp_path / "project", tmp_path / "packages"
    for folder in (project / "components", project / ".venv", packages):
        folder.mkdir(parents=True)
    (project / "components" / "one.py").write_text("import used, components.other, nowhere_at_all\n")
    (project / ".venv" / "two.py").write_text("import unused\n")
    for name in ("used", "unused"):
        (packages / f"{name}.py").write_text("print('words')\n")
    code = "import pathlib, sys; from scripts.compile_used import main; sys.exit(main(pathlib.Path(sys.argv[1])))"
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": f"{ROOT}{os.pathsep}{packages}"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(project)], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [file.name.split(".")[0] for file in (packages / "__pycache__").iterdir()] == ["used"]
