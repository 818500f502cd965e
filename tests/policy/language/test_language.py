"""The reading of documents is standard library only: whoever imports it loads neither Pulumi nor gRPC."""

import json
import re
import subprocess
import sys

from pulumi_policy import proxy

from tests.policy import driver
from toolgate.policy.language.unknown import SENTINELS

MODULES = sorted(f"policy.language.{path.stem}" for path in (driver.POLICY / "language").glob("*.py"))
# In a new interpreter: this one has loaded everything.
LOADED = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_nothing_but_the_standard_library_is_loaded() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", LOADED, *MODULES], cwd=driver.POLICY.parent, capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(ran.stdout))
    assert len(MODULES) > 4
    assert not {"pulumi", "pulumi_policy", "grpc", "google", "ministack", "botocore"} & loaded
    assert "policy" in loaded


def test_the_unknown_values_are_those_of_the_sdk() -> None:
    assert {value for name, value in vars(proxy).items() if name.startswith("UNKNOWN_")} == SENTINELS


def test_whoever_reads_documents_imports_nothing_else_of_the_pack() -> None:
    """The pack meets Pulumi's SDK; access and the local deployment must not load it for a document."""
    found = {
        (path, imported)
        for folder in ("access", "local")
        for path in (driver.POLICY.parent / folder).rglob("*.py")
        for imported in re.findall(r"^\s*(?:from|import) (toolgate\.policy\b[\w.]*)", path.read_text(), re.MULTILINE)
    }
    assert len(found) > 20
    assert [it for it in found if not it[1].startswith("toolgate.policy.language")] == []
