"""Imports that a function on Lambda will not find."""

from pathlib import Path

import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.runtime import function_package
from toolgate.components.runtime.function_package import Packages
from toolgate.components.tools import imports
from toolgate.components.tools.tool_schema import read_targets, read_tools

TOOL = "def f() -> int:\n    'Do it.'\n"


def found(folder: Path, source: str, packages: tuple[str, ...] = ()) -> list[str]:
    (folder / "tools.py").write_text(source)
    return [str(error).removeprefix(f"{folder}/").partition(", ")[0] for error in imports.missing(folder, packages)]


@pytest.mark.parametrize(
    "source",
    [
        "import os, json.decoder\nfrom collections.abc import Mapping",
        "from __future__ import annotations",
        "import boto3, botocore.config\nfrom dateutil import parser\nimport urllib3, six, jmespath, s3transfer",
        "from dispatch import ToolError",
        "import native",
        "if __name__ == '__main__':\n    import pytest",
        "import helper, shop.prices\nfrom shop import prices",
        "import httpx\nfrom httpx._client import Client",
        "try:\n    import orjson\nexcept ImportError:\n    import json",
        "try:\n    import orjson\nexcept (ValueError, ModuleNotFoundError):\n    orjson = None",
        "try:\n    import orjson\nexcept:\n    pass",
        "import contextlib\nwith contextlib.suppress(ImportError):\n    import orjson",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import mypy_boto3_s3\nelse:\n    import json",
        "import typing as t\nif t.TYPE_CHECKING:\n    import mypy_boto3_s3",
    ],
)
def test_what_lambda_has_is_no_mistake(tmp_path: Path, source: str) -> None:
    (tmp_path / "helper.py").write_text("")
    (tmp_path / "native.cpython-313-aarch64-linux-gnu.so").write_text("")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "prices.py").write_text("from . import taxes\nfrom .. import helper\n")
    assert found(tmp_path, source, ("httpx",)) == []


@pytest.mark.parametrize(
    ("source", "mistakes"),
    [
        ("import httpx", ["tools.py:1: imports 'httpx'"]),
        ("\nfrom httpx.client import x", ["tools.py:2: imports 'httpx'"]),
        ("import os, pandas.core, yaml", ["tools.py:1: imports 'pandas'", "tools.py:1: imports 'yaml'"]),
        ("def f():\n    if 1:\n        import httpx", ["tools.py:3: imports 'httpx'"]),
        (
            "class A:\n    async def f(self):\n        for x in y:\n            import httpx",
            ["tools.py:4: imports 'httpx'"],
        ),
        ("match 1:\n    case 1:\n        import httpx", ["tools.py:3: imports 'httpx'"]),
        ("try:\n    import httpx\nexcept ValueError:\n    pass", ["tools.py:2: imports 'httpx'"]),
        ("try:\n    import json\nexcept ImportError:\n    import httpx", ["tools.py:4: imports 'httpx'"]),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    import httpx", ["tools.py:4: imports 'httpx'"]),
        ("with open('x') as f:\n    import httpx", ["tools.py:2: imports 'httpx'"]),
        ("import tkinter", ["tools.py:1: imports 'tkinter'"]),
        ("import pulumi", ["tools.py:1: imports 'pulumi'"]),
        (
            "from . import helper",
            ["tools.py:1: a relative import fails here: the folder is no package. Write `import NAME`."],
        ),
    ],
)
def test_what_lambda_will_not_have_has_file_and_line(tmp_path: Path, source: str, mistakes: list[str]) -> None:
    assert found(tmp_path, source) == mistakes


def test_every_file_that_is_shipped_counts_and_no_other(tmp_path: Path) -> None:
    for name in ("helper.py", "shop/prices.py", "tests/test_tools.py", ".hidden/a.py", "shop/__pycache__/a.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("import pytest\n")
    assert found(tmp_path, "") == ["helper.py:1: imports 'pytest'", "shop/prices.py:1: imports 'pytest'"]


@pytest.mark.parametrize(
    "name",
    [
        "uuid.py",  # the dispatcher's own
        "json.py",  # imported by the runtime before
        "_json.py",  # jkehler/awslambda-psycopg2#52
        "email/__init__.py",
        "boto3.py",
        "dispatch/__init__.py",
        "tools/__init__.py",
    ],
)
def test_a_file_that_hides_a_module_is_a_mistake(tmp_path: Path, name: str) -> None:
    """fugue/emulambda#23: what is imported is not what the author means."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("")
    (tmp_path / "tools.py").write_text(TOOL)
    [error] = imports.missing(tmp_path, ())
    module = name.partition("/")[0].removesuffix(".py")
    assert str(error) == (
        f"{tmp_path / name}: has the name of '{module}', which is there already: some imports find the one, some the "
        "other. Rename it."
    )


@pytest.mark.parametrize("name", ["prices.py", "shop/json.py", "email/letter.txt", "tools/data.json", "test/run.py"])
def test_a_file_that_hides_nothing_is_no_mistake(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("")
    assert found(tmp_path, TOOL) == []


def test_what_an_installer_put_there_is_a_packages_affair(tmp_path: Path) -> None:
    for name in ("requests/api.py", "own/api.py", "boto3/__init__.py"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("import chardet\n")
    (tmp_path / "requests-2.0.dist-info").mkdir()
    (tmp_path / "requests-2.0.dist-info" / "RECORD").write_text("requests/api.py,sha256=x,1\nboto3/__init__.py,,\n")
    assert found(tmp_path, "import requests") == ["own/api.py:1: imports 'chardet'"]


def test_the_mistake_says_what_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "web"
    target.mkdir()
    (target / "tools.py").write_text(f"import httpx\n{TOOL}")
    with pytest.raises(UsageError) as raised:
        read_tools(target / "tools.py")
    assert str(raised.value) == (
        f"{target}/tools.py:1: imports 'httpx', which Lambda will not have. Add its package to "
        f"{target}/requirements.in, then run `toolgate lock`; or remove the import."
    )
    assert read_tools(target / "tools.py", ["httpx"])
    with pytest.raises(UsageError, match="httpx"):
        read_targets(tmp_path)
    locked = Packages(target / "requirements.txt", tmp_path, frozenset({"httpx"}))
    monkeypatch.setattr(function_package, "packages", {target: locked}.get)
    assert read_targets(tmp_path)
