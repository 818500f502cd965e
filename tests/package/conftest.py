"""The package's plugin as a process, and a resource monitor for it that the control plane answers."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto.engine_pb2_grpc import EngineServicer, add_EngineServicer_to_server
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderStub
from pulumi.runtime.proto.resource_pb2_grpc import ResourceMonitorServicer, add_ResourceMonitorServicer_to_server

from tests.planning import SAMPLE
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.store import MemoryStore
from toolgate.local.engine import recorder
from toolgate.local.engine.autonaming import Autonaming
from toolgate.local.engine.wire import from_struct
from toolgate.policy.language.unknown import UNKNOWN_TEXT

ROOT = Path(__file__).parents[2]
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
"""Marks an output value on the wire (pulumi sdk/go/common/resource/sig)."""
SIGNATURE = "4dabf18193072939515e22adb298388d"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program's folder."""
    folder = tmp_path_factory.mktemp("program")
    (folder / "lambdas").symlink_to(SAMPLE / "lambdas")
    (folder / "agent.zip").write_bytes(b"a zip")
    return folder


@pytest.fixture(scope="session")
def plugin(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ResourceProviderStub]:
    """The plugin, started as `pulumi` starts it: from a folder of another name, where it was installed."""
    installed = tmp_path_factory.mktemp("plugins") / "resource-toolgate-v0.1.0"
    shutil.copytree(ROOT / "components", installed, ignore=shutil.ignore_patterns(".venv", "__pycache__"))
    environment = os.environ | {"PULUMI_ERROR_OUTPUT_STRING": "1"}
    with _served(add_EngineServicer_to_server, _Engine()) as engine:
        command = [sys.executable, str(installed), f"127.0.0.1:{engine}"]
        with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE) as process:
            assert process.stdout
            try:
                with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
                    yield ResourceProviderStub(channel)
            finally:
                process.terminate()


@dataclass
class Made:
    """A component as `Construct` answered it.

    Attributes:
        urn: Its URN.
        state: Its outputs.
    """

    urn: str
    state: dict[str, Any]

    def value(self, name: str) -> Any:
        """An output of Java's SDK: its value, or what an engine makes of one that is not known."""
        return self.output(name) if self.state[name] == UNKNOWN_TEXT else self.state[name]

    def output(self, name: str) -> Any:
        """An output as an engine hands it to another component: known or not, it is an output value."""
        known = {} if self.state[name] == UNKNOWN_TEXT else {"value": self.state[name]}
        return {SIGNATURE: OUTPUT, "dependencies": [self.urn], **known}


class Hosted:
    """A deployment whose components the plugin makes.

    Attributes:
        recording: What was registered.
    """

    def __init__(self, plugin: ResourceProviderStub, port: int, recording: recorder.Recording) -> None:
        self.recording = recording
        self._plugin, self._port = plugin, port

    def construct(
        self, kind: str, name: str, inputs: dict[str, Any], sources: dict[str, list[str]] | None = None
    ) -> Made:
        """Make a component.

        Args:
            kind: Its class.
            name: Its name.
            inputs: Its inputs on the wire.
            sources: For an input the URNs that it comes from, where no output value in it says so.
        """
        struct = Struct()
        struct.update(inputs)
        request = pb.ConstructRequest(
            type=f"toolgate:index:{kind}",
            name=name,
            inputs=struct,
            inputDependencies={
                key: pb.ConstructRequest.PropertyDependencies(urns=urns) for key, urns in (sources or {}).items()
            },
            project="toolgate",
            stack="dev",
            monitorEndpoint=f"127.0.0.1:{self._port}",
            dryRun=self.recording.preview,
        )
        answer = self._plugin.Construct(request)
        return Made(answer.urn, from_struct(answer.state))

    def registration(self, kind: str, name: str) -> recorder.Registration:
        """The one resource of a type (the last part of its token) and name."""
        [found] = [
            it
            for it in self.recording.registrations
            if it.request.type.split(":")[-1] == kind and it.request.name == name
        ]
        return found

    def inputs(self, kind: str, name: str) -> dict[str, Any]:
        """The inputs of the one resource of a type and name."""
        return dict(self.registration(kind, name).inputs)


class _Monitor(ResourceMonitorServicer):
    """The recorder's monitor, over gRPC."""

    def __init__(self, recording: recorder.Recording, folder: Path) -> None:
        plane = ControlPlane(CloudEnvironment(region="us-east-1"), MemoryStore(), {})
        self._monitor = recorder._Monitor(recording, plane, folder, Autonaming())

    def __getattribute__(self, name: str) -> Any:
        if not name[0].isupper():
            return super().__getattribute__(name)
        call = getattr(self._monitor, name, None)
        # Hooks: the control plane refuses nothing for being slow.
        return lambda request, _context: call(request) if call else Empty()


class _Engine(EngineServicer):
    def Log(self, _request: Any, _context: Any) -> Empty:  # noqa: N802 the name of the call
        return Empty()


@pytest.fixture
def hosted(plugin: ResourceProviderStub, folder: Path, request: pytest.FixtureRequest) -> Iterator[Hosted]:
    """A deployment; a preview where the test is parametrized so."""
    recording = recorder.Recording("toolgate", "dev", getattr(request, "param", False))
    with _served(add_ResourceMonitorServicer_to_server, _Monitor(recording, folder)) as port:
        yield Hosted(plugin, port, recording)


@contextlib.contextmanager
def _served(add: Callable[[Any, grpc.Server], None], servicer: object) -> Iterator[int]:
    server = grpc.server(ThreadPoolExecutor(16))
    add(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()
