"""The policy pack's real process, driven over gRPC as the engine drives it when it analyzes a deployment.

Order and contents of the calls follow pulumi `pkg/resource/plugin/analyzer_plugin.go` and
`pkg/resource/deploy/analyze_snapshot.go`.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import analyzer_pb2 as pb
from pulumi.runtime.proto.analyzer_pb2_grpc import AnalyzerStub

from toolgate.access.deployment.stack_export import SECRET, SIGNATURE
from toolgate.local.engine.pack_config import PackConfig, PackConfigError, reconcile
from toolgate.local.engine.wire import rewritten, signature, to_struct

LARGEST_MESSAGE = 400 * 1024 * 1024  # bytes; pulumi sdk/go/common/util/rpcutil
_LEVELS = {pb.ADVISORY: "advisory", pb.MANDATORY: "mandatory", pb.REMEDIATE: "mandatory"}


class PackError(Exception):
    """The policy pack could not be run; the text says why and shows its last words."""


@dataclass(frozen=True)
class Violation:
    """A rule's finding.

    Attributes:
        rule: The rule's name.
        level: `mandatory` or `advisory`.
        urn: The resource it is about.
        message: What is wrong and what to write instead.
    """

    rule: str
    level: str
    urn: str
    message: str


@dataclass(frozen=True)
class Pack:
    """A running policy pack. `running` makes one."""

    process: subprocess.Popen[str]
    words: IO[str]
    project: str
    stack: str
    rules: PackConfig

    def violations(self, deployment: Mapping[str, Any], *, preview: bool = False) -> list[Violation]:
        """What the rules have against a deployment: each resource's inputs, then the stack's outputs.

        Raises:
            PackError: The pack failed, or its configuration does not fit it.
        """
        resources: list[Mapping[str, Any]] = deployment["deployment"]["resources"]
        options = [
            ("grpc.max_receive_message_length", LARGEST_MESSAGE),
            ("grpc.max_send_message_length", LARGEST_MESSAGE),
            ("grpc.enable_http_proxy", 0),  # the shell's proxy has no say on this machine
        ]
        try:
            with grpc.insecure_channel(f"127.0.0.1:{self._port()}", options=options) as channel:
                analyzer = AnalyzerStub(channel)
                self._configure(analyzer, preview)
                return [*self._each(analyzer, resources), *self._whole(analyzer, resources)]
        except grpc.RpcError as error:
            raise PackError(f"the policy pack failed: {error.details()}{self._last_words()}") from error

    def _port(self) -> int:
        assert self.process.stdout is not None  # noqa: S101 it is a pipe
        line = self.process.stdout.readline().strip()
        if not line.isdecimal():
            said = f"; its first line was: {line}" if line else ""
            text = f"the policy pack did not start (it must print its port before anything else{said})"
            raise PackError(f"{text}{self._last_words()}")
        return int(line)

    def _configure(self, analyzer: AnalyzerStub, preview: bool) -> None:
        stack = pb.AnalyzerStackConfigureRequest(
            stack=self.stack, project=self.project, organization="organization", dry_run=preview
        )
        analyzer.ConfigureStack(stack)
        try:
            config = reconcile(analyzer.GetAnalyzerInfo(Empty()), self.rules)
        except PackConfigError as error:
            raise PackError(f"the policy pack's configuration: {error}") from error
        analyzer.Configure(pb.ConfigureAnalyzerRequest(policyConfig=config))

    def _each(self, analyzer: AnalyzerStub, resources: list[Mapping[str, Any]]) -> Iterator[Violation]:
        providers = _providers(resources)
        for resource in resources:
            request = pb.AnalyzeRequest(**_described(resource, "inputs", providers))
            for remediation in analyzer.Remediate(request).remediations:
                text = remediation.diagnostic or "the rule would rewrite this resource, which a plan does not do"
                level = "advisory" if remediation.diagnostic else "mandatory"
                yield Violation(remediation.policyName, level, resource["urn"], text)
            for finding in analyzer.Analyze(request).diagnostics:
                yield _violation(finding, resource["urn"])

    def _whole(self, analyzer: AnalyzerStub, resources: list[Mapping[str, Any]]) -> Iterator[Violation]:
        providers = _providers(resources)
        # One after another: a list of them would be all of the stack once more.
        described = (
            pb.AnalyzerResource(
                **_described(resource, "outputs", providers),
                parent=resource.get("parent", ""),
                dependencies=resource.get("dependencies", []),
                propertyDependencies={
                    name: pb.AnalyzerPropertyDependencies(urns=urns)
                    for name, urns in resource.get("propertyDependencies", {}).items()
                },
            )
            for resource in resources
        )
        root = next((resource["urn"] for resource in resources if resource["type"] == "pulumi:pulumi:Stack"), "")
        for finding in analyzer.AnalyzeStack(pb.AnalyzeStackRequest(resources=described)).diagnostics:
            yield _violation(finding, root)

    def _last_words(self) -> str:
        with suppress(subprocess.TimeoutExpired):  # a pack that failed at start is about to end
            self.process.wait(timeout=1)
        self.words.seek(0)
        said = self.words.read().strip()
        return f"\n{said}" if said else ""


@contextmanager
def running(
    folder: Path, project: str, stack: str, config: Mapping[str, str], rules: PackConfig | None = None
) -> Iterator[Pack]:
    """Start a pack's process; it is ended with the block, whatever happens in it.

    The process starts while the block goes on: what takes time before `Pack.violations` costs nothing more.

    Args:
        folder: The pack's folder, with its `PulumiPolicy.yaml` and `__main__.py`.
        project: The project's name, as the pack may ask for it.
        stack: The stack's name.
        config: The stack's configuration.
        rules: The rules' configuration.

    Raises:
        PackError: There is no pack in the folder.
    """
    if not (folder / "__main__.py").is_file():
        raise PackError(f"no policy pack in {folder.name}/: it has no __main__.py")
    known = {
        "PULUMI_PROJECT": project,
        "PULUMI_STACK": stack,
        "PULUMI_ORGANIZATION": "organization",
        "PULUMI_CONFIG": json.dumps(dict(config)),
    }
    # The engine's address is asked for by the protocol; a Python pack never calls it.
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(folder)]
    with tempfile.TemporaryFile("w+") as words:
        process = subprocess.Popen(
            command, cwd=folder, env=os.environ | known, stdout=subprocess.PIPE, stderr=words, text=True
        )
        try:
            yield Pack(process, words, project, stack, rules or {})
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None  # noqa: S101 it is a pipe
            process.stdout.close()


def _described(resource: Mapping[str, Any], what: str, providers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "type": resource["type"],
        "urn": resource["urn"],
        "name": resource["urn"].rpartition("::")[2],
        "properties": to_struct(_on_the_wire(resource.get(what, {}))),
        "options": pb.AnalyzerResourceOptions(
            protect=resource.get("protect", False),
            ignoreChanges=resource.get("ignoreChanges", []),
            additionalSecretOutputs=resource.get("additionalSecretOutputs", []),
            parent=resource.get("parent", ""),
        ),
    }
    provider = providers.get(resource.get("provider", ""))
    if provider is not None:
        described["provider"] = pb.AnalyzerProviderResource(
            type=provider["type"],
            urn=provider["urn"],
            name=provider["urn"].rpartition("::")[2],
            properties=to_struct(_on_the_wire(provider["inputs"])),
        )
    return described


def _providers(resources: list[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {
        f"{resource['urn']}::{resource['id']}": resource
        for resource in resources
        if resource["type"].startswith("pulumi:providers:")
    }


def _on_the_wire(value: Any) -> Any:
    return rewritten(value, _marked_on_the_wire)


def _marked_on_the_wire(marked: Any) -> Any:
    if signature(marked) == SECRET:
        return {SIGNATURE: SECRET, "value": _on_the_wire(json.loads(marked["plaintext"]))}
    return {key: _on_the_wire(item) for key, item in marked.items()}


def _violation(finding: pb.AnalyzeDiagnostic, urn: str) -> Violation:
    level = _LEVELS.get(finding.enforcementLevel, "advisory")
    return Violation(finding.policyName, level, finding.urn or urn, finding.message.strip())
