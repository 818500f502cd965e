"""A provider named `aws` that accepts everything: it names resources and computes their ARNs. For a real engine."""
# ruff: noqa: N802 the methods are the protocol's calls

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import plugin_pb2
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer, add_ResourceProviderServicer_to_server

from tests.policy import cloud
from tests.policy.driver import UNKNOWN, struct


class EchoProvider(ResourceProviderServicer):
    """What the engine asks of a provider in a preview, an update and a destroy."""

    def __init__(self) -> None:
        self.created: list[tuple[str, str]] = []

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return pb.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return pb.DiffResponse(changes=pb.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:
        return pb.ConfigureResponse(acceptSecrets=False, supportsPreview=True)

    def Check(self, request: Any, context: Any) -> Any:
        kind, name = _type_and_name(request.urn)
        return pb.CheckResponse(inputs=struct(cloud.checked(kind, name, json_format.MessageToDict(request.news))))

    def Diff(self, request: Any, context: Any) -> Any:
        same = request.old_inputs == request.news
        return pb.DiffResponse(changes=pb.DiffResponse.DIFF_NONE if same else pb.DiffResponse.DIFF_SOME)

    def Create(self, request: Any, context: Any) -> Any:
        kind, name = _type_and_name(request.urn)
        inputs = json_format.MessageToDict(request.properties)
        known = cloud.outputs(kind, name, inputs)
        if request.preview:
            unknown = {key: UNKNOWN for key in known if key not in ("id", "name")}
            return pb.CreateResponse(properties=struct({**inputs, **unknown}))
        self.created.append((kind.rpartition(":")[2], name))
        return pb.CreateResponse(id=known.pop("id"), properties=struct({**inputs, **known}))

    def Delete(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version="7.51.1")

    def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()


def _type_and_name(urn: str) -> tuple[str, str]:
    *_, types, name = urn.split("::")
    return types.split("$")[-1], name


@contextmanager
def serving() -> Iterator[tuple[EchoProvider, int]]:
    """The provider and its port."""
    provider = EchoProvider()
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield provider, port
    finally:
        server.stop(None).wait()
