"""What is planned without an engine is what a real engine does."""

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest

from .conftest import an_engine, planned

IGNORED = {"created", "modified", "sourcePosition", "stackTrace", "resourceHooks", "initErrors"}
"""What only an engine knows: times, positions in the source, its hooks."""


type Resources = list[dict[str, Any]]


@dataclass
class Both:
    """The resources of one program: planned, and deployed by the engine, which also kept a log of its calls."""

    planned: Resources
    deployed: Resources
    registered: Resources


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    """The project's program, both ways."""
    folder = tmp_path_factory.mktemp("parity")
    log = folder / "calls.json"
    with an_engine(folder, PULUMI_DEBUG_GRPC=str(log)) as engine:
        engine.up()
        deployed = engine.resources()
    calls = [json.loads(line) for line in log.read_text().splitlines()]
    registered = [
        call["request"] for call in calls if call["method"].endswith("/RegisterResource") and "response" in call
    ]
    return Both(planned(), deployed, registered)


def comparable(resources: list[dict[str, Any]]) -> dict[str, Any]:
    """Resources by URN, with the names that are drawn by lot replaced by where they come from."""
    text = json.dumps(resources)
    for resource in resources:
        for name in (resource.get("inputs", {}).get(key) for key in ("name", "bucket")):
            logical = resource["urn"].rpartition("::")[2]
            if isinstance(name, str) and name.startswith(f"{logical}-") and len(name) == len(logical) + 8:
                text = text.replace(name, f"<{resource['type']} {logical}>")
    text = re.sub(r"AROA[A-Z0-9]{17}", "<role's unique id>", text)
    text = re.sub(r'"versionId": "[A-Za-z0-9]{32}"', '"versionId": "<version of an object>"', text)
    return {item["urn"]: item for item in json.loads(text)}


def test_the_same_resources_in_the_same_tree(both: Both) -> None:
    def tree(resources: Resources) -> dict[str, Any]:
        return {item["urn"]: (item["type"], item["custom"], item.get("parent")) for item in resources}

    assert tree(both.planned) == tree(both.deployed)


def test_the_same_inputs_outputs_and_dependencies(both: Both) -> None:
    theirs = comparable(both.deployed)
    for urn, item in comparable(both.planned).items():
        if item["type"].startswith("pulumi:providers:"):
            continue
        other = theirs[urn]
        assert item["inputs"] == other.get("inputs", {}), urn
        assert item["outputs"] == other.get("outputs", {}), urn
        assert item["dependencies"] == sorted(other.get("dependencies") or []), urn
        dependencies = {key: sorted(urns or []) for key, urns in (other.get("propertyDependencies") or {}).items()}
        assert item["propertyDependencies"] == dependencies, urn


def test_nothing_else_is_in_the_engines_export(both: Both) -> None:
    ours = {key for item in both.planned for key in item}
    theirs = {key for item in both.deployed for key in item}
    assert theirs - ours <= IGNORED


def test_the_engine_was_asked_for_the_same(both: Both) -> None:
    """The program's requests, before anything was checked or made: what a rule sees in either case."""
    asked = {(item["type"], item["name"]): item for item in both.registered}
    ours = {(item["type"], item["urn"].rpartition("::")[2]): item for item in both.planned}
    assert asked.keys() == {key for key in ours if not key[0].startswith("pulumi:providers:")}
    for key, request in asked.items():
        assert sorted(request.get("dependencies", [])) == ours[key]["dependencies"], key
        assert request.get("parent") == ours[key].get("parent"), key
        assert set(request.get("object", {})) <= set(ours[key]["inputs"]), key
