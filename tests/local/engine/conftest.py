"""Small programs and policy packs in folders of their own."""

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.store import MemoryStore
from toolgate.local.engine.recorder import Program, Recording, record

ROLE_PROGRAM = """
    import json
    import pulumi
    import pulumi_aws as aws

    TRUST = json.dumps({
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    })
"""
"""How a program that makes roles starts."""

type Run = Callable[..., Recording]


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Writes files into a new folder and returns it."""

    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text))
        return tmp_path

    return write


@pytest.fixture
def run(folder: Callable[[dict[str, str]], Path]) -> Run:
    """Records a program that is given as text."""

    def start(program: str, *, preview: bool = False, config: dict[str, str] | None = None, **more: Any) -> Recording:
        text = textwrap.dedent(ROLE_PROGRAM) + textwrap.dedent(program)
        root = folder({"__main__.py": text, **more.get("files", {})})
        what = Program(root, "project", "dev", config or {}, more.get("secrets", frozenset()))
        return record(what, ControlPlane(CloudEnvironment(), MemoryStore(), {}), preview=preview)

    return start
