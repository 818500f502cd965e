"""Adapter 2: a Pulumi provider named `aws`, answered by the control plane, for a real engine.

Written against the wire protocol (`pulumi/provider.proto`) because the SDK's experimental provider API loses the old
inputs and the digests of files on the way. `toolgate.local.engine.plugin` is the process that serves it.
"""
# ruff: noqa: N802 the methods are the protocol's calls

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer, add_ResourceProviderServicer_to_server

from toolgate.access.deployment.stack_export import DEFAULTS
from toolgate.local.cloud.catalogue import resource_type
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import NOT_REPRODUCED, NotReproducedError, RefusalError
from toolgate.local.cloud.store import Store
from toolgate.local.engine import wire
from toolgate.local.engine.autonaming import Autonaming
from toolgate.local.engine.provider_config import refused
from toolgate.local.engine.provider_diff import REPLACING, planned_changes, read_inputs

LARGEST_MESSAGE = 400 * 1024 * 1024  # bytes; pulumi sdk/go/common/util/rpcutil


@dataclass
class Provider(ResourceProviderServicer):
    """The servicer.

    Attributes:
        store: Keeps the account.
        refusals: See `ControlPlane.refusals`.
    """

    store: Store
    refusals: Mapping[str, list[str]] = field(default_factory=dict)
    _place: CloudEnvironment = field(default_factory=CloudEnvironment)

    @property
    def _plane(self) -> ControlPlane:
        return ControlPlane(self._place, self.store, self.refusals)

    def Handshake(self, request: Any, context: Any) -> Any:
        """What the provider can read: secrets and proposed names, but neither resources nor outputs as such."""
        return pb.ProviderHandshakeResponse(accept_secrets=True, supports_autonaming_configuration=True)

    def CheckConfig(self, request: Any, context: Any) -> Any:
        """A provider needs a Region, and nothing that cannot be followed here."""
        given = wire.from_struct(request.news)
        reasons = {name: f"aws:{name} {reason}" for name, reason in refused(wire.view(given)).items()}
        if not given.get("region"):
            reasons["region"] = "no Region: set aws:region for the stack"
        failures = [pb.CheckFailure(property=name, reason=reason) for name, reason in reasons.items()]
        return pb.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Nothing in a provider's configuration makes a new account."""
        return pb.DiffResponse(changes=_changes(wire.from_struct(request.olds) != wire.from_struct(request.news)))

    def Configure(self, request: Any, context: Any) -> Any:
        """Take the Region."""
        self._place = CloudEnvironment(region=wire.from_struct(request.args)["region"])
        return pb.ConfigureResponse(acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True)

    def Check(self, request: Any, context: Any) -> Any:
        """Name the resource when the program did not, and say what AWS would have against it."""
        kind, name = _type_and_name(request.urn)
        try:
            old = wire.from_struct(request.olds)
            inputs = wire.from_struct(request.news)
            auto_name = resource_type(kind).auto_name
            # The engine proposes a name where the stack has `pulumi:autonaming`.
            proposed = request.autonaming.proposed_name
            named = proposed or Autonaming().name(name, request.randomSeed.hex() or request.urn)
            if auto_name and _named_before(old, auto_name):
                named = old[auto_name]
            inputs = wire.sealed(self._plane.fill(kind, named, inputs), resource_type(kind).secrets)
            failures = self._plane.check(kind, wire.view(inputs))
        except NotReproducedError as error:
            return pb.CheckResponse(failures=[pb.CheckFailure(property="", reason=NOT_REPRODUCED.format(error))])
        return pb.CheckResponse(
            inputs=wire.to_struct(inputs),
            failures=[pb.CheckFailure(property=failure.property, reason=failure.reason) for failure in failures],
        )

    def Diff(self, request: Any, context: Any) -> Any:
        """What changes, leaf by leaf.

        Like the AWS provider's AgentCore resources, it never asks to delete before a replacement: a program that gives
        a fixed name must say so itself.
        """
        kind, _ = _type_and_name(request.urn)
        known = resource_type(kind)
        found = planned_changes(known, wire.from_struct(request.olds), wire.from_struct(request.news))
        return pb.DiffResponse(
            changes=_changes(bool(found)),
            replaces=sorted({_property(path) for path, it in found.items() if it.kind in REPLACING}),
            diffs=sorted({_property(path) for path in found}),
            detailedDiff=found,
            hasDetailedDiff=True,
        )

    def Create(self, request: Any, context: Any) -> Any:
        """Make a resource, or say what is known of it before."""
        kind, _ = _type_and_name(request.urn)
        inputs = wire.from_struct(request.properties)
        if request.preview:
            return pb.CreateResponse(properties=self._previewed(kind, inputs, None))
        try:
            made = self._plane.create(kind, wire.view(inputs))
        except RefusalError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        return pb.CreateResponse(id=made.id, properties=_state(kind, inputs, made.outputs))

    def Update(self, request: Any, context: Any) -> Any:
        """Give a resource new inputs, or say what is known of it before."""
        kind, _ = _type_and_name(request.urn)
        inputs = wire.from_struct(request.news)
        if request.preview:
            return pb.UpdateResponse(properties=self._previewed(kind, inputs, wire.from_struct(request.olds)))
        try:
            made = self._plane.update(kind, request.id, wire.view(inputs))
        except RefusalError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        return pb.UpdateResponse(properties=_state(kind, inputs, made.outputs))

    def Read(self, request: Any, context: Any) -> Any:
        """What the account holds now; no id when the resource is gone."""
        kind, _ = _type_and_name(request.urn)
        found = resource_type(kind).imported(request.id)
        record = self._plane.read(kind, found)
        if record is None:
            return pb.ReadResponse()
        known = wire.from_struct(request.inputs)
        inputs = wire.sealed(read_inputs(resource_type(kind), record.inputs, known), resource_type(kind).secrets)
        outputs = _state(kind, known, record.outputs)
        return pb.ReadResponse(id=found, inputs=wire.to_struct(inputs), properties=outputs)

    def Delete(self, request: Any, context: Any) -> Any:
        """Delete a resource."""
        kind, _ = _type_and_name(request.urn)
        try:
            self._plane.delete(kind, request.id)
        except RefusalError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        return Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        """Answer a look-up."""
        try:
            answer = self._plane.invoke(request.tok, wire.view(wire.from_struct(request.args)))
        except RefusalError as error:
            return pb.InvokeResponse(failures=[pb.CheckFailure(property="", reason=str(error))])
        return pb.InvokeResponse(**{"return": wire.to_struct(answer)})

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """The version of the provider that is stood in for."""
        return plugin_pb2.PluginInfo(version=version("pulumi-aws"))

    def GetSchema(self, request: Any, context: Any) -> Any:
        """A name and a version: the SDK that uses it is generated already."""
        return pb.GetSchemaResponse(schema=f'{{"name": "aws", "version": "{version("pulumi-aws")}"}}')

    def Attach(self, request: Any, context: Any) -> Any:
        """Let an engine use a provider that runs already (`PULUMI_DEBUG_PROVIDERS`)."""
        return Empty()

    def Cancel(self, request: Any, context: Any) -> Any:
        """Every call is short: there is nothing to cancel."""
        return Empty()

    def _previewed(self, kind: str, inputs: wire.Wire, old: wire.Wire | None) -> Any:
        return _state(kind, inputs, self._plane.preview(kind, wire.view(inputs), old))


def started(provider: Provider) -> tuple[grpc.Server, int]:
    """A server for the provider, on a free port of this machine: the server and the port."""
    options = [("grpc.max_receive_message_length", LARGEST_MESSAGE), ("grpc.max_send_message_length", LARGEST_MESSAGE)]
    server = grpc.server(ThreadPoolExecutor(max_workers=16), options=options)
    add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def _state(kind: str, known: wire.Wire, values: Mapping[str, Any]) -> Any:
    """A state as the engine gets it: secrets have their marks, as in the inputs and as the provider's schema says."""
    return wire.to_struct(wire.sealed(wire.marked(known, dict(values)), resource_type(kind).secrets))


def _type_and_name(urn: str) -> tuple[str, str]:
    chain, name = urn.split("::", 3)[2:]
    return chain.rpartition("$")[2], name


def _named_before(old: wire.Wire, auto_name: str) -> bool:
    """Whether the provider gave the name that the resource has.

    What `pulumi import` takes over was named by somebody else, as its inputs say: an update that gives no name gives it
    a new one (pulumi/pulumi#9210).
    """
    return bool(old.get(auto_name)) and auto_name in old.get(DEFAULTS, [auto_name])


def _property(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def _changes(some: bool) -> Any:
    return pb.DiffResponse.DIFF_SOME if some else pb.DiffResponse.DIFF_NONE
