"""The pack's real process, asked over gRPC what the engine asks it."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

POLICY = Path(__file__).parents[2] / "policy"
UNKNOWN = UNKNOWN_STRING_VALUE
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}

ADVISORY, MANDATORY, DISABLED = 0, 1, 2
LEVELS = {ADVISORY: "advisory", MANDATORY: "mandatory"}


@dataclass(frozen=True)
class Registration:
    """A resource as the engine hands it to a pack."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any] = field(default_factory=dict)
    parent: str = ""
    property_dependencies: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def urn(self) -> str:
        return f"urn:pulumi:dev::shop::{self.parent_type}{self.type}::{self.name}"

    @property
    def parent_type(self) -> str:
        return f"{self.parent.split('::')[2]}$" if self.parent else ""


@dataclass(frozen=True)
class Violation:
    rule: str
    level: str
    message: str
    urn: str


def struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    result = struct_pb2.Struct()
    result.update(properties)
    return result


class Pack:
    """One running pack."""

    def __init__(self, stub: analyzer_pb2_grpc.AnalyzerStub) -> None:
        self.stub = stub
        self.stub.ConfigureStack(
            analyzer_pb2.AnalyzerStackConfigureRequest(stack="dev", project="shop", organization="organization")
        )
        self.info = stub.GetAnalyzerInfo(empty_pb2.Empty())

    def configure(self, config: Mapping[str, Mapping[str, Any]]) -> None:
        """Sends a configuration as the engine does: every rule, with its own level where none is given."""
        request = analyzer_pb2.ConfigureAnalyzerRequest()
        for rule in self.info.policies:
            given = dict(config.get(rule.name, {}))
            entry = request.policyConfig[rule.name]
            entry.enforcementLevel = given.pop("enforcementLevel", rule.enforcementLevel)
            entry.properties.update(given)
        self.stub.Configure(request)

    def analyze(self, resource: Registration) -> list[Violation]:
        """What the pack says before the resource is created."""
        request = analyzer_pb2.AnalyzeRequest(
            urn=resource.urn,
            type=resource.type,
            name=resource.name,
            properties=struct(resource.inputs),
            options=analyzer_pb2.AnalyzerResourceOptions(parent=resource.parent),
        )
        return self.judge(request)

    def analyze_each(self, resources: Iterable[Registration]) -> list[Violation]:
        """What the pack says of the resources, before one after another is created."""
        return [found for resource in resources for found in self.analyze(resource)]

    def judge(self, request: analyzer_pb2.AnalyzeRequest) -> list[Violation]:
        response = self.stub.Analyze(request)
        return [_violation(diagnostic, request.urn) for diagnostic in response.diagnostics]

    def not_applicable(self, resource: Registration) -> dict[str, str]:
        request = analyzer_pb2.AnalyzeRequest(
            urn=resource.urn, type=resource.type, name=resource.name, properties=struct(resource.inputs)
        )
        return {entry.policy_name: entry.reason for entry in self.stub.Analyze(request).not_applicable}

    def analyze_stack(self, resources: Iterable[Registration]) -> list[Violation]:
        """What the pack says of the whole stack."""
        request = analyzer_pb2.AnalyzeStackRequest(
            resources=[
                analyzer_pb2.AnalyzerResource(
                    urn=resource.urn,
                    type=resource.type,
                    name=resource.name,
                    # Of a component the engine then has its outputs, and no longer what it was given.
                    properties=struct({**({} if _is_component(resource) else resource.inputs), **resource.outputs}),
                    parent=resource.parent,
                    propertyDependencies={
                        key: analyzer_pb2.AnalyzerPropertyDependencies(urns=list(urns))
                        for key, urns in resource.property_dependencies.items()
                    },
                )
                for resource in resources
            ]
        )
        return [_violation(diagnostic, diagnostic.urn) for diagnostic in self.stub.AnalyzeStack(request).diagnostics]

    def run(self, resources: Sequence[Registration]) -> list[Violation]:
        """A whole preview or update: each resource, then the stack."""
        return self.analyze_each(resources) + self.analyze_stack(resources)


def _is_component(resource: Registration) -> bool:
    return resource.type.startswith("toolgate:")


def _violation(diagnostic: analyzer_pb2.AnalyzeDiagnostic, urn: str) -> Violation:
    return Violation(diagnostic.policyName, LEVELS[diagnostic.enforcementLevel], diagnostic.message, urn)


def rules(violations: Iterable[Violation]) -> list[str]:
    return [violation.rule for violation in violations]


def registrations(resources: list[dict[str, Any]]) -> list[Registration]:
    """The resources of a deployment's file as the engine registers them."""
    return [
        Registration(
            resource["type"],
            resource["urn"].rpartition("::")[2],
            resource.get("inputs", {}),
            resource.get("outputs", {}),
            "" if "pulumi:pulumi:Stack" in resource.get("parent", "Stack") else resource.get("parent", ""),
            resource.get("propertyDependencies", {}),
        )
        for resource in resources
        if not resource["type"].startswith("pulumi:")
    ]


@contextmanager
def running(folder: Path = POLICY, stack: str = "dev", *, dry_run: bool | None = True) -> Iterator[Pack]:
    """The pack of a folder as a process, started as the engine does for a preview or an update, or by somebody else."""
    environment = os.environ | {
        "PULUMI_PROJECT": "shop",
        "PULUMI_STACK": stack,
        **({} if dry_run is None else {"PULUMI_DRY_RUN": str(dry_run).lower()}),
        "PULUMI_CONFIG": "{}",
    }
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=folder, env=environment, text=True)
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port.isdigit(), f"the pack's first line is {port!r}, not a port"
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Pack(analyzer_pb2_grpc.AnalyzerStub(channel))
    finally:
        process.kill()
        process.wait()
