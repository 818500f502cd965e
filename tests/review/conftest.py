"""Deployments and verdicts, small enough to say by hand what a review of them is."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from toolgate.access.output.access_difference import Difference
from toolgate.review.changes import Changes
from toolgate.review.permissions import Permissions
from toolgate.review.stack_review import Verdict

type Resource = dict[str, Any]


@pytest.fixture
def resource() -> Callable[..., Resource]:
    """Makes a resource of a deployment file."""

    def make(kind: str, name: str, inputs: Mapping[str, Any] | None = None, **options: Any) -> Resource:
        urn = f"urn:pulumi:dev::p::{kind}::{name}"
        return {"urn": urn, "type": kind, "custom": True, "inputs": dict(inputs or {}), "outputs": {}} | options

    return make


@pytest.fixture
def deployment() -> Callable[..., dict[str, Any]]:
    """Makes a deployment file's content."""
    return lambda *resources: {"version": 3, "deployment": {"manifest": {}, "resources": list(resources)}}


@pytest.fixture
def policy(resource: Callable[..., Resource]) -> Callable[..., Resource]:
    """Makes an inline role policy."""

    def make(name: str, *statements: Mapping[str, Any]) -> Resource:
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        return resource("aws:iam/rolePolicy:RolePolicy", name, {"policy": json.dumps(document)})

    return make


@pytest.fixture
def verdict() -> Callable[..., Verdict]:
    """Makes a verdict in which nothing changes, but for what the test says."""

    def make(**parts: Any) -> Verdict:
        nothing: dict[str, Any] = {
            "changes": Changes((), (), ()),
            "permissions": Permissions(),
            "model_texts": (),
            "access": Difference((), ()),
            "locks": (),
            "stricter": (),
            "several_gateways": False,
            "violations": (),
            "known": frozenset(),
            "base_failure": None,
        }
        return Verdict(**nothing | parts)

    return make
