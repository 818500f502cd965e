"""A deployment written by hand, not with our components."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_EXPORT = json.loads((Path(__file__).parent / "deployment.json").read_text())


@pytest.fixture
def handmade() -> dict[str, Any]:
    """The export; each test may change its own copy."""
    return copy.deepcopy(_EXPORT)


@pytest.fixture
def resource(handmade: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """Finds a resource of the export by its name and its type's last word."""

    def find(kind: str, name: str) -> dict[str, Any]:
        found = [
            r
            for r in handmade["deployment"]["resources"]
            if r["type"].endswith(f":{kind}") and r["urn"].endswith(f"::{name}")
        ]
        assert len(found) == 1
        entry: dict[str, Any] = found[0]
        return entry

    return find


@pytest.fixture
def add(handmade: dict[str, Any]) -> Callable[..., None]:
    """Adds a resource to the export."""

    def put(type_: str, name: str, inputs: dict[str, Any], outputs: dict[str, Any] | None = None) -> None:
        entry = {
            "urn": f"urn:pulumi:dev::handmade::{type_}::{name}",
            "custom": True,
            "type": type_,
            "inputs": inputs,
            "outputs": {**inputs, **(outputs or {})},
        }
        handmade["deployment"]["resources"].append(entry)

    return put
